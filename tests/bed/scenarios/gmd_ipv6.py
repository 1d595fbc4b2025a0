# SPDX-License-Identifier: BSD-2-Clause
"""The same over UDP/IPv6 (Annex D)."""

from scenarios import gmd_extts

GUEST = """
client_options=-6
gmd_and_client 'ports = ( { interface = "eth0"; transport = "udpv6"; timestamping = "hardware"; } );'
sleep 80
"""

judge = gmd_extts.judge
