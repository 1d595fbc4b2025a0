# SPDX-License-Identifier: BSD-2-Clause
"""Unicast negotiation with a real ptp4l client: granted, served, renewed, withdrawn."""

import re

from confs import conf
from netns import VethPair
from peers import ST2059_CLIENT, Gmd, Ptp4l, wait_for

UNICAST = "unicast: { negotiate = true; };\n"


def unicast_client(pair, directory, **options):
    table = f"[unicast_master_table]\ntable_id 1\nlogQueryInterval 0\nUDPv4 {pair.a.ip4}\n"
    sections = f"{table}[{pair.b.interface}]\nunicast_master_table 1\n"
    return Ptp4l(pair.b, directory, sections=sections, **{**ST2059_CLIENT, **options})


def test_grants(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf("st2059-2") + UNICAST).start()
        gmd.wait_port_state("MASTER", 40)
        client = unicast_client(pair, tmp_path, unicast_req_duration=20).start()
        wait_for(f"offsets:\n{client.log()}", lambda: len(client.offsets()) >= 20, 30, 0.5)
        served = gmd.ask("clients")["clients"][0]
        assert served["mode"] == "negotiated"
        assert set(served["grants"]) == {"announce", "sync", "delay_resp"}
        assert served["grants"]["sync"]["log_interval"] == -3
        assert served["answered"] == served["requests"] > 0

        # 20 s are granted; ptp4l asks anew after 15
        before = len(client.offsets())
        wait_for("Sync goes on for 25 s", lambda: len(client.offsets()) >= before + 25 * 8 * 0.9, 40, 0.5)
        assert gmd.ask("status")["budget"]["refused_grants"] == 0
        assert gmd.ask("status")["budget"]["reserved_hz"] == 1 + 16 + 8

        gmd.stop()
        for message in ("ANNOUNCE", "SYNC", "DELAY_RESP"):
            wait_for(f"{message} cancelled:\n{client.log()}",
                     lambda m=message: re.search(rf"server unilaterally canceled unicast {m} grant", client.log()), 5)
