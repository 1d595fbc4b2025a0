# SPDX-License-Identifier: BSD-2-Clause
"""gmload against gmd, against ptp4l, and against a server whose faults are known: are its figures true?"""

import json
import subprocess
import sys

import pytest
from confs import conf
from netns import VethPair
from peers import BUILD, Gmd, Ptp4l, wait_for

PASSED, FAILED, MISUSED, COULD_NOT_RUN = range(4)
CLIENT_NET = "10.77.0.0/16"

# Answers Delay_Req, but no odd sequenceId of client 7, nothing of client 3, and client 5 only after 50 ms.
FAULTY_SERVER = """
import socket, struct, threading
event, general = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
event.bind(("", 319))
general.bind(("", 320))
print("ready", flush=True)
while True:
    request, peer = event.recvfrom(256)
    client, (sequence,) = request[27], struct.unpack("!H", request[30:32])
    if client == 3 or client == 7 and sequence % 2:
        continue
    header = bytes([0x19]) + request[1:2] + bytes([0, 54]) + request[4:32] + bytes([3, 0x7F])
    answer = header + bytes(10) + request[20:30]
    delay = 0.05 if client == 5 else 0
    threading.Timer(delay, general.sendto, (answer, (peer[0], 320))).start() if delay else general.sendto(answer, (peer[0], 320))
"""


def load(node, *arguments, status=PASSED):
    """gmload's summary."""
    result = node.run([BUILD / "gmload", "--json", *arguments, node.interface], check=False)
    assert result.returncode == status, result.stdout + result.stderr
    return json.loads(result.stdout) if result.stdout else result.stderr


def due(r):
    """The Delay_Req that were to be sent: what a machine that stands still leaves out is not made up for."""
    assert r["good"]["left_out"] < r["good"]["sent"]
    return r["good"]["sent"] + r["good"]["left_out"]


pytestmark = pytest.mark.xdist_group("loud")  # one at a time: they take what the machine has


@pytest.fixture(scope="module")
def bed(tmp_path_factory):
    """A veth pair whose end a serves, by gmd."""
    with VethPair() as pair:
        pair.a.run(["ip", "route", "add", CLIENT_NET, "via", pair.b.ip4])
        gmd = Gmd(pair.a, tmp_path_factory.mktemp("gmd"), conf(ptp="serve_before_lock = true;")).start()
        gmd.wait_port_state("MASTER")
        pair.gmd = gmd
        yield pair


def test_multicast(bed):
    r = load(bed.b, "--seconds", "3", "--clients", "50")
    assert due(r) == pytest.approx(50 * 8 * 3, rel=0.1)
    assert r["good"]["answered"] == r["good"]["sent"]
    assert 0 < r["good"]["round_trip_ns"]["p50"] <= r["good"]["round_trip_ns"]["max"]
    assert 18 <= r["sync"]["expected"] <= 25 and r["sync"]["missing"] == 0 and r["sync"]["follow_ups_missing"] == 0
    assert r["sync"]["interval_error_ns"]["p50"] < 25_000_000
    assert r["server_address"] == bed.a.ip4


def test_hybrid_with_abuse(bed):
    r = load(bed.b, "--mode", "hybrid", "--from", CLIENT_NET, "--seconds", "2", "--clients", "20", "--abuse", "2000")
    assert r["good"]["answered"] == r["good"]["sent"] and due(r) == pytest.approx(20 * 8 * 2, abs=2)
    assert 1000 < r["abuse"]["sent"] < 4400
    clients = [c for c in bed.gmd.ask("clients")["clients"] if c["mode"] == "hybrid"]
    assert len(clients) == 21
    assert max(c["requests"] for c in clients) == r["abuse"]["sent"]
    assert sum(c["requests"] for c in clients) == r["good"]["sent"] + r["abuse"]["sent"]


def test_forged(bed):
    r = load(bed.b, "--seconds", "1", "--clients", "1", "--forged", "64", "--abuse", "640")
    assert r["abuse"]["answered"] == r["abuse"]["sent"]
    assert 100 < r["abuse"]["sent"] < 700


def test_threads_share_the_clients(bed):
    r = load(bed.b, "--mode", "hybrid", "--from", CLIENT_NET, "--seconds", "1", "--clients", "101", "--threads", "4")
    assert r["good"]["answered"] == r["good"]["sent"] and due(r) == pytest.approx(808, abs=5)
    assert r["good"]["unanswered_clients"] == r["good"]["silent_clients"] == 0


def test_closed_loop_ends_with_the_count(bed):
    r = load(bed.b, "--closed-loop", "--clients", "50", "--count", "300", "--seconds", "20")
    assert r["good"]["answered"] == r["good"]["sent"] == 300  # six each: within what gmd lets a client ask at once
    assert r["seconds"] < 10


