# SPDX-License-Identifier: BSD-2-Clause
"""A leap second at the end of 2026: on the wire, in the PHC, and in the system clock of phc2sys -w at a client."""

MIDNIGHT = 1798761600  # 2027-01-01 00:00:00 UTC
UTC = MIDNIGHT - 60
MODULE = {"leap": MIDNIGHT}
LEAP_S = MIDNIGHT + 37  # TAI, when 23:59:60 begins

GUEST = """
leap_file
printf '4007750400\\t38\\t# 1 Jan 2027\\n' >> /run/leap
gmd_and_client
sleep 20
# The kernel forgets a leap second that was armed before a step: step first.
start set in_node 1 phc2sys -s eth1 -c CLOCK_REALTIME -O -37 -S 0.1 -m
sleep 8
stop set
until_fraction 400 # it is not to look just when the leap second begins
start phc2sys in_node 1 phc2sys -s eth1 -c CLOCK_REALTIME -w -S 0.1 -m -n 127 -z /run/client1
sleep 70
gmd_report
"""


def judge(result, check):
    announces = result.served(0).announces
    before = [message for message in announces if message.at_ns < LEAP_S * 1e9]
    after = [message for message in announces if message.at_ns > (LEAP_S + 1.1) * 1e9]
    check.true("Announces before: offset 37, leap61", all(m.utc_offset == 37 and m.flags & 1 for m in before[1:]))
    check.true("Announces after: offset 38, no leap61", all(m.utc_offset == 38 and not m.flags & 1 for m in after))
    check.true("both seen", len(before) > 20 and len(after) > 10, f"{len(before)}, {len(after)}")
    around = LEAP_S - 15
    check("grandmaster's PHC around it, max ns", result.ports[0].between(around).max, 50)
    check("client's PHC around it, max ns", result.ports[1].between(around).max, 80)
    check("system clock before it, max ns", result.system.between(around, LEAP_S - 0.1).max, 200)
    check("system clock from 2 s after it, max ns", result.system.between(LEAP_S + 2).max, 200)
