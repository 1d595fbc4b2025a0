# SPDX-License-Identifier: BSD-2-Clause
"""A clock with max_adj 0: right time by the logical clock, and not one call that changes the PHC."""

from results import Errors

GUEST = """
knob port0/max_adj 0
knob port0/refuse 1
gmd_and_client
sleep 80
gmd_report
"""


def judge(result, check):
    counters = result.counters(0)
    locked = result.locked_at()
    served = Errors(result.served(0).errors()).last(50)
    check("seconds until locked", locked and locked - result.begin_s, 20)
    check("calls that change the PHC", counters["adjfine"] + counters["adjtime"] + counters["settime"], 0)
    check("time served (Sync), last 50 s, rms ns", served.rms, 15)
    check("time served (Sync), last 50 s, max ns", served.max, 50)
    check("client's PHC, last 40 s, max ns", result.ports[1].last(40).max, 80)
