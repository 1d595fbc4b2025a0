# SPDX-License-Identifier: BSD-2-Clause
"""gmd keeps CLOCK_REALTIME: one step at the start, then nanoseconds; without pulses too; others' hands are undone."""

MODULE = {"cross": 2}  # PTP_SYS_OFFSET_PRECISE
OFF_NS, FREQ_PPB = 3_000_000_000, 30_000

GUEST = f"""
realtime step {OFF_NS} > /dev/null
realtime freq {FREQ_PPB} > /dev/null
gmd_alone 'host_clock = {{ follow = true; step_later_s = 1.0; }};'
sleep 195
realtime > steady
mark no_pulses
knob receiver0/on 0
sleep 60
knob receiver0/on 1
mark pulses
sleep 15
gmd_report before
mark freq
realtime freq 5000 > /dev/null
sleep 15
mark hour
realtime step 3600000000000 > /dev/null
sleep 15
mark end
gmd_report
"""


def judge(result, check):
    marks = result.marks()
    system, locked = result.system, result.locked_at()
    before = system.between(result.begin_s + 2, locked - 0.3).samples
    (t0, v0), (t1, v1) = before[0], before[-1]
    line = [value - v0 - (at - t0) * (v1 - v0) / (t1 - t0) for at, value in before]
    check("untouched before lock: from a straight line, max ns", max(map(abs, line)), 100)
    check("untouched before lock: off its 30 ppm by, ppb", abs((v1 - v0) / (t1 - t0) - FREQ_PPB), 10)
    right = system.between(locked, marks["freq"]).settled(1000)
    steady = right and system.between(right + 60, marks["no_pulses"])
    check("seconds from lock until within 1 us for good", right and right - locked, 15)
    check.true("120 s from then + 60 s", steady and len(steady.samples) >= 8 * 110, steady and len(steady.samples))
    check("system clock, rms ns", steady and steady.rms, 100)
    check("system clock, max ns", steady and steady.max, 300)
    kernel = dict(line.split() for line in result.text("steady").splitlines())
    check.true("the kernel: synchronised, TAI-UTC 37", (kernel["unsync"], kernel["tai"]) == ("0", "37"), kernel)

    errors = [clock.between(marks["no_pulses"], marks["pulses"]).values for clock in (system, result.ports[0])]
    gap = max(abs(host - phc) for host, phc in zip(*errors))
    check("60 s without pulses: off the PHC by, max ns", gap, 300)
    check.true("steps till then: one", result.report("host", "before")["steps"] == 1, result.report("host", "before"))

    for name, end, limit in (("freq", "hour", 3), ("hour", "end", 2)):
        at = marks[name]
        alarm = result.alarm_at("host-clock-contested", at)
        check(f"{name}: seconds until alarm host-clock-contested", alarm and alarm - at, 2)
        right = system.between(at, marks[end]).settled(1000 if name == "freq" else 100_000)
        check(f"{name}: seconds until undone", right and right - at, limit)
        check(f"{name}: system clock, last 5 s, max ns", system.between(marks[end] - 5, marks[end]).max, 1000)
    host = result.report("host")
    check.true("one foreign step, one frequency", (host["foreign_steps"], host["foreign_frequencies"]) == (1, 1), host)
