# SPDX-License-Identifier: BSD-2-Clause
"""What bench-clients measures on: a veth pair with cores of its own for the server, and gmload on the others."""

import contextlib
import itertools
import json
import os
import pathlib
import subprocess
import time

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = CORES[-1:]
PRIORITY = 10  # SCHED_FIFO, as gmd.service has it
REAL_TIME = ["chrt", "-f", str(PRIORITY)]
TRIES = 5  # of a load during which the hypervisor gave the processor to others
STOLEN = 0.0025  # of the time of all cores
CALM_S = 1  # before each load
CLIENT_NET = "10.77.0.0/16"
CROWD_SIZE = 12288  # so many share a server's capacity: each within its rate
CROWD = ["--from", CLIENT_NET, "--clients", str(CROWD_SIZE)]


def napi_threads():
    found = set()
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "comm").read_text().startswith("napi/eth0"):
                found.add(int(entry.name))
    return found


def pin(pid, cores):
    subprocess.run(["taskset", "-acp", ",".join(map(str, cores)), str(pid)], check=True, stdout=subprocess.DEVNULL)


def pin_each(pids, cores):
    for pid, core in zip(pids, itertools.cycle(cores)):
        pin(pid, [core])


def first_in_line(pid):
    os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(PRIORITY))


def stolen_seconds():
    """That a hypervisor took from all cores so far."""
    total = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()
    return int(total[8]) / os.sysconf("SC_CLK_TCK")


def wait_for_peace():
    """Till it takes next to nothing from a machine that does nothing, half a minute at most."""
    calm, until = 0, time.monotonic() + 30
    while calm < CALM_S and time.monotonic() < until:
        before = stolen_seconds()
        time.sleep(1)
        calm = calm + 1 if stolen_seconds() - before < 0.05 else 0


def run_seconds(pid):
    """Processor time of all threads so far."""
    return sum(int((t / "schedstat").read_text().split()[0]) for t in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def load_bpf(node, program):
    """One of reflect.bpf.c. A veth takes what another's XDP program sends only if it has one itself."""
    from peers import BUILD

    command = [BUILD / "tests/reflect", node.interface, BUILD / "tests/reflect.bpf.o", program]
    node.popen(command, stdout=subprocess.PIPE).stdout.readline()


class Bed:
    """A veth pair with a server on one end, on cores of its own, and the generator on the other. Of each end's receive
    queues each has a core: those of the server's end its cores by turns."""

    def __init__(self, directory, cores=SERVER_CORES, queues=1):
        from netns import VethPair

        self.directory = directory
        self.cores = cores
        self.others = [core for core in CORES if core not in cores]
        self.clients = self.others[1:] or self.others
        self.pair = VethPair(queues)
        self.receivers = []  # the server's
        self.pid = None
        self.is_master = False  # sends Announce and Sync

    def __enter__(self):
        self.pair.__enter__()
        # The clients' addresses lie behind one neighbour: a server's table of neighbours is no part of this.
        self.pair.a.run(["ip", "route", "add", CLIENT_NET, "via", self.pair.b.ip4])
        for node in self.pair.a, self.pair.b:
            before = napi_threads()
            node.run(["ethtool", "-K", node.interface, "gro", "on"])
            node.run(["sh", "-c", f"echo 1 > /sys/class/net/{node.interface}/threaded"])
            threads = sorted(napi_threads() - before)
            if node is self.pair.a:
                self.receivers = threads
                pin_each(threads, self.cores)
                if len(threads) > 1:
                    self.send_by_core()
            else:
                pin_each(threads, self.others)
                load_bpf(node, "aside")
                for pid in threads:  # what comes back is stamped when it does, however busy the generator is
                    first_in_line(pid)
        return self

    def send_by_core(self):
        """A core's frames leave by its own queue (XPS), as the drivers of NICs have it."""
        for queue, core in zip(range(len(self.receivers)), itertools.cycle(self.cores)):
            path = f"/sys/class/net/{self.pair.a.interface}/queues/tx-{queue}/xps_cpus"
            self.pair.a.run(["sh", "-c", f"echo {1 << core:x} > {path}"])

    def __exit__(self, *exc):
        self.pair.__exit__(*exc)

    def serve(self, pid):
        self.pid = pid
        pin(pid, self.cores)

    def load(self, *arguments, seconds):
        """The summary of the first run that was left in peace, or of the one that was least disturbed."""
        runs = []
        while len(runs) < TRIES and (not runs or runs[-1]["stolen_s"] > STOLEN * seconds * len(CORES)):
            wait_for_peace()
            runs.append(self.load_once(*arguments, seconds=seconds))
        return min(runs, key=lambda r: r["stolen_s"])

    def spent(self):
        """Seconds of the server's cores so far."""
        return sum(map(run_seconds, [*self.receivers, self.pid] if self.pid else self.receivers))

    def gmload(self, *arguments, seconds):
        from peers import BUILD

        command = ["taskset", "-c", ",".join(map(str, self.clients)), BUILD / "gmload", "--json", "--quiet"]
        command += ["--expect", "0", "--seconds", str(seconds), "--server", self.pair.a.ip4, *arguments]
        return [*command, self.pair.b.interface]

    def load_once(self, *arguments, seconds):
        """gmload's summary, what each answer took of the server's core, in us, and what was stolen meanwhile."""
        before, stolen_before = self.spent(), stolen_seconds()
        result = self.pair.b.run(self.gmload(*arguments, seconds=seconds), check=False)
        if not result.stdout:
            raise RuntimeError(result.stderr)
        summary = json.loads(result.stdout)
        answered = summary["good"]["answered"] + summary.get("abuse", {}).get("answered", 0)
        summary["us_per_answer"] = 1e6 * (self.spent() - before) / max(answered, 1)
        summary["stolen_s"] = stolen_seconds() - stolen_before
        return summary

    def meet(self, mode):
        """The crowd has been here for some seconds: it is no made-up one."""
        self.load_once("--mode", mode, *CROWD, "--rate", "1", seconds=4)
