# SPDX-License-Identifier: BSD-2-Clause
"""Workers: Delay_Resp from threads beside the daemon, for clients that the guard knows, while the daemon says so."""

import json
import pathlib
import re

import pytest

from confs import conf
from guarded import Probe, ask, check_answered_instead, check_answers, check_the_rest
from netns import VethPair
from peers import BUILD, ST2059_CLIENT, Gmd, Ptp4l, wait_for
from test_guard import UNPROTECTED, exchanged

CLIENT_NET = "10.77.0.0/16"
UDP = ["udpv4", "udpv6"]
WORKERS = 3

pytestmark = pytest.mark.xdist_group("kernel")  # one at a time, beside the loud ones


@pytest.fixture
def pair():
    with VethPair() as p:
        for network, gateway in ((CLIENT_NET, p.b.ip4), ("10.0.0.0/16", p.b.ip4), ("fd00::a00:0:0/112", p.b.ip6)):
            p.a.run(["ip", "route", "add", network, "via", gateway])
            # the first answers do not wait for a neighbour
            p.a.run(["ip", "neighbour", "replace", gateway, "dev", "eth0", "lladdr", p.b.mac, "nud", "permanent"])
        yield p


# --- as the kernel and the threads do it, without a daemon --------------------------------------------------------


def working(pair, transport="udpv4", clients=10, rate=200, burst=200):
    probe = Probe(pair.a, transport)
    probe.do("guard")
    probe.do("workers", WORKERS)
    probe.allow(clients, rate, burst)  # a machine that stalls for a second costs nothing
    return probe


@pytest.mark.parametrize("transport", UDP)
@pytest.mark.parametrize("mode", ["unicast", "multicast"])
def test_known_clients_are_answered_by_workers(pair, transport, mode):
    probe = working(pair, transport)
    check_answered_instead(pair, probe, transport, mode)
    probe.quit()


@pytest.mark.parametrize("transport", UDP)
def test_the_rest_is_the_daemons_or_ends(pair, transport):
    probe = working(pair, transport, clients=1, rate=100, burst=50)
    check_the_rest(pair, probe, transport)
    probe.quit()


def test_fall_silent_while_the_daemon_hangs(pair):
    probe = working(pair)
    probe.do("hang", 3)
    got = ask(pair, rate=50, seconds=2)
    assert 0.5 < got["answered"] / 50 < 1.3 and got["faults"] == 0
    wait_for("the daemon again", lambda: int(probe.ask("received")) > 0)
    check_answers(ask(pair, rate=50))
    probe.quit()


def test_end_with_the_daemon(pair):
    probe = working(pair)
    check_answers(ask(pair, rate=50))
    probe.process.kill()
    probe.process.wait()
    assert ask(pair, rate=50)["answered"] == 0


# --- the daemon ---------------------------------------------------------------------------------------------------


def serving(pair, tmp_path, transport="udpv4", wrapper=(), text=""):
    clients = f"clients: {{ workers = {WORKERS}; }}; {text}"
    text = conf(ptp="serve_before_lock = true;", transport=transport) + clients
    gmd = Gmd(pair.a, tmp_path, text, wrapper=wrapper).start()
    gmd.wait_port_state("MASTER")
    return gmd


def port_of(gmd):
    return gmd.ask("ports")["ports"][0]


def load(pair, *arguments, seconds=4):
    command = [BUILD / "gmload", "--json", "--quiet", "--expect", "0", "--seconds", seconds, "--server", pair.a.ip4]
    return json.loads(pair.b.run([*map(str, command), *arguments, pair.b.interface], check=False).stdout)


def worker_seconds(gmd):
    """Processor time of each."""
    tasks = pathlib.Path(f"/proc/{gmd.process.pid}/task").iterdir()
    workers = sorted(t for t in tasks if (t / "comm").read_text().startswith("gmd-worker"))
    return [int((t / "schedstat").read_text().split()[0]) / 1e9 for t in workers]


