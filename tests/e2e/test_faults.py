# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong around a running gmd: links, clocks, hostile bytes. It says so, and serves on."""

import re
import socket
import subprocess
import time

import pytest

from confs import conf
from netns import VethPair
from peers import BUILD, ST2059_CLIENT, Gmd, Ptp4l, wait_for

pytestmark = pytest.mark.xdist_group("faults")  # its tests share what the fixture starts


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    directory = tmp_path_factory.mktemp("faults")
    with VethPair() as pair:
        gmd = Gmd(pair.a, directory, conf()).start()
        client = Ptp4l(pair.b, directory, **ST2059_CLIENT).start()
        gmd.wait_state("LOCKED", 40)
        gmd.wait_port_state("MASTER")
        wait_for("offsets", lambda: len(client.offsets()) > 4, 20)
        yield pair, gmd, client


def alarms(gmd):
    return gmd.ask("status")["alarms"]


def wait_alarm(gmd, name, active=True, timeout_s=20):
    wait_for(f"alarm {name} {active}: {gmd.log()}", lambda: (name in alarms(gmd)) == active, timeout_s)


def wait_more_offsets(client, timeout_s=20):
    seen = len(client.offsets())
    wait_for("the client is served again", lambda: len(client.offsets()) > seen + 4, timeout_s)


def test_link_down_and_up(served):
    pair, gmd, client = served
    pair.a.link(False)
    gmd.wait_port_state("FAULTY")
    wait_alarm(gmd, "port-down")
    assert gmd.state() == "LOCKED", "the clock does not depend on the link"
    pair.a.link(True)
    gmd.wait_port_state("MASTER")
    wait_alarm(gmd, "port-down", False)
    wait_more_offsets(client)


def test_clock_set_behind_its_back(served):
    """37 s, the favourite: detected within two seconds, said, undone, locked again."""
    _, gmd, client = served
    before = gmd.ask("clock")
    gmd.ask("sim", "clock-step", "37")
    wait_for("foreign step seen", lambda: gmd.ask("clock")["foreign_steps"] > before["foreign_steps"], 2)
    assert gmd.ask("status")["quality"]["clock_class"] != 6, "degraded at once"
    assert "clock-jumped" in alarms(gmd)
    gmd.wait_state("LOCKED", 60)
    told = re.search(r"clock stepped by (\S+) s by somebody else", gmd.log())
    assert abs(float(told[1]) - 37) < 0.01, "less the 25 ppm by which the oscillator is wrong"
    gmd.wait_port_state("MASTER")
    wait_more_offsets(client)
    assert abs(client.offsets()[-1][1]) < 1_000_000


def test_hostile_bytes_on_the_wire(served):
    """Most end in the kernel, and all are counted. tshark is not asked: these are meant to be malformed."""
    pair, gmd, client = served

    def refused():
        port = gmd.ask("ports")["ports"][0]
        return port["rx_malformed"] + port["rx_wrong_domain"]

    before = refused()
    sender = (
        "import random, socket, sys\n"
        "random.seed(7)\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "for i in range(2000):\n"
        f"    s.sendto(random.randbytes(random.randrange(0, 200)), ('{pair.a.ip4}', 319 + i % 2))\n"
    )
    pair.b.run(["/usr/bin/python3", "-c", sender])
    wait_for("broken messages counted", lambda: refused() == before + 2000, 5)
    assert gmd.port_state() == "MASTER" and gmd.state() == "LOCKED"
    wait_more_offsets(client)


@pytest.mark.parametrize(
    "request_line, complaint",
    [
        (b"{}\n", "no \"command\""),
        (b"no json\n", "not a JSON object"),
        (b'{"command": "reboot"}\n', "unknown command"),
        (b'{"command": 7}\n', "no \"command\""),
        (b'{"command": "sim", "switch": "moon", "on": true}\n', "no such switch"),
        (b'{"command": "sim", "switch": "fix", "on": 3}\n', "expected true or false"),
        (b'{"command": "sim", "clock_step_s": 1e300}\n', "expected seconds"),
        (b"\0\xff\xfe\n", "not a JSON object"),
    ],
)
def test_bad_requests(served, request_line, complaint):
    _, gmd, _ = served
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(gmd.socket))
        s.sendall(request_line)
        assert complaint in s.makefile().readline().replace('\\"', '"')


