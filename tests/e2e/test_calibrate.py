# SPDX-License-Identifier: BSD-2-Clause
"""gmd --calibrate: a plausible number that gmd.conf takes, beside a gmd that serves, and nothing left behind."""

import os
import pathlib
import re
import signal
import subprocess
import time

import pytest
from confs import conf
from netns import VethPair
from peers import BUILD, Gmd, wait_for

TIME_S = 8  # the least
CAPACITY = re.compile(r"^clients = \{ capacity = (\d+); \};$", re.MULTILINE)

pytestmark = pytest.mark.xdist_group("loud")  # one at a time: they take what the machine has


def calibrate(*arguments, wrapper=(), timeout=60):
    command = [*wrapper, BUILD / "gmd", f"--calibrate={TIME_S}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def kernel_threads_show():
    kthreadd = pathlib.Path("/proc/2/comm")
    return kthreadd.exists() and kthreadd.read_text() == "kthreadd\n"


measures = pytest.mark.skipif(not kernel_threads_show(), reason="a container hides the kernel's threads")


def threads_of_interfaces(pid):
    """The kernel's, that receive for the interfaces of this calibration."""
    names = (f"napi/gs{pid:x}", f"napi/gc{pid:x}")
    found = []
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            found += [comm.read_text()] if comm.read_text().startswith(names) else []
        except OSError:
            pass
    return found


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def figures(text):
    answers = float(re.search(r"^Delay_Req answered +(\d+) a second", text, re.MULTILINE).group(1))
    return answers, int(CAPACITY.search(text).group(1))


@measures
def test_beside_a_gmd_that_serves(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf(ptp="serve_before_lock = true;")).start()
        gmd.wait_port_state("MASTER")
        interfaces = pair.a.run(["ip", "-o", "link"]).stdout
        start = time.monotonic()
        result = calibrate("-f", gmd.conf, wrapper=["ip", "netns", "exec", pair.a.name])
        assert result.returncode == 0, result.stdout + result.stderr
        assert result.stderr == ""
        assert time.monotonic() - start < 4 * TIME_S
        print(result.stdout)
        answers, capacity = figures(result.stdout)
        assert 2000 < answers < 5_000_000
        assert 0.7 * answers <= capacity <= 0.8 * answers
        sync_us = float(re.search(r"^unicast Sync +([\d.]+) us", result.stdout, re.MULTILINE).group(1))
        assert 0.5e6 / answers < sync_us < 20e6 / answers
        assert pair.a.run(["ip", "-o", "link"]).stdout == interfaces
        assert not {"control", "gmd.conf"} & set(os.listdir("/run"))
        assert gmd.port_state() == "MASTER" and gmd.ask("clients")["clients"] == []

        # gmd.conf takes it as it is printed
        gmd.conf.write_text(gmd.conf.read_text() + CAPACITY.search(result.stdout).group(0))
        check = pair.a.run([BUILD / "gmd", "-f", gmd.conf, "--check"], check=False)
        assert f"capacity = {capacity}" in check.stdout


def configured(tmp_path, transport):
    path = tmp_path / "gmd.conf"
    path.write_text(f'ports: ( {{ interface = "eth7"; transport = "{transport}"; }} );\nclients: {{ guard = true; }};\n')
    return ["-f", path]


@measures
def test_over_ethernet(tmp_path):
    result = calibrate(*configured(tmp_path, "ethernet"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert 2000 < figures(result.stdout)[0] < 5_000_000
    assert "unicast Sync" not in result.stdout


@measures
def test_on_one_core(tmp_path):
    core = min(os.sched_getaffinity(0))
    result = calibrate(*configured(tmp_path, "udpv6"), wrapper=["taskset", "-c", str(core)])
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"on core {core}" in result.stdout and "the only one" in result.stdout
    assert "measured over IPv4" in result.stdout
    assert 2000 < figures(result.stdout)[0] < 5_000_000


@measures
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_when_it_is_ended(number):
    process = subprocess.Popen(
        ["env", "--default-signal=INT", BUILD / "gmd", "--calibrate"],  # a shell's background jobs ignore it
        stdout=subprocess.PIPE, start_new_session=True, text=True)
    process.stdout.readline()
    started = wait_for("both processes", lambda: len(c := children(process.pid)) == 2 and c, 40)
    wait_for("both interfaces", lambda: len(threads_of_interfaces(process.pid)) == 2, 40)
    process.send_signal(number)
    assert process.wait(40) == -number
    process.stdout.close()
    wait_for("no process", lambda: not any(pathlib.Path(f"/proc/{pid}/root").exists() for pid in started), 40)
    wait_for("no interface", lambda: not threads_of_interfaces(process.pid), 40)


def test_in_a_container():
    """It hides the threads that receive, which have to be measured, too."""
    result = calibrate(wrapper=["unshare", "--pid", "--fork", "--mount-proc"])
    assert result.returncode == 1
    assert "not within a container's process namespace" in result.stderr
    assert not CAPACITY.search(result.stdout)


def test_without_root():
    for wrapper in (["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all"], ["setpriv", "--bounding-set=-net_admin"]):
        result = calibrate(wrapper=wrapper)
        assert result.returncode == 1
        assert "needs root" in result.stderr and result.stderr.startswith("gmd --calibrate: ")
        assert not CAPACITY.search(result.stdout)


MISUSES = ["--calibrate=1", "--calibrate=x", "--calibrate=", "--calibrate=nan", "--calibrate 9", "--check --calibrate=2"]


@pytest.mark.parametrize("words", [text.split() for text in MISUSES])
def test_misused(words):
    result = subprocess.run([BUILD / "gmd", *words], capture_output=True, text=True)
    assert result.returncode == 2 and result.stderr.startswith("gmd: ")
