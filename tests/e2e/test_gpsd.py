# SPDX-License-Identifier: BSD-2-Clause
"""The gpsd driver on a real gpsd, which a pty feeds with NMEA."""
import os
import pathlib
import queue
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

import nmea
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

    def start(self):
        self.process = subprocess.Popen(gpsd_command(self.port, self.device),
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


def ubx_nav_timegps(utc_s, leap_s):
    """UBX-NAV-TIMEGPS with valid time and leap seconds: what a timing receiver adds to NMEA."""
    gps_s = utc_s - 315964800 + leap_s
    payload = struct.pack("<IihbBI", gps_s % 604800 * 1000, 0, gps_s // 604800, leap_s, 7, 20)
    body = struct.pack("<BBH", 0x01, 0x20, len(payload)) + payload
    a = b = 0
    for byte in body:
        a = (a + byte) & 0xFF
        b = (b + a) & 0xFF
    return b"\xb5\x62" + body + bytes((a, b))


def test_leap_seconds_of_ubx(receiver, probe):
    probe.wait("fix", has_fix)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        receiver.write(ubx_nav_timegps(int(time.time()), 18))
        if any(l.get("leap") == 18 for l in probe.all(1)):
            return
    pytest.fail("no leap seconds")
