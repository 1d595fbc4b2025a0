# SPDX-License-Identifier: BSD-2-Clause
"""Whoever answers, one rule: what the daemon refuses is not answered in its stead, and all answers are one budget."""

import json
import subprocess
import time

import pytest

from confs import conf
from netns import VethPair
from peers import BUILD, Gmd
from test_telecom import dissect

CLIENT_NET = "10.77.0.0/16"
HELPERS = {"ingress": "", "xdp": 'fast_path = "xdp";', "workers": "workers = 2;"}
CAPACITY = 800
DELAY_RESP = 0x9

pytestmark = pytest.mark.xdist_group("helpers")  # one at a time, beside the loud ones


@pytest.fixture
def pair():
    with VethPair() as p:
        p.a.run(["ip", "route", "add", CLIENT_NET, "via", p.b.ip4])
        yield p


def serving(pair, tmp_path, helper, profile="st2059-2", clients=""):
    """Warmed up: a veth that loses the fast path's answers has been noticed."""
    text = conf(profile, ptp="serve_before_lock = true;") + f"clients: {{ {HELPERS[helper]} {clients} }};"
    gmd = Gmd(pair.a, tmp_path, text).start()
    gmd.wait_port_state("MASTER", 40)
    return gmd


def load(pair, mode, seconds, *arguments, clients=20, meanwhile=None):
    """What became of good clients; what meanwhile() returned shortly before the end."""
    command = [BUILD / "gmload", "--json", "--quiet", "--expect", "0", "--seconds", seconds, "--server", pair.a.ip4]
    command += ["--mode", mode, "--from", CLIENT_NET, "--clients", clients, *arguments, pair.b.interface]
    process = pair.b.popen(list(map(str, command)), stdout=subprocess.PIPE)
    if meanwhile:
        time.sleep(seconds - 1)
        return meanwhile(), json.loads(process.communicate()[0])["good"]
    return json.loads(process.communicate()[0])["good"]


def answered(gmd):
    """In the daemon's stead, and in all."""
    port = gmd.ask("ports")["ports"][0]
    return port["protection"]["fast_answered"], port["tx"].get("Delay_Resp", 0)


def refused(gmd, why):
    return sum(c["refused"].get(why, 0) for c in gmd.ask("clients")["clients"])


@pytest.mark.parametrize("helper", HELPERS)
def test_where_a_grant_is_needed(pair, tmp_path, helper):
    """G.8275.2: known clients without a grant, or by multicast, are the daemon's to refuse."""
    gmd = serving(pair, tmp_path, helper, "g8275.2")
    domain = ["--domain", 44]
    got = load(pair, "hybrid", 5, *domain)
    assert got["sent"] > 0 == got["answered"] and answered(gmd) == (0, 0)
    assert refused(gmd, "no_grant") == got["sent"]
    assert {c["standing"] for c in gmd.ask("clients")["clients"]} == {"established"}

    got = load(pair, "negotiated", 5, *domain)
    instead, in_all = answered(gmd)
    assert instead > got["sent"] / 2, (got, answered(gmd))
    if helper == "workers":  # while the fast path finds its mode, a veth loses some of its answers
        assert got["answered"] >= 0.99 * got["sent"]

    # it has given its grants back
    before = refused(gmd, "no_grant")
    got = load(pair, "hybrid", 2, *domain)
    assert got["sent"] > 0 == got["answered"] and answered(gmd) == (instead, in_all)
    assert refused(gmd, "no_grant") == before + got["sent"]
    assert load(pair, "multicast", 2, *domain)["answered"] == 0 and answered(gmd) == (instead, in_all)
    assert gmd.stop() == 0


@pytest.mark.parametrize("helper", HELPERS)
def test_one_budget(pair, tmp_path, helper):
    """Twice the capacity is asked for: no more is answered in the daemon's stead; and the announced interval grows."""
    gmd = serving(pair, tmp_path, helper, clients=f"capacity = {CAPACITY};")
    load(pair, "hybrid", 11, clients=200)  # until they are known: newcomers have a fourth of the capacity
    instead, before = answered(gmd)[0], gmd.ask("status")["budget"]
    status, got = load(pair, "hybrid", 8, clients=200, meanwhile=lambda: gmd.ask("status"))
    budget, after = status["budget"], gmd.ask("status")["budget"]
    print(helper, got["answered_hz"], answered(gmd), budget)
    assert 0.5 * CAPACITY < got["answered_hz"] < 1.25 * CAPACITY  # begins anew, with the first second's rush
    assert budget["state"] in ("shedding", "full") and budget["fair_hz"] < 8
    assert 0.5 * CAPACITY < budget["used_hz"] < 1.25 * CAPACITY and budget["demand_hz"] > CAPACITY
    assert answered(gmd)[0] - instead > 0.7 * got["answered"]
    clients = gmd.ask("clients")["clients"]
    assert all(c["requests"] == c["answered"] + sum(c["refused"].values()) for c in clients)
    over_rate, over_budget = (after[why] - before[why] for why in ("refused_rate", "refused_budget"))
    assert over_rate + over_budget == got["sent"] - got["answered"] and over_budget > 10 * over_rate
    assert "clients-refused" in str(status["alarms"])

    capture = tmp_path / "wire.pcap"
    instead = answered(gmd)[0]
    with pair.b.capture(capture, "udp port 320"):
        load(pair, "multicast", 5, clients=200)
    steps = gmd.ask("status")["budget"]["interval_steps"]
    assert steps >= 1
    frames = dissect(pair.b, capture, ["ptp.v2.messagetype", "ptp.v2.logmessageperiod"])
    told = {int(f["ptp.v2.logmessageperiod"]) for f in frames if int(f["ptp.v2.messagetype"], 16) == DELAY_RESP}
    assert told and -3 < min(told) <= max(told) <= -3 + steps, (told, steps)
    assert answered(gmd)[0] > instead
    assert gmd.stop() == 0
