# SPDX-License-Identifier: BSD-2-Clause
"""ST 2059-2 over a direct veth pair: the client's medians against the truth, and how soon it is served."""

import datetime
import statistics
import subprocess
import time

from confs import conf
from netns import VethPair
from peers import ST2059_CLIENT, Gmd, Ptp4l, wait_for

WATCH_S = 120
WINDOW_S = 10
MEDIAN_NS = 250
FIRST_SYNC_S = 2
# One way over a veth pair takes 1 to 3 us: that is how long the kernel's code takes between two stamps, and it depends on
# what the caches hold. 128 Sync a second (the profile's fastest) average it out; a ptp4l grandmaster on a second pair
# shows what the machine did to any grandmaster meanwhile. A disturbed watch is watched again.
LOG_INTERVAL = -7
WATCHES = 3


def first_sync_utc(capture):
    fields = ["-T", "fields", "-e", "frame.time_epoch"]
    command = ["tshark", "-r", capture, "-Y", "ptp.v2.messagetype == 0", "-c", "2000", *fields]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])


def locked_utc(log):
    """When gmd says that it locked: its log carries the UTC time of day."""
    line = next(line for line in log.splitlines() if "-> LOCKED" in line)
    clock = datetime.datetime.strptime(line.split()[0], "%H:%M:%S.%f").time()
    today = datetime.datetime.now(datetime.timezone.utc)
    moment = datetime.datetime.combine(today.date(), clock, datetime.timezone.utc)
    if moment > today + datetime.timedelta(hours=1):  # across midnight
        moment -= datetime.timedelta(days=1)
    return moment.timestamp()


def medians(client, since):
    """The 10 s medians of what a client measured after a second of its own clock, ns; of windows with enough to show:
    pmc asks 50 times a second."""
    windows = {}
    for at, offset in client.offsets():
        if at > since:
            windows.setdefault(int((at - since) // WINDOW_S), []).append(offset)
    return [round(statistics.median(seen)) for seen in windows.values() if len(seen) > 20 * WINDOW_S]


def watch(client, control):
    begins = [peer.offsets()[-1][0] for peer in (client, control)]
    time.sleep(WATCH_S)
    return medians(client, begins[0]), medians(control, begins[1])


def test_client_follows_the_truth(tmp_path):
    port = f"log_sync_interval = {LOG_INTERVAL}; log_min_delay_req_interval = {LOG_INTERVAL};"
    options = {**ST2059_CLIENT, "logSyncInterval": LOG_INTERVAL, "logMinDelayReqInterval": LOG_INTERVAL}
    with VethPair() as pair, VethPair() as beside:
        with pair.b.capture(tmp_path / "start.pcap", "udp port 319"):
            gmd = Gmd(pair.a, tmp_path, conf(port=port)).start()
            client = Ptp4l(pair.b, tmp_path, **options).start()
            gmd.wait_state("LOCKED", 40)
            wait_for(f"offsets:\n{client.log()}", lambda: len(client.offsets()) > 8, 20)
        delay = first_sync_utc(tmp_path / "start.pcap") - locked_utc(gmd.log())
        print(f"first Sync {delay:.3f} s after lock")
        assert delay <= FIRST_SYNC_S

        Ptp4l(beside.a, tmp_path, name="gm", **{**options, "slaveOnly": 0, "clockClass": 6}).start(monitor=False)
        control = Ptp4l(beside.b, tmp_path, **options).start()
        wait_for(f"offsets:\n{control.log()}", lambda: len(control.offsets()) > 8, 20)
        time.sleep(WINDOW_S)  # the clients' path delay filters fill
        for _ in range(WATCHES):
            seen, of_control = watch(client, control)
            print(f"10 s medians of gmd's client, ns: {seen}; of a ptp4l grandmaster's beside it: {of_control}")
            if len(seen) >= WATCH_S // WINDOW_S - 1 and max(map(abs, seen)) <= MEDIAN_NS:
                return
        raise AssertionError(f"{WATCHES} watches of {WATCH_S} s, each incomplete or with a median beyond {MEDIAN_NS} ns")
