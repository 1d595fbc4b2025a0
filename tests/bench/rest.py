# SPDX-License-Identifier: BSD-2-Clause
"""make bench-rest: processor and memory of gmd and of Debian's ptp4l as grandmasters at rest (ST 2059-2: 8 Sync/s, one
client), side by side in the same minute. A measurement, not a test."""

import argparse
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))


def usage(pid):
    """(processor seconds so far, resident kB)"""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = pathlib.Path(f"/proc/{pid}/status").read_text().split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds, int(status[status.index("VmRSS:") + 1])


def measure(pids, seconds):
    before = {name: usage(pid)[0] for name, pid in pids.items()}
    time.sleep(seconds)
    return {name: (100 * (usage(pid)[0] - before[name]) / seconds, usage(pid)[1]) for name, pid in pids.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    os.environ["GMD_BUILD"] = args.build
    from confs import conf
    from netns import VethPair
    from peers import ST2059_CLIENT, Gmd, Ptp4l, wait_for

    with tempfile.TemporaryDirectory() as directory, VethPair() as ours, VethPair() as theirs:
        directory = pathlib.Path(directory)
        gmd = Gmd(ours.a, directory, conf()).start()
        server = Ptp4l(theirs.a, directory, name="gm", **ST2059_CLIENT, slaveOnly=0, clockClass=6).start(monitor=False)
        clients = [Ptp4l(pair.b, directory, **ST2059_CLIENT).start() for pair in (ours, theirs)]
        gmd.wait_state("LOCKED", 40)
        for client in clients:
            wait_for("served", lambda c=client: len(c.offsets()) > 8, 60)
        result = measure({"gmd": gmd.process.pid, "ptp4l": server.process.pid}, args.seconds)
    print(f"{'':8}{'% of a core':>12}{'resident kB':>12}")
    for name, (percent, resident_kb) in result.items():
        print(f"{name:8}{percent:12.2f}{resident_kb:12}")
    ratios = [a / b if b else float("nan") for a, b in zip(result["gmd"], result["ptp4l"])]
    print(f"{'ratio':8}{ratios[0]:12.2f}{ratios[1]:12.2f}")


if __name__ == "__main__":
    main()
