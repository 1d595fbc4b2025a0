# SPDX-License-Identifier: BSD-2-Clause
"""phc2sys -w and -a take UTC offset and port state from gmd's management socket; pmc reads it, and the wire."""

import re

GUEST = """
node 0 1
crystal 0 3000
knob receiver0/jitter_ns 10
start_receiver
start_gpsd 0
start phc2sys in_node 0 phc2sys -s eth0 -c CLOCK_REALTIME -w -n 127 -S 0.1 -m
sleep 2
start_gmd 0
sleep 20
in_node 0 pmc -u -b 0 -d 127 'GET PORT_PROPERTIES_NP' 'GET TIME_PROPERTIES_DATA_SET' > pmc.log
in_node 1 pmc -4 -i eth1 -d 127 'GET CLOCK_DESCRIPTION' 'GET PARENT_DATA_SET' > pmc_net.log
sleep 25
mark phc2sys
stop phc2sys
sleep 1
start phc2sys_a in_node 0 phc2sys -a -r -n 127 -m
sleep 5
knob port0/link 0
sleep 5
knob port0/link 1
sleep 5
stop phc2sys_a
"""


def judge(result, check):
    at = result.marks()["phc2sys"]
    check("phc2sys -w: system clock, last 8 s, max ns", result.system.between(at - 8, at).max, 100)
    log = result.text("phc2sys.log")
    check.true("phc2sys -w waited for gmd's port", "Waiting for ptp4l" in log, log[:300])
    local = result.text("pmc.log")
    check.true("pmc: hardware time stamps", re.search(r"timestamping\s+HARDWARE", local), local)
    check.true("pmc: UTC offset", re.search(r"currentUtcOffset\s+37\b", local), local)
    wire = result.text("pmc_net.log")
    check.true("pmc over the network: clock class 6", re.search(r"gm.ClockClass\s+6\b", wire), wire)
    log = result.text("phc2sys_a.log")
    changes = log.count("changed state")
    check.true("phc2sys -a was told of link down and MASTER again", changes >= 2, log)
