# SPDX-License-Identifier: BSD-2-Clause
"""gmsim as its users call it: files in, CSV, JSON and a summary out; what it shows is within bounds."""

import csv
import io
import json
import os
import random
import statistics
import subprocess
import time

import pytest

GMSIM = os.path.join(os.environ.get("GMD_BUILD", "build"), "gmsim")
COLUMNS = ["t_s", "state", "true_error_ns", "bound95_ns", "bound999_ns", "clock_class", "clock_accuracy", "freq_ppb",
           "measured_offset_ns"]


def gmsim(*args, status=0):
    done = subprocess.run([GMSIM, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == status, done.stderr
    return done.stderr if status else done.stdout


def summary(oscillator, pulses="reference", lock=3600, outage=3600, seed=1, *more):
    return json.loads(gmsim("--oscillator", oscillator, "--pulses", pulses, "--lock", lock, "--outage", outage,
                            "--seed", seed, "--json", *more))


def seconds(*args):
    return list(csv.DictReader(io.StringIO(gmsim(*args, "--csv", "-"))))


def write(path, values):
    path.write_text("# recorded\n" + "".join(f"{v:.6e}\n" for v in values))
    return path


# oscillator: locked rms, |error| after an hour without pulses, ns; of the median and of the worst of some seeds
BOUNDS = {"nic": (14, 150e3, 400e3), "tcxo": (9, 15e3, 45e3), "ocxo": (7, 400, 1200), "ocxo-hq": (7, 80, 240),
          "rubidium": (7, 40, 120)}


@pytest.mark.parametrize("oscillator", BOUNDS)
def test_bounds(oscillator):
    rms, middle, worst = BOUNDS[oscillator]
    runs = [summary(oscillator, seed=seed) for seed in (1, 2, 3)]
    errors = [run["outage"]["after_s"]["3600"]["max_error_ns"] for run in runs]
    print(oscillator, errors, [run["locked_rms_ns"] for run in runs])
    assert statistics.median(errors) < middle and max(errors) < worst
    assert statistics.median(run["locked_rms_ns"] for run in runs) < rms
    assert all(run["time_to_100ns_s"] <= 10 and run["time_to_lock_s"] <= 12 for run in runs)
    assert statistics.mean(run["outage"]["share_bound95"] for run in runs) > 0.6
    assert all(run["outage"]["share_bound999"] > 0.9 for run in runs)
    assert all(run["steps_after_lock"] == 0 for run in runs)


def test_csv_tells_what_the_summary_does():
    rows = seconds("--oscillator", "ocxo", "--pulses", "f9t", "--lock", 900, "--outage", 600, "--seed", 3)
    told = summary("ocxo", "f9t", 900, 600, 3)
    assert list(rows[0]) == COLUMNS
    assert [int(r["t_s"]) for r in rows] == list(range(1, len(rows) + 1))
    locked = next(r for r in rows if r["state"] == "LOCKED")
    assert int(locked["t_s"]) == told["time_to_lock_s"] and locked["clock_class"] == "6"
    outage = rows[900:1500]
    assert all(r["measured_offset_ns"] == "" for r in outage) and rows[899]["measured_offset_ns"]
    assert outage[3]["state"] == "HOLDOVER_IN_SPEC" and outage[3]["clock_class"] == "7"
    within = sum(abs(float(r["true_error_ns"])) <= float(r["bound95_ns"]) for r in outage)
    assert within / 600 == pytest.approx(told["outage"]["share_bound95"], abs=0.005)  # CSV is rounded
    assert abs(float(outage[-1]["true_error_ns"])) == pytest.approx(
        told["outage"]["after_s"]["600"]["error_ns"], abs=1e-3)
    assert rows[-1]["state"] == "LOCKED" and told["outage"]["relock_s"] == len(rows) - 1500


def test_same_seed_same_run():
    assert summary("tcxo", seed=7) == summary("tcxo", seed=7)
    assert summary("tcxo", seed=7) != summary("tcxo", seed=8)


def test_files(tmp_path):
    """A perfect pulse and an oscillator that is wrong by a constant: nothing but the start is left."""
    oscillator = write(tmp_path / "oscillator", [1.2568e-8] * 70)
    pulses = write(tmp_path / "pulses", [0] * 700)
    rows = seconds("--oscillator", f"{oscillator}:10", "--pulses", pulses, "--lock", 600, "--outage", 100)
    assert len(rows) == 700
    assert abs(float(rows[599]["true_error_ns"])) < 5
    assert float(rows[599]["freq_ppb"]) == pytest.approx(-12.568, abs=0.5)


@pytest.mark.parametrize("content, complaint", [
    ("1e-9\n" * 99, "has values for 99 s, the run needs 100 s"),
    ("1e-9\nx\n", ":2: expected one number"),
    ("1e-9 2e-9\n", ":1: expected one number"),
    ("nan\n", ":1: expected one number"),
    ("", "has values for 0 s"),
    (None, "No such file"),
])
def test_bad_files(tmp_path, content, complaint):
    path = tmp_path / "trace"
    if content is not None:
        path.write_text(content)
    for which in ("--oscillator", "--pulses"):
        args = {"--oscillator": "ocxo", "--pulses": "plain", which: path}
        told = gmsim(*[a for pair in args.items() for a in pair], "--lock", 60, "--outage", 40, status=1)
        assert complaint in told and str(path) in told


@pytest.mark.parametrize("args", [
    [], ["--oscillator", "ocxo"], ["--oscillator", "ocxo", "--pulses", "f9t", "--lock", "x", "--outage", "1"],
    ["--oscillator", "ocxo", "--pulses", "f9t", "--lock", "-1", "--outage", "1"],
    ["--oscillator", "ocxo", "--pulses", "f9t", "--lock", "1", "--outage", "1", "more"],
    ["--oscillator", "ocxo", "--pulses", "f9t", "--lock", "1", "--outage", "1", "--day", "2"],
    ["--oscillator", "ocxo", "--pulses", "f9t", "--lock", "1", "--outage", "1", "--nonsense"]])
def test_wrong_command_lines(args):
    assert "usage: gmsim" in gmsim(*args, status=2)


def lying_pulses(path, lock_s, lie_s, ns_per_s, seed=1):
    noise = random.Random(seed)
    return write(path, [noise.gauss(0, 10e-9) + max(0, t - lock_s + lie_s + 1) * ns_per_s * 1e-9 for t in range(lock_s)] +
                 [0] * 60)


@pytest.mark.parametrize("oscillator", BOUNDS)
def test_lying_receiver(tmp_path, oscillator):
    """A fix is claimed for 20 s without an antenna, the pulse runs away by 50 ns/s, after half an hour of lock. The clock is
    not where a clock would be that knew of the loss at once, but less than 100 ns from there; what a plain crystal does by itself
    in the time comes on top."""
    for seed in range(1, 7):
        pulses = lying_pulses(tmp_path / "pulses", 1800, 20, 50 if seed % 2 else -50, seed)
        lied, told = (seconds("--oscillator", oscillator, "--pulses", pulses, "--lock", lock, "--outage", 1860 - lock,
                              "--seed", seed) for lock in (1800, 1780))
        error = [[float(r["true_error_ns"]) for r in rows[1780:1805]] for rows in (lied, told)]
        moved = [abs(a - b) for a, b in zip(*error)]
        print(oscillator, seed, max(moved), max(map(abs, error[0])))
        assert max(moved) < 100
        assert oscillator == "nic" or max(map(abs, error[0])) < 100


@pytest.mark.parametrize("oscillator", BOUNDS)
def test_warm_start(oscillator):
    """A restart that remembers the oscillator: within 100 ns in 5 s."""
    for seed in (1, 2, 3):
        run = summary(oscillator, "reference", 120, 0, seed, "--warm", 1800)
        assert run["time_to_100ns_s"] <= 5 and run["time_to_lock_s"] <= 10
    assert "too short" in gmsim("--oscillator", oscillator, "--pulses", "plain", "--lock", 60, "--outage", 0, "--warm", 1, status=1)


@pytest.mark.parametrize("oscillator", ["ocxo", "ocxo-hq", "rubidium"])
def test_slow_pull(tmp_path, oscillator):
    """1 ns/s is seen within two minutes, and what it did is undone."""
    pulses = lying_pulses(tmp_path / "pulses", 7200, 200, 1)
    rows = seconds("--oscillator", oscillator, "--pulses", pulses, "--lock", 7200, "--outage", 60)
    held = next(int(r["t_s"]) for r in rows[7000:] if r["state"] == "HOLDOVER_IN_SPEC")
    assert held < 7000 + 120
    assert max(abs(float(r["true_error_ns"])) for r in rows[7000:]) < 120


def test_thirty_hours_take_seconds():
    start = time.monotonic()
    summary("ocxo", lock=21600, outage=86400)
    print(f"{time.monotonic() - start:.1f} s")
    assert time.monotonic() - start < 10
