# SPDX-License-Identifier: BSD-2-Clause
"""The programs that end-to-end tests run in namespaces: gmd, and the real peers that judge it."""

import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import threading
import time

BUILD = pathlib.Path(os.environ.get("GMD_BUILD", "build")).resolve()

# A client that only measures: it could not steer the machine's clock if it wanted to.
UNPRIVILEGED = ["setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time"]


def wait_for(what, condition, timeout_s=20, interval_s=0.05):
    """Polls condition until it is true; its value. Fails loudly, with what was awaited."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(interval_s)


class Gmd:
    """One daemon in one namespace, from the text of its gmd.conf."""

    def __init__(self, node, directory, conf, wrapper=(), management=""):
        self.node = node
        self.socket = directory / f"{node.name}.control"
        self.uds = directory / f"{node.name}.ptp4l"
        self.conf = directory / f"{node.name}.conf"
        self.log_path = directory / f"{node.name}.log"
        sockets = f'control: {{ socket = "{self.socket}"; }};\nmanagement: {{ socket = "{self.uds}"; {management} }};\n'
        self.conf.write_text(f"{conf}\n{sockets}")
        self.wrapper = list(wrapper)
        self.process = None

    def start(self):
        log = self.log_path.open("a")
        self.process = self.node.popen([*self.wrapper, BUILD / "gmd", "-f", self.conf], stderr=log, stdout=log)
        wait_for("gmd's control socket: " + self.log(), self.answers, 10)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"gmd ended with status {self.process.returncode}:\n{self.log()}")
        return self.socket.exists() and self.gmctl("status").returncode == 0

    def gmctl(self, *words):
        return subprocess.run([BUILD / "gmctl", "-s", self.socket, "--json", *words], capture_output=True, text=True)

    def ask(self, *words):
        """gmctl's answer as Python values."""
        result = self.gmctl(*words)
        assert result.returncode == 0, result.stderr + self.log()
        return json.loads(result.stdout)

    def state(self):
        return self.ask("status")["state"]

    def wait_state(self, state, timeout_s=30):
        wait_for(f"gmd {state}; its log:\n{self.log()}", lambda: self.state() == state, timeout_s)

    def port_state(self):
        return next(iter(self.ask("status")["ports"].values()))

    def wait_port_state(self, state, timeout_s=20):
        wait_for(f"port {state}; gmd's log:\n{self.log()}", lambda: self.port_state() == state, timeout_s)

    def log(self):
        return self.log_path.read_text() if self.log_path.exists() else ""

    def stop(self):
        return self.node.stop(self.process)


class Ptp4l:
    """A real ptp4l client that measures and never steers."""

    # Its log prints one offset a second at most, whatever the Sync rate: pmc sees them all.
    STATUS = re.compile(r"master_offset\s+(-?\d+)\s+ingress_time\s+(\d+)")
    POLL_S = 0.02  # below the Sync interval

    def __init__(self, node, directory, name="client", transport="UDPv4", sections="", **options):
        self.node = node
        self.log_path = directory / f"{node.name}.{name}.log"
        self.uds = directory / f"{node.name}.{name}.uds"
        settings = {
            "slaveOnly": 1,
            "free_running": 1,
            "freq_est_interval": 0,
            "time_stamping": "software",
            "network_transport": transport,
            "summary_interval": -10,
            "tx_timestamp_timeout": 500,  # the default, 1 ms, makes its port FAULTY for 16 s where a busy machine is late
            "uds_address": self.uds,
            **options,
        }
        self.conf = directory / f"{node.name}.{name}.conf"
        self.conf.write_text("[global]\n" + "".join(f"{key} {value}\n" for key, value in settings.items()) + sections)
        domain = str(options.get("domainNumber", 0))
        self.pmc_command = ["pmc", "-u", "-b", "0", "-d", domain, "-s", self.uds]
        self.process = None
        self.status_path = directory / f"{node.name}.{name}.status"
        self.monitor = None

    def start(self, monitor=True):
        log = self.log_path.open("w")
        command = ["ptp4l", "-m", "-q", "-f", self.conf, "-i", self.node.interface]
        self.process = self.node.popen([*UNPRIVILEGED, *command], stdout=log, stderr=log)
        wait_for("ptp4l's socket", self.runs, 10)
        if monitor:
            threading.Thread(target=self.poll_offsets, daemon=True).start()
        return self

    def poll_offsets(self):
        """Has pmc ask for every offset, until this client or pmc is stopped."""
        command = [*self.pmc_command, "-i", f"{self.uds}.monitor"]
        self.monitor = self.node.popen(command, stdin=subprocess.PIPE, stdout=self.status_path.open("w"))
        with contextlib.suppress(BrokenPipeError):
            while self.process.poll() is None:
                self.monitor.stdin.write("GET TIME_STATUS_NP\n")
                self.monitor.stdin.flush()
                time.sleep(self.POLL_S)

    def runs(self):
        if self.process.poll() is not None:
            raise AssertionError(f"ptp4l ended with status {self.process.returncode}:\n{self.log()}")
        return self.uds.exists()

    def log(self):
        return self.log_path.read_text() if self.log_path.exists() else ""

    def offsets(self):
        """(second, offset ns) of each Sync that was measured, oldest first; seconds of the client's own clock."""
        text = self.status_path.read_text() if self.status_path.exists() else ""
        found = {int(ingress): int(offset) for offset, ingress in self.STATUS.findall(text)}
        return [(ingress / 1e9, offset) for ingress, offset in found.items() if ingress]

    def median(self, seconds=10):
        """Median offset over the last seconds, ns; None before the first."""
        offsets = self.offsets()
        recent = [offset for at, offset in offsets if at > offsets[-1][0] - seconds]
        return statistics.median(recent) if recent else None

    def pmc(self, *requests):
        """The answers of pmc over this client's UNIX socket."""
        command = [*self.pmc_command, "-i", f"{self.uds}.pmc", *requests]
        return self.node.run(command).stdout

    def grandmaster(self):
        found = re.search(r"grandmasterIdentity\s+(\S+)", self.pmc("GET PARENT_DATA_SET"))
        return found and found[1]

    def stop(self):
        if self.monitor:
            self.node.stop(self.monitor)
        return self.node.stop(self.process)


ST2059_CLIENT = {"domainNumber": 127, "logAnnounceInterval": 0, "logSyncInterval": -3, "logMinDelayReqInterval": -3}
AES67_CLIENT = {"domainNumber": 0, "logAnnounceInterval": 1, "logSyncInterval": -3, "logMinDelayReqInterval": 0}
DEFAULT_CLIENT = {"domainNumber": 0, "logAnnounceInterval": 1, "logSyncInterval": 0, "logMinDelayReqInterval": 0}