def test_greedy_control_connections(served):
    _, gmd, _ = served
    greedy = [socket.socket(socket.AF_UNIX) for _ in range(40)]
    for s in greedy:
        s.connect(str(gmd.socket))
        s.settimeout(5)
    endless = greedy[0]
    with pytest.raises((ConnectionError, TimeoutError)):
        for _ in range(100):
            endless.sendall(b"x" * 100)
            time.sleep(0.005)
    for s in greedy:
        s.close()
    wait_for("control answers again", lambda: gmd.gmctl("status").returncode == 0, 5)
    assert gmd.port_state() == "MASTER"


def test_interface_vanishes_and_returns(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf()).start()
        gmd.wait_state("LOCKED", 40)
        gmd.wait_port_state("MASTER")
        pair.a.run(["ip", "link", "del", "eth0"])
        gmd.wait_port_state("FAULTY")
        assert gmd.state() == "LOCKED"
        wait_for("complaint", lambda: "no such interface" in gmd.log(), 5)
        pair.a.run(["ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", pair.b.name])
        pair.a.configure()
        pair.b.configure()
        gmd.wait_port_state("MASTER")
        client = Ptp4l(pair.b, tmp_path, **ST2059_CLIENT).start()
        wait_for("served again", lambda: len(client.offsets()) > 4, 30)


def test_second_daemon_is_refused(served, tmp_path):
    pair, gmd, _ = served
    second = pair.a.run([BUILD / "gmd", "-f", gmd.conf], check=False)
    assert second.returncode == 1
    assert "another gmd is running" in second.stderr
    assert gmd.gmctl("status").returncode == 0


def test_check_explains(tmp_path):
    with VethPair() as pair:
        good = tmp_path / "good.conf"
        good.write_text(conf())
        result = pair.a.run([BUILD / "gmd", "--check", "-f", good])
        for text in (
            "domain = 127; # profile st2059-2",
            "log_sync_interval = -3; # profile st2059-2",
            "currentUtcOffset 37",
            "grandmasterIdentity 020000.fffe.000001",
            "clockClass 248",
            "ptpTimescale",
            "would serve as asked",
        ):
            assert text in result.stdout, result.stdout

        wants_hardware = tmp_path / "hardware.conf"
        wants_hardware.write_text(conf().replace('timestamping = "software"', 'timestamping = "hardware"'))
        result = pair.a.run([BUILD / "gmd", "--check", "-f", wants_hardware], check=False)
        assert result.returncode == 1
        assert "FAULT" in result.stdout and "hardware" in result.stdout, result.stdout

        absent = tmp_path / "absent.conf"
        absent.write_text(conf().replace('interface = "eth0"', 'interface = "eth7"'))
        result = pair.a.run([BUILD / "gmd", "--check", "-f", absent], check=False)
        assert result.returncode == 1
        assert "eth7: no such interface" in result.stdout, result.stdout


def test_bad_configuration_is_refused_with_every_complaint(tmp_path):
    bad = tmp_path / "bad.conf"
    bad.write_text('ptp: {\n domain = 300;\n profil = "aes67";\n};\nports: ( { interface = "eth0"; } );\n')
    result = subprocess.run([BUILD / "gmd", "-f", bad], capture_output=True, text=True)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert any(line.startswith(f"{bad}:2: ptp.domain") and "300" in line for line in lines), lines
    assert any(line.startswith(f"{bad}:3: ptp.profil") and "profile" in line for line in lines), lines


def test_ends_cleanly(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf()).start()
        assert gmd.stop() == 0
        assert not gmd.socket.exists()


def connections(gmd, count):
    sockets = [socket.socket(socket.AF_UNIX) for _ in range(count)]
    for s in sockets:
        s.settimeout(5)
        s.connect(str(gmd.socket))
    return sockets


