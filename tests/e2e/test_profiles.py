# SPDX-License-Identifier: BSD-2-Clause
"""Real ptp4l clients of every profile over every transport follow gmd, and see what it announces."""

import contextlib
import re

import pytest

from confs import conf
from netns import VethPair
from peers import AES67_CLIENT, DEFAULT_CLIENT, ST2059_CLIENT, Gmd, Ptp4l, wait_for

PROFILES = {"default-e2e": DEFAULT_CLIENT, "aes67": AES67_CLIENT, "st2059-2": ST2059_CLIENT}
TRANSPORTS = {"udpv4": "UDPv4", "udpv6": "UDPv6", "ethernet": "L2"}
CASES = [(profile, transport) for profile in PROFILES for transport in TRANSPORTS]
# What a client over a veth pair with software stamps may measure in a short run, ns.
PLAUSIBLE_NS = 20_000

pytestmark = pytest.mark.xdist_group("profiles")  # its tests share what the fixture starts


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """All nine at once: each waits, none works."""
    with contextlib.ExitStack() as stack:
        fleet = {}
        for profile, transport in CASES:
            directory = tmp_path_factory.mktemp(f"{profile}-{transport}")
            pair = stack.enter_context(VethPair())
            gmd = Gmd(pair.a, directory, conf(profile, transport)).start()
            client = Ptp4l(pair.b, directory, transport=TRANSPORTS[transport], **PROFILES[profile]).start()
            fleet[profile, transport] = gmd, client
        yield fleet


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_client_follows(fleet, case):
    gmd, client = fleet[case]
    gmd.wait_state("LOCKED", 40)
    gmd.wait_port_state("MASTER")
    identity = gmd.ask("status")["clock_identity"]
    wait_for(f"client on {identity}:\n{client.log()}", lambda: client.grandmaster() == identity, 20, 0.5)
    wait_for(f"ten offsets:\n{client.log()}", lambda: len(client.offsets()) >= 10, 40, 0.5)
    assert abs(client.median()) < PLAUSIBLE_NS

    parent = client.pmc("GET PARENT_DATA_SET")
    assert re.search(r"gm.ClockClass\s+6\b", parent)
    properties = client.pmc("GET TIME_PROPERTIES_DATA_SET")
    for name, value in {
        "currentUtcOffset": "37",
        "currentUtcOffsetValid": "1",
        "ptpTimescale": "1",
        "timeTraceable": "1",
        "frequencyTraceable": "1",
        "timeSource": "0x20",
    }.items():
        assert re.search(rf"{name}\s+{value}\b", properties), properties

    served = gmd.ask("clients")["clients"]
    assert len(served) == 1 and served[0]["answered"] == served[0]["requests"] > 0


def test_hybrid_delay_resp(tmp_path):
    """Unicast Delay_Req beside multicast Sync, as RFC 9760 and ST 2059-2 mixed mode have it."""
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf("enterprise")).start()
        client = Ptp4l(pair.b, tmp_path, hybrid_e2e=1, domainNumber=0, logAnnounceInterval=0, logSyncInterval=0).start()
        wait_for("offsets", lambda: len(client.offsets()) >= 5, 40, 0.5)
        served = gmd.ask("clients")["clients"]
        assert [c["mode"] for c in served] == ["hybrid"]
        assert served[0]["address"] == pair.b.ip4
        # an answer may still be on its way to a request of this very moment
        assert served[0]["requests"] - served[0]["answered"] == 0


def test_peer_delay(tmp_path):
    """A P2P client measures the link with Pdelay_Req and follows."""
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf("default-p2p", "ethernet")).start()
        client = Ptp4l(pair.b, tmp_path, transport="L2", delay_mechanism="P2P", **DEFAULT_CLIENT).start()
        wait_for(f"offsets:\n{client.log()}", lambda: len(client.offsets()) >= 5, 40, 0.5)
        assert gmd.ask("ports")["ports"][0]["tx"]["Pdelay_Resp_Follow_Up"] > 0
        assert [c["mode"] for c in gmd.ask("clients")["clients"]] == ["peer"]
