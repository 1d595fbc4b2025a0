# SPDX-License-Identifier: BSD-2-Clause
"""Delay_Req are answered at the ingress, with the hardware's stamp where it can be read; not once the PHC was stepped."""

import statistics

from scenarios import gmd_extts

KERNEL = "bookworm-backports"

GUEST = """
gmd_and_client
sleep 80
gmd_report
mark reference
knob port0/rx_reference 1
sleep 5
gmd_report reference
knob port0/rx_reference 0
mark small_step
in_node 0 phc_ctl -- /dev/ptp0 adj 0.0001
sleep 12
mark large_step
in_node 0 phc_ctl -- /dev/ptp0 adj -37
sleep 12
mark end
gmd_report later
"""

LIMITS_S = {"reference": 0, "small_step": 2, "large_step": 2}
REPORTS = ("end", "reference", "later")


def judge_answers(result, check, answers):
    """Of one client, from the beginning till gmd_report."""
    port = result.port_report()
    protection = port["protection"]
    check.true("the ingress answers", protection["fast_path"] == "ingress", protection)
    check.true("answered there: more than 60 s, 8 a second", protection["fast_answered"] > 480, protection)
    check("by the daemon: some 2 s, until the client is known", protection["classes"]["request"]["passed"], 24)
    check("not answered", port["rx"]["Delay_Req"] - port["tx"]["Delay_Resp"], 0)
    check("receiveTimestamp, max ns", max(abs(answer.error_ns) for answer in answers), 60)
    for what, some in ("first", answers[:5]), ("later", answers[100:]):
        after_ns = statistics.median(answer.after_ns for answer in some)
        check.note(f"Delay_Resp, {what}: {after_ns / 1000:.0f} us after Delay_Req")


def judge(result, check):
    marks = list(result.marks().items())
    answers = result.answered(0)
    begin = marks[0][1]
    gmd_extts.judge(result, check, end_s=begin)
    judge_answers(result, check, [answer for answer in answers if answer.at_s < begin])
    for (name, begin), (_, end) in zip(marks, marks[1:]):
        later = [answer for answer in answers if begin <= answer.at_s < end]
        wrong = [answer.at_s - begin for answer in later if abs(answer.error_ns) > 1000]
        check(f"{name}: seconds until the last Delay_Resp wrong by 1 us", max(wrong, default=0), LIMITS_S[name])
        check.note(f"{name}: {len(wrong)} of {len(later)} were")
    before, reference, after = (result.port_report(name)["protection"]["fast_answered"] for name in REPORTS)
    check("reference: answered at the ingress, which cannot read it", reference - before, 1)
    protection = result.port_report("reference")["protection"]
    check.true("and says so", protection["fast_path"] == "off" and "receive time stamps" in protection["problem"], protection)
    protection = result.port_report("later")["protection"]
    check.true("no longer", protection["fast_path"] == "ingress" and protection["problem"] == "", protection)
    check.true("answered at the ingress again: more than 16 s, 8 a second", after - reference > 128, after - reference)
