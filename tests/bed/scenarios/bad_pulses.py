# SPDX-License-Identifier: BSD-2-Clause
"""Missing, double, wrong and stale pulses, and both edges: none moves the clock beyond its locked noise."""

GUEST = """
gmd_and_client
sleep 25
mark locked
sleep 25
mark missing
knob receiver0/missing_permille 300
sleep 15
knob receiver0/missing_permille 0
sleep 3
mark double
knob receiver0/double_permille 300
sleep 15
knob receiver0/double_permille 0
sleep 3
mark off_300us
for _ in 1 2 3; do
    knob receiver0/off_once_ns 300000
    sleep 4
    knob receiver0/off_once_ns -300000
    sleep 4
done
mark stale
knob port0/stale 20
sleep 5
knob port0/stale 20
sleep 10
mark both_edges_100ms
knob port0/both_edges 1
sleep 15
mark both_edges_500ms
knob receiver0/width_ns 500000000
sleep 15
mark end
gmd_report
"""


def judge(result, check):
    pulses, port = result.receiver(), result.counters(0)
    check.note(f"{pulses['pulses']} pulses, {pulses['missing']} missing, {pulses['twice']} twice; "
               f"{port['extts']} time stamps, {port['extts_stale']} of them stale")
    check.true("each fault happened", min(pulses["missing"], pulses["twice"], port["extts_stale"]) > 0)
    check.true("both edges came", port["extts"] > pulses["pulses"] + 25)
    marks = list(result.marks().items())
    noise = result.ports[0].between(marks[0][1], marks[1][1]).max
    check("locked noise, max ns", noise, 50)
    for (name, begin), (_, end) in zip(marks[1:], marks[2:]):
        check(f"{name}: grandmaster's PHC, max ns", result.ports[0].between(begin, end).max, max(50, 2 * noise))
        left = result.first_state(lambda status: status["state"] != "LOCKED", begin)
        check.true(f"{name}: locked throughout", left is None or left > end, f"left after {(left or 0) - begin:.1f} s")
