# SPDX-License-Identifier: BSD-2-Clause
"""The same over Ethernet (Annex E), with another pin, channel and edge; answered at the ingress."""

from scenarios import gmd_extts, ingress


GUEST = """
client_options=-2
knob receiver0/on 0
knob receiver1/jitter_ns 10
knob receiver1/width_ns 200000000
gmd_and_client \
    'pulse = { type = "extts"; pin = 1; channel = 1; edge = "falling"; offset_ns = 200000000.0; };' \
    'ports = ( { interface = "eth0"; transport = "ethernet"; timestamping = "hardware"; } );'
sleep 80
gmd_report
"""


def judge(result, check):
    gmd_extts.judge(result, check, ethernet=True)
    ingress.judge_answers(result, check, result.answered(0))
