# SPDX-License-Identifier: BSD-2-Clause
"""gmctl metrics against a gmd that serves: the text by a strict reading of the exposition format 0.0.4, its
values by what gmctl says otherwise."""

import re
import subprocess
import time

import pytest

from confs import conf
from netns import VethPair
from peers import BUILD, ST2059_CLIENT, Gmd, Ptp4l, wait_for

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,(?!\})|(?=\}))')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.+)\}})? (\S+)")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
UNITS = ("_seconds", "_ratio", "_hertz", "_bytes", "_celsius", "_info", "_dimensions", "_steps")
CROWD_NET = "10.77.0.0/16"
CROWD = 300


def labels_of(text):
    """{name: value} of what stands between the braces."""
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text + "}", at)
        assert found and found[1] not in labels, text
        labels[found[1]] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], found[2])
        at = found.end()
    return labels


def parse(text):
    """{family: (type, {labels as a sorted tuple: value})}; fails for what the format does not allow."""
    assert text.endswith("\n")
    families, helped, current = {}, None, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            assert words and name not in families and helped is None, line
            helped = name
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == helped and re.fullmatch(NAME, name) and kind in ("counter", "gauge"), line
            families[name] = (kind, {})
            current, helped = name, None
        else:
            found = SAMPLE.fullmatch(line)
            assert found and found[1] == current and helped is None, line
            assert NUMBER.fullmatch(found[3]), line
            labels = tuple(sorted(labels_of(found[2] or "").items()))
            samples = families[current][1]
            assert labels not in samples, line
            samples[labels] = float(found[3])
    assert all(samples for _, samples in families.values())
    return families


def metrics_text(gmd, *options):
    return subprocess.run([BUILD / "gmctl", "-s", gmd.socket, "metrics", *options], capture_output=True, text=True)


