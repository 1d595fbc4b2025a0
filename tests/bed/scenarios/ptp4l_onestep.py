# SPDX-License-Identifier: BSD-2-Clause
"""ptp4l as one-step master: the hardware writes originTimestamp, no Follow_Up is sent."""

GUEST = """
node 0 1
knob port0/onestep 1
knob port0/osc_ppt 3000000
knob port1/osc_ppt -7000000
start_ptp4l master 0 eth0 --domainNumber 127 --time_stamping onestep --twoStepFlag 0
start_client 1
sleep 40
"""


def judge(result, check):
    pairs = zip(result.ports[0].samples, result.ports[1].samples)
    error = type(result.system)([(at, slave - master) for (at, master), (_, slave) in pairs]).last(15)
    check("slave against master, max ns", error.max, 5)
    served = result.served(0)
    check.true("Syncs", len(served.syncs) > 200, len(served.syncs))
    check("Follow_Ups", len(served.follow_ups), 0)
    check("stamps in Sync, not counted by the hardware", len(served.syncs) - result.counters(0)["onestep"], 0)
