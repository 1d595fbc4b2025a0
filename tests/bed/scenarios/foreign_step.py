# SPDX-License-Identifier: BSD-2-Clause
"""Something else steps the PHC by 37 s: seen, the class degraded at once, undone, locked again."""

import math

GUEST = """
gmd_and_client
sleep 40.3
mark step
in_node 0 phc_ctl -- /dev/ptp0 adj -37
sleep 50
gmd_report
"""


def judge(result, check):
    step = result.marks()["step"]
    seen = result.first_state(lambda status: status["state"] != "LOCKED", step)
    again = seen and result.first_state(lambda status: status["state"] == "LOCKED", seen)
    right = result.ports[0].settled(1000)
    degraded = [at.at_ns / 1e9 for at in result.served(0, step).announces if at.clock_class != 6]
    alarm = result.alarm_at("clock-jumped", step)
    check("seconds until gmd saw it", seen and seen - step, 2)
    check("seconds until alarm clock-jumped", alarm and alarm - step, 2)
    served = result.served(0)
    check("Syncs served from then on that were wrong by 100 us", served.wrong(seen or 0, math.inf), 0)
    check.note(f"before it was seen: {served.wrong(step, seen or math.inf)}")
    check("seconds until an Announce (1 a second) said so", degraded[0] - step if degraded else None, 3)
    check("seconds until the clock was right within 1 us", right and right - step, 5)
    check("seconds until locked again", again and again - step, 30)
    check("client's PHC, last 10 s, max ns", result.ports[1].last(10).max, 80)
    check.note(f"client's largest error meanwhile: {result.ports[1].between(step).max / 1e9:.6f} s")
