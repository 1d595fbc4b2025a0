# SPDX-License-Identifier: BSD-2-Clause
"""gmd's one-step Sync over UDPv4, UDPv6 and Ethernet: the hardware writes originTimestamp, with the egress latency."""

TRANSPORTS = {"udpv4": "-4", "udpv6": "-6", "ethernet": "-2"}
EGRESS_NS = 40  # told, but not there: the client, which takes half of it for delay, is 20 ns ahead

PHASE = """
start_gmd 0 'ptp = {{ serve_before_lock = true; }}; ports = ( {{ interface = "eth0"; transport = "{transport}";
    timestamping = "hardware"; two_step = false; egress_latency_ns = {egress}; }} );'
start_client 1 {option}
sleep 17
gmd_report {transport}
mark {transport}
stop client1
stop gmd
"""

GUEST = """
node 0 1
knob port0/onestep 1
""" + "".join(
    PHASE.format(transport=transport, option=option, egress=EGRESS_NS) for transport, option in TRANSPORTS.items()
)


def judge(result, check):
    difference = type(result.system)(
        [(at, slave - master) for (at, master), (_, slave) in zip(result.ports[0].samples, result.ports[1].samples)]
    )
    sent = 0
    for transport, at in result.marks().items():
        tx = result.port_report(transport)["tx"]
        sent += tx["Sync"]
        last = difference.between(at - 4, at)
        check.true(f"{transport}: more than 100 Syncs, no Follow_Up", tx["Sync"] > 100 and "Follow_Up" not in tx, tx)
        check(f"{transport}: slave against master, off by more than half the latency, ns",
              max(abs(value - EGRESS_NS / 2) for value in last.values), 5)
    driver = result.counters(0)
    served = [sync for sync in result.served(0).syncs if not sync.flags & 0x0200]
    check("Syncs on the wire that the driver did not stamp", len(served) - driver["onestep"], 0)
    check("Syncs counted by gmd and by the driver differ by", abs(sent - driver["onestep"]), 3 * 8)  # till it stopped
