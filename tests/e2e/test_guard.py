# SPDX-License-Identifier: BSD-2-Clause
"""The guard before the sockets: floods end in the kernel, and take nothing from those who keep to their rate."""

import pathlib
import re
import time

import pytest

from confs import conf
from guarded import TRANSPORTS, Probe, Requests, ask
from peers import ST2059_CLIENT, Gmd, Ptp4l, wait_for

FLOOD = 200_000  # requests a second, as far as the machine goes
SECONDS = 1

pytestmark = pytest.mark.xdist_group("loud")  # one at a time: they take what the machine has


def guarded(pair, transport):
    probe = Probe(pair.a, transport)
    probe.do("guard")
    return probe


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("mode", ["unicast", "multicast"])
def test_a_client_has_its_rate_and_no_more(pair, transport, mode):
    probe = guarded(pair, transport)
    probe.allow(1, rate=100, burst=50)  # a machine that stalls for half a second costs it nothing
    asked = ask(pair, transport, mode=mode, rate=1000, seconds=2)
    passed, answered, refused = probe.counts(1)
    assert passed + refused == asked["sent"] and answered == 0
    assert passed == pytest.approx(50 + 100 * asked["seconds"], rel=0.05), (passed, refused)
    assert probe.receives(passed)
    probe.quit()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_no_port_answers_is_dropped(pair, transport):
    probe = guarded(pair, transport)
    sent = ask(pair, transport, domain=5, rate=5000, clients=100, seconds=1)["sent"]
    passed, refused = probe.totals()[1]["foreign"]
    assert passed + refused == sent
    assert 64 <= passed < 400  # a few, for the daemon to name the fault
    probe.quit()


@pytest.mark.parametrize("mode", ["unicast", "multicast"])
@pytest.mark.parametrize(
    "transport, attacker",
    [("udpv4", "known"), ("udpv4", "stranger"), ("udpv4", "forged"), ("udpv6", "forged"), ("ethernet", "forged")],
)
def test_good_clients_beside_a_flood(pair, transport, mode, attacker):
    probe = guarded(pair, transport)
    good, clients = 100, 10_000 if attacker == "forged" else 1
    probe.allow(good, rate=10)
    if attacker == "known":
        probe.allow(1, rate=10, first=200)
    flood = Requests(
        pair.b, pair.a, transport, mode, clients, FLOOD, SECONDS + 1, first=200 if attacker == "known" else 1000
    )
    wanted = ask(pair, transport, mode=mode, clients=good, rate=8 * good, seconds=SECONDS)["sent"]
    counts = [probe.counts(n) for n in range(1, good + 1)]
    passed, refused = (sum(c[i] for c in counts) for i in (0, 2))
    offered = flood.result()
    came, (through, dropped) = int(probe.ask("received")), probe.totals()[1]["request"]
    print(
        f"{transport} {mode} {attacker}: flood {offered['sent'] / offered['seconds']:.0f}/s, {through} of "
        f"{wanted + offered['sent']:.0f} let through; good {passed} of {wanted:.0f}; queue lost {through - came}"
    )
    assert passed == wanted and refused == 0
    assert came == through  # nothing was lost behind the guard
    probe.quit()


def test_without_rights(pair):
    probe = Probe(pair.a, "udpv4", ["setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin"])
    assert probe.ask("guard") == "not permitted (needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN)"
    probe.do("plain")
    assert probe.receives(ask(pair, "udpv4", rate=500)["sent"])
    sent = ask(pair, "udpv4", domain=5, rate=5000)["sent"]
    came = int(probe.ask("received"))
    assert 0 < came < sent / 16
    assert int(probe.ask("drops")) == sent - came
    probe.quit()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_plain_filter_lets_good_frames_pass(pair, transport):
    probe = Probe(pair.a, transport)
    probe.do("plain")
    assert probe.receives(ask(pair, transport, rate=500)["sent"])
    probe.quit()


