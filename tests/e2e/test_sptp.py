# SPDX-License-Identifier: BSD-2-Clause
"""The client-driven exchange (SPTP) on the wire: which port each answer goes to, and what it carries."""

import struct
import time

import pytest

from confs import conf
from netns import VethPair
from peers import Gmd
from test_telecom import dissect

EVENT, GENERAL = 319, 320
SYNC, DELAY_RESP, ANNOUNCE = 0x0, 0x9, 0xB
SPTP = "clients: { sptp = true; };\n"
UNICAST_PROFILE_1 = 0x2400
CORRECTION = 0x0000000000123456
IDENTITY = bytes.fromhex("02aabbfffe000007")

# Sends Delay_Reqs, each from its port, and prints all that comes: to which port, from which, and the octets.
CLIENT = """
import select, socket, sys, time
server, pause_s, requests = sys.argv[1], float(sys.argv[2]), [word.split(":") for word in sys.argv[3:]]
family = socket.getaddrinfo(server, 319)[0][0]
sockets = {}
for port in {319, 320, *(int(source) for source, _ in requests)}:
    sockets[port] = socket.socket(family, socket.SOCK_DGRAM)
    sockets[port].bind(("", port))
for source, request in requests:
    sockets[int(source)].sendto(bytes.fromhex(request), (server, 319))
    time.sleep(pause_s)
end = time.monotonic() + 2
while time.monotonic() < end:
    for port, s in sockets.items():
        while select.select([s], [], [], 0.01)[0]:
            octets, peer = s.recvfrom(2048)
            print(port, peer[1], octets.hex())
"""


def delay_req(sequence_id, port_number, domain=127):
    header = struct.pack("!BBHBBHqI8sHHBb", 0x01, 0x02, 44, domain, 0, UNICAST_PROFILE_1, CORRECTION, 0, IDENTITY,
                         port_number, sequence_id, 1, 0x7F)
    return header + bytes(10)


def exchange(pair, requests, server=None, pause_s=0.05):
    """[(port, octets)] of the unicast messages that came, in order of arrival by port; requests: [(port, octets)]."""
    words = [f"{port}:{octets.hex()}" for port, octets in requests]
    lines = pair.b.run(["/usr/bin/python3", "-c", CLIENT, server or pair.a.ip4, str(pause_s), *words]).stdout.splitlines()
    came = [(int(port), int(peer), bytes.fromhex(octets)) for port, peer, octets in (line.split() for line in lines)]
    came = [(port, peer, octets) for port, peer, octets in came if octets[6] & 4]
    for port, peer, octets in came:  # a firewall beside an ephemeral port lets in what comes from where it asked
        assert peer == (GENERAL if port == GENERAL else EVENT), (port, peer, octets)
    return [(port, octets) for port, _, octets in came]


def of_type(got, message_type):
    return [(port, octets) for port, octets in got if octets[0] & 0xF == message_type]


def seconds_of(octets):
    high, low, nanoseconds = struct.unpack("!HII", octets[34:44])
    return (high << 32) + low + nanoseconds / 1e9


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with VethPair() as pair:
        directory = tmp_path_factory.mktemp("sptp")
        gmd = Gmd(pair.a, directory, conf(ptp="serve_before_lock = true;") + SPTP).start()
        gmd.wait_port_state("MASTER")
        yield pair, gmd, directory


@pytest.mark.parametrize("source", [EVENT, 40123])
@pytest.mark.parametrize("port_number", [1, 10, 11, 40000])
def test_ports_and_contents(served, port_number, source):
    pair, gmd, directory = served
    announce_port = source if port_number > 10 else GENERAL
    capture = directory / f"{port_number}-{source}.pcap"
    before = counted(gmd, port_number)
    with pair.b.capture(capture, f"udp and host {pair.b.ip4}"):
        got = exchange(pair, [(source, delay_req(n, port_number)) for n in (7, 8, 9)])
    syncs, announces = of_type(got, SYNC), of_type(got, ANNOUNCE)
    assert len(got) == 6, got
    assert [port for port, _ in syncs] == [source] * 3
    assert [port for port, _ in announces] == [announce_port] * 3
    for n, ((_, sync), (_, announce)) in enumerate(zip(syncs, announces)):
        for octets in sync, announce:
            assert struct.unpack("!H", octets[30:32])[0] == 7 + n
            assert octets[4] == 127
        t4, t1 = seconds_of(sync), seconds_of(announce)
        assert abs(t4 - time.time() - 37) < 3600
        assert 0 < t1 - t4 < 0.05, "Sync left after the request came"
        assert struct.unpack("!q", announce[8:16])[0] == CORRECTION
        assert sync[6:8] == b"\x06\x00" and sync[33] == 0x7F
    # on another port than its own tshark takes PTP for unknown octets, unless told
    decode = ["-d", f"udp.port=={source},ptp"]
    frames = dissect(pair.b, capture, ["ip.src", "udp.srcport", "udp.dstport", "ptp.v2.messagetype", "_ws.expert"], decode)
    ours = [f for f in frames if f["ip.src"] == pair.a.ip4]
    assert {(int(f["ptp.v2.messagetype"], 16), f["udp.dstport"]) for f in ours} == {(SYNC, str(source)), (ANNOUNCE, str(announce_port))}
    assert not [f for f in ours if f["_ws.expert"]]
    assert counted(gmd, port_number) == (before[0] + 3, before[1] + 3)


