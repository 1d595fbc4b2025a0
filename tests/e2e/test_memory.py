# SPDX-License-Identifier: BSD-2-Clause
"""What a daemon has learned of its oscillator: kept at its end, used at its next start, refused when it is damaged."""

import os
import signal
import time

import pytest

from confs import conf
from netns import VethPair
from peers import Gmd, wait_for

LEARN_S = 30
LOCKED_WITHIN_S = 15  # of the start: the vote on the second, then lock_pulses
GOOD_WITHIN_S = 5     # of the first pulse that is looked at
GOOD_NS = 100
WATCHED_S = 15

pytestmark = pytest.mark.xdist_group("memory")  # its tests share what the fixture learned


@pytest.fixture(scope="module")
def pair():
    with VethPair() as p:
        yield p


def daemon(pair, directory, ptp=""):
    simulation = "pulse_jitter_ns = 10.0; pulse_sawtooth_ns = 0.0; oscillator_wander_ppb = 0.01;"
    memory = f'memory = "{directory / "oscillator"}";'
    return Gmd(pair.a, directory, conf(holdover=memory, simulation=simulation, ptp=ptp))


def watch(gmd, seconds):
    """When the first pulse was taken, and (seconds since the start, report) until so long after it."""
    started, seen, first = time.monotonic(), [], None
    while first is None or time.monotonic() < first + seconds:
        report = gmd.ask("holdover")
        if first is None and report["samples"] > 0:
            first = time.monotonic()
        seen.append((time.monotonic() - started, report))
        assert time.monotonic() < started + 60, gmd.log()
        time.sleep(0.1)
    return first - started, seen


def learn(gmd):
    """Cold: locked for a while, then ended as systemd does."""
    gmd.start()
    gmd.wait_state("LOCKED", 60)
    time.sleep(LEARN_S)
    report = gmd.ask("holdover")
    assert gmd.stop() == 0, gmd.log()
    return report


@pytest.fixture(scope="module")
def learned(pair, tmp_path_factory):
    """The directory of a daemon that has learned, and what it knew at its end."""
    directory = tmp_path_factory.mktemp("learned")
    report = learn(daemon(pair, directory))
    assert report["memory"] == "nothing learned yet"
    assert [step["clock_class"] for step in report["time_left"]][-1] == 187, "told while still locked"
    assert all(step["after"] and step["after_s"] > 0 for step in report["time_left"])
    return directory, report


def test_warm_restart(pair, learned):
    directory, before = learned
    gmd = daemon(pair, directory).start()
    first_s, seen = watch(gmd, WATCHED_S)
    locked = [at for at, report in seen if report["state"] == "LOCKED"]
    late = [r["offset_ns"] for at, r in seen if at > first_s + GOOD_WITHIN_S]
    print(f"first pulse after {first_s:.1f} s, locked {locked[0] - first_s:.1f} s later, "
          f"then within {max(map(abs, late)):.0f} ns; cold: locked {before['time_to_lock_s']:.1f} s after the start")
    assert "oscillator: in use" in gmd.log()
    assert locked[0] < LOCKED_WITHIN_S and seen[-1][1]["state"] == "LOCKED"
    assert max(map(abs, late)) < GOOD_NS
    assert abs(seen[-1][1]["freq_ppb"] - before["freq_ppb"]) < 10
    # ready to hold over at once: as far as it was when it ended, which a cold start is not yet
    assert seen[-1][1]["time_left"][-1]["after_s"] > before["time_left"][-1]["after_s"] / 2
    assert gmd.stop() == 0


def test_killed(pair, learned):
    """Whatever is there after SIGKILL is whole: the old one."""
    directory, _ = learned
    memory = directory / "oscillator"
    before = memory.read_bytes()
    gmd = daemon(pair, directory).start()
    gmd.wait_state("LOCKED", 30)
    os.kill(gmd.process.pid, signal.SIGKILL)
    gmd.process.wait()
    assert memory.read_bytes() == before


TEXTS = {
    "cut off": (lambda text: text[: len(text) // 2], "cut off"),
    "one bit": (lambda text: text[:5000] + bytes([text[5000] ^ 1]) + text[5001:], "damaged: the checksum is wrong"),
    "garbage": (lambda text: bytes(range(256)) * 40, "no memory of gmd's"),
    "empty": (lambda text: b"", "no memory of gmd's"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_damaged_file_is_refused(pair, learned, tmp_path, kind):
    """With a reason in the log, in gmctl and as an alarm; the daemon starts cold, and writes a good one at its end."""
    make, why = TEXTS[kind]
    memory = tmp_path / "oscillator"
    memory.write_bytes(make((learned[0] / "oscillator").read_bytes()))
    gmd = daemon(pair, tmp_path).start()
    report = gmd.ask("holdover")
    assert report["memory"].startswith("refused: ") and why in report["memory"]
    assert f"{memory}: {report['memory']}" in gmd.log()
    wait_for("alarm", lambda: "oscillator-memory" in gmd.ask("status")["alarms"], 3)
    gmd.wait_state("LOCKED", 60)
    assert gmd.stop() == 0
    again = daemon(pair, tmp_path).start()
    assert again.ask("holdover")["memory"] == "in use"
    assert again.stop() == 0


def test_another_clocks_file_is_refused(pair, learned):
    gmd = daemon(pair, learned[0], ptp='clock_identity = "001122.fffe.334455";').start()
    assert "another clock's" in gmd.ask("holdover")["memory"]
    assert gmd.stop() == 0


def test_a_directory_in_its_place(pair, tmp_path):
    (tmp_path / "oscillator").mkdir()
    gmd = daemon(pair, tmp_path).start()
    assert gmd.ask("holdover")["memory"] == "refused: Is a directory"
    gmd.wait_state("LOCKED", 60)
    assert gmd.stop() == 0
    assert "cannot be written: Is a directory" in gmd.log()
