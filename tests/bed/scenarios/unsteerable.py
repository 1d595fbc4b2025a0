# SPDX-License-Identifier: BSD-2-Clause
"""A clock not to be steered (max_adj 0, refusing, as configured): untouched, right by the logical clock."""

from results import Errors

GUEST = """
knob port0/max_adj 0
knob port0/refuse 1
mark max_adj
gmd_and_client
sleep 60
cp /bed/port0/counters counters.max_adj
stop gmd
knob port0/max_adj 1000000
mark refused
start_gmd 0
sleep 20
stop gmd
knob port0/refuse 0
cp /bed/port0/counters counters.refused
mark configured
start_gmd 0 'clock = { type = "logical"; };'
sleep 20
cp /bed/port0/counters counters.configured
mark end
"""


def changes(result, name):
    counters = result.counters_of(name)
    return counters["adjfine"] + counters["adjtime"] + counters["settime"]


def judge(result, check):
    marks = result.marks()
    served = Errors(result.served(0, 0, marks["refused"]).errors()).last(35)
    check("calls that change the PHC with max_adj 0", changes(result, "max_adj"), 0)
    check("calls that change the PHC, as configured", changes(result, "configured") - changes(result, "refused"), 0)
    check("time served (Sync), last 35 s, rms ns", served.rms, 15)
    check("time served (Sync), last 35 s, max ns", served.max, 50)
    check("client's PHC, last 30 s, max ns", result.ports[1].between(marks["refused"] - 30, marks["refused"]).max, 80)
    for (name, begin), (_, end) in zip(marks.items(), list(marks.items())[1:]):
        locked = result.first_state(lambda status: status["state"] == "LOCKED", begin + 1)
        check(f"{name}: seconds until locked", locked and locked - begin, 15)
        last = Errors(result.served(0, begin, end).errors()).last(5)
        check(f"{name}: time served, last 5 s, max ns", last.max, 100)