def test_closed_loop_of_clients_that_take_turns(bed):
    r = load(bed.b, "--closed-loop", "--clients", "50", "--in-flight", "4", "--count", "200", "--seconds", "20")
    assert r["good"]["answered"] == r["good"]["sent"] == 200
    assert r["good"]["worst"]["sent"] == 4 and r["good"]["silent_clients"] == 0


def test_addresses_on_the_link(bed):
    """Without a route: the server asks for them by ARP."""
    r = load(bed.b, "--mode", "hybrid", "--from", "192.0.2.64/26", "--clients", "60", "--seconds", "2", "--expect", "0")
    # a first request each may be lost while the server asks
    assert r["good"]["answered"] >= r["good"]["sent"] - 60 and r["good"]["unanswered_clients"] == 0
    neighbours = bed.a.run(["ip", "neighbour"]).stdout
    assert f"192.0.2.65 dev eth0 lladdr {bed.b.mac}" in neighbours


def test_obeys(bed):
    r = load(bed.b, "--clients", "5", "--rate", "80", "--seconds", "2", "--expect", "0")
    assert r["good"]["answered"] < r["good"]["sent"] / 2  # gmd keeps them to their rate
    assert any("oftener" in note for note in r["notes"])
    obeying = load(bed.b, "--clients", "5", "--rate", "80", "--seconds", "2", "--obey")
    assert due(r) == pytest.approx(800, rel=0.4)
    assert 64 <= due(obeying) and obeying["good"]["sent"] <= 120  # 8 a second, and what is sent before the first answer
    assert not any("oftener" in note for note in obeying["notes"])


@pytest.fixture(scope="module")
def sptp_bed(tmp_path_factory):
    with VethPair() as pair:
        pair.a.run(["ip", "route", "add", CLIENT_NET, "via", pair.b.ip4])
        settings = "clients: { sptp = true; };\n"
        gmd = Gmd(pair.a, tmp_path_factory.mktemp("sptp"), conf(ptp="serve_before_lock = true;") + settings).start()
        gmd.wait_port_state("MASTER")
        pair.gmd = gmd
        yield pair


def stamps_missing(gmd):
    return gmd.ask("ports")["ports"][0]["tx_timestamp_missing"]


@pytest.mark.parametrize("source", [(), ("--from", CLIENT_NET)], ids=["ports", "addresses"])
def test_sptp(sptp_bed, source):
    """Clients of one address by ephemeral ports, or each at ports 319 and 320 of its own address."""
    before = stamps_missing(sptp_bed.gmd)
    r = load(sptp_bed.b, "--mode", "sptp", "--seconds", "2", "--clients", "41", "--threads", "2", "--expect", "98", *source)
    # one that a machine that stands still has for missing costs one exchange
    missing = stamps_missing(sptp_bed.gmd) - before
    assert r["good"]["answered"] + missing == r["good"]["sent"] and due(r) == pytest.approx(41 * 8 * 2, abs=4)
    assert r["good"]["unasked"] == r["good"]["unanswered_clients"] == 0
    clients = [c for c in sptp_bed.gmd.ask("clients", "--mode", "sptp")["clients"] if c["client"].endswith("-1") == bool(source)]
    assert len(clients) == 41
    assert sum(c["answered"] for c in clients) == r["good"]["sent"]


def test_sptp_beside_abuse(sptp_bed):
    r = load(sptp_bed.b, "--mode", "sptp", "--seconds", "2", "--clients", "20", "--abuse", "2000")
    assert r["good"]["answered"] == r["good"]["sent"]
    assert 16 <= r["abuse"]["answered"] < 200 < r["abuse"]["sent"]  # kept to its rate


def test_sptp_where_it_is_off(bed):
    r = load(bed.b, "--mode", "sptp", "--from", CLIENT_NET, "--seconds", "1", "--clients", "5", status=FAILED)
    assert r["good"]["answered"] == 0, "a Delay_Resp is no answer"
    assert "SPTP?" in r["notes"][0]


def test_other_domain(bed):
    r = load(bed.b, "--domain", "5", "--seconds", "1.5", status=FAILED)
    assert r["good"]["answered"] == 0
    assert "in domain 127: --domain 127?" in r["notes"][0]
    complaint = load(bed.b, "--domain", "5", "--mode", "hybrid", "--seconds", "1", status=COULD_NOT_RUN)
    assert "in domain 127: --domain 127?" in complaint


def test_text_and_progress(bed):
    result = bed.b.run([BUILD / "gmload", "--seconds", "2", bed.b.interface])
    assert len(result.stderr.splitlines()) == 2 and "   1 s  Delay_Req" in result.stderr
    assert "100 clients, multicast, 8/s each" in result.stdout and "worst client" in result.stdout


def test_ethernet(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf(ptp="serve_before_lock = true;", transport="ethernet")).start()
        gmd.wait_port_state("MASTER")
        for mode in ("multicast", "hybrid"):
            r = load(pair.b, "--transport", "ethernet", "--mode", mode, "--seconds", "1", "--clients", "10")
            assert r["good"]["answered"] == r["good"]["sent"] and due(r) == pytest.approx(80, abs=2)


