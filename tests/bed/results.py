# SPDX-License-Identifier: BSD-2-Clause
"""What a guest brought out, as Python values."""

import json
import math
import re
import struct

import frames

PORTS_MAX = 6
NS = 1_000_000_000


def rms(values):
    return math.sqrt(sum(value * value for value in values) / len(values))


class Errors:
    """A clock's true errors: (true time in s TAI, ns)."""

    def __init__(self, samples):
        self.samples = samples

    def between(self, begin_s, end_s=math.inf):
        return Errors([sample for sample in self.samples if begin_s <= sample[0] < end_s])

    def last(self, seconds):
        return self.between(self.samples[-1][0] - seconds)

    @property
    def values(self):
        return [value for _, value in self.samples]

    @property
    def rms(self):
        return rms(self.values)

    @property
    def max(self):
        return max(abs(value) for value in self.values)

    @property
    def mean(self):
        return sum(self.values) / len(self.values)

    def settled(self, limit_ns):
        """When the error came below the limit for good; None if it did not."""
        at = None
        for when, value in self.samples:
            if abs(value) > limit_ns:
                at = None
            elif at is None:
                at = when
        return at


class Result:
    """One guest run's files."""

    def __init__(self, directory):
        self.directory = directory
        self.status = int(self.text("status") or -1)
        rows = list(struct.iter_unpack(f"={2 + PORTS_MAX}q", (directory / "samples").read_bytes()))
        self.begin_s = rows[0][0] / NS
        self.system = Errors([(row[0] / NS, row[1]) for row in rows])
        self.ports = [Errors([(row[0] / NS, row[2 + port]) for row in rows]) for port in range(PORTS_MAX)]

    def text(self, name):
        path = self.directory / name
        return path.read_text(errors="replace") if path.exists() else ""

    def report(self, what, name="end"):
        """What gmctl said when the guest called gmd_report NAME: ports, clock, ..."""
        return json.loads(self.text(f"{name}.{what}.json"))

    def port_report(self, name="end"):
        """The only port's."""
        (port,) = self.report("ports", name)["ports"]
        return port

    def alarm_at(self, alarm, after_s):
        """When, from after_s on, the alarm was first active; None if it was not."""
        return self.first_state(lambda status: alarm in status["alarms"], after_s)

    def messages(self):
        """Every PTP message, frames.Message."""
        return frames.read(self.directory / "pcap")

    def served(self, port, begin_s=0, end_s=math.inf):
        return frames.Grandmaster(self.messages(), port, begin_s, end_s)

    def answered(self, port):
        """The port's Delay_Resp, frames.Answer."""
        return frames.answers(self.messages(), port)

    def states(self, name="gmd"):
        """(true time in s TAI, gmctl status), four times a second."""
        lines = (line.split(" ", 1) for line in self.text(f"{name}.status").splitlines())
        return [(int(at) / NS, json.loads(status)) for at, status in lines]

    def first_state(self, wanted, after_s=0, name="gmd"):
        """When, from after_s on, wanted(status) was first true; None if it was not."""
        return next((at for at, status in self.states(name) if at >= after_s and wanted(status)), None)

    def locked_at(self, name="gmd"):
        """When gmd was first seen locked; None if it was not."""
        return self.first_state(lambda status: status["state"] == "LOCKED", name=name)

    def counters(self, port):
        return self.counters_of(f"port{port}")

    def receiver(self, number=0):
        """A receiver's counters: pulses, missing, twice."""
        return self.counters_of(f"receiver{number}")

    def counters_of(self, what):
        """Those in the file counters.WHAT."""
        return {name: int(value) for name, value in re.findall(r"(\w+) (\d+)", self.text(f"counters.{what}"))}

    def marks(self):
        """{event: true time in s TAI}, of lib.sh's mark."""
        return {name: int(at) / NS for name, at in re.findall(r"(\S+) (\d+)", self.text("marks"))}