@pytest.mark.parametrize("mode", ["multicast", "hybrid"])
def test_crowd(pair, tmp_path, mode):
    """Everybody is answered, and every request is in the books, whoever answered it."""
    gmd = serving(pair, tmp_path)
    addresses = ["--from", CLIENT_NET] if mode == "hybrid" else []
    crowd = ["--mode", mode, "--clients", "60", *addresses]
    sent = 0
    for _ in range(2):  # the second time they are known
        got = load(pair, *crowd)["good"]
        assert got["answered"] == got["sent"] > 0
        sent += got["sent"]
    port, protection = port_of(gmd), port_of(gmd)["protection"]
    print(protection, worker_seconds(gmd))
    assert protection["workers"] == WORKERS == len(worker_seconds(gmd))
    assert protection["fast_answered"] > sent / 3
    assert protection["workers_unanswered"] == protection["queue_lost"] == 0
    assert port["rx"]["Delay_Req"] == port["tx"]["Delay_Resp"] == sent
    clients = gmd.ask("clients")["clients"]
    assert len(clients) == 60
    assert sum(c["requests"] for c in clients) == sum(c["answered"] for c in clients) == sent
    assert gmd.stop() == 0


@pytest.mark.parametrize("hybrid", [0, 1])
def test_ptp4l(pair, tmp_path, hybrid):
    gmd = serving(pair, tmp_path)
    options = {**ST2059_CLIENT, "hybrid_e2e": hybrid, "delay_mechanism": "E2E"}
    client = Ptp4l(pair.b, tmp_path, **options).start()
    wait_for("workers' answers", lambda: port_of(gmd)["protection"]["fast_answered"] > 40, 40)
    requests, responses = exchanged(client)
    assert responses >= requests - 2, (requests, responses)
    delay = float(re.search(r"meanPathDelay\s+(\S+)", client.pmc("GET CURRENT_DATA_SET"))[1])
    print(f"mean path delay {delay:.0f} ns, median offset {client.median()} ns")
    assert 0 < delay < 200_000
    assert gmd.stop() == 0


def test_leaves_master(pair, tmp_path):
    """A better grandmaster comes: none of them answers any more; it goes, and they do again."""
    gmd = serving(pair, tmp_path)
    crowd = ["--mode", "hybrid", "--from", CLIENT_NET, "--clients", "20"]
    load(pair, *crowd)
    load(pair, *crowd, seconds=1)
    before = port_of(gmd)["protection"]["fast_answered"]
    assert before > 0
    options = {"slaveOnly": 0, "priority1": 1, "clockClass": 6, "logAnnounceInterval": -2, "domainNumber": 127}
    better = Ptp4l(pair.b, tmp_path, name="better", **options).start(monitor=False)
    wait_for("not MASTER", lambda: gmd.port_state() != "MASTER")
    after = port_of(gmd)["tx"]["Delay_Resp"]
    assert load(pair, *crowd, seconds=1)["good"]["answered"] == 0
    assert port_of(gmd)["tx"]["Delay_Resp"] == after
    better.stop()
    gmd.wait_port_state("MASTER")
    assert load(pair, *crowd, seconds=1)["good"]["answered"] > 0


def test_link_goes_and_comes(pair, tmp_path):
    gmd = serving(pair, tmp_path)
    for _ in range(2):
        pair.a.run(["ip", "link", "set", "eth0", "down"])
        gmd.wait_port_state("FAULTY")
        pair.a.run(["ip", "link", "set", "eth0", "up"])
        gmd.wait_port_state("MASTER")
    assert port_of(gmd)["protection"]["workers"] == WORKERS == len(worker_seconds(gmd))


WITHOUT_RIGHTS = ["setpriv", f"--bounding-set={','.join(UNPROTECTED)}", "--inh-caps=-all"]


@pytest.mark.parametrize(
    "transport, wrapper, reason",
    [("ethernet", [], "only over UDP"), ("udpv4", WITHOUT_RIGHTS, "not permitted (needs CAP_BPF")],
)
def test_says_why_there_are_none(pair, tmp_path, transport, wrapper, reason):
    gmd = serving(pair, tmp_path, transport, wrapper)
    protection = port_of(gmd)["protection"]
    assert protection["workers"] == 0 and f"no workers: {reason}" in protection["problem"]
    assert gmd.log().count("warning: port 1: no workers") == 1
    assert not worker_seconds(gmd)
