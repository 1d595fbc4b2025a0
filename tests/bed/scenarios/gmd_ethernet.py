# SPDX-License-Identifier: BSD-2-Clause
"""The same over Ethernet (Annex E)."""

from scenarios import gmd_extts

GUEST = """
client_options=-2
gmd_and_client 'ports = ( { interface = "eth0"; transport = "ethernet"; timestamping = "hardware"; } );'
sleep 80
"""


def judge(result, check):
    gmd_extts.judge(result, check, ethernet=True)
