# SPDX-License-Identifier: BSD-2-Clause
"""Delay_Req are answered by worker threads, with the hardware's stamp; handed to them by a filter of tc, as the kernel is 6.1."""

from scenarios import gmd_extts

GUEST = """
gmd_and_client 'clients = { workers = 2; };'
sleep 80
gmd_report
"""


def judge(result, check):
    gmd_extts.judge(result, check)
    port = result.port_report()
    protection = port["protection"]
    check.true("two workers", protection["workers"] == 2, protection)
    check.true("answered by them: more than 60 s, 8 a second", protection["fast_answered"] > 480, protection)
    check("not answered", port["rx"]["Delay_Req"] - port["tx"]["Delay_Resp"], 0)
    check("receiveTimestamp, max ns", max(abs(answer.error_ns) for answer in result.answered(0)), 60)
