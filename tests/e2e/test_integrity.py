# SPDX-License-Identifier: BSD-2-Clause
"""A receiver behind a real gpsd that shows signs of trouble while it goes on claiming a fix: the estimator is frozen
before the fix flag drops, clients see nothing of a suspicion that passes, and the clock does not move."""

import re
import time

import pytest

import ubx
from confs import conf
from gpsd import Gpsd
from netns import VethPair
from peers import Gmd, wait_for

LEARN_S = 25  # of pulses, until the bound of the simulated oscillator is well within what is announced
MOVED_MAX_NS = 100
THREAT_HOLDS_S = 10


class Site:
    """A daemon and its receiver; trouble() begins what the test is about, well() ends it."""

    def __init__(self, gmd, gpsd, source):
        self.gmd, self.gpsd, self.source = gmd, gpsd, source

    def well(self):
        self.gpsd.nmea.fix(True)
        self.gpsd.nmea.satellites(8)
        self.gpsd.nmea.north(0)
        self.source.antenna, self.source.jamming, self.source.accuracy_ns = 2, 1, 20

    def trouble(self, kind):
        if kind == "satellites":
            self.gpsd.nmea.satellites(4)  # with fewer gpsd itself takes the fix back
        elif kind == "moved":
            self.gpsd.nmea.north(1)  # 1.9 km
        elif kind == "antenna":
            self.source.antenna = 4
        elif kind == "jamming":
            self.source.jamming = 3
        else:
            self.source.accuracy_ns = 5000

    def alarms(self):
        return {alarm["alarm"]: alarm for alarm in self.gmd.ask("alarms")["active"]}

    def classes(self, log_from):
        """Classes that were announced with each change of state since."""
        return re.findall(r"(\w+) -> (\w+): .*clockClass (\d+)", self.gmd.log()[log_from:])

    def offset_at_return(self):
        """Of the first pulse that is looked at again: how far the clock has moved meanwhile."""
        samples = self.gmd.ask("holdover")["samples"]
        wait_for("a pulse", lambda: self.gmd.ask("holdover")["samples"] > samples, 30)
        return self.gmd.ask("holdover")["offset_ns"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    directory, source = tmp_path_factory.mktemp("site"), ubx.Source()
    with VethPair() as pair, Gpsd(pair.a, source) as gpsd:
        receiver = 'type = "gpsd"; host = "localhost"; min_satellites = 6; position_moved_m = 100.0;'
        # good pulses and a steady oscillator: what is measured is what a failing receiver does to the clock
        simulation = "pulse_jitter_ns = 10.0; pulse_sawtooth_ns = 0.0; oscillator_wander_ppb = 0.01;"
        pulse = 'type = "simulated"; sawtooth = false;'
        text = conf(receiver=receiver, simulation=simulation, pulse=pulse, holdover="reacquire_pulses = 5;")
        gmd = Gmd(pair.a, directory, text).start()
        gmd.wait_state("LOCKED", 60)
        time.sleep(LEARN_S)
        yield Site(gmd, gpsd, source)


TROUBLES = {
    "satellites": "too few satellites",
    "moved": "the antenna has moved",
    "antenna": "the antenna is open",
    "jamming": "the receiver is jammed",
    "accuracy": "the receiver is not sure of its time",
}


@pytest.mark.parametrize("kind", TROUBLES)
def test_frozen_before_the_fix_flag_drops(site, kind):
    gmd = site.gmd
    site.well()
    gmd.wait_state("LOCKED", 90)
    time.sleep(2)
    steps = gmd.ask("clock")["steps"]
    site.trouble(kind)
    gmd.wait_state("FROZEN", 6)
    status, gnss = gmd.ask("status"), gmd.ask("gnss")
    assert gnss["fix"] == "3D" and gnss["trust"] == "not to be believed"
    assert gnss["suspicion"] == TROUBLES[kind]
    assert status["why"] == f"frozen: {TROUBLES[kind]}"
    assert status["quality"]["clock_class"] == 6
    wait_for("alarms", lambda: {"frozen", "receiver-suspect"} <= set(site.alarms()), 2)
    assert TROUBLES[kind] in site.alarms()["frozen"]["detail"]
    assert site.alarms()["frozen"]["cleared_by"] and site.alarms()["frozen"]["for_s"] < 6

    before = gmd.ask("holdover")
    time.sleep(3)
    after = gmd.ask("holdover")
    assert gmd.state() == "FROZEN", gmd.log()
    assert after["samples"] == before["samples"], "no pulse was looked at"
    assert after["bound_ns"] >= before["bound_ns"] * 0.98
    site.gpsd.nmea.fix(False)
    gmd.wait_state("HOLDOVER_IN_SPEC", 6)
    assert gmd.ask("status")["quality"]["clock_class"] == 7
    assert "frozen" not in site.alarms() and "holdover" in site.alarms()

    site.well()
    assert abs(site.offset_at_return()) < MOVED_MAX_NS
    gmd.wait_state("LOCKED", 60)
    wait_for("no alarm", lambda: not {"frozen", "holdover", "receiver-suspect"} & set(site.alarms()), 5)
    assert gmd.ask("clock")["steps"] == steps


@pytest.mark.parametrize("kind", ["satellites", "jamming"])
def test_a_suspicion_that_passes(site, kind):
    """Clients see class 6 all the time."""
    gmd = site.gmd
    site.well()
    gmd.wait_state("LOCKED", 90)
    time.sleep(2)
    log_from = len(gmd.log())
    site.trouble(kind)
    gmd.wait_state("FROZEN", 6)
    time.sleep(1)
    site.well()
    assert abs(site.offset_at_return()) < MOVED_MAX_NS
    gmd.wait_state("LOCKED", THREAT_HOLDS_S + 10)
    assert site.classes(log_from) == [("LOCKED", "FROZEN", "6"), ("FROZEN", "LOCKED", "6")]


def test_a_suspicion_that_lasts(site):
    gmd = site.gmd
    site.well()
    gmd.wait_state("LOCKED", 90)
    time.sleep(2)
    site.trouble("antenna")
    gmd.wait_state("FROZEN", 6)
    began = time.monotonic()
    gmd.wait_state("HOLDOVER_IN_SPEC", 30)
    assert 10 < time.monotonic() - began < 30
    assert gmd.ask("status")["why"] == "frozen for too long: the antenna is open"
    assert gmd.ask("gnss")["fix"] == "3D"
    site.well()
    assert abs(site.offset_at_return()) < MOVED_MAX_NS
    gmd.wait_state("LOCKED", 60)
