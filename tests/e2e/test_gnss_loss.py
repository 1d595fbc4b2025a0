# SPDX-License-Identifier: BSD-2-Clause
"""Real gpsd on a pty as time of day, simulated pulses: lock, gpsd's death, garbage, loss and return of pulses."""

import re
import subprocess
import time

import pytest

from confs import conf
from gpsd import Gpsd
from netns import VethPair
from peers import BUILD, ST2059_CLIENT, Gmd, Ptp4l, wait_for

pytestmark = pytest.mark.xdist_group("gnss_loss")  # its tests share what the fixture starts


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sky")
    table = directory / "leap-seconds.list"  # the system's may have expired
    table.write_text("#@ 9999936000\n2272060800 36\n3692217600 37\n")
    with VethPair() as pair, Gpsd(pair.a) as gpsd:
        receiver = f'type = "gpsd"; host = "localhost"; port = "{gpsd.port}";'
        gmd = Gmd(pair.a, directory, conf(receiver=receiver) + f'leap: {{ file = "{table}"; }};').start()
        client = Ptp4l(pair.b, directory, **ST2059_CLIENT).start()
        gmd.wait_state("LOCKED", 60)
        gmd.wait_port_state("MASTER")
        yield gpsd, gmd, client


def states_logged(gmd):
    return re.findall(r"(\w+) -> (\w+): ", gmd.log())


def test_locked_on_gpsd(sky):
    _, gmd, client = sky
    wait_for("client's grandmaster", lambda: client.grandmaster() == gmd.ask("status")["clock_identity"], 20)
    assert re.search(r"gm.ClockClass\s+6\b", client.pmc("GET PARENT_DATA_SET"))
    properties = client.pmc("GET TIME_PROPERTIES_DATA_SET")
    assert re.search(r"timeSource\s+0x20", properties)
    assert re.search(r"currentUtcOffset\s+37\b", properties)
    assert re.search(r"currentUtcOffsetValid\s+1\b", properties)


def test_stability_while_locked(sky):
    """MTIE from two pulses on, TDEV of 1 s after 12: here of simulated pulses with 20 ns of noise."""
    _, gmd, _ = sky
    told = wait_for("TDEV", lambda: (told := gmd.ask("stability"))["tdev"] and told, 30)
    assert told["state"] == "LOCKED" and told["measuring"] and told["interruptions"] == 0
    assert 12 <= told["observed_s"] < 60
    mtie = {row["tau_s"]: row["mtie_ns"] for row in told["mtie"]}
    assert list(mtie)[:4] == [1, 2, 5, 10] and list(mtie.values()) == sorted(mtie.values())
    assert 5 < told["tdev"][0]["tdev_ns"] < 60
    assert told["max_abs_te_ns"] * 2 >= mtie[10] >= mtie[1] > 0
    for mask in told["masks"]:
        rows = [row[mask["mask"]] for row in told["mtie"] + told["tdev"]]
        # no clock shows PRTC's stability against such pulses
        assert mask["tdev"] == mask["verdict"] == "fail" and mask["tdev_fails_at_s"] == 1
        assert mask["judged_to_s"] == told["tdev"][-1]["tau_s"]
        assert "fail" in rows and set(rows) <= {"pass", "fail"}
    text = subprocess.run([BUILD / "gmctl", "-s", gmd.socket, "stability"], capture_output=True, text=True).stdout
    assert re.search(r"^ +tau_s +mtie_ns +prtc_a_ns +prtc_a +prtc_b_ns +prtc_b *$", text, re.M)
    assert re.search(r"^ +1 +\d+\.\d+ +25\.275 ", text, re.M)


def test_gpsd_killed_and_restarted(sky):
    """No state change while pulses go on."""
    gpsd, gmd, _ = sky
    before = states_logged(gmd)
    gpsd.kill()
    wait_for("alarm", lambda: "receiver-lost" in gmd.ask("status")["alarms"], 10)
    time.sleep(6)
    assert gmd.state() == "LOCKED"
    gpsd.start()
    wait_for("alarm cleared", lambda: "receiver-lost" not in gmd.ask("status")["alarms"], 30)
    time.sleep(3)
    assert gmd.state() == "LOCKED"
    assert states_logged(gmd) == before


def test_receiver_talks_garbage(sky):
    """Silence after garbage is an alarm, not a reason to leave lock while pulses go on."""
    gpsd, gmd, _ = sky
    before = states_logged(gmd)
    gpsd.nmea.garbage(True)
    wait_for("alarm", lambda: "receiver-silent" in gmd.ask("status")["alarms"], 20)
    assert gmd.state() == "LOCKED"
    gpsd.nmea.garbage(False)
    wait_for("alarm cleared", lambda: "receiver-silent" not in gmd.ask("status")["alarms"], 20)
    assert states_logged(gmd) == before


def test_pulses_stop_and_return(sky):
    _, gmd, _ = sky
    steps = gmd.ask("clock")["steps"]
    stability = gmd.ask("stability")
    gmd.ask("sim", "pulse", "off")
    stopped = time.monotonic()
    gmd.wait_state("HOLDOVER_IN_SPEC", 10)
    waited_s = time.monotonic() - stopped
    status = gmd.ask("status")
    assert status["quality"]["clock_class"] == 7
    # the last pulse came up to a second before the switch: 3 s from it is at most 3 s from here
    assert waited_s <= 3.0
    assert not gmd.ask("stability")["measuring"]
    time.sleep(5)
    gmd.ask("sim", "pulse", "on")
    gmd.wait_state("LOCKED", 60)
    told = wait_for("stability", lambda: (told := gmd.ask("stability"))["measuring"] and told, 20)
    assert told["interruptions"] == stability["interruptions"] + 1
    assert told["observed_s"] > stability["observed_s"], "what was observed before is not forgotten"
    assert gmd.ask("clock")["steps"] == steps, "locked again without a step"
    assert gmd.ask("status")["quality"]["clock_class"] == 6


def test_fix_lost_but_time_kept(sky):
    """TPV mode 1 with a time: the fix decides."""
    gpsd, gmd, _ = sky
    gpsd.nmea.fix(False)
    gmd.wait_state("HOLDOVER_IN_SPEC", 15)
    wait_for("alarm no-fix", lambda: "no-fix" in gmd.ask("status")["alarms"])
    gpsd.nmea.fix(True)
    gmd.wait_state("LOCKED", 60)
