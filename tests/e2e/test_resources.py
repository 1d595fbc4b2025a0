# SPDX-License-Identifier: BSD-2-Clause
"""A minute of service under valgrind without an error or a leak; resident memory at rest."""

import pathlib
import time

from confs import conf
from netns import VethPair
from peers import ST2059_CLIENT, Gmd, Ptp4l, wait_for

RESIDENT_KB = 8192
SUPPRESSIONS = pathlib.Path(__file__).with_name("valgrind.supp")
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,possible", "--error-exitcode=99"]
VALGRIND.append(f"--suppressions={SUPPRESSIONS}")


def test_no_leak_in_a_minute(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf(), wrapper=VALGRIND).start()
        client = Ptp4l(pair.b, tmp_path, **ST2059_CLIENT).start()
        start = time.monotonic()
        gmd.wait_state("LOCKED", 40)
        wait_for("served", lambda: len(client.offsets()) > 8, 60)
        for command in ("status", "clock", "gnss", "holdover", "ports", "peers", "clients", "alarms", "metrics"):
            gmd.ask(command)
        gmd.ask("sim", "pulse", "off")
        pair.a.link(False)
        gmd.wait_port_state("FAULTY")
        pair.a.link(True)
        gmd.wait_state("HOLDOVER_IN_SPEC")
        gmd.ask("sim", "pulse", "on")
        time.sleep(max(0, start + 60 - time.monotonic()))
        assert gmd.stop() == 0, gmd.log()


def test_resident_memory(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf()).start()
        client = Ptp4l(pair.b, tmp_path, **ST2059_CLIENT).start()
        wait_for("served", lambda: len(client.offsets()) > 8, 40)
        status = pathlib.Path(f"/proc/{gmd.process.pid}/status").read_text().split()
        resident_kb = int(status[status.index("VmRSS:") + 1])
        print(f"resident: {resident_kb} kB")
        assert resident_kb < RESIDENT_KB
