# SPDX-License-Identifier: BSD-2-Clause
"""guard_probe at one end of a cable, requests at the other."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

TESTS = pathlib.Path(os.environ.get("GMD_BUILD", "build")).resolve() / "tests"
TRANSPORTS = ["udpv4", "udpv6", "ethernet"]
GROUPS = {
    "udpv4": ("01:00:5e:00:01:81", "224.0.1.129"),
    "udpv6": ("33:33:00:00:01:81", "ff0e::181"),
    "ethernet": ("01:1b:19:00:00:00", "-"),
}
CLOSE_NS = 20_000_000  # a request on its way, on a busy machine
CLASSES = ["request", "announce", "talk", "idle", "malformed", "foreign"]


class Probe:
    """guard_probe: asked one thing at a time."""

    def __init__(self, node, transport, wrapper=()):
        self.node = node
        self.transport = transport
        command = [*wrapper, TESTS / "guard_probe", transport, node.interface]
        self.process = node.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def do(self, *words):
        answer = self.ask(*words)
        assert answer.split()[0] == "ok", f"{words}: {answer}"
        return answer

    def allow(self, clients, rate, burst=8, first=1):
        """Clients first..first+clients-1 of requests, each in the slot of its number."""
        for n in range(first, first + clients):
            self.do("allow", n, source_of(self.transport, n), identity_of(n), rate, burst)

    def counts(self, slot):
        """passed, answered, refused"""
        return [int(word) for word in self.ask("client", slot).split()[:3]]

    def interval(self, slot):
        """Mean of its requests' intervals, and mean deviation from it, us"""
        return [int(word) for word in self.ask("client", slot).split()[3:]]

    def totals(self):
        """answered, and by class: (passed, refused)"""
        answered, *words = map(int, self.ask("totals").split())
        return answered, dict(zip(CLASSES, zip(words[::2], words[1::2])))

    def receives(self, count):
        """Whether so many frames came through since the last time. They may still be on their way."""
        came, until = 0, time.monotonic() + 2
        while came < count and time.monotonic() < until:
            came += int(self.ask("received"))
        return came == count

    def quit(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.flush()
        assert self.process.wait(5) == 0


def source_of(transport, n):
    low = [n >> 16 & 255, n >> 8 & 255, n & 255]
    if transport == "udpv4":
        return "10." + ".".join(map(str, low))
    if transport == "udpv6":
        return f"fd00::a00:{low[0]:x}:{low[1] << 8 | low[2]:x}"
    return "02:00:01:" + ":".join(f"{octet:02x}" for octet in low)


def identity_of(n):
    return f"aabbccfffe{n:06x}0001"


class Requests:
    """A running requests program; result() waits for it."""

    def __init__(self, node, to, transport, mode="unicast", clients=1, rate=8, seconds=1, domain=127, first=1):
        address = {"udpv4": to.ip4, "udpv6": to.ip6, "ethernet": "-"}[transport]
        mac, address = (to.mac, address) if mode == "unicast" else GROUPS[transport]
        command = [TESTS / "requests", transport, node.interface, mac, address, mode, clients, rate, seconds, domain, first]
        self.process = node.popen(list(map(str, command)), stdout=subprocess.PIPE)

    def result(self):
        words = self.process.communicate()[0].split()
        return dict(zip(words[::2], map(float, words[1::2])))


def ask(pair, transport="udpv4", **what):
    return Requests(pair.b, pair.a, transport, **what).result()


def check_answers(got):
    assert got["answered"] == got["sent"] > 0 and got["faults"] == 0, got
    assert 0 <= got["median_ns"] < CLOSE_NS, got


def check_answered_instead(pair, probe, transport, mode):
    """All ten clients are answered, and nothing reaches the daemon."""
    got = ask(pair, transport, mode=mode, clients=10, rate=1000)
    check_answers(got)
    assert probe.totals()[0] == got["sent"]
    assert sum(probe.counts(n)[1] for n in range(1, 11)) == got["sent"]
    assert probe.ask("received") == "0"


def check_falls_silent(pair, probe):
    """Nobody renews what it answers with: a second at most."""
    probe.process.send_signal(signal.SIGSTOP)
    assert 0.5 < ask(pair, rate=50, seconds=2)["answered"] / 50 < 1.3
    probe.process.send_signal(signal.SIGCONT)
    probe.quit()


def check_the_rest(pair, probe, transport):
    """Only client 1, allowed 100/s and 50 at once, is answered in the daemon's stead; what else comes is the daemon's, or ends."""
    # above its rate: dropped before the sockets
    got = ask(pair, transport, rate=1000)
    assert got["answered"] == pytest.approx(50 + 100 * got["seconds"], rel=0.05)
    passed, answered, refused = probe.counts(1)
    assert (answered, refused) == (got["answered"], got["sent"] - got["answered"])
    assert passed in (0, answered)  # the guard sees what workers answer, not what the driver does
    assert probe.ask("received") == "0"
    # strangers are the daemon's; another domain is a fault, for the daemon to see
    for what in {"first": 50, "rate": 100}, {"domain": 5, "rate": 10}:
        got = ask(pair, transport, **what)
        assert got["answered"] == 0 and probe.receives(got["sent"])
    # not MASTER, or without a time
    probe.do("serve", 0)
    got = ask(pair, transport, rate=50)
    assert got["answered"] == 0 and probe.receives(got["sent"])
    probe.do("serve", 1)
    assert ask(pair, transport, rate=50)["answered"] > 0
