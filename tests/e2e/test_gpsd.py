# SPDX-License-Identifier: BSD-2-Clause
"""The gpsd driver on a real gpsd, which a pty feeds with NMEA."""
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import nmea
import ubx
from gpsd import gpsd_command

PROBE = pathlib.Path(os.environ.get("GMD_BUILD", "build")) / "tests" / "receiver_probe"
LATENCY_MS = 50


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Gpsd:
    def __init__(self, device):
        self.device, self.port, self.process = device, free_port(), None

    def start(self, *more_devices):
        self.process = subprocess.Popen(gpsd_command(self.port, self.device) + list(more_devices),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number):
        self.process.send_signal(number)


class Probe:
    """Lines of receiver_probe as dicts: kind, and the numbers of a report."""

    def __init__(self, port, device=""):
        self.process = subprocess.Popen([PROBE, "localhost", str(port), device], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            kind, _, rest = line.strip().partition(" ")
            fields = {k: int(v) for k, v in re.findall(r"(\w+)=(-?\d+)", rest)} if kind == "report" else {}
            self._lines.put({"kind": kind, "text": rest, **fields})

    def all(self, seconds):
        """Everything within the time."""
        time.sleep(seconds)
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return lines

    def wait(self, what, condition, seconds=8):
        """The first line for which condition holds."""
        deadline, seen = time.monotonic() + seconds, []
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            seen.append(line)
            if condition(line):
                return line
        pytest.fail(f"no {what} within {seconds} s; last: {seen[-5:]}")

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(timeout=5)
        self._reader.join()
        self.process.stdout.close()
        return code


@pytest.fixture
def receiver():
    with nmea.Receiver(LATENCY_MS) as r:
        yield r


@pytest.fixture
def gpsd(receiver):
    g = Gpsd(receiver.device)
    g.start()
    yield g
    g.kill()


@pytest.fixture
def probe(gpsd):
    p = Probe(gpsd.port)
    yield p
    assert p.close() == 0


def has_fix(line):
    return line["kind"] == "report" and line["fix"] >= 2 and line["utc"] > 0


def test_fix_time_and_satellites(receiver, probe):
    receiver.satellites(9)
    probe.wait("link", lambda l: l["kind"] == "up")
    probe.wait("fix", has_fix)
    probe.wait("satellites", lambda l: l.get("used") == 9 and l["visible"] == 13)
    lines = probe.all(4)
    labelled = [l for l in lines if l.get("utc")]
    assert {l["fix"] for l in labelled} == {3}
    assert len({l["utc"] for l in labelled}) >= 3
    for l in labelled:  # each within its own second, shortly behind the sentences
        age_ms = l["at"] / 1e6 - l["utc"] * 1e3
        assert LATENCY_MS <= age_ms < LATENCY_MS + 300
    assert {l["leap"] for l in lines if l["kind"] == "report"} == {0}  # NMEA does not know it
    assert lines[-1]["malformed"] == 0


def test_fix_lost_and_back(receiver, probe):
    probe.wait("fix", has_fix)
    receiver.fix(False)
    lost = probe.wait("loss of fix", lambda l: l.get("fix") == 1, 4)
    assert abs(lost["at"] / 1e9 - time.time()) < 1
    probe.wait("no satellites in use", lambda l: l.get("used") == 0, 4)
    probe.all(1)
    assert not [l for l in probe.all(2) if l.get("fix", -1) >= 2]
    receiver.fix(True)
    probe.wait("fix", has_fix, 4)


@pytest.mark.parametrize("trouble", ["silent", "garbage"])
def test_no_sentences_no_messages(receiver, probe, trouble):
    probe.wait("fix", has_fix)
    receiver.command(f"{trouble} on")
    probe.all(2)
    assert not [l for l in probe.all(3) if has_fix(l) or l["kind"] == "down"]
    receiver.command(f"{trouble} off")
    probe.wait("fix", has_fix)


def test_labels_are_passed_on_as_they_are(receiver, probe):
    probe.wait("fix", has_fix)
    receiver.offset(-3)
    line = probe.wait("wrong label", lambda l: has_fix(l) and l["at"] // 10**9 - l["utc"] == 3)
    assert line["fix"] == 3
    receiver.offset(0)
    probe.wait("right label", lambda l: has_fix(l) and l["at"] // 10**9 == l["utc"])
    receiver.late_once(1100)
    probe.wait("late label", lambda l: has_fix(l) and l["at"] // 10**9 - l["utc"] == 1)
    probe.wait("right label", lambda l: has_fix(l) and l["at"] // 10**9 == l["utc"])


def test_gpsd_killed_and_restarted(gpsd, probe):
    probe.wait("fix", has_fix)
    gpsd.kill()
    assert "closed the connection" in probe.wait("loss", lambda l: l["kind"] == "down", 1)["text"]
    assert probe.all(2) == []  # one report of it, not one for each attempt
    gpsd.start()
    probe.wait("link", lambda l: l["kind"] == "up", 5)
    probe.wait("fix", has_fix, 5)


def test_gpsd_comes_late(receiver):
    g = Gpsd(receiver.device)
    probe = Probe(g.port)
    try:
        assert probe.all(1.2) == []
        g.start()
        probe.wait("link", lambda l: l["kind"] == "up", 5)
        probe.wait("fix", has_fix, 5)
    finally:
        g.kill()
        assert probe.close() == 0


def test_stopped_gpsd_delivers_stale_messages(gpsd, probe):
    probe.wait("fix", has_fix)
    gpsd.signal(signal.SIGSTOP)
    try:
        probe.all(4)
    finally:
        gpsd.signal(signal.SIGCONT)
    stale = probe.wait("a stale label", lambda l: has_fix(l) and l["at"] / 1e9 - l["utc"] > 2, 3)
    assert stale["fix"] == 3  # nothing in the message tells it from a fresh one: its age does
    probe.wait("a fresh label", lambda l: has_fix(l) and l["at"] // 10**9 == l["utc"], 4)


def test_one_device_only(receiver, gpsd):
    watching = Probe(gpsd.port, receiver.device)
    try:
        watching.wait("fix", has_fix)
    finally:
        assert watching.close() == 0


@pytest.fixture
def source():
    return ubx.Source()


@pytest.fixture
def timing_receiver(source):
    with nmea.Receiver(LATENCY_MS, extra=source) as r:
        yield r


def start(device, filtered=False):
    """gpsd on the device and a probe of it."""
    g = Gpsd(device)
    g.start()
    return g, Probe(g.port, device if filtered else "")


@pytest.fixture
def timing_probe(timing_receiver):
    g, p = start(timing_receiver.device)
    yield p
    code = p.close()
    g.kill()
    assert code == 0


def expect_receiver_bytes(probe, q_err_ps):
    """A whole second's, each message's fields where they belong."""
    seconds = {}
    probe.wait("sawtooth", lambda l: l.get("sawtooth_ps") == -q_err_ps)
    lines = [l for l in probe.all(3) if l["kind"] == "report"]
    for l in lines:
        if l["tai"]:
            seconds[l["tai"]] = l
            assert l["accuracy"] == 20 and l["leap"] == 18
            assert l["tai"] == l["at"] // 10**9 + 37  # the second that has just begun
        if l["sawtooth_tai"]:
            assert l["sawtooth_ps"] == -q_err_ps
            assert l["sawtooth_tai"] == l["at"] // 10**9 + 38  # the pulse to come
    assert len(seconds) >= 2
    assert {l["antenna"] for l in lines} == {0, 1}
    assert {l["jamming"] for l in lines} == {0, 1}
    assert {l["spoofing"] for l in lines} == {0, 1}
    assert {(l["leap_known"], l["leap_step"]) for l in lines} == {(0, 0), (1, 0)}
    assert [l for l in lines if has_fix(l)]
    assert lines[-1]["malformed"] == 0
    return lines


def test_receiver_bytes_beside_nmea(source, timing_probe):
    source.q_err_ps = -4321
    expect_receiver_bytes(timing_probe, -4321)
    source.q_err_ps = 7900
    expect_receiver_bytes(timing_probe, 7900)


def test_receiver_bytes_without_nmea(source, timing_receiver, timing_probe):
    source.fix = True
    source.q_err_ps = 250
    timing_receiver.nmea(False)
    timing_probe.wait("satellites", lambda l: l.get("used") == 9 and l["visible"] == 13)
    lines = expect_receiver_bytes(timing_probe, 250)
    assert {l["fix"] for l in lines if l["fix"] >= 0} == {3}
    assert len({l["utc"] for l in lines if l["utc"]}) >= 2


def test_troubles_of_the_receiver(source, timing_probe):
    leap_utc_s = 1798761600  # the end of 2026, or of another year that is yet to come
    while leap_utc_s < time.time() + 86400:
        leap_utc_s += 366 * 86400
    timing_probe.wait("sawtooth", lambda l: l.get("sawtooth_tai"))
    source.leap_utc_s, source.step_s, source.accuracy_ns = leap_utc_s, 1, 4711
    line = timing_probe.wait("leap second", lambda l: l.get("leap_step") == 1, 4)
    assert line["leap_utc"] == leap_utc_s and line["leap"] == 18
    timing_probe.wait("accuracy", lambda l: l.get("accuracy") == 4711, 4)
    source.antenna = 4
    timing_probe.wait("open antenna", lambda l: l.get("antenna") == 3, 4)
    source.antenna = 3
    timing_probe.wait("short antenna", lambda l: l.get("antenna") == 2, 4)
    source.jamming, source.spoofing = 3, 2
    timing_probe.wait("jamming", lambda l: l.get("jamming") == 3, 4)
    timing_probe.wait("spoofing", lambda l: l.get("spoofing") == 2, 4)
    source.jamming = source.spoofing = 1
    timing_probe.all(2)
    assert {l["jamming"] for l in timing_probe.all(2) if l["kind"] == "report"} == {0, 1}


@pytest.mark.parametrize("garbage", [bytes(range(256)), b"\xb5", ubx.nav_timegps(0)[:-1] + b"?",
                                     b"$GPRMC,cut*"])
def test_garbage_between_receiver_bytes(source, timing_probe, garbage):
    timing_probe.wait("sawtooth", lambda l: l.get("sawtooth_tai"))
    source.before = garbage
    source.q_err_ps = 100
    timing_probe.all(1.5)
    lines = timing_probe.all(3)
    assert not [l for l in lines if l["kind"] != "report" or l["fix"] == 1]
    assert len({l["utc"] for l in lines if has_fix(l)}) >= 2  # gpsd's reports go on
    assert {l["sawtooth_ps"] for l in lines} <= {0, -100}
    source.before = b""
    timing_probe.all(2)
    assert {l["sawtooth_ps"] for l in timing_probe.all(2)} == {0, -100}


def test_receiver_bytes_after_restart(source, timing_receiver):
    g, probe = start(timing_receiver.device, filtered=True)
    try:
        for n in range(1, 4):
            source.q_err_ps = n
            probe.wait("sawtooth", lambda l: l.get("sawtooth_ps") == -n)
            g.kill()
            probe.wait("loss", lambda l: l["kind"] == "down", 1)
            g.start()
            probe.wait("link", lambda l: l["kind"] == "up", 5)
    finally:
        g.kill()
        assert probe.close() == 0


def test_receiver_bytes_of_one_device_only(source, timing_receiver):
    other = ubx.Source()
    source.q_err_ps, other.q_err_ps = 1111, 2222
    with nmea.Receiver(LATENCY_MS, extra=other) as other_receiver:
        g = Gpsd(timing_receiver.device)
        g.start(other_receiver.device)
        probes = {-1111: Probe(g.port, timing_receiver.device), -2222: Probe(g.port, other_receiver.device)}
        try:
            for sawtooth_ps, probe in probes.items():
                probe.wait("sawtooth", lambda l: l.get("sawtooth_tai"))
                lines = probe.all(2)
                assert {l["sawtooth_ps"] for l in lines if l.get("sawtooth_tai")} == {sawtooth_ps}
        finally:
            for probe in probes.values():
                assert probe.close() == 0
            g.kill()


def test_leap_seconds_of_gpsd(source, timing_receiver, timing_probe):
    """In gpsd's own report, beside the label."""
    timing_probe.wait("leap seconds", lambda l: has_fix(l) and l["leap"] == 18)
