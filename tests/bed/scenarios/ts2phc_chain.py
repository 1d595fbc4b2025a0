# SPDX-License-Identifier: BSD-2-Clause
"""NMEA and pulses -> ts2phc -> ptp4l -> ptp4l slave -> phc2sys: what today's chain reaches without noise."""

GUEST = """
node 0 1
knob port0/osc_ppt 3000000
knob port1/osc_ppt -7000000
start_receiver
start_ts2phc 0 /dev/gnss0
start_ptp4l master 0 eth0 --domainNumber 127
start_client 1
start phc2sys in_node 1 phc2sys -s eth1 -c CLOCK_REALTIME -O -37 -R 8 -S 1 -m
sleep 80
"""


def judge(result, check):
    check("grandmaster's PHC, last 30 s, rms ns", result.ports[0].last(30).rms, 5)
    check("slave's PHC, last 30 s, max ns", result.ports[1].last(30).max, 50)
    check("system clock, last 30 s, max ns", result.system.last(30).max, 100)
