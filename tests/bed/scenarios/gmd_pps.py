# SPDX-License-Identifier: BSD-2-Clause
"""gmd on a PHC by /dev/pps0, through cross time stamps of PHC and system clock."""

GUEST = """
knob receiver0/pps_latency_ns 1000
gmd_and_client 'pulse = { type = "pps"; device = "/dev/pps0"; offset_ns = 1200.0; noise_ns = 150.0; };'
sleep 70
"""


def judge(result, check):
    locked = result.locked_at()
    check("seconds until locked", locked and locked - result.begin_s, 20)
    # the interrupt is stamped 1 us late, and between 0 and some 500 ns more
    check("grandmaster's PHC, last 40 s, max ns", result.ports[0].last(40).max, 500)
    check("client's PHC, last 30 s, max ns", result.ports[1].last(30).max, 500)