def test_negotiated_with_ptp4l(tmp_path):
    with VethPair() as pair:
        pair.a.run(["ip", "route", "add", CLIENT_NET, "via", pair.b.ip4])
        options = {"domainNumber": 127, "slaveOnly": 0, "unicast_listen": 1}
        server = Ptp4l(pair.a, tmp_path, name="gm", logAnnounceInterval=-2, **options).start(monitor=False)
        wait_for("ptp4l a master", lambda: "MASTER" in server.log())
        negotiate = ["--mode", "negotiated", "--from", CLIENT_NET, "--clients", "20", "--duration", "5"]
        r = load(pair.b, *negotiate, "--seconds", "6", "--announce-rate", "2")
        assert r["grants"]["granted"] == 60 and r["grants"]["refused"] == r["grants"]["expired"] == 0
        assert r["grants"]["renewed"] >= 60
        assert r["good"]["answered"] == r["good"]["sent"] > 20 * 8 * 3
        assert r["sync"]["expected"] > 20 * 8 * 3
        assert r["sync"]["missing"] == r["announce"]["missing"] == 0
        assert r["sync"]["follow_ups_missing"] <= 3  # ptp4l's, where the machine is late


def test_nothing_granted(tmp_path):
    """A server that does not negotiate."""
    with VethPair() as pair:
        gmd = Ptp4l(pair.a, tmp_path, name="gm", domainNumber=127, slaveOnly=0).start(monitor=False)
        negotiate = ["--mode", "negotiated", "--from", CLIENT_NET, "--server", pair.a.ip4, "--clients", "2"]
        r = load(pair.b, *negotiate, "--seconds", "1.5", status=FAILED)
        assert r["good"]["silent_clients"] == 2 and "none granted" in r["notes"][0]
        gmd.stop()


def test_known_faults():
    """The figures against what the server is known to do."""
    with VethPair() as pair:
        server = pair.a.popen([sys.executable, "-c", FAULTY_SERVER], stdout=subprocess.PIPE)
        assert server.stdout.readline() == "ready\n"
        arguments = ["--mode", "hybrid", "--server", pair.a.ip4, "--clients", "10", "--rate", "10", "--seconds", "3"]
        r = load(pair.b, *arguments, "--timeout", "0.9", status=FAILED)
        good = r["good"]
        assert due(r) == pytest.approx(300, abs=2)
        # a busy machine may be late, but loses none
        assert good["answered"] + good["late"] == pytest.approx(good["sent"] - 30 - 15, abs=2 + good["left_out"])
        assert good["answered"] > 200 and good["unasked"] == 0
        assert good["unanswered_clients"] == 1
        assert good["worst"]["client"] == 3 and good["worst"]["answered"] == 0
        assert good["round_trip_ns"]["p99"] >= 50_000_000 > good["round_trip_ns"]["p50"]
        late = load(pair.b, *arguments, "--timeout", "0.04", "--expect", "50")
        assert late["good"]["late"] >= 28


@pytest.mark.parametrize(
    "command, status, complaint",
    [
        (["eth7"], COULD_NOT_RUN, "gmload: eth7: no such interface"),
        (["lo"], COULD_NOT_RUN, "gmload: lo: is no Ethernet interface"),
        (["--mode", "hybrid", "--server", "192.0.2.99", "eth0"], COULD_NOT_RUN, "nobody answers ARP"),
        (["--clients", "0", "eth0"], MISUSED, "gmload: --clients: found 0, expected a number 1..65536"),
    ],
)
def test_complaints(command, status, complaint, bed):
    result = bed.b.run([BUILD / "gmload", *command], check=False)
    assert result.returncode == status
    assert complaint in result.stderr


def test_interface_vanishes():
    """What was measured is told, and that it is not all."""
    with VethPair() as pair:
        command = [BUILD / "gmload", "--json", "--clients", "10", "--seconds", "60", "--timeout", "0.1", pair.b.interface]
        process = pair.b.popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stderr.readline().startswith("   1 s  Delay_Req")
        pair.b.run(["ip", "link", "delete", pair.b.interface])
        stdout, stderr = process.communicate(timeout=20)
    r = json.loads(stdout)
    assert process.returncode == COULD_NOT_RUN and 1 <= r["seconds"] < 20 and r["good"]["sent"] > 0
    assert f"gmload: {pair.b.interface}: the interface vanished after" in stderr


def test_without_the_right(bed):
    unprivileged = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
    result = bed.b.run([*unprivileged, BUILD / "gmload", "--seconds", "1", "eth0"], check=False)
    assert result.returncode == COULD_NOT_RUN
    assert "needs root, or CAP_NET_RAW" in result.stderr
