# SPDX-License-Identifier: BSD-2-Clause
"""A real gpsd in a namespace, fed by a receiver on a pty."""

import shutil
import subprocess

import nmea

GPSD = shutil.which("gpsd") or "/usr/sbin/gpsd"


def gpsd_command(port, device):
    """In the foreground, talking to the receiver at once, and without probing for its kind and speed."""
    return [GPSD, "-N", "-n", "-b", "-S", str(port), device]


class Gpsd:
    port = 2947  # the namespace has no other

    def __init__(self, node, extra=lambda second: b""):
        """extra: what the receiver says each second beside its NMEA (ubx.py)."""
        self.node = node
        self.extra = extra
        self.process = None

    def __enter__(self):
        self.nmea = nmea.Receiver(extra=self.extra).__enter__()
        return self.start()

    def __exit__(self, *_):
        self.kill()
        self.nmea.close()

    def start(self):
        command = gpsd_command(self.port, self.nmea.device)
        self.process = self.node.popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