def counted(gmd, port_number):
    """requests, answered"""
    clients = [c for c in gmd.ask("clients", "--mode", "sptp")["clients"] if c["client"].endswith(f"-{port_number}")]
    assert len(clients) <= 1
    return (clients[0]["requests"], clients[0]["answered"]) if clients else (0, 0)


@pytest.mark.parametrize("numbers", [(11, 12), (11, 11), (1, 2)])
def test_two_clients_of_one_host(served, numbers):
    """Each has its own answers at its own port, even if both say that they are the same."""
    pair, _, _ = served
    ports = 40201, 40202
    sequence = {port: [100 * k + n for n in range(4)] for k, port in enumerate(ports)}
    asked = [(port, delay_req(sequence[port][n], number)) for n in range(4) for port, number in zip(ports, numbers)]
    got = exchange(pair, asked)
    for port, number in zip(ports, numbers):
        for message_type in SYNC, ANNOUNCE:
            came = [struct.unpack("!H", o[30:32])[0] for p, o in of_type(got, message_type) if p == port]
            assert came == ([] if message_type == ANNOUNCE and number <= 10 else sequence[port])
    assert len(got) == 16


def test_octets_behind_the_message(served):
    """Meta's client sends a buffer of 78 octets, of which 44 are the message."""
    pair, _, _ = served
    got = exchange(pair, [(EVENT, delay_req(30, 1) + bytes(34))])
    assert sorted((port, octets[0] & 0xF) for port, octets in got) == [(EVENT, SYNC), (GENERAL, ANNOUNCE)]


def test_ipv6(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf(ptp="serve_before_lock = true;", transport="udpv6") + SPTP).start()
        gmd.wait_port_state("MASTER")
        got = exchange(pair, [(40123, delay_req(1, 11)), (40124, delay_req(2, 1))], pair.a.ip6)
        assert {(port, octets[0] & 0xF) for port, octets in got} == {
            (40123, SYNC), (40123, ANNOUNCE), (40124, SYNC), (GENERAL, ANNOUNCE)}


def test_behind_the_guard_and_the_fast_path(tmp_path):
    """A client that the kernel knows: its exchanges still reach the daemon, whatever port it asks from, and what is
    beyond its rate ends in the kernel."""
    with VethPair() as pair:
        settings = 'clients: { sptp = true; fast_path = "xdp"; };\n'
        gmd = Gmd(pair.a, tmp_path, conf(ptp="serve_before_lock = true;") + settings).start()
        gmd.wait_port_state("MASTER")
        for n in range(4):  # over time: established
            got = exchange(pair, [(40123, delay_req(n, 11))])
            assert [port for port, _ in got] == [40123] * 2, n
        flood = exchange(pair, [(40123, delay_req(n, 11)) for n in range(200)], pause_s=0)
        answered = len(of_type(flood, SYNC))
        assert 8 <= answered == len(of_type(flood, ANNOUNCE)) < 100
        port = gmd.ask("ports")["ports"][0]["protection"]
        assert port["guard"] and port["fast_path"] in ("driver", "ingress"), port
        assert port["fast_answered"] == 0
        refused = port["classes"]["request"]["refused"] + port["fast_refused"]
        assert port["classes"]["request"]["passed"] + refused == 204 and refused > 100, port
        assert counted(gmd, 11) == (204, 4 + answered)


@pytest.mark.parametrize("guard", ["true", "false"])
def test_off_by_default(tmp_path, guard):
    with VethPair() as pair:
        settings = f"clients: {{ guard = {guard}; }};\n"
        gmd = Gmd(pair.a, tmp_path, conf(ptp="serve_before_lock = true;") + settings).start()
        gmd.wait_port_state("MASTER")
        for source in EVENT, 40123:
            got = exchange(pair, [(source, delay_req(1, 11))])
            assert [(port, octets[0] & 0xF) for port, octets in got] == [(GENERAL, DELAY_RESP)], "an ordinary unicast Delay_Req"
