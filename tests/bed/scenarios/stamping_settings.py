# SPDX-License-Identifier: BSD-2-Clause
"""Time stamping turned off, narrowed, reset by a link flap is restored; what a bond cannot do is said."""

MODULE = {"ports": 4}

GUEST = """
gmd_and_client
sleep 18
settings() {
    in_node 0 hwstamp_ctl -i eth0 > "settings.$1"
}
mark off
in_node 0 hwstamp_ctl -i eth0 -t 0 -r 0 > /dev/null
sleep 10
settings off
mark narrowed
in_node 0 hwstamp_ctl -i eth0 -t 1 -r 9 > /dev/null
sleep 10
settings narrowed
mark only_all
knob port0/filters 2
in_node 0 hwstamp_ctl -i eth0 -t 0 -r 0 > /dev/null
sleep 10
settings only_all
mark flap
knob port0/reset 4
knob port0/link 0
sleep 2
knob port0/link 1
sleep 12
settings flap
mark end
gmd_report

try() {
    cat > try.conf <<-END
	control = { socket = "/run/x"; };
	clock = { type = "$3"; };
	receiver = { type = "simulated"; };
	pulse = { type = "simulated"; };
	ports = ( { interface = "$2"; transport = "ethernet"; } );
	END
    gmd --check -f try.conf > "try.$1" 2>&1 || true
}
ip link set bond0 type bond mode active-backup miimon 100
for slave in eth2 eth3; do
    ip link set $slave down
    ip link set $slave master bond0
done
ip link set bond0 up
sleep 1
ip link add link bond0 name bond0.5 type vlan id 5
ip link set bond0.5 up
try bond bond0 logical
try bond_phc bond0 phc
try vlan_on_bond bond0.5 logical
"""

FILTERS = ("1", "6", "12")  # HWTSTAMP_FILTER_ALL, _PTP_V2_L4_EVENT, _PTP_V2_EVENT


def judge(result, check):
    marks = list(result.marks().items())
    for (name, begin), (_, end) in zip(marks, marks[1:]):
        settings = result.text(f"settings.{name}").split()[2:]  # "current settings: tx_type 1 rx_filter 12"
        check.true(f"{name}: transmit stamps and a filter for UDP are on again",
                   settings[:3] == ["tx_type", "1", "rx_filter"] and settings[3] in FILTERS, settings)
        served = result.served(0, begin)
        syncs = [sync for sync in served.syncs if begin + 4 <= sync.at_ns / 1e9 < end]
        check(f"{name}: Syncs without Follow_Up from 4 s on",
              sum(sync.sequence not in served.follow_ups for sync in syncs[:-1]) if syncs else None, 0)
    check("client's PHC throughout, max ns", result.ports[1].between(marks[0][1]).max, 80)
    check.note(f"bond: {said(result, 'bond')}")
    check.note(f"bond, phc: {said(result, 'bond_phc')}")
    check.note(f"VLAN on a bond: {said(result, 'vlan_on_bond')}")


def said(result, name):
    return " | ".join(line for line in result.text(f"try.{name}").splitlines() if "bond0" in line)
