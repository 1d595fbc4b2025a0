# SPDX-License-Identifier: BSD-2-Clause
"""gmd on a PHC, pulses by external time stamps, second from gpsd, hardware time stamps; a ptp4l client follows."""

import math

GUEST = """
gmd_and_client
sleep 80
"""


def judge(result, check, ethernet=False, end_s=math.inf):
    master, client = (result.ports[port].between(0, end_s) for port in (0, 1))
    locked = result.locked_at()
    check("seconds until locked", locked and locked - result.begin_s, 20)
    check("grandmaster's PHC, last 60 s, rms ns", master.last(60).rms, 15)
    check("grandmaster's PHC, last 60 s, max ns", master.last(60).max, 50)
    check("client's PHC, last 40 s, rms ns", client.last(40).rms, 20)
    check("client's PHC, last 40 s, max ns", client.last(40).max, 80)
    served = result.served(0, end_s=end_s)
    follows = client.settled(500)  # ST 2059-2: within 5 s
    first = served.syncs[0].at_ns / 1e9
    check("client within 500 ns for good, seconds from first Sync", follows and follows - first, 5)
    check.true("more than 60 s of Sync, 8 a second", len(served.syncs) > 480, len(served.syncs))
    check("Syncs without Follow_Up", len(served.alone()), 0)
    check("transmit stamps that the driver lost", result.counters(0)["stamps_lost"], 0)
    check.true("transport", all(sync.ethernet == ethernet for sync in served.syncs))
