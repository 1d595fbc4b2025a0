# SPDX-License-Identifier: BSD-2-Clause
"""A leap second that only the receiver told (UBX-NAV-TIMELS), in the system clock too; then a PHC moved by 37 s."""

import frames
from scenarios.leap_second import LEAP_S, MIDNIGHT

UTC = MIDNIGHT - 50
MODULE = {"leap": MIDNIGHT, "cross": 0}  # plain PTP_SYS_OFFSET

GUEST = """
gnss ubx 1
gmd_alone 'host_clock = { follow = true; }; leap = { file = ""; };'
sleep 40
realtime > before
gmd_report before
sleep 30
realtime > after
gmd_report after
mark antenna
gnss antenna 4
gnss jamming 3
sleep 5
mark step
in_node 0 phc_ctl -- /dev/ptp0 adj -37 > /dev/null
sleep 20
gmd_report
"""


def judge(result, check):
    marks, system = result.marks(), result.system
    announces = result.served(0).announces
    before = [message for message in announces if message.at_ns < LEAP_S * 1e9][1:]
    after = [message for message in announces if (LEAP_S + 1.1) * 1e9 < message.at_ns < marks["step"] * 1e9]
    said = [{(m.utc_offset, m.flags & frames.LEAP61) for m in announces} for announces in (before, after)]
    check.true("Announces before: offset 37, leap61", said[0] == {(37, frames.LEAP61)}, said[0])
    check.true("Announces after: offset 38, no leap61", said[1] == {(38, 0)}, said[1])
    # The kernel repeats 23:59:59 from its next timer tick on.
    check("system clock from 15 s before to the leap second, max ns", system.between(LEAP_S - 15, LEAP_S).max, 1000)
    check("system clock in and after the leap second, max ns", system.between(LEAP_S + 0.05, marks["step"]).max, 1000)
    for name, tai in (("before", "37"), ("after", "38")):
        kernel = dict(line.split() for line in result.text(name).splitlines())
        check.true(f"the kernel {name}: synchronised, TAI-UTC {tai}",
                   (kernel["unsync"], kernel["tai"]) == ("0", tai), kernel)
    hosts = [result.report("host", name) for name in ("before", "after", "end")]
    check.true("steps by gmd: none since the start", hosts[0].get("steps") == hosts[2].get("steps") in (0, 1), hosts)
    check.true("foreign steps seen: none", hosts[2].get("foreign_steps") == 0, hosts[2])

    for alarm in ("antenna-fault", "jamming"):
        at = result.alarm_at(alarm, marks["antenna"])
        check(f"seconds until alarm {alarm}", at and at - marks["antenna"], 3)
    jump = result.alarm_at("clock-disturbed", marks["step"])
    check("PHC moved by 37 s: seconds until it was seen", jump and jump - marks["step"], 2)
    check("PHC moved by 37 s: system clock, max ns", system.between(marks["step"]).max, 1000)
