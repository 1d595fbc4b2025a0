# SPDX-License-Identifier: BSD-2-Clause
"""Ioctl errors change nothing; foreign frequency, reset at link down, PHC that runs backwards, PHC gone: recovered."""

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
mark frequency
in_node 0 phc_ctl -- /dev/ptp0 freq -2500
sleep 30
mark link_down
knob port0/reset 7
knob port0/link 0
sleep 3
knob port0/link 1
sleep 30
mark backwards
knob port0/wander_ppt 0
knob port0/osc_ppt -2000000000000
sleep 2.5
knob port0/osc_ppt 3000000
sleep 30
mark vanished
knob port0/gone 1
sleep 8
knob port0/gone 0
sleep 35
mark end
gmd_report
"""

# alarm, seconds until it must be seen, until right within 1 us for good, until locked and class 6
RECOVERED = {
    "frequency": ("clock-steered", 2, 3, 1),
    "link_down": ("clock-disturbed", 2, 6, 30),
    "backwards": ("clock-disturbed", 2, 6, 30),
    "vanished": ("clock-gone", 3, 20, 40),
}


def untouched(result, check, name, begin, end):
    there = [status for at, status in result.states() if begin <= at < end]
    check.true(f"{name}: locked, class 6", bool(there) and all(s["quality"]["clock_class"] == 6 for s in there))
    check(f"{name}: grandmaster's PHC, max ns", result.ports[0].between(begin, end).max, 50)


def recovered(result, check, name, begin, end):
    alarm, seen_limit, right_limit, locked_limit = RECOVERED[name]
    seen = result.alarm_at(alarm, begin)
    check(f"{name}: seconds until alarm {alarm}", seen and seen - begin, seen_limit)
    period = result.ports[0].between(begin, end)
    right = period.settled(1000)
    check(f"{name}: seconds until right within 1 us for good", right and right - begin, right_limit)
    left = [at for at, status in result.states() if begin <= at < end and status["state"] != "LOCKED"]
    check(f"{name}: seconds until locked for good", left[-1] - begin if left else 0, locked_limit)
    check(f"{name}: grandmaster's PHC, last 8 s, max ns", period.last(8).max, 60)
    wrong = result.served(0).wrong(seen, end) if seen else None
    check(f"{name}: Syncs served from then on that were wrong by 100 us", wrong, 0)
    check.note(f"{name}: grandmaster's largest error {period.max:.0f} ns, "
               f"client's {result.ports[1].between(begin, end).max:.0f} ns")


def judge(result, check):
    marks = list(result.marks().items())
    for (name, begin), (_, end) in zip(marks, marks[1:]):
        (recovered if name in RECOVERED else untouched)(result, check, name, begin, end)
    clock = result.report("clock")
    check.true("gmd counted the reads that failed, and the corrections refused",
               clock["retries"] + clock["read_errors"] + clock["adjust_errors"] >= 1, clock)