class Metrics:
    def __init__(self, gmd, *options):
        result = metrics_text(gmd, *options)
        assert result.returncode == 0 and not result.stderr, result.stderr
        self.families = parse(result.stdout)

    def all(self, name):
        return self.families[name][1] if name in self.families else {}

    def get(self, name, /, **labels):
        """The one sample with these labels, among others."""
        found = [v for k, v in self.all(name).items() if labels.items() <= dict(k).items()]
        assert len(found) == 1, (name, labels, self.all(name))
        return found[0]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A locked gmd with a real client, after many others have asked."""
    with VethPair() as pair:
        directory = tmp_path_factory.mktemp("metrics")
        pair.a.run(["ip", "route", "add", CROWD_NET, "via", pair.b.ip4])
        gmd = Gmd(pair.a, directory, conf()).start()
        client = Ptp4l(pair.b, directory, **ST2059_CLIENT).start()
        gmd.wait_state("LOCKED", 40)
        wait_for("served", lambda: len(client.offsets()) > 8, 40)
        crowd = ["--mode", "hybrid", "--from", CROWD_NET, "--clients", CROWD, "--rate", 1, "--seconds", 2]
        pair.b.run([str(w) for w in [BUILD / "gmload", "--quiet", "--expect", 0, *crowd, pair.b.interface]], check=False)
        yield pair, gmd


def test_format(served):
    families = Metrics(served[1]).families
    assert list(families) == sorted(families) and len(families) > 60
    for name, (kind, samples) in families.items():
        assert name.startswith("gmd_")
        assert (kind == "counter") == name.endswith("_total")
        assert kind == "gauge" or all(v >= 0 and v == int(v) for v in samples.values()) or name.endswith("seconds_total")
        assert not re.search(r"_(ns|ms|ppb|s|hz|percent)(_|$)", name), name
        for labels in samples:
            assert "" not in dict(labels).values(), (name, labels)


def test_values(served):
    pair, gmd = served
    m = Metrics(gmd)
    status, holdover, port = gmd.ask("status"), gmd.ask("holdover"), gmd.ask("ports")["ports"][0]
    assert m.get("gmd_clock_state") == 1
    assert m.get("gmd_discipline_state", state="LOCKED") == 1
    assert sum(m.all("gmd_discipline_state").values()) == 1 and len(m.all("gmd_discipline_state")) == 7
    assert m.get("gmd_clock_class") == status["quality"]["clock_class"] == 6
    assert m.get("gmd_clock_accuracy") == int(status["quality"]["clock_accuracy"], 16)
    assert m.get("gmd_clock_variance") == status["quality"]["offset_scaled_log_variance"]
    assert m.get("gmd_clock_frequency_correction_ratio") == pytest.approx(status["freq_ppb"] * 1e-9, rel=1e-3)
    assert m.get("gmd_clock_frequency_correction_ratio") == pytest.approx(-25e-6, rel=0.01)
    assert abs(m.get("gmd_clock_offset_seconds")) < 1e-6
    bound = m.get("gmd_clock_error_bound_seconds", confidence="0.95")
    assert bound == pytest.approx(status["bound_ns"] * 1e-9, rel=0.2) and bound < 1e-6
    assert bound < m.get("gmd_clock_error_bound_seconds", confidence="0.999")
    steps = {(str(s["clock_class"]), s["clock_accuracy"]): s["after_s"] for s in holdover["time_left"]}
    left = {(dict(k)["clock_class"], dict(k)["clock_accuracy"]): v for k, v in m.all("gmd_holdover_time_left_seconds").items()}
    assert steps and left.keys() == {k for k, v in steps.items() if v is not None}
    assert any(k[0] == "187" for k in left)
    assert not m.all("gmd_discipline_unlocked_seconds")
    assert m.get("gmd_port_state", port="1", interface="eth0", state="MASTER") == 1
    assert m.get("gmd_utc_offset_seconds") == status["time_properties"]["current_utc_offset"]
    assert m.get("gmd_utc_offset_valid") == status["time_properties"]["current_utc_offset_valid"]
    assert m.get("gmd_leap_pending", kind="inserted") == m.get("gmd_leap_pending", kind="deleted") == 0
    assert m.get("gmd_gnss_state", state="good") == 1 and m.get("gmd_gnss_fix_dimensions") == 3
    assert m.get("gmd_gnss_link_up") == 1
    assert m.get("gmd_budget_capacity_hertz") == status["budget"]["capacity_hz"]
    assert 0.5 < m.get("gmd_budget_headroom_ratio") <= 1
    assert m.get("gmd_grandmaster_info", clock_identity=status["clock_identity"], domain="127") == 1
    assert m.get("gmd_build_info", version=gmd.ask("process")["version"]) == 1
    assert m.get("gmd_process_start_time_seconds") == gmd.ask("process")["started_utc_s"]
    assert abs(m.get("gmd_process_start_time_seconds") - time.time()) < 300
    assert 1e6 < m.get("gmd_process_resident_memory_bytes") < 20e6
    assert m.get("gmd_process_cpu_seconds_total") > 0
    tau = {dict(k)["tau"] for k in m.all("gmd_stability_mtie_seconds")}
    assert "1" in tau and tau == {str(r["tau_s"]) for r in gmd.ask("stability")["mtie"]}
    assert port["interface"] == "eth0"


def test_counters_grow_with_what_they_count(served):
    _, gmd = served
    before, reported = Metrics(gmd), gmd.ask("ports")["ports"][0]
    time.sleep(2)
    after = Metrics(gmd)
    for kind, direction, key in (("Sync", "sent", "tx"), ("Delay_Req", "received", "rx"), ("Delay_Resp", "sent", "tx")):
        labels = {"type": kind, "direction": direction}
        first, second = (m.get("gmd_port_messages_total", **labels) for m in (before, after))
        assert 0 < first <= reported[key][kind] < second, labels
    assert after.get("gmd_pulses_total") - before.get("gmd_pulses_total") in (1, 2, 3)
    for name in "gmd_pulses_rejected_total", "gmd_port_receive_discarded_total":
        assert len(after.all(name)) == 4


def talkers(m, name="gmd_client_requests_total"):
    return {dict(k)["identity"] for k in m.all(name)}


def test_series_of_clients_are_bounded(served):
    pair, gmd = served
    assert gmd.ask("clients")["known"] > CROWD
    for options, most in (([], 10), (["--top", "3"], 3), (["--top", "100"], 100)):
        m = Metrics(gmd, *options)
        families = [n for n in m.families if n.startswith("gmd_client_")]
        assert len(families) == 6 and all(len(m.all(n)) == most for n in families)
    fastest = gmd.ask("clients", "--sort", "rate60", "--top", "1")["clients"][0]
    assert fastest["address"] == pair.b.ip4  # ptp4l; the crowd asks no more
    assert fastest["client"] in talkers(Metrics(gmd, "--top", "1"))
    m = Metrics(gmd)
    assert sum(m.all("gmd_clients").values()) == gmd.ask("clients")["known"]
    assert m.get("gmd_clients_max") == 16384


def test_alarms(served):
    _, gmd = served
    m, rules, status = Metrics(gmd), gmd.ask("rules")["rules"], gmd.ask("status")
    assert {(dict(k)["name"], dict(k)["severity"]) for k in m.all("gmd_alarm")} == {(r["alarm"], r["severity"]) for r in rules}
    assert len(rules) > 30
    assert {dict(k)["name"] for k, v in m.all("gmd_alarm").items() if v} == set(status["alarms"])


@pytest.mark.parametrize(
    "words, status, complaint",
    [
        (["--top", "101"], 2, "--top is too large for: metrics"),
        (["--top", "0"], 2, "--top is to be a number from 1 on: 0"),
        (["--sort", "rate"], 2, "options of clients, not of: metrics"),
        (["now"], 2, "wrong words for: metrics"),
    ],
)
def test_complaints(served, words, status, complaint):
    result = metrics_text(served[1], *words)
    assert result.returncode == status and complaint in result.stderr and not result.stdout


def test_the_reports_behind_them(served):
    assert {"status", "holdover", "ports", "clients", "rules"} <= served[1].ask("metrics").keys()


def test_full_disk(served):
    """What could not be written is not to be moved into place."""
    with open("/dev/full", "w") as full:
        command = [BUILD / "gmctl", "-s", served[1].socket, "metrics"]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and "No space left on device" in result.stderr


def test_help_names_every_metric(served):
    text = subprocess.run([BUILD / "gmctl", "--help-metrics"], capture_output=True, text=True, check=True).stdout
    listed = {line.split()[0]: line for line in text.splitlines() if line.startswith("gmd_")}
    families = Metrics(served[1]).families
    assert families.keys() <= listed.keys()
    for name, (_, samples) in families.items():
        labels = set(re.findall(r"\w+", listed[name].partition("{")[2]))
        assert all(set(dict(k)) == labels for k in samples), name
    assert all(name in (BUILD / "man/gmctl.8").read_text() for name in listed)


def test_holdover_and_no_daemon(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf()).start()
        assert Metrics(gmd).get("gmd_clock_state") == 0
        gmd.wait_state("LOCKED", 40)
        gmd.ask("sim", "antenna", "off")
        gmd.wait_state("HOLDOVER_IN_SPEC")
        m = Metrics(gmd)
        assert m.get("gmd_clock_state") == 2 and m.get("gmd_clock_class") == 7
        assert 0 <= m.get("gmd_discipline_unlocked_seconds") < 60
        assert m.get("gmd_alarm", name="holdover", severity="major") == 1
        assert m.get("gmd_alarm_raised_total", name="holdover") == 1
        assert m.get("gmd_gnss_state", state="good") == 0
        gmd.stop()
        result = metrics_text(gmd)
        assert result.returncode == 1 and "gmd does not run here" in result.stderr and not result.stdout
