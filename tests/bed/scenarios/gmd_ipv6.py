# SPDX-License-Identifier: BSD-2-Clause
"""The same over UDP/IPv6 (Annex D), the pulse 505 ns late by 100 m of cable; answered at the ingress."""

from scenarios import gmd_extts, ingress


GUEST = """
client_options=-6
knob receiver0/offset_ns 505
gmd_and_client 'pulse = { type = "extts"; cable_m = 100.0; };' \
    'ports = ( { interface = "eth0"; transport = "udpv6"; timestamping = "hardware"; } );'
sleep 80
gmd_report
"""


def judge(result, check):
    gmd_extts.judge(result, check)
    ingress.judge_answers(result, check, result.answered(0))
