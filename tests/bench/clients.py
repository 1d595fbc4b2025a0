# SPDX-License-Identifier: BSD-2-Clause
"""make bench-clients: how many clients gmd holds and who suffers when one misbehaves, beside Debian's ptp4l, a bare
socket echo and a bare XDP reflector. Each in turn, the same generator (gmload), the same kind of veth pair, one core for
the server: its process, and what its interface receives, which a kernel thread does (threaded NAPI) as interrupts do
with a NIC. A measurement, not a test; status 1 if a bound is missed."""

import argparse
import contextlib
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

SERVER_CORES = [os.cpu_count() - 1]
CLIENT_NET = "10.77.0.0/16"
MODES = ("multicast", "hybrid", "negotiated")
GOOD = ["--clients", "100", "--rate", "8"]
ABUSE = {
    "one at 50000/s": ["--abuse", "50000"],
    "one at all it can": ["--abuse", "max"],
    "10000 forged": ["--forged", "10000"],
}
CORE_TIME = "us of the core per answer"
# What gmd must have for a line: the option and the gmd.conf text that turns it on.
FEATURES = {
    "negotiation": ("unicast.negotiate", "unicast: { negotiate = true; };"),
    "fast path": ("clients.fast_path", 'clients: { fast_path = "xdp"; capacity = 10000000; };'),
    "workers": ("clients.workers", "clients: { workers = 2; capacity = 10000000; };"),
}


def napi_threads():
    found = set()
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "comm").read_text().startswith("napi/eth0"):
                found.add(int(entry.name))
    return found


def pin(pid, cores):
    subprocess.run(["taskset", "-acp", ",".join(map(str, cores)), str(pid)], check=True, stdout=subprocess.DEVNULL)


