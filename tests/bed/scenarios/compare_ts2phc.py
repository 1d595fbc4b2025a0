# SPDX-License-Identifier: BSD-2-Clause
"""The same pulses and equal clocks under gmd and under ts2phc + ptp4l, side by side in one guest."""

import math

MODULE = {"ports": 4}

GUEST = """
node 0 1 2 3
knob port2/wander_seed 0
knob port3/wander_seed 1
crystal 0 3000
crystal 2 3000
crystal 1 -7000
crystal 3 -7000
knob receiver0/jitter_ns 10
start_receiver 0
start_receiver 1
start_gpsd 0
until_fraction 300
mark started
start_gmd 0
start_ts2phc 2 /dev/gnss1
start_client 1
start_ptp4l master 2 eth2 --domainNumber 5
start_ptp4l client3 3 eth3 -s --domainNumber 5
sleep 110
"""

SETTLED_NS = 100
MESSAGE_S = 0.05  # after its pulse


def figures(result, grandmaster, client):
    available = math.ceil(result.marks()["started"]) + MESSAGE_S
    locked = result.ports[grandmaster].settled(SETTLED_NS)
    end = result.ports[grandmaster].last(60)
    follower = result.ports[client].last(60)
    return {
        f"first pulse and message until within {SETTLED_NS} ns for good, s": locked and locked - available,
        "grandmaster's PHC, last 60 s, rms ns": end.rms,
        "grandmaster's PHC, last 60 s, max ns": end.max,
        "client's PHC, last 60 s, rms ns": follower.rms,
        "client's PHC, last 60 s, max ns": follower.max,
    }


def judge(result, check):
    ours, theirs = figures(result, 0, 1), figures(result, 2, 3)
    check.note(f"{'':58} {'gmd':>10} {'ts2phc':>10} {'ratio':>8}")
    for what, mine in ours.items():
        check.compare(what, mine, theirs[what])
    available = math.ceil(result.marks()["started"]) + MESSAGE_S
    check.note(f"gmd says so itself (LOCKED, clockClass 6) {result.locked_at() - available:.1f} s after them")
