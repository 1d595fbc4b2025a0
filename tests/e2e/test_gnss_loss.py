# SPDX-License-Identifier: BSD-2-Clause
"""Real gpsd on a pty as time of day, simulated pulses: lock, gpsd's death, garbage, loss and return of pulses."""

import re
import time

import pytest

from confs import conf
from gpsd import Gpsd
from netns import VethPair
from peers import ST2059_CLIENT, Gmd, Ptp4l, wait_for


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sky")
    with VethPair() as pair, Gpsd(pair.a) as gpsd:
        receiver = f'type = "gpsd"; host = "localhost"; port = "{gpsd.port}";'
        gmd = Gmd(pair.a, directory, conf(receiver=receiver)).start()
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
    gmd.ask("sim", "pulse", "off")
    stopped = time.monotonic()
    gmd.wait_state("HOLDOVER_IN_SPEC", 10)
    waited_s = time.monotonic() - stopped
    status = gmd.ask("status")
    assert status["quality"]["clock_class"] == 7
    # the last pulse came up to a second before the switch: 3 s from it is at most 3 s from here
    assert waited_s <= 3.0
    time.sleep(5)
    gmd.ask("sim", "pulse", "on")
    gmd.wait_state("LOCKED", 60)
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
