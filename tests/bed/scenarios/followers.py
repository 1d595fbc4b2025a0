# SPDX-License-Identifier: BSD-2-Clause
"""phc2sys and chronyd keep the system clock by gmd's PHC, and phc2sys -w by a client of gmd."""

GUEST = """
gmd_and_client
sleep 25
start phc2sys in_node 0 phc2sys -s eth0 -c CLOCK_REALTIME -O -37 -S 0.1 -m
sleep 25
mark phc2sys
stop phc2sys
cat > chrony.conf <<END
refclock PHC /dev/ptp0 poll 0 dpoll -2 offset -37
makestep 0.001 -1
driftfile /run/drift
pidfile /run/chronyd.pid
bindcmdaddress /
cmdport 0
END
start chronyd chronyd -d -u root -f /run/out/chrony.conf
sleep 35
mark chronyd
stop chronyd
start phc2sys_w in_node 1 phc2sys -s eth1 -c CLOCK_REALTIME -w -S 0.1 -m -n 127 -z /run/client1
sleep 25
mark phc2sys_w
"""


def judge(result, check):
    for name, at in result.marks().items():
        check(f"{name}: system clock, last 8 s, max ns", result.system.between(at - 8, at).max, 100)
