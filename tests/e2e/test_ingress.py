# SPDX-License-Identifier: BSD-2-Clause
"""Delay_Resp from an interface's ingress, by the guard, for clients that it knows, while the daemon says so."""

import sys

import pytest

from confs import conf
from guarded import TRANSPORTS, Probe, ask, check_answered_instead, check_answers, check_falls_silent, check_the_rest, identity_of
from peers import ST2059_CLIENT, Gmd, Ptp4l, wait_for

pytestmark = pytest.mark.xdist_group("kernel")  # one at a time, beside the loud ones


# --- as the kernel does it, without a daemon ----------------------------------------------------------------------


def at_ingress(pair, transport="udpv4", clients=10, rate=200, burst=200):
    probe = Probe(pair.a, transport)
    probe.do("guard")
    probe.do("ingress")
    probe.allow(clients, rate, burst)  # a machine that stalls for a second costs nothing
    return probe


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("mode", ["unicast", "multicast"])
def test_known_clients_are_answered(pair, transport, mode):
    probe = at_ingress(pair, transport)
    check_answered_instead(pair, probe, transport, mode)
    probe.quit()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_rest_passes_up_or_ends(pair, transport):
    probe = at_ingress(pair, transport, clients=1, rate=100, burst=50)
    check_the_rest(pair, probe, transport)
    probe.quit()


def test_ends_with_its_daemon(pair):
    probe = at_ingress(pair)
    assert ask(pair, rate=50)["answered"] > 0
    probe.process.kill()
    probe.process.wait()
    assert ask(pair, rate=50)["answered"] == 0


def test_falls_silent_while_the_daemon_hangs(pair):
    check_falls_silent(pair, at_ingress(pair))


def test_intervals_are_measured(pair):
    probe = at_ingress(pair, clients=2)
    check_answers(ask(pair, clients=2, rate=200, seconds=2))
    for n in 1, 2:
        interval_us, jitter_us = probe.interval(n)
        assert 8_000 < interval_us < 15_000 and jitter_us < interval_us, (interval_us, jitter_us)
    probe.quit()


ASK = """
import socket, sys
family, to, group, checksum = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, *sys.argv[1:4]
event, general = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
if checksum == "none":
    event.setsockopt(socket.SOL_SOCKET, 11, 1)  # SO_NO_CHECK
for s, port in (event, 319), (general, 320):
    s.bind(("", port))
    s.settimeout(2)
index = socket.if_nametoindex("eth0")
if group == "multicast":
    if family == socket.AF_INET:
        general.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(to) + bytes(4) + index.to_bytes(4, sys.byteorder))
        event.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + index.to_bytes(4, sys.byteorder))
    else:
        general.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(family, to) + index.to_bytes(4, sys.byteorder))
        event.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
identity = bytes.fromhex(sys.argv[4])
for more in 0, 2:  # octets behind the message
    for sequence in range(20):
        head = bytes([1, 0x12, 0, 44, 127, 0, 4 if group == "unicast" else 0, 0]) + bytes(12)
        event.sendto(head + identity + sequence.to_bytes(2, "big") + bytes([1, 0x7F]) + bytes(10 + more), (to, 319))
        answer = general.recv(256)
        assert len(answer) == 54 and answer[30:32] == sequence.to_bytes(2, "big") and answer[44:] == identity, answer
print("all answered")
"""


@pytest.mark.parametrize("checksum", ["made", "offloaded", "offloaded here", "none"])
@pytest.mark.parametrize("mode", ["unicast", "multicast"])
@pytest.mark.parametrize("transport", ["udpv4", "udpv6"])
def test_checksums(pair, transport, mode, checksum):
    """A client's sockets take the answers, whoever made the checksum of its request: they check it unless it is offloaded."""
    if checksum == "none" and transport == "udpv6":
        pytest.skip("IPv6 has no datagrams without a checksum")
    for node in (pair.b,) if checksum == "offloaded" else (pair.a, pair.b) if checksum == "offloaded here" else ():
        node.run(["ethtool", "-K", node.interface, "tx", "on"])
    address, to = (pair.b.ip4, pair.a.ip4) if transport == "udpv4" else (pair.b.ip6, pair.a.ip6)
    if mode == "multicast":
        to = "224.0.1.129" if transport == "udpv4" else "ff0e::181"
        pair.b.run(["ip", "-6", "route", "add", "ff0e::/16", "dev", "eth0", "table", "local"], check=False)
    probe = Probe(pair.a, transport)
    probe.do("guard")
    probe.do("ingress")
    probe.do("allow", 1, address, identity_of(1), 1000, 1000)
    got = pair.b.run([sys.executable, "-c", ASK, to, mode, checksum, identity_of(1)])
    assert got.stdout == "all answered\n", got.stderr
    assert probe.totals()[0] == 40 and probe.ask("received") == "0"
    probe.quit()


# --- as the daemon does it ----------------------------------------------------------------------------------------


def protection(gmd):
    return gmd.ask("ports")["ports"][0]["protection"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_without_being_asked(pair, tmp_path, transport):
    """Nothing is configured: a ptp4l client is answered at the ingress as soon as it is known, counted and timed."""
    gmd = Gmd(pair.a, tmp_path, conf(transport=transport, ptp="serve_before_lock = true;")).start()
    gmd.wait_port_state("MASTER", 40)
    assert protection(gmd)["fast_path"] == "ingress", gmd.log()
    wire = {"udpv4": "UDPv4", "udpv6": "UDPv6", "ethernet": "L2"}[transport]
    client = Ptp4l(pair.b, tmp_path, transport=wire, **ST2059_CLIENT).start()
    wait_for("answers at the ingress", lambda: protection(gmd)["fast_answered"] > 80, 40)
    [c] = gmd.ask("clients")["clients"]
    assert c["requests"] == c["answered"] > 80 and 0 < c["jitter_ms"] < 200, c
    assert abs(client.median()) < 100_000, client.offsets()[-20:]
    assert gmd.stop() == 0


def test_not_where_it_is_not_wanted(pair, tmp_path):
    gmd = Gmd(pair.a, tmp_path, conf() + 'clients: { fast_path = "none"; };').start()
    assert protection(gmd)["early"] and protection(gmd)["fast_path"] == "off"
    assert gmd.stop() == 0
