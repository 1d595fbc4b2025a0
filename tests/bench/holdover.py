# SPDX-License-Identifier: BSD-2-Clause
"""Holdover and locked noise of gmsim's oscillators, many seeds each, beside other programs' figures."""
import argparse
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import floor

OSCILLATORS = ("tcxo", "ocxo", "ocxo-hq", "rubidium", "nic")
TIMES = (("60", "1 min"), ("600", "10 min"), ("3600", "1 h"), ("14400", "4 h"), ("28800", "8 h"), ("86400", "24 h"))

# us: median (largest) of 6 seeds with the same models, the same pulses and 6 h of lock, and the target of ours
PEERS = {
    ("ocxo", "3600"): ("ts2phc linreg 0.40 (1.4), chronyd 0.25 (0.51), hindsight 0.12", 0.25),
    ("ocxo", "86400"): ("ts2phc linreg 29 (64), chronyd 18 (43), hindsight 6.9", 15),
    ("ocxo-hq", "86400"): ("chronyd 1.6 (3.4)", 1.4),
    ("rubidium", "86400"): ("chronyd 0.58 (1.4)", 0.5),
    ("tcxo", "3600"): ("ts2phc linreg 7.9, chronyd 9.0, hindsight 4.3", 6),
}
LOCKED_PEERS = "ts2phc PI 12.9 (55), linreg 6.9 (24)"
HEAD = (f"{'':9} {'outage':>7} {'|error|':>16} {'largest so far':>16} {'1024 s line':>16} {'floor':>7} {'ratio':>6} "
        f"{'hindsight, runs':>16} {'ratio':>6} {'hindsight, one':>16} {'ratio':>6}")


def gmsim(args, oscillator, seed, lock, outage, *more):
    command = [f"{args.build}/gmsim", "--oscillator", oscillator, "--pulses", args.pulses, "--lock", str(lock),
               "--outage", str(outage), "--seed", str(seed), "--json", *more] + args.option
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def run(args, job):
    """A run, and how long the same needs after a restart."""
    name, seed = job
    done = gmsim(args, name, seed, args.lock, args.outage)
    done["warm"] = gmsim(args, name, seed, 120, 0, "--warm", "3600")
    return name, done


def us(values_ns):
    return f"{statistics.median(values_ns) / 1e3:.3g} ({max(values_ns) / 1e3:.3g})"


def one_window(cells):
    """The errors with the window that was best in the median of all runs, chosen afterwards."""
    return min(zip(*(c["fits_ns"] for c in cells)), key=statistics.median)


def outage_rows(oscillator, runs, floors_ns):
    for (after, name), floor_ns in zip(TIMES, floors_ns):
        cells = [r["outage"]["after_s"].get(after) for r in runs]
        if None in cells:
            continue
        error = [c["error_ns"] for c in cells]
        median_ns = statistics.median(error)
        peers, target = PEERS.get((oscillator, after), ("", None))
        verdict = "" if target is None else f"{'met' if median_ns / 1e3 <= target else 'MISSED'} <= {target}"
        line = f"{oscillator:9} {name:>7} {us(error):>16} {us([c['max_error_ns'] for c in cells]):>16} {us([c['line_ns'] for c in cells]):>16} "
        line += f"{floor_ns / 1e3:7.3g} {median_ns / floor_ns:6.2f}" if floor_ns else f"{'-':>7} {'':6}"
        for fits in [c["hindsight_ns"] for c in cells], one_window(cells):
            line += f" {us(fits):>16} {median_ns / statistics.median(fits):6.2f}"
        print(f"{line} {verdict:>14}  {peers}")


def covered(runs, key):
    return statistics.mean(r["outage"][key] for r in runs) * 100


def summary(oscillator, runs):
    rms = [r["locked_rms_ns"] for r in runs]
    relock = [abs(r["outage"]["relock_error_ns"]) for r in runs if r["outage"]["relock_error_ns"] is not None]
    print(f"{oscillator:9} locked {statistics.median(rms):.2f} ({max(rms):.2f}) ns rms, "
          f"largest {max(r['locked_max_ns'] for r in runs):.0f} ns; "
          f"< 100 ns after {max(r['time_to_100ns_s'] for r in runs)} s (<= 10), warm {max(r['warm']['time_to_100ns_s'] for r in runs)} s (<= 5); "
          f"bound95 {covered(runs, 'share_bound95'):.2f} %, bound999 {covered(runs, 'share_bound999'):.2f} %, "
          f"bound95/|error| {statistics.median(r['outage']['median_bound95_per_error'] for r in runs):.2f}; "
          f"re-locked {len(relock)} of {len(runs)}")


def stability(oscillator, runs):
    """The locked clock's true error against G.8272: how many runs pass, and MTIE and TDEV at some intervals."""
    def passed(mask):
        return sum(row["verdict"] == "pass" for r in runs for row in r["stability"]["masks"] if row["mask"] == mask)

    def cells(quantity, tau_s):
        values = [row[f"{quantity}_ns"] for r in runs for row in r["stability"][quantity] if row["tau_s"] == tau_s]
        return f"{statistics.median(values):.2f} ({max(values):.2f})" if values else "-"

    print(f"{oscillator:9} locked: PRTC-A {passed('prtc_a')}, PRTC-B {passed('prtc_b')} of {len(runs)}; ns: "
          + ", ".join(f"{q.upper()}({tau_s} s) {cells(q, tau_s)}" for q in ("mtie", "tdev") for tau_s in (1, 100, 1000)))


def floors(args, names):
    if args.pulses not in floor.PULSES:
        return {name: [None] * len(TIMES) for name in names}
    with ProcessPoolExecutor(args.jobs) as pool:
        found = [pool.submit(floor.medians, name, args.pulses, args.lock, [int(t) for t, _ in TIMES]) for name in names]
        return {name: f.result() for name, f in zip(names, found)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="first seed")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--lock", type=int, default=21600)
    parser.add_argument("--outage", type=int, default=86400)
    parser.add_argument("--oscillators", default=",".join(OSCILLATORS))
    parser.add_argument("--pulses", default="reference")
    parser.add_argument("option", nargs="*", help="further options of gmsim, after --")
    args = parser.parse_args()
    names = args.oscillators.split(",")
    jobs = [(name, seed) for name in names for seed in range(args.first, args.first + args.seeds)]
    lowest = floors(args, names)
    with ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(lambda job: run(args, job), jobs))
    runs = {name: [r for n, r in results if n == name] for name in names}

    print(f"{args.seeds} seeds, {args.lock / 3600:g} h of {args.pulses} pulses; us, median (largest)")
    print(HEAD)
    for name in names:
        outage_rows(name, runs[name], lowest[name])
    print("line, hindsight: straight ones through the true phase; of hindsight the best window, for each run or one for all runs; "
          "floor: the median that no program can beat without luck (floor.py)")
    for name in names:
        summary(name, runs[name])
    for name in names:
        stability(name, runs[name])
    everything = [r for _, r in results]
    print(f"all: bound95 {covered(everything, 'share_bound95'):.2f} % (93..99), "
          f"bound999 {covered(everything, 'share_bound999'):.2f} % (>= 99.5), median bound95/|error| "
          f"{statistics.median(r['outage']['median_bound95_per_error'] for r in everything):.2f} (<= 4)")
    print(f"locked, others on the OCXO, ns rms (largest): {LOCKED_PEERS}")


if __name__ == "__main__":
    sys.exit(main())