def test_idle_connections_give_way(served):
    """Those that say nothing do not shut the operator out; the one that watches stays."""
    _, gmd, _ = served
    watching, *idle = connections(gmd, 16)
    watching.sendall(b'{"command": "watch", "interval": 0.1}\n')
    answers = watching.makefile()
    assert "state" in answers.readline()
    for _ in range(3):
        assert gmd.gmctl("status").returncode == 0
    assert idle[0].recv(1) == b"", "idle for longest"
    for _ in range(5):
        assert "state" in answers.readline()
    for s in (watching, *idle):
        s.close()


def test_connections_that_all_watch(served):
    """One too many is told so."""
    _, gmd, _ = served
    watching = connections(gmd, 16)
    for s in watching:
        s.sendall(b'{"command": "watch", "interval": 3600}\n')
        assert "state" in s.makefile().readline()
    refused = gmd.gmctl("status")
    assert refused.returncode == 1 and refused.stderr == "gmctl: too many connections\n"
    for s in watching:
        s.close()
    wait_for("a place is free", lambda: gmd.gmctl("status").returncode == 0, 5)


def test_endless_request_ends_connections(served):
    _, gmd, _ = served
    [endless] = connections(gmd, 1)
    endless.sendall(b"x" * 1024)
    with endless:
        assert endless.recv(1) == b""


def test_foreign_text_in_bad_requests(served):
    """Not ASCII, and cut within a character: answered all the same."""
    _, gmd, _ = served
    for word in ("a" + "é" * 30, "\x1b[31mred", "\u20ac" * 20):
        result = gmd.gmctl(word)
        assert result.returncode == 1
        assert result.stderr.isascii() and result.stderr.strip().isprintable(), result.stderr
        assert "unknown command" in result.stderr and "?" in result.stderr


def test_gmctl_says_that_connections_are_closed(tmp_path):
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        gmctl = subprocess.Popen([BUILD / "gmctl", "-s", path, "status"], stderr=subprocess.PIPE, text=True)
        listener.accept()[0].close()
        complaint = gmctl.communicate(timeout=5)[1]
    assert (gmctl.returncode, complaint) == (1, "gmctl: gmd closed the connection\n")


@pytest.mark.parametrize(
    "words, step_s",
    [(("-2e-9",), -2e-9), (("--", "-2e-9"), -2e-9), (("-0.000000002", "--json"), -2e-9), (("2e-9", "-j"), 2e-9)],
)
def test_clock_steps_of_either_sign(served, words, step_s):
    """A negative number is no option. Nanoseconds: they disturb nobody."""
    _, gmd, _ = served
    assert gmd.ask("sim", "clock-step", *words) == {"clock_step_s": step_s}


def test_small_foreign_step_is_said(tmp_path):
    """Below the threshold of the watch: outliers that agree with each other raise an alarm before they insist."""
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf()).start()
        gmd.wait_state("LOCKED", 40)
        gmd.ask("sim", "clock-step", "0.00005")
        wait_alarm(gmd, "pulses-contradict", timeout_s=8)
        wait_for("degraded", lambda: gmd.ask("status")["quality"]["clock_class"] != 6, 45)
        wait_alarm(gmd, "pulses-contradict", False, timeout_s=90)


def test_socket_directory_is_made(tmp_path):
    """As /run/gmd is without systemd."""
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf())
        gmd.socket = tmp_path / "run" / "control"
        gmd.conf.write_text(conf() + f'control = {{ socket = "{gmd.socket}"; }};\n')
        gmd.start()
        assert gmd.socket.parent.stat().st_mode & 0o777 == 0o750


def test_pulses_noisier_than_told(tmp_path):
    """An interrupt's stamps with the default for a NIC's: found out, said, locked."""
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf(simulation="pulse_jitter_ns = 400.0;")).start()
        gmd.wait_state("LOCKED", 120)
        wait_alarm(gmd, "pulse-noise")
        assert "pulse.noise_ns = 20" in str(gmd.ask("alarms")["active"])
        assert gmd.stop() == 0
