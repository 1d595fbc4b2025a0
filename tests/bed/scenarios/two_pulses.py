# SPDX-License-Identifier: BSD-2-Clause
"""External time stamps and /dev/pps: the better is used, the other watches and takes over without a jump."""

GUEST = """
knob receiver1/jitter_ns 10
knob receiver1/pps_latency_ns 1000
gmd_and_client 'second_pulse = { type = "pps"; device = "/dev/pps1"; offset_ns = 1200.0; noise_ns = 300.0; };'
sleep 35
gmd_report both
mark dead
knob receiver0/on 0
sleep 30
gmd_report dead
mark back
knob receiver0/on 1
sleep 45
gmd_report back
mark astray
knob receiver0/offset_ns 5000
sleep 30
gmd_report astray
mark end
"""


def in_use(result, name):
    return [pulse["in_use"] for pulse in result.report("gnss", name)["pulses"]].index(True)


def judge(result, check):
    marks = result.marks()
    dead, back, astray, end = (marks[name] for name in ("dead", "back", "astray", "end"))
    pair = result.report("gnss", "both")["pair"]
    check.note(f"/dev/pps against external time stamps: {pair['difference_ns']:+.0f} ns")
    check.true("the better one is used", in_use(result, "both") == 0, pair)
    check("its PHC, last 15 s, max ns", result.ports[0].between(dead - 15, dead).max, 50)

    check.true("dead: the other one is used", in_use(result, "dead") == 1)
    seen = result.alarm_at("pulse-source-missing", dead)
    check("dead: seconds until it was taken over", seen and seen - dead, 2.5)
    check("dead: grandmaster's PHC, first 5 s, max ns", result.ports[0].between(dead, dead + 5).max, 120)
    check("dead: grandmaster's PHC, max ns", result.ports[0].between(dead, back).max, 300)
    left = result.first_state(lambda status: status["state"] != "LOCKED", dead)
    check.true("locked throughout", left is None, left and f"left {left - dead:.1f} s after")

    check.true("back: it is used again", in_use(result, "back") == 0, result.report("gnss", "back")["pair"])
    check("back: grandmaster's PHC, last 5 s, max ns", result.ports[0].between(astray - 5, astray).max, 300)

    seen = result.alarm_at("pulse-sources-disagree", astray)
    check("astray by 5 us: seconds until alarm pulse-sources-disagree", seen and seen - astray, 12)
    check.true("astray: the other one is used", in_use(result, "astray") == 1)
    check("astray: grandmaster's PHC, max ns", result.ports[0].between(astray, end).max, 400)