def run_seconds(pid):
    """Processor time of all threads so far."""
    return sum(int((t / "schedstat").read_text().split()[0]) for t in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def resident_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text().split()
    return int(status[status.index("VmRSS:") + 1])


class Bed:
    """A veth pair with a server on one end, on cores of its own, and the generator on the other."""

    def __init__(self, directory, cores=tuple(SERVER_CORES)):
        from netns import VethPair

        self.directory = directory
        self.cores = cores
        self.others = [core for core in range(os.cpu_count()) if core not in cores]
        self.pair = VethPair()
        self.pids = []
        self.pid = None
        self.is_master = False  # sends Announce and Sync

    def __enter__(self):
        self.pair.__enter__()
        # The clients' addresses lie behind one neighbour: a server's table of neighbours is no part of this.
        self.pair.a.run(["ip", "route", "add", CLIENT_NET, "via", self.pair.b.ip4])
        for node, cores in ((self.pair.a, self.cores), (self.pair.b, self.others)):
            before = napi_threads()
            node.run(["ethtool", "-K", node.interface, "gro", "on"])
            node.run(["sh", "-c", f"echo 1 > /sys/class/net/{node.interface}/threaded"])
            threads = napi_threads() - before
            for pid in threads:
                pin(pid, cores)
            if node is self.pair.a:
                self.pids += threads
        return self

    def __exit__(self, *exc):
        self.pair.__exit__(*exc)

    def serve(self, pid):
        pin(pid, self.cores)
        self.pids.append(pid)
        self.pid = pid

    def load(self, *arguments, seconds):
        """gmload's summary, and what each answer took of the server's core, in us."""
        from peers import BUILD

        before = sum(map(run_seconds, self.pids))
        command = ["taskset", "-c", ",".join(map(str, self.others)), BUILD / "gmload", "--json", "--quiet"]
        command += ["--expect", "0", "--seconds", str(seconds), "--server", self.pair.a.ip4, *arguments]
        command += [self.pair.b.interface]
        result = self.pair.b.run(command, check=False)
        if not result.stdout:
            raise RuntimeError(result.stderr)
        summary = json.loads(result.stdout)
        answered = summary["good"]["answered"] + summary.get("abuse", {}).get("answered", 0)
        summary["us_per_answer"] = 1e6 * (sum(map(run_seconds, self.pids)) - before) / max(answered, 1)
        return summary


# --- servers ------------------------------------------------------------------------------------------------------

INTERVALS = {"logAnnounceInterval": -2, "logSyncInterval": -7, "logMinDelayReqInterval": -3}


@contextlib.contextmanager
def gmd(directory, extra="", cores=tuple(SERVER_CORES)):
    from confs import conf
    from peers import Gmd

    intervals = "log_sync_interval = -7; log_min_delay_req_interval = -3;"
    text = conf(ptp="serve_before_lock = true; log_announce_interval = -2;", port=intervals) + extra
    with Bed(directory, cores) as bed:
        server = Gmd(bed.pair.a, directory, text).start()
        bed.serve(server.process.pid)
        server.wait_port_state("MASTER")
        bed.is_master = True
        yield bed


@contextlib.contextmanager
def ptp4l(directory):
    from peers import Ptp4l, wait_for

    options = {"domainNumber": 127, **INTERVALS, "slaveOnly": 0, "clockClass": 6}
    options["tx_timestamp_timeout"] = 10  # with the default, 1 ms, its port is FAULTY again and again on a busy machine
    with Bed(directory) as bed:
        server = Ptp4l(bed.pair.a, directory, name="gm", **options, unicast_listen=1, hybrid_e2e=1)
        server.start(monitor=False)
        bed.serve(server.process.pid)
        wait_for("ptp4l a master", lambda: "MASTER" in server.log(), 20)
        bed.is_master = True
        yield bed


@contextlib.contextmanager
def echo(directory, mode="hybrid"):
    from peers import BUILD

    with Bed(directory) as bed:
        words = ["multicast"] if mode == "multicast" else []
        process = bed.pair.a.popen([BUILD / "tests/echo", bed.pair.a.interface, *words], stdout=subprocess.PIPE)
        process.stdout.readline()
        bed.serve(process.pid)
        yield bed


@contextlib.contextmanager
def reflector(directory):
    from peers import BUILD

    with Bed(directory) as bed:
        for node, program in ((bed.pair.a, "reflect"), (bed.pair.b, "pass")):
            command = [BUILD / "tests/reflect", node.interface, BUILD / "tests/reflect.bpf.o", program]
            node.popen(command, stdout=subprocess.PIPE).stdout.readline()
        yield bed


# --- measurements: each yields (name, value) ----------------------------------------------------------------------


def capacity(bed, mode, seconds):
    addresses = [] if mode == "multicast" else ["--from", CLIENT_NET]
    r = bed.load("--mode", mode, "--closed-loop", "--clients", "128", *addresses, seconds=seconds)
    yield "answers/s", r["good"]["answered_hz"]
    yield CORE_TIME, r["us_per_answer"]


def complete(stream):
    return 100 * (1 - stream["missing"] / stream["expected"]) if stream["expected"] else 0


def quality(bed, r):
    """How well the good clients are served, and everybody by Sync."""
    yield "good answered %", 100 * r["good"]["answered_share"]
    answered = r["good"]["answered"]
    yield "good p99 us", r["good"]["round_trip_ns"]["p99"] / 1e3 if answered else float("inf")
    if bed.is_master:
        yield "Sync complete %", complete(r["sync"])
        yield "Follow_Ups missing", r["sync"]["follow_ups_missing"]
        yield "Sync error p99.9 us", r["sync"]["interval_error_ns"]["p999"] / 1e3
        yield "Announce complete %", complete(r["announce"])


def alone(bed, mode, seconds):
    yield from quality(bed, bed.load("--mode", mode, "--from", CLIENT_NET, *GOOD, seconds=seconds))


def overload(bed, mode, seconds, offered_hz):
    """1000 clients that offer this much together."""
    clients = ["--clients", "1000", "--rate", f"{offered_hz / 1000:.3f}"]
    r = bed.load("--mode", mode, "--from", CLIENT_NET, *clients, seconds=seconds)
    yield "answers/s", r["good"]["answered_hz"]
    for name, value in quality(bed, r):
        if not name.startswith("good"):
            yield name, value


def abused(bed, mode, seconds, kind):
    yield from quality(bed, bed.load("--mode", mode, "--from", CLIENT_NET, *GOOD, *ABUSE[kind], seconds=seconds))


def holds(bed, seconds, limit=16384):
    """The most clients that get their negotiated Sync and Follow_Up, 8 a second each, at least 99.9 % complete."""

    def served_once(clients):
        load = ["--clients", str(clients), "--rate", "1", "--sync-rate", "8", "--announce-rate", "1", "--duration", "60"]
        r = bed.load("--mode", "negotiated", "--from", CLIENT_NET, *load, seconds=max(seconds, 4))
        expected = r["sync"]["expected"]
        wanting = r["sync"]["missing"] + r["sync"]["follow_ups_missing"]
        return expected and wanting <= expected / 1000 and r["good"]["silent_clients"] == 0

    def served(clients):  # one failure may be the machine's
        return served_once(clients) or served_once(clients)

    most = 0
    for clients in itertools.takewhile(lambda n: n <= limit, (125 * 2**n for n in itertools.count())):
        if not served(clients):
            break
        most = clients
    step = most // 2
    while step >= max(most // 16, 1) and most:
        most += step if served(most + step) else 0
        step //= 2
    yield "clients", most


def memory(bed, seconds):
    before_kb = resident_kb(bed.pid)
    bed.load("--mode", "hybrid", "--from", CLIENT_NET, "--clients", "16384", "--rate", "1", seconds=max(seconds, 2))
    yield "bytes per client", 1024 * (resident_kb(bed.pid) - before_kb) / 16384


# --- the round ----------------------------------------------------------------------------------------------------


class Figures:
    """Of each (server, scenario, name) the values of all rounds."""

    def __init__(self):
        self.values = {}

    def add(self, server, scenario, pairs):
        for name, value in pairs:
            self.values.setdefault((server, scenario, name), []).append(value)
            print(self.line((server, scenario, name), value), flush=True)

    @staticmethod
    def line(key, value):
        return "  {:10} {:34} {:28} {:12.1f}".format(*key, value)

    def median(self, server, scenario, name):
        return statistics.median(self.values[server, scenario, name])


def measure_server(figures, name, server, seconds, modes):
    """A fresh server for each of those that may break it."""
    for mode in modes:
        with server() as bed:
            figures.add(name, f"capacity {mode}", capacity(bed, mode, seconds))
            figures.add(name, f"alone {mode}", alone(bed, mode, seconds))
        own = figures.values[name, f"capacity {mode}", "answers/s"][-1]
        with server() as bed:
            figures.add(name, f"overload {mode}", overload(bed, mode, seconds, 2 * own))
        for kind in ABUSE:
            with server() as bed:
                figures.add(name, f"{kind}, {mode}", abused(bed, mode, seconds, kind))


def measure_round(figures, directory, seconds, has):
    modes = [mode for mode in MODES if mode != "negotiated"]
    with echo(directory) as bed:
        figures.add("echo", "capacity hybrid", capacity(bed, "hybrid", seconds))
        for kind in ABUSE:
            figures.add("echo", f"{kind}, hybrid", abused(bed, "hybrid", seconds, kind))
    with echo(directory, "multicast") as bed:
        figures.add("echo", "capacity multicast", capacity(bed, "multicast", seconds))
    measure_server(figures, "ptp4l", lambda: ptp4l(directory), seconds, modes)
    with ptp4l(directory) as bed:
        figures.add("ptp4l", "unicast Sync", holds(bed, seconds))
    with gmd(directory) as bed:
        figures.add("gmd", "memory", memory(bed, seconds))
    measure_server(figures, "gmd", lambda: gmd(directory), seconds, modes)
    with reflector(directory) as bed:
        figures.add("reflector", "capacity hybrid", capacity(bed, "hybrid", seconds))
    if has["negotiation"]:
        with gmd(directory, has["negotiation"]) as bed:
            for scenario, measurement in (("alone", alone), *((kind, abused) for kind in ABUSE)):
                words = [scenario] if measurement is abused else []
                label = f"{scenario}, negotiated" if words else "alone negotiated"
                figures.add("gmd", label, measurement(bed, "negotiated", seconds, *words))
            figures.add("gmd", "unicast Sync", holds(bed, seconds))
    if has["fast path"]:
        with gmd(directory, has["fast path"]) as bed:
            figures.add("fast path", "capacity hybrid", capacity(bed, "hybrid", seconds))
    if has["workers"] and os.cpu_count() >= 4:
        with gmd(directory, has["workers"], cores=tuple(range(os.cpu_count() - 2, os.cpu_count()))) as bed:
            figures.add("workers", "capacity hybrid", capacity(bed, "hybrid", seconds))


# --- judgement ----------------------------------------------------------------------------------------------------


def bounds(has):
    """(what, one figure, factor, another or None, at least?): figure >= factor * other, or <= ."""
    hybrid = "capacity hybrid"
    for other, factor in (("echo", 0.85), ("ptp4l", 2)):
        yield f"unicast answers/s, {factor} x {other}", ("gmd", hybrid, "answers/s"), factor, (other, hybrid, "answers/s"), True
        what = f"the core's time for each, {other}'s / {factor}"  # on a busy machine the truer figure
        yield what, ("gmd", hybrid, CORE_TIME), 1 / factor, (other, hybrid, CORE_TIME), False
    if has["fast path"]:
        for other, factor in (("reflector", 0.8), ("ptp4l", 5)):
            what = f"fast path answers/s, {factor} x {other}"
            yield what, ("fast path", hybrid, "answers/s"), factor, (other, hybrid, "answers/s"), True
            what = f"the core's time for each, {other}'s / {factor}"
            yield what, ("fast path", hybrid, CORE_TIME), 1 / factor, (other, hybrid, CORE_TIME), False
    if has["workers"]:
        yield "two workers, 1.7 x one core", ("workers", hybrid, "answers/s"), 1.7, ("gmd", hybrid, "answers/s"), True
        what = "the cores' time for each, 2 / 1.7 x one core's"  # where the generator is the limit
        yield what, ("workers", hybrid, CORE_TIME), 2 / 1.7, ("gmd", hybrid, CORE_TIME), False
    for mode in ("multicast", "hybrid"):
        over = f"overload {mode}"
        yield f"{over}: 0.95 x capacity", ("gmd", over, "answers/s"), 0.95, ("gmd", f"capacity {mode}", "answers/s"), True
        yield f"{over}: Sync", ("gmd", over, "Sync complete %"), 99.9, None, True
        yield f"{over}: Follow_Ups missing", ("gmd", over, "Follow_Ups missing"), 0, None, False
        yield f"{over}: Announce", ("gmd", over, "Announce complete %"), 99.9, None, True
        error = "Sync error p99.9 us"
        yield f"{over}: Sync error, 2 x alone", ("gmd", over, error), 2, ("gmd", f"alone {mode}", error), False
    for mode in MODES if has["negotiation"] else MODES[:2]:
        for kind in ABUSE:
            label = f"{kind}, {mode}"
            yield f"{label}: answered %", ("gmd", label, "good answered %"), 99.9, None, True
            name = "good p99 us"
            yield f"{label}: p99, 2 x alone", ("gmd", label, name), 2, ("gmd", f"alone {mode}", name), False
    if has["negotiation"]:
        yield "unicast Sync clients, 2 x ptp4l", ("gmd", "unicast Sync", "clients"), 2, ("ptp4l", "unicast Sync", "clients"), True
    yield "memory per client", ("gmd", "memory", "bytes per client"), 256, None, False


def judge(figures, has):
    """Prints each bound; how many were missed."""
    missed = 0
    for what, key, factor, other, at_least in bounds(has):
        value = figures.median(*key)
        reference = figures.median(*other) if other else 1
        bound = factor * reference
        kept = value >= bound if at_least else value <= bound
        missed += not kept
        ratio = f"ratio {value / reference:6.2f}" if other and reference else ""
        sign = ">=" if at_least else "<="
        print(f"{'ok    ' if kept else 'MISSED'} {what:44} {value:12.2f} {sign} {bound:12.2f}  {ratio}")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=float, default=3, help="of each load")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    os.environ["GMD_BUILD"] = args.build
    from peers import BUILD

    offered = subprocess.run([BUILD / "gmd", "--help-config"], capture_output=True, text=True, check=True).stdout
    has = {feature: conf if f"  {option}\n" in offered else None for feature, (option, conf) in FEATURES.items()}
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"note: something else keeps this machine busy (load {load:.1f}): figures will be low")
    figures = Figures()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}, {time.monotonic() - start:.0f} s", flush=True)
            measure_round(figures, pathlib.Path(directory), args.seconds, has)
    print("medians:")
    for key in figures.values:
        print(figures.line(key, figures.median(*key)))
    missed = judge(figures, has)
    for feature, (option, _) in FEATURES.items():
        if not has[feature]:
            print(f"not measured: {feature} (gmd has no option {option})")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
