# SPDX-License-Identifier: BSD-2-Clause
"""A temperature sensor whose file is there, garbled, gone and back: an alarm says so, and the clock does not care."""

import subprocess
import time

import pytest

from confs import conf
from netns import VethPair
from peers import BUILD, Gmd, wait_for

ALARM = "temperature-sensor"


@pytest.fixture
def sensor(tmp_path):
    path = tmp_path / "temp1_input"
    path.write_text("25125\n")
    return path


def with_sensor(path):
    return conf(holdover=f'temperature_file = "{path}";')


def alarm(gmd):
    """Its detail, or None."""
    return next((a["detail"] for a in gmd.ask("alarms")["active"] if a["alarm"] == ALARM), None)


def wait_alarm(gmd, words):
    wait_for(f"alarm {words}: {gmd.log()}", lambda: words in (alarm(gmd) or ""), 20)
    assert gmd.state() == "LOCKED"


def wait_quiet(gmd):
    wait_for(f"no alarm: {gmd.log()}", lambda: alarm(gmd) is None, 20)
    assert gmd.state() == "LOCKED"


def test_sensor_comes_and_goes(tmp_path, sensor):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, with_sensor(sensor)).start()
        gmd.wait_state("LOCKED", 40)
        told = gmd.ask("holdover")["temperature"]
        assert told["celsius"] == 25.125 and told["in_use"] and told["problem"] == "" and told["read_s"] < 6
        assert told["coefficient_sigma"] > 0
        assert "celsius 25.125" in subprocess.run([BUILD / "gmctl", "-s", gmd.socket, "holdover"], capture_output=True,
                                                  text=True).stdout
        assert alarm(gmd) is None

        sensor.write_text("warm\n")
        wait_alarm(gmd, "no integer")
        sensor.write_text("200000\n")
        wait_alarm(gmd, "found 200000")
        sensor.unlink()
        wait_alarm(gmd, "No such file")
        sensor.write_text("85000\n")
        wait_alarm(gmd, "85.0 C after 25.1 C")
        sensor.write_text("25250\n")
        wait_quiet(gmd)
        told = gmd.ask("holdover")["temperature"]
        assert told["celsius"] == 25.25 and told["in_use"] and told["errors"] >= 3
        assert "-> HOLDOVER" not in gmd.log() and "-> REACQUIRING" not in gmd.log()
        assert gmd.stop() == 0


def test_lost_for_longer_than_it_is_remembered(tmp_path, sensor):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, with_sensor(sensor)).start()
        gmd.wait_state("LOCKED", 40)
        sensor.unlink()
        wait_for("the sensor is given up", lambda: not gmd.ask("holdover")["temperature"]["in_use"], 80)
        sensor.write_text("27000\n")
        wait_for("the sensor is used again", lambda: gmd.ask("holdover")["temperature"]["in_use"], 20)
        wait_quiet(gmd)
        time.sleep(3)
        assert gmd.state() == "LOCKED" and "-> HOLDOVER" not in gmd.log()


def test_check_reads_it_once(tmp_path, sensor):
    with VethPair() as pair:
        file = tmp_path / "gmd.conf"
        file.write_text(with_sensor(sensor))
        told = pair.a.run([BUILD / "gmd", "--check", "-f", file]).stdout
        assert f"temperature: 25.125 C ({sensor})" in told and "would serve as asked" in told
        sensor.write_text("cold")
        told = pair.a.run([BUILD / "gmd", "--check", "-f", file]).stdout
        assert "temperature: WARNING" in told and "no integer" in told and "would serve as asked" in told


def test_none_configured(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf()).start()
        gmd.wait_state("LOCKED", 40)
        assert "temperature" not in gmd.ask("holdover") and alarm(gmd) is None
