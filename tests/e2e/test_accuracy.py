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
# One way over a veth pair takes 2 us that vary, for seconds on end, with what else the machine does. So a watch passes
# with three quarters of its medians within the bound and none far off; all twelve are printed, and a disturbed watch is
# watched again.
LOG_INTERVAL = -5
WATCHES = 3
SHARE = 0.75
DISTURBED_NS = 1000


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


def medians(client):
    """The client's 10 s medians over a watch that begins now, ns."""
    settled = client.offsets()[-1][0]
    time.sleep(WATCH_S)
    windows = {}
    for at, offset in client.offsets():
        if at > settled:
            windows.setdefault(int((at - settled) // WINDOW_S), []).append(offset)
    complete = [statistics.median(offsets) for offsets in windows.values() if len(offsets) > 20 * WINDOW_S]
    assert len(complete) >= WATCH_S // WINDOW_S - 1
    return complete


def test_client_follows_the_truth(tmp_path):
    port = f"log_sync_interval = {LOG_INTERVAL}; log_min_delay_req_interval = {LOG_INTERVAL};"
    options = {**ST2059_CLIENT, "logSyncInterval": LOG_INTERVAL, "logMinDelayReqInterval": LOG_INTERVAL}
    with VethPair() as pair:
        with pair.b.capture(tmp_path / "start.pcap", "udp port 319"):
            gmd = Gmd(pair.a, tmp_path, conf(port=port)).start()
            client = Ptp4l(pair.b, tmp_path, **options).start()
            gmd.wait_state("LOCKED", 40)
            wait_for(f"offsets:\n{client.log()}", lambda: len(client.offsets()) > 8, 20)
        delay = first_sync_utc(tmp_path / "start.pcap") - locked_utc(gmd.log())
        print(f"first Sync {delay:.3f} s after lock")
        assert delay <= FIRST_SYNC_S

        time.sleep(WINDOW_S)  # the client's path delay filter fills
        for _ in range(WATCHES):
            seen = medians(client)
            within = sum(abs(m) <= MEDIAN_NS for m in seen)
            print(f"10 s medians, ns: {[round(m) for m in seen]}; {within} of {len(seen)} within {MEDIAN_NS}")
            if within >= SHARE * len(seen) and max(map(abs, seen)) <= DISTURBED_NS:
                return
        raise AssertionError(f"{WATCHES} watches of {WATCH_S} s, and none was good")