def exchanged(client):
    """Delay_Req sent and Delay_Resp received so far."""
    stats = client.pmc("GET PORT_STATS_NP")
    return [int(re.search(rf"{name}\s+(\d+)", stats)[1]) for name in ("tx_Delay_Req", "rx_Delay_Resp")]


@pytest.mark.parametrize("mode, sources", [("multicast", 1), ("hybrid", 1), ("hybrid", 10_000)])
def test_ptp4l_beside_a_flood(pair, tmp_path, mode, sources):
    options = {**ST2059_CLIENT, "hybrid_e2e": int(mode == "hybrid"), "delay_mechanism": "E2E"}
    gmd = Gmd(pair.a, tmp_path, conf(ptp="serve_before_lock = true;")).start()
    gmd.wait_port_state("MASTER")
    client = Ptp4l(pair.b, tmp_path, **options).start()
    wait_for(f"Delay_Resp: {client.log_path}", lambda: exchanged(client)[1] > 8)
    flood = Requests(pair.b, pair.a, "udpv4", mode if mode == "multicast" else "unicast", sources, FLOOD, 4)
    time.sleep(0.5)
    before = exchanged(client)
    time.sleep(3)
    asked, answered = (after - b for after, b in zip(exchanged(client), before))
    offered = flood.result()
    port = gmd.ask("ports")["ports"][0]
    print(f"{mode}, flood of {sources} at {offered['sent'] / offered['seconds']:.0f}/s: {answered} of {asked}; {port}")
    assert asked > 12 and answered >= 0.75 * asked
    assert port["tx_timestamp_missing"] <= 2  # late, where the flood has the processor
    assert port["tx"]["Sync"] - port["tx"]["Follow_Up"] <= 3
    client.stop()
    gmd.stop()


UNPROTECTED = ["-all", "+net_bind_service", "+net_raw"]


def served_with(pair, tmp_path, capabilities, clients=""):
    """gmd with these rights only, serving; what it says of the kernel's protection."""
    sets = ",".join(capabilities)
    text = conf(ptp="serve_before_lock = true;") + f"clients: {{ {clients} }};"
    gmd = Gmd(pair.a, tmp_path, text, wrapper=["setpriv", f"--bounding-set={sets}", "--inh-caps=-all"]).start()
    gmd.wait_port_state("MASTER")
    return gmd, gmd.ask("ports")["ports"][0]["protection"]


def test_rights_of_the_service_suffice(pair, tmp_path):
    unit = pathlib.Path(__file__).parents[2] / "debian/gmd.service"
    names = re.search(r"^CapabilityBoundingSet=(.*)$", unit.read_text(), re.MULTILINE)[1].split()
    capabilities = ["-all", *("+" + name.removeprefix("CAP_").lower() for name in names)]
    gmd, protection = served_with(pair, tmp_path, capabilities, 'fast_path = "xdp";')
    assert protection["guard"] and protection["fast_path"] in ("driver", "ingress"), gmd.log()
    assert not protection["missing"] and not protection["problem"]
    assert "clients.guard" not in gmd.log()


def test_says_what_is_missing_without_rights(pair, tmp_path):
    """Once, and without an alarm: it serves as usual."""
    gmd, protection = served_with(pair, tmp_path, UNPROTECTED)
    assert not protection["guard"] and "not permitted" in protection["missing"]
    assert gmd.log().count("clients.guard: not permitted") == 1
    assert "protection" not in gmd.ask("status")["alarms"]
    pair.a.run(["ip", "link", "set", "eth0", "down"])
    gmd.wait_port_state("FAULTY")
    pair.a.run(["ip", "link", "set", "eth0", "up"])
    gmd.wait_port_state("MASTER")
    assert gmd.log().count("not permitted") == 1


def test_switched_off(pair, tmp_path):
    gmd, protection = served_with(pair, tmp_path, UNPROTECTED, "guard = false;")
    assert not protection["guard"] and not protection["missing"]
    assert "clients.guard" not in gmd.log()
