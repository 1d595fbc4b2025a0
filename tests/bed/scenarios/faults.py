# SPDX-License-Identifier: BSD-2-Clause
"""Transient ioctl errors change nothing; a link that resets the PHC, and a PHC that runs backwards, are recovered."""

GUEST = """
gmd_and_client
sleep 25
mark read_errors
knob port0/read_fail 5
sleep 5
mark adjust_errors
knob port0/fail_errno 16
knob port0/adjust_fail 2
sleep 5
mark link_down
knob port0/reset 1
knob port0/link 0
sleep 3
knob port0/link 1
sleep 35
mark backwards
knob port0/wander_ppt 0
knob port0/osc_ppt -2000000000000
sleep 2.5
knob port0/osc_ppt 3000000
sleep 35
mark end
gmd_report
"""


def judge(result, check):
    marks = result.marks()
    states = result.states()
    for name, end in (("read_errors", "adjust_errors"), ("adjust_errors", "link_down")):
        there = [status for at, status in states if marks[name] <= at < marks[end]]
        check.true(f"{name}: locked, class 6", all(s["quality"]["clock_class"] == 6 for s in there) and bool(there))
        check(f"{name}: grandmaster's PHC, max ns", result.ports[0].between(marks[name], marks[end]).max, 50)
    for name, end in (("link_down", "backwards"), ("backwards", "end")):
        begin = marks[name]
        seen = result.first_state(lambda status: status["state"] != "LOCKED", begin)
        check(f"{name}: seconds until it was seen", seen and seen - begin, 2)
        period = result.ports[0].between(begin, marks[end])
        right = period.settled(1000)
        check(f"{name}: seconds until right within 1 us for good", right and right - begin, 20)
        again = seen and result.first_state(lambda status: status["state"] == "LOCKED", seen)
        check(f"{name}: seconds until locked", again and again - begin, 30)
