# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces for end-to-end tests: two nodes on a veth pair, or n nodes on a bridge.

    with VethPair() as pair:
        daemon = pair.a.popen(["gmd", "-f", "gmd.conf"])
        pair.b.run(["pmc", "-i", pair.b.interface, "GET CURRENT_DATA_SET"])

Every namespace, and whatever still runs in it, is gone when the block is left.
"""

import contextlib
import itertools
import os
import signal
import subprocess
import time

TERMINATE_S = 5  # what a process gets between SIGTERM and SIGKILL

_serial = itertools.count()


def _ip(*args):
    subprocess.run(["ip", *args], check=True)


def _cable(netns_a, name_a, netns_b, name_b, queues=1):
    """A veth pair. Ends with equal indices learn of their carrier up to a second late (the kernel takes them
    for devices without a lower one and delays the event), so each end gets an index of its own."""
    a, b = (str(100 + next(_serial)) for _ in range(2))
    both = ["numtxqueues", str(queues), "numrxqueues", str(queues)] if queues > 1 else []
    _ip(
        *("link", "add", name_a, "index", a, "netns", netns_a, *both, "type", "veth"),
        *("peer", "name", name_b, "index", b, "netns", netns_b, *both),
    )


class Netns:
    """One network namespace and the processes started in it."""

    def __init__(self, label):
        self.name = f"gmd-{os.getpid()}-{next(_serial)}-{label}"
        self.processes = []
        _ip("netns", "add", self.name)
        try:
            # Addresses must be usable at once: no duplicate address detection.
            self.run(["sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0"])
            self.run(["ip", "link", "set", "lo", "up"])
        except RuntimeError:
            self.close()
            raise

    def popen(self, cmd, **kw):
        """subprocess.Popen inside; its pid is the command's own. Terminated on exit."""
        kw.setdefault("text", True)
        kw.setdefault("start_new_session", True)  # Ctrl-C is for the test, which ends its processes itself
        process = subprocess.Popen(["ip", "netns", "exec", self.name, *cmd], **kw)
        self.processes.append(process)
        return process

    def run(self, cmd, check=True, **kw):
        """subprocess.run inside, with stdout and stderr captured as text unless told otherwise."""
        kw.setdefault("text", True)
        if not {"stdout", "stderr"} & kw.keys():
            kw.setdefault("capture_output", True)
        result = subprocess.run(["ip", "netns", "exec", self.name, *cmd], **kw)
        if check and result.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, cmd))}: exit {result.returncode}: {result.stderr}")
        return result

    def stop(self, process):
        """Terminates one process and returns its exit status."""
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(TERMINATE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        return process.wait()

    def close(self):
        for process in self.processes:
            self.stop(process)
        # What those left behind: nobody else can be in a namespace of ours.
        pids = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True).stdout
        for pid in pids.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        _ip("netns", "del", self.name)


class Node(Netns):
    """A namespace with one interface."""

    def __init__(self, label, number):
        super().__init__(label)
        self.interface = "eth0"
        self.ip4 = f"192.0.2.{number}"
        self.ip6 = f"fd00::{number:x}"
        self.mac = f"02:00:00:00:00:{number:02x}"

    def knows(self, other):
        """For good: all namespaces share the kernel's table of neighbours, which a crowd of another test may fill."""
        for address in other.ip4, other.ip6:
            self.run(["ip", "neighbour", "replace", address, "lladdr", other.mac, "dev", self.interface, "nud", "permanent"])

    def configure(self):
        # Checksums are computed here, not left to an offload, so that captures show what they should.
        self.run(["ethtool", "-K", self.interface, "tx", "off"])
        self.run(["ip", "link", "set", self.interface, "address", self.mac])
        self.run(["ip", "address", "add", f"{self.ip4}/24", "dev", self.interface])
        self.run(["ip", "address", "add", f"{self.ip6}/64", "dev", self.interface])
        self.link(True)

    def link(self, up):
        self.run(["ip", "link", "set", self.interface, "up" if up else "down"])

    @contextlib.contextmanager
    def capture(self, path, expression=""):
        """tcpdump of the interface into path while the block runs."""
        cmd = ["tcpdump", "-Z", "root", "-i", self.interface, "-U", "--immediate-mode", "-w", str(path)]
        process = self.popen(cmd + expression.split(), stderr=subprocess.PIPE)
        while "listening on" not in (line := process.stderr.readline()):
            if not line:
                raise RuntimeError(f"tcpdump ended: {process.wait()}")
        try:
            yield
        finally:
            time.sleep(0.1)  # the last frames are on their way through the ring
            self.stop(process)
            process.stderr.close()


class _Network:
    """Namespaces that come and go together."""

    def __init__(self):
        self.namespaces = []

    def _add(self, namespace):
        self.namespaces.append(namespace)
        return namespace

    def _build(self):
        raise NotImplementedError

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.ExitStack() as stack:
            for namespace in self.namespaces:
                stack.callback(namespace.close)
        self.namespaces = []


class VethPair(_Network):
    """Two nodes, a and b, back to back."""

    def __init__(self, queues=1):
        super().__init__()
        self.queues = queues

    def _build(self):
        self.a = self._add(Node("a", 1))
        self.b = self._add(Node("b", 2))
        _cable(self.a.name, "eth0", self.b.name, "eth0", self.queues)
        self.a.configure()
        self.b.configure()
        self.a.knows(self.b)
        self.b.knows(self.a)


class Bridge(_Network):
    """n nodes on a bridge that floods multicast; the bridge has a namespace of its own."""

    def __init__(self, n):
        super().__init__()
        self.n = n

    def _build(self):
        self.switch = self._add(Netns("br"))
        bridge = ["type", "bridge", "mcast_snooping", "0", "stp_state", "0"]
        self.switch.run(["ip", "link", "add", "br0", *bridge])
        self.switch.run(["ip", "link", "set", "br0", "up"])
        self.nodes = []
        for number in range(1, self.n + 1):
            node = self._add(Node(f"n{number}", number))
            port = f"port{number}"
            _cable(node.name, "eth0", self.switch.name, port)
            self.switch.run(["ip", "link", "set", port, "master", "br0", "up"])
            node.configure()
            self.nodes.append(node)

    def port_link(self, number, up):
        """Cuts or mends the cable of node number (from 1) at the bridge."""
        self.switch.run(["ip", "link", "set", f"port{number}", "up" if up else "down"])
