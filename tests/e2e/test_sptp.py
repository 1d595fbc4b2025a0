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
UNICAST_PROFILE_1 = 0x2400
CORRECTION = 0x0000000000123456
IDENTITY = bytes.fromhex("02aabbfffe000007")

# Sends Delay_Reqs from a port and prints all that comes: which socket, and the octets.
CLIENT = """
import select, socket, sys, time
server, source, requests = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
sockets = {}
for port in {319, 320, source}:
    sockets[port] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sockets[port].bind(("", port))
for request in requests:
    sockets[source].sendto(bytes.fromhex(request), (server, 319))
    time.sleep(0.05)
end = time.monotonic() + 2
while time.monotonic() < end:
    for port, s in sockets.items():
        while select.select([s], [], [], 0.01)[0]:
            print(port, s.recv(2048).hex())
"""


def delay_req(sequence_id, port_number, domain=127):
    header = struct.pack("!BBHBBHqI8sHHBb", 0x01, 0x02, 44, domain, 0, UNICAST_PROFILE_1, CORRECTION, 0, IDENTITY,
                         port_number, sequence_id, 1, 0x7F)
    return header + bytes(10)


def exchange(pair, requests, source=EVENT):
    """[(port, octets)] in order of arrival, by port."""
    words = [r.hex() for r in requests]
    lines = pair.b.run(["/usr/bin/python3", "-c", CLIENT, pair.a.ip4, str(source), *words]).stdout.splitlines()
    return [(int(port), bytes.fromhex(octets)) for port, octets in (line.split() for line in lines)]


def seconds_of(octets):
    high, low, nanoseconds = struct.unpack("!HII", octets[34:44])
    return (high << 32) + low + nanoseconds / 1e9


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with VethPair() as pair:
        directory = tmp_path_factory.mktemp("sptp")
        gmd = Gmd(pair.a, directory, conf(ptp="serve_before_lock = true;") + "clients: { sptp = true; };\n").start()
        gmd.wait_port_state("MASTER")
        yield pair, gmd, directory


@pytest.mark.parametrize("port_number, announce_port", [(1, GENERAL), (10, GENERAL), (11, EVENT), (40000, EVENT)])
def test_ports_and_contents(served, port_number, announce_port):
    pair, gmd, directory = served
    capture = directory / f"{port_number}.pcap"
    with pair.b.capture(capture, f"udp and host {pair.b.ip4}"):
        got = exchange(pair, [delay_req(n, port_number) for n in (7, 8, 9)])
    # who numbers its port above 10 listens on one port only
    syncs = [octets for port, octets in got if port == EVENT and octets[0] & 0xF == 0x0 and octets[6] & 4]
    announces = [octets for port, octets in got if port == announce_port and octets[0] & 0xF == 0xB and octets[6] & 4]
    assert len(syncs) == len(announces) == 3, got
    for n, (sync, announce) in enumerate(zip(syncs, announces)):
        for octets in sync, announce:
            assert struct.unpack("!H", octets[30:32])[0] == 7 + n
            assert octets[4] == 127
        t4, t1 = seconds_of(sync), seconds_of(announce)
        assert abs(t4 - time.time() - 37) < 3600
        assert 0 < t1 - t4 < 0.05, "Sync left after the request came"
        assert struct.unpack("!q", announce[8:16])[0] == CORRECTION
        assert sync[6:8] == b"\x06\x00" and sync[33] == 0x7F
    frames = dissect(pair.b, capture, ["ip.src", "udp.srcport", "udp.dstport", "ptp.v2.messagetype", "_ws.expert"])
    ours = [f for f in frames if f["ip.src"] == pair.a.ip4]
    assert {(int(f["ptp.v2.messagetype"], 16), f["udp.dstport"]) for f in ours} == {(0x0, "319"), (0xB, str(announce_port))}
    assert not [f for f in ours if f["_ws.expert"]]
    client = [c for c in gmd.ask("clients", "--mode", "sptp")["clients"] if c["client"].endswith(f"-{port_number}")]
    assert client[0]["requests"] == client[0]["answered"] == 3


def test_from_an_ephemeral_port(served):
    """The known limit: the answers go to ports 319 and 320 of that host, whichever port it asks from."""
    pair, _, _ = served
    got = exchange(pair, [delay_req(20, 12)], source=40123)
    assert {port for port, octets in got if octets[6] & 4} == {EVENT}


def test_off_by_default(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf(ptp="serve_before_lock = true;")).start()
        gmd.wait_port_state("MASTER")
        got = exchange(pair, [delay_req(1, 1)])
        assert [octets[0] & 0xF for port, octets in got if octets[6] & 4] == [0x9], "an ordinary unicast Delay_Req"
