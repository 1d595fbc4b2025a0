# SPDX-License-Identifier: BSD-2-Clause
"""G.8275.2 and G.8265.1: a real ptp4l client is served by negotiation alone; tshark judges what is on the wire."""

import json

import pytest

from confs import conf
from netns import VethPair
from peers import BUILD, Gmd, Ptp4l, wait_for
from test_unicast import unicast_client

ANNOUNCE, SYNC, FOLLOW_UP, DELAY_REQ, DELAY_RESP, SIGNALING = 0xB, 0x0, 0x8, 0x1, 0x9, 0xC
CLIENT = {"logAnnounceInterval": 0, "logSyncInterval": -4, "logMinDelayReqInterval": -4, "unicast_req_duration": 300}
PROFILES = {
    "g8275.2": {"domain": 44, "class": 6, "options": {"dataset_comparison": "G.8275.x"}},
    "g8265.1": {"domain": 4, "class": 84, "options": {}},
}
FIELDS = ["ip.src", "ip.dst", "ptp.v2.messagetype", "ptp.v2.domainnumber", "ptp.v2.flags.unicast",
          "ptp.v2.an.grandmasterclockclass", "ptp.v2.an.priority1", "ptp.v2.sig.tlv.tlvType",
          "ptp.v2.sig.tlv.durationField", "ptp.v2.sig.tlv.logInterMessagePeriod", "_ws.expert"]


def dissect(node, path, fields, options=()):
    """A list of {field: text} for each PTP frame; several values of one field are joined by commas."""
    arguments = [word for field in fields for word in ("-e", field)]
    lines = node.run(["tshark", "-r", path, *options, "-Y", "ptp", "-T", "fields", *arguments]).stdout.split("\n")[:-1]
    return [dict(zip(fields, line.split("\t"))) for line in lines]


@pytest.mark.parametrize("profile", PROFILES)
def test_served_by_negotiation(profile, tmp_path):
    p = PROFILES[profile]
    capture = tmp_path / "wire.pcap"
    with VethPair() as pair:
        with pair.b.capture(capture, "udp portrange 319-320"):
            gmd = Gmd(pair.a, tmp_path, conf(profile)).start()
            gmd.wait_state("LOCKED", 40)
            gmd.wait_port_state("MASTER", 40)
            # one that is there by multicast is not heard
            stranger = Ptp4l(pair.b, tmp_path, name="multicast", domainNumber=p["domain"], slaveOnly=0, priority1=1)
            stranger.start(monitor=False)
            wait_for("the stranger announces itself", lambda: "MASTER" in stranger.log(), 20)
            stranger.stop()
            client = unicast_client(pair, tmp_path, **{**CLIENT, **p["options"], "domainNumber": p["domain"]}).start()
            wait_for(f"offsets:\n{client.log()}\n{gmd.log()}", lambda: len(client.offsets()) >= 40, 40, 0.5)
            assert gmd.port_state() == "MASTER"
            assert gmd.ask("status")["quality"]["clock_class"] == p["class"]
            served = gmd.ask("clients", "--mode", "negotiated")["clients"]
            # ptp4l begins to ask before Delay_Resp is granted to it
            assert len(served) == 1 and served[0]["answered"] > 20 and set(served[0]["refused"]) <= {"no_grant"}
            assert {name: grant["log_interval"] for name, grant in served[0]["grants"].items()} == {
                "announce": 0, "sync": -4, "delay_resp": -4}
            assert abs(client.median()) < 20_000
            client.stop()
            gmd.stop()

        frames = dissect(pair.b, capture, FIELDS)
        ours = [f for f in frames if f["ip.src"] == pair.a.ip4]
        types = {int(f["ptp.v2.messagetype"], 16) for f in ours}
        assert types == {ANNOUNCE, SYNC, FOLLOW_UP, DELAY_RESP, SIGNALING}
        assert {f["ip.dst"] for f in ours} == {pair.b.ip4}, "nothing by multicast"
        assert {f["ptp.v2.domainnumber"] for f in ours} == {str(p["domain"])}
        assert {f["ptp.v2.flags.unicast"] for f in ours} <= {"1", "True"}
        assert not [f for f in ours if f["_ws.expert"]], "malformed"
        announces = [f for f in ours if int(f["ptp.v2.messagetype"], 16) == ANNOUNCE]
        assert {(f["ptp.v2.an.grandmasterclockclass"], f["ptp.v2.an.priority1"]) for f in announces} == {
            (str(p["class"]), "128")}
        durations = {int(d) for f in ours if f["ptp.v2.sig.tlv.durationField"]
                     for d in f["ptp.v2.sig.tlv.durationField"].split(",")}
        assert durations and all(60 <= d <= 1000 for d in durations), durations


def test_beyond_the_profile(tmp_path):
    """ptp4l asks for Sync oftener than G.8275.2 knows, and is told why it gets none."""
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf("g8275.2")).start()
        gmd.wait_port_state("MASTER", 60)
        options = {**CLIENT, "domainNumber": 44, "logSyncInterval": 1}
        client = unicast_client(pair, tmp_path, **options).start(monitor=False)
        wait_for(f"a refusal:\n{client.log()}", lambda: any(c["refused_grant"] for c in gmd.ask("clients")["clients"]), 20)
        [served] = gmd.ask("clients")["clients"]
        assert served["refused_grant"] == {"service": "sync", "requested_log_interval": 1, "why": "interval"}
        assert "sync" not in served["grants"]
        assert gmd.ask("clients")["grants"]["requests"]["interval"] >= 1


def test_announced_before_it_runs(tmp_path):
    """gmd --check names the quality level that will be announced."""
    path = tmp_path / "gmd.conf"
    with VethPair() as pair:
        path.write_text(conf("g8265.1"))
        text = pair.a.run([BUILD / "gmd", "--check", "-f", path]).stdout
    assert "then clockClass is 84" in text and "clockClass 110" in text and "domainNumber 4," in text, json.dumps(text)
