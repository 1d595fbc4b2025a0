# SPDX-License-Identifier: BSD-2-Clause
"""A PHC with a virtual clock, which the kernel lets nobody steer: right time by the logical clock."""

from results import Errors
from scenarios import unsteerable

GUEST = """
echo 1 > /sys/class/ptp/ptp0/n_vclocks
gmd_and_client
sleep 30
"""


def judge(result, check):
    check("calls that change the PHC", unsteerable.changes(result, "port0"), 0)
    check("time served (Sync), last 8 s, max ns", Errors(result.served(0).errors()).last(8).max, 50)
    check("client's PHC, last 5 s, max ns", result.ports[1].last(5).max, 80)
    check.true("gmd says why", "virtual clock" in result.text("gmd.log"))
