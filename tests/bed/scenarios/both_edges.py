# SPDX-License-Identifier: BSD-2-Clause
"""A NIC that stamps both edges of a pulse of 500 ms, admitted as by igb, or not: gmd takes the leading one."""

GUEST = """
node 0
crystal 0 3000
knob receiver0/jitter_ns 10
knob receiver0/width_ns 500000000
start_receiver
start_gpsd 0
until_fraction 300 # the trailing edge is the first one that it sees
for both in 2 1; do # admitted, concealed
    knob port0/both_edges $both
    knob port0/step_ns -37200000000
    mark "both_edges_$both"
    start_gmd 0
    sleep 33
    stop gmd
    until_fraction 300
done
mark end
"""


def judge(result, check):
    edges = result.counters(0)["extts"]
    check.true("both edges came", edges > 1.8 * (result.receiver()["pulses"] - 6), edges)
    marks = list(result.marks().items())
    for (name, begin), (_, end) in zip(marks, marks[1:]):
        locked = result.first_state(lambda status: status["state"] == "LOCKED", begin + 1)
        check(f"{name}: seconds until locked", locked and locked - begin, 25)
        wrong = [at for at, status in result.states() if begin + 1 <= at < end and status["state"] == "LOCKED"
                 and result.ports[0].between(at - 0.2, at).max > 1000]
        check(f"{name}: locked while wrong by more than 1 us, times", len(wrong), 0)
        check(f"{name}: grandmaster's PHC, last 8 s, max ns", result.ports[0].between(end - 8, end).max, 50)
