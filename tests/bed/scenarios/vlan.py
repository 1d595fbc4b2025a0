# SPDX-License-Identifier: BSD-2-Clause
"""gmd and its client on VLAN 10, with priority 5, over ports with hardware time stamps."""

from scenarios import gmd_extts

GUEST = """
node 0 1
for n in 0 1; do
    in_node $n ip link add link eth$n name eth$n.10 type vlan id 10 egress-qos-map 5:5
    in_node $n ip address add 198.51.100.$((n + 1))/24 dev eth$n.10
    in_node $n ip link set eth$n.10 up
done
in_node 0 ethtool -T eth0.10
crystal 0 3000
crystal 1 -7000
knob receiver0/jitter_ns 10
start_receiver
start_gpsd 0
start_gmd 0 'ports = ( { interface = "eth0.10"; timestamping = "hardware"; vlan_priority = 5; } );'
start_ptp4l client1 1 eth1.10 -s --domainNumber 127
sleep 80
"""


def judge(result, check):
    gmd_extts.judge(result, check)
    priorities = {message.priority for message in result.messages() if message.source == 0}
    check.true("priority of all that gmd sends", priorities == {5}, priorities)
