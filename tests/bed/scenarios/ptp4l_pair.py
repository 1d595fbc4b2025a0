# SPDX-License-Identifier: BSD-2-Clause
"""ptp4l as master and slave on two ports: what the emulated hardware lets a known program reach."""

GUEST = """
node 0 1
knob port0/osc_ppt 3000000
knob port1/osc_ppt -7000000
start_ptp4l master 0 eth0
start_ptp4l slave 1 eth1 -s
sleep 60
"""


def judge(result, check):
    """The master runs free: the slave is judged against the master."""
    pairs = zip(result.ports[0].samples, result.ports[1].samples)
    error = type(result.system)([(at, slave - master) for (at, master), (_, slave) in pairs]).last(30)
    check("slave against master, rms ns", error.rms, 5)
    check("slave against master, max ns", error.max, 50)
