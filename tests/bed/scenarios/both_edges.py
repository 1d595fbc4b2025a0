# SPDX-License-Identifier: BSD-2-Clause
"""A NIC that stamps both edges of a pulse of 500 ms: gmd starts on the leading one."""

GUEST = """
node 0
crystal 0 3000
knob receiver0/jitter_ns 10
knob receiver0/width_ns 500000000
knob port0/both_edges 1
start_receiver
start_gpsd 0
start_gmd 0
sleep 45
gmd_report
"""


def judge(result, check):
    check.true("both edges came", result.counters(0)["extts"] > 1.8 * (result.receiver()["pulses"] - 2))
    locked = result.locked_at()
    check("seconds until locked", locked and locked - result.begin_s, 25)
    check("grandmaster's PHC, last 15 s, max ns", result.ports[0].last(15).max, 50)
