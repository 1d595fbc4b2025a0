# SPDX-License-Identifier: BSD-2-Clause
"""Kernels before 6.6, as Debian 12's own: what gmd does at the ingress is a filter of tc there, which does not go with
the process by itself."""

import time

import pytest

from confs import conf
from guarded import TESTS, TRANSPORTS, Probe, ask, check_answered_instead, check_the_rest
from peers import ST2059_CLIENT, Gmd, Ptp4l, wait_for
from test_ingress import protection

NO_TCX = ["env", f"LD_PRELOAD={TESTS / 'no_tcx.so'}"]
LEAVE_S = 1  # that the kernel has from the daemon

pytestmark = pytest.mark.xdist_group("kernel")  # one at a time, beside the loud ones


def filters(node):
    shown = node.run(["tc", "filter", "show", "dev", node.interface, "ingress"]).stdout
    return [word for word in ("guard_early", "hand_out") for _ in range(shown.count(f" {word} "))]


def probing(pair, helper, transport="udpv4", clients=10, rate=200, burst=200):
    probe = Probe(pair.a, transport, NO_TCX)
    probe.do("guard")
    probe.do(*helper)
    probe.allow(clients, rate, burst)  # a machine that stalls for a second costs nothing
    return probe


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("mode", ["unicast", "multicast"])
def test_known_clients_are_answered(pair, transport, mode):
    probe = probing(pair, ["ingress"], transport)
    assert filters(pair.a) == ["guard_early"]
    check_answered_instead(pair, probe, transport, mode)
    probe.quit()
    assert filters(pair.a) == []


def test_the_rest_passes_up_or_ends(pair):
    probe = probing(pair, ["ingress"], clients=1, rate=100, burst=50)
    check_the_rest(pair, probe, "udpv4")
    probe.quit()


def test_workers(pair):
    pair.a.run(["ip", "route", "add", "10.0.0.0/16", "via", pair.b.ip4])
    probe = probing(pair, ["workers", 2])
    assert filters(pair.a) == ["guard_early", "hand_out"]
    check_answered_instead(pair, probe, "udpv4", "unicast")
    probe.quit()
    assert filters(pair.a) == []


def test_stays_when_killed_and_does_nothing(pair):
    """No answers, and whoever serves there next is not guarded. If that is gmd, it takes the place."""
    probe = probing(pair, ["ingress"], clients=1, rate=100, burst=50)
    assert ask(pair, rate=50)["answered"] > 0
    probe.process.kill()
    probe.process.wait()
    time.sleep(LEAVE_S)
    assert filters(pair.a) == ["guard_early"]
    other = Probe(pair.a, "udpv4")
    got = ask(pair, rate=1000)
    assert got["answered"] == 0 and other.receives(got["sent"])
    other.quit()
    probe = probing(pair, ["ingress"])
    assert filters(pair.a) == ["guard_early"]
    check_answered_instead(pair, probe, "udpv4", "unicast")
    probe.quit()
    assert filters(pair.a) == []


def test_others_filters_stay(pair):
    """One before ours and one behind, as a site may have them."""
    shown = ["tc", "filter", "show", "dev", pair.a.interface, "ingress"]
    pair.a.run(["tc", "qdisc", "add", "dev", pair.a.interface, "clsact"])
    for preference in "10", "60000":
        matches_nothing = ["pref", preference, "bpf", "bytecode", "1,6 0 0 0"]
        pair.a.run(["tc", "filter", "add", "dev", pair.a.interface, "ingress", *matches_nothing])
    before = pair.a.run(shown).stdout
    probe = probing(pair, ["ingress"])
    check_answered_instead(pair, probe, "udpv4", "unicast")
    probe.quit()
    assert pair.a.run(shown).stdout == before


def test_gmd(pair, tmp_path):
    gmd = Gmd(pair.a, tmp_path, conf(ptp="serve_before_lock = true;"), NO_TCX).start()
    gmd.wait_port_state("MASTER", 40)
    assert protection(gmd)["early"] and protection(gmd)["fast_path"] == "ingress", gmd.log()
    client = Ptp4l(pair.b, tmp_path, **ST2059_CLIENT).start()
    wait_for("answers at the ingress", lambda: protection(gmd)["fast_answered"] > 80, 40)
    assert abs(client.median()) < 100_000, client.offsets()[-20:]
    assert filters(pair.a) == ["guard_early"]
    pair.a.run(["ip", "link", "set", pair.a.interface, "down"])
    wait_for("link down", lambda: gmd.ask("ports")["ports"][0]["state"] != "MASTER", 10)
    pair.a.run(["ip", "link", "set", pair.a.interface, "up"])
    gmd.wait_port_state("MASTER", 40)
    assert protection(gmd)["fast_path"] == "ingress"
    assert gmd.stop() == 0
    assert filters(pair.a) == []
