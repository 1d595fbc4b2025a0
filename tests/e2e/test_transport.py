# SPDX-License-Identifier: BSD-2-Clause
"""The transports over a veth pair: stamps, addressing, DSCP, and links that go and come back."""

import json
import os
import pathlib
import select
import subprocess
import time

import pytest


ROOT = pathlib.Path(__file__).resolve().parents[2]
PROBE = pathlib.Path(os.environ.get("GMD_BUILD", ROOT / "build")).resolve() / "tests" / "transport_probe"
TRANSPORTS = ["udpv4", "udpv6", "ethernet"]
ANSWER_S = 5
FLIGHT_NS = 5_000_000  # from the transmit stamp to the receive stamp, on a busy machine


class Probe:
    """transport_probe in a namespace, and the lines it has printed."""

    def __init__(self, node, transport, stamping="software", interface=None):
        self.node = node
        self.process = node.popen(
            [str(PROBE), transport, interface or node.interface, stamping], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.lines = []  # of words
        self.partial = ""
        self.sequence = 0  # of the next frame sent

    def read(self, timeout):
        """Takes what is printed within the timeout; false if nothing was."""
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            return False
        text = os.read(self.process.stdout.fileno(), 65536).decode()
        *complete, self.partial = (self.partial + text).split("\n")
        self.lines += [line.split() for line in complete]
        return bool(text)

    def settle(self, quiet=0.3):
        while self.read(quiet):
            pass

    def of(self, kind):
        return [line[1:] for line in self.lines if line[0] == kind]

    def expect(self, kind, count=1):
        """Waits for so many lines of a kind, takes them out and returns them without the kind."""
        deadline = time.monotonic() + ANSWER_S
        while len(self.of(kind)) < count:
            if not self.read(max(0, deadline - time.monotonic())):
                pytest.fail(f"{self.node.name}: no {count} lines '{kind}' in {self.lines}")
        found = self.of(kind)[:count]
        for line in found:
            self.lines.remove([kind, *line])
        return found

    def command(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def send(self, channel="e", destination="primary", token=0, count=1):
        """Returns the results and the sequenceId of the first frame."""
        first = self.sequence
        self.sequence += count
        self.command(f"send {channel} {destination} {token} {count}")
        return [result for (result,) in self.expect("sent", count)], first

    def counters(self):
        self.command("counters")
        words = self.expect("counters")[0]
        return dict(zip(words[::2], map(int, words[1::2])))

    def quit(self):
        self.command("quit")
        assert self.process.wait(ANSWER_S) == 0


@pytest.fixture(params=TRANSPORTS)
def probes(request, pair):
    a, b = Probe(pair.a, request.param), Probe(pair.b, request.param)
    for probe in a, b:
        probe.expect("ready")
    a.transport = b.transport = request.param
    return a, b


def check_stamps(sender, receiver, token, first, count):
    """Every transmit stamp belongs to the frame of its token: after the frame before was received, and before
    this one was."""
    sent = {int(t) - token + first: int(stamp) for t, stamp in sender.expect("tx", count)}
    received = {int(line[4]): int(line[3]) for line in receiver.expect("rx", count)}
    assert sorted(sent) == sorted(received) == list(range(first, first + count))
    previous = 0  # a veth stamps reception within the sender's call: frames do not overlap
    for sequence, tx in sorted(sent.items()):
        assert previous < tx < received[sequence] < tx + FLIGHT_NS, (sequence, sent, received)
        previous = received[sequence]
    assert abs(tx - time.time_ns()) < 60e9


def source(node, transport):
    return {"udpv4": [node.ip4], "udpv6": [node.ip6, "fe80::ff:fe00:" + node.mac[-1]], "ethernet": [node.mac]}[transport]


def test_stamps_match_their_frames(probes):
    a, b = probes
    for token in 1000, 2000:
        results, first = a.send(token=token, count=20)
        assert results == ["ok"] * 20
        check_stamps(a, b, token, first, 20)
        # frames without a stamp in between are not counted
        a.send(count=3)
        b.expect("rx", 3)
        # those into which a NIC would insert its time are, and the stamps of this software one are nobody's
        assert a.send("o", count=2)[0] == ["ok"] * 2
        b.expect("rx", 2)
    a.settle()
    assert a.of("tx") == []
    assert a.of("rx") == []  # its own multicast
    for probe in probes:
        counters = probe.counters()
        assert counters.pop("stamps_unmatched") == (4 if probe is a else 0)
        assert set(counters.values()) == {0}
        probe.quit()


def test_addresses_and_channels(probes, pair):
    a, b = probes
    a.send("g")
    a.send("e", "peer", token=5)
    general, event = sorted(b.expect("rx", 2), key=lambda line: line[0], reverse=True)
    assert general[:2] == ["g", "multicast"] and event[:2] == ["e", "multicast"]
    assert general[2] in source(pair.a, a.transport)
    assert event[2] in source(pair.a, a.transport)
    assert int(event[3]) > 0
    assert a.expect("tx")[0][0] == "5"
    # back to whom it came from
    b.send("g", "last")
    assert a.expect("rx")[0][:2] == ["g", "unicast"]
    _, first = b.send("e", "last", token=7)
    check_stamps(b, a, 7, first, 1)


ASK = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.bind(("", int(sys.argv[2])))
s.sendto(bytes(44), (sys.argv[1], int(sys.argv[2])))
print(s.recvfrom(100)[1][0])
"""


@pytest.mark.parametrize("transport, second", [("udpv4", "192.0.2.77"), ("udpv6", "fd00::77")])
@pytest.mark.parametrize("channel, port", [("e", 319), ("g", 320)])
def test_answer_leaves_from_the_address_that_was_asked(pair, transport, second, channel, port):
    pair.a.run(["ip", "address", "add", second + ("/64" if ":" in second else "/24"), "dev", "eth0", "preferred_lft", "0"])
    a = Probe(pair.a, transport)
    a.expect("ready")
    for asked in second, pair.a.ip6 if ":" in second else pair.a.ip4:
        client = pair.b.popen(["/usr/bin/python3", "-c", ASK, asked, str(port)], stdout=subprocess.PIPE)
        assert a.expect("rx")[0][:2] == [channel, "unicast"]
        assert a.send(channel, "last", token=9 if channel == "e" else 0)[0] == ["ok"]
        assert client.communicate(timeout=ANSWER_S)[0].strip() == asked


def test_link_down_and_up(probes):
    a, b = probes
    _, first = a.send(token=10)
    check_stamps(a, b, 10, first, 1)
    a.node.link(False)
    assert a.expect("link")[0][0] == "down"
    results, _ = a.send(token=20, count=3)
    assert "ok" not in results
    assert a.counters()["tx_errors"] == 3
    a.node.link(True)
    while a.expect("link")[0][0] != "up":
        pass
    results, first = a.send(token=30, count=5)
    assert results == ["ok"] * 5
    check_stamps(a, b, 30, first, 5)
    # and the other way: memberships survive
    _, first = b.send(token=40)
    check_stamps(b, a, 40, first, 1)
    assert b.counters()["rx_errors"] <= 1  # the packet socket says once that the link went
    used = sum(float(x) for x in pathlib.Path(f"/proc/{a.process.pid}/stat").read_text().split()[13:15])
    assert used < 50, "the probe spins"  # clock ticks of 10 ms


def test_stamps_match_after_failed_sends(pair):
    """A packet socket counts a frame that a full queue then refuses: later stamps must not be one off."""
    a, b = Probe(pair.a, "ethernet"), Probe(pair.b, "ethernet")
    for probe in a, b:
        probe.expect("ready")
    slow = "qdisc replace dev eth0 root tbf rate 200kbit burst 1000 limit 2000"
    pair.a.run(["tc", *slow.split()])
    for round in range(3):
        results, _ = a.send(token=1000 * (round + 1), count=100)
        assert "ENOBUFS" in results and results[0] == "ok"
        time.sleep(0.3)
        a.settle()
        b.settle()
        a.lines, b.lines = [], []
        results, first = a.send(token=50, count=5)
        assert results == ["ok"] * 5
        check_stamps(a, b, 50, first, 5)
    assert a.counters()["stamps_unmatched"] == 0


def test_interface_removed_and_back(pair):
    a = Probe(pair.a, "udpv4")
    a.expect("ready")
    pair.a.run(["ip", "link", "del", "eth0"])
    while a.expect("link")[0][0] != "down":
        pass
    assert a.send(token=1)[0] == ["ENODEV"]
    a.quit()
    gone = Probe(pair.a, "udpv4")
    assert " ".join(gone.expect("error")[0]) == "eth0: no such interface"


def test_interface_query(pair):
    a = Probe(pair.a, "udpv4")
    words = " ".join(a.expect("interface")[0])
    assert "up phc -1 software 1 hardware 0: the driver veth has no hardware clock (PHC)" in words
    for name, kind, why in [
        ("mv0", ["link", "eth0", "type", "macvlan"], "eth0: the driver veth has no hardware clock (PHC)"),
        ("br0", ["type", "bridge"], "br0 is a bridge and has no hardware clock (PHC)"),
    ]:
        pair.a.run(["ip", "link", "add", name, *kind])
        stacked = Probe(pair.a, "ethernet", interface=name)
        words = " ".join(stacked.expect("interface")[0])
        assert "down phc -1" in words and words.endswith(why)
    refused = Probe(pair.b, "udpv4", "hardware")
    assert "hardware time stamping cannot be turned on" in " ".join(refused.expect("error")[0])


def test_refusals(pair):
    first = Probe(pair.a, "udpv4")
    first.expect("ready")
    second = Probe(pair.a, "udpv4")
    assert " ".join(second.expect("error")[0]) == "eth0, udpv4 port 319: another program serves PTP there"
    pair.b.run(["ip", "-4", "address", "flush", "dev", "eth0"])
    bare = Probe(pair.b, "udpv4")
    assert "the interface has no address of this kind" in " ".join(bare.expect("error")[0])


def fields(path, *names):
    args = [word for name in names for word in ("-e", name)]
    out = subprocess.run(
        ["tshark", "-r", str(path), "-Y", "ptp", "-T", "fields", "-E", "separator=;", *args],
        capture_output=True,
        text=True,
        check=True,
    )
    return [tuple(line.split(";")) for line in out.stdout.splitlines()]


# The lengths: UDP's header, 44 octets of message, and 2 octets for whoever changes an event message on its way
# to keep the checksum right.
@pytest.mark.parametrize(
    "transport, names, event, general, peer, one_step",
    [
        (
            "udpv4",
            ("ip.dst", "udp.dstport", "ip.dsfield.dscp", "ip.ttl", "udp.length"),
            ("224.0.1.129", "319", "46", "5", "52"),
            ("224.0.1.129", "320", "34", "5", "52"),
            ("224.0.0.107", "319", "46", "1", "52"),
            ("224.0.1.129", "319", "46", "5", "54"),
        ),
        (
            "udpv6",
            ("ipv6.dst", "udp.dstport", "ipv6.tclass.dscp", "ipv6.hlim", "udp.length"),
            ("ff0e::181", "319", "46", "5", "54"),
            ("ff0e::181", "320", "34", "5", "52"),
            ("ff02::6b", "319", "46", "1", "54"),
            ("ff0e::181", "319", "46", "5", "54"),
        ),
        (
            "ethernet",
            ("eth.dst", "eth.type", "frame.len"),
            ("01:1b:19:00:00:00", "0x88f7", "58"),
            ("01:1b:19:00:00:00", "0x88f7", "58"),
            ("01:80:c2:00:00:0e", "0x88f7", "58"),
            ("01:1b:19:00:00:00", "0x88f7", "58"),
        ),
    ],
)
def test_on_the_wire(pair, tmp_path, transport, names, event, general, peer, one_step):
    a = Probe(pair.a, transport)
    a.expect("ready")
    with pair.b.capture(tmp_path / "wire.pcap"):
        a.send("e", token=1)
        a.send("g")
        a.send("e", "peer", token=2)
        a.expect("tx", 2)
        a.send("o")
    assert fields(tmp_path / "wire.pcap", *names) == [event, general, peer, one_step]


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind():
    yield
    left = json.loads(subprocess.run(["ip", "-j", "netns"], capture_output=True, text=True).stdout or "[]")
    assert not [n["name"] for n in left if n["name"].startswith(f"gmd-{os.getpid()}-")]
