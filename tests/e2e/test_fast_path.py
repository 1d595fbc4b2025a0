# SPDX-License-Identifier: BSD-2-Clause
"""The fast path: Delay_Resp from within the driver, for clients that the guard knows, while the daemon says so."""

import pytest

from guarded import TRANSPORTS, Probe, ask, check_answered_instead, check_falls_silent, check_the_rest

pytestmark = pytest.mark.xdist_group("kernel")  # one at a time, beside the loud ones


def poll_at(node):
    """A veth's answers get through while its other end has a program too: one that lets everything pass."""
    other = Probe(node, "ethernet")
    other.do("guard")
    other.do("fast")
    other.do("serve", 0)
    return other


def fast(pair, transport, clients=10, rate=200, burst=200, polled=True):
    if polled:
        poll_at(pair.b)
    probe = Probe(pair.a, transport)
    probe.do("guard")
    probe.do("fast")
    probe.allow(clients, rate, burst)  # a machine that stalls for a second costs nothing
    return probe


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("mode", ["unicast", "multicast"])
def test_known_clients_are_answered_in_the_driver(pair, transport, mode):
    probe = fast(pair, transport)
    check_answered_instead(pair, probe, transport, mode)
    probe.quit()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_rest_passes_up_or_ends(pair, transport):
    probe = fast(pair, transport, clients=1, rate=100, burst=50)
    check_the_rest(pair, probe, transport)
    probe.quit()


def test_ends_with_its_daemon(pair):
    probe = fast(pair, "udpv4")
    assert ask(pair, "udpv4", rate=50)["answered"] > 0
    assert "xdp" in pair.a.run(["ip", "link", "show", "eth0"]).stdout
    probe.process.kill()
    probe.process.wait()
    assert ask(pair, "udpv4", rate=50)["answered"] == 0
    assert "xdp" not in pair.a.run(["ip", "link", "show", "eth0"]).stdout


def test_falls_silent_with_its_daemon(pair):
    check_falls_silent(pair, fast(pair, "udpv4"))


def test_answers_that_a_veth_loses_are_noticed(pair):
    probe = fast(pair, "udpv4", polled=False)
    assert probe.ask("check") == "well on"
    assert ask(pair, "udpv4", rate=50)["answered"] == 0
    assert probe.ask("check") == "lost off"
    got = ask(pair, "udpv4", rate=50)
    assert got["answered"] == 0 and probe.receives(got["sent"])
    assert probe.ask("check") == "well off"
    probe.quit()


def test_a_few_lost_answers_are_no_reason_to_leave(pair):
    """The other end takes no more for a moment: what its queue (256) does not hold is lost."""
    other, probe = poll_at(pair.b), fast(pair, "udpv4", polled=False, rate=1000)
    many = ask(pair, "udpv4", clients=10, rate=3000)
    assert many["answered"] == many["sent"] > 2000
    other.quit()
    few = ask(pair, "udpv4", clients=10, rate=400)
    assert few["answered"] == 0 and 256 < few["sent"] < 500
    assert probe.ask("check") == "well on"
    assert ask(pair, "udpv4", rate=50)["answered"] == 0
    assert probe.ask("check") == "lost off"
    probe.quit()


def test_vlan_tags_pass_up(pair):
    for node, address in (pair.a, "198.51.100.1/24"), (pair.b, "198.51.100.2/24"):
        vlan = ["ip", "link", "add", "link", "eth0", "name", "vlan7", "type", "vlan", "id", "7"]
        if node.run(vlan, check=False).returncode:
            pytest.skip("this kernel has no VLANs")
        node.run(["ip", "address", "add", address, "dev", "vlan7"])
        node.run(["ip", "link", "set", "vlan7", "up"])
    probe = fast(pair, "udpv4")
    pair.b.run(["ping", "-c", "1", "-W", "2", "198.51.100.1"])
    pair.b.interface = "vlan7"
    assert ask(pair, "udpv4", rate=50)["answered"] == 0
    assert probe.totals()[0] == 0
    probe.quit()
