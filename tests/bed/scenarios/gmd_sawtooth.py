# SPDX-License-Identifier: BSD-2-Clause
"""Pulses with a sawtooth of 42 ns, which UBX-TIM-TP tells through gpsd: gmd removes it; ts2phc beside it cannot."""

from scenarios import compare_ts2phc

MODULE = {"ports": 4}

GUEST = compare_ts2phc.GUEST.replace(
    "knob receiver0/jitter_ns 10",
    """knob receiver0/jitter_ns 1
knob receiver0/saw_ps 42000
knob receiver0/saw_drift_ps 1300
gnss ubx 1""",
)


def judge(result, check):
    compare_ts2phc.judge(result, check)
    # 9 without the corrections; what is left is how much a young model leaves to the receiver's wander
    check("grandmaster's PHC, last 60 s, rms ns", result.ports[0].last(60).rms, 7)
