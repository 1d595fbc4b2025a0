# SPDX-License-Identifier: BSD-2-Clause
"""make run: the main job, watched. gmd with a simulated receiver under a bad simulated oscillator in one network
namespace, a real ptp4l client in another, a status screen, one line of summary. Leaves nothing behind."""

import argparse
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import time

EXAMPLE = pathlib.Path("conf/examples/demo.conf")
GOOD_NS = 1000  # |10 s median| of the client's offset that counts as served
WINDOW_S = 10


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=float, default=30, help="0: until Ctrl-C")
    return parser.parse_args()


def show(value, unit="", scale=1.0, digits=0):
    return "-" if value is None else f"{value / scale:+,.{digits}f}{unit}"


def screen(status, client, elapsed_s, seconds):
    quality = status["quality"]
    offsets = client.offsets()
    lines = [
        f"gmd  {elapsed_s:5.1f} s" + (f" of {seconds:.0f}" if seconds else "  (Ctrl-C ends)"),
        f"  state                {status['state']}  ({status['why']})",
        f"  offset to receiver   {show(status['offset_ns'], ' ns')}",
        f"  frequency            {show(status['freq_ppb'], ' ppb', digits=3)}",
        f"  clockClass           {quality['clock_class']}   clockAccuracy {quality['clock_accuracy']}",
        f"  port                 {', '.join(f'{name} {state}' for name, state in status['ports'].items())}",
        f"  messages sent        {status['messages_sent']:,}   clients {status['active_clients']}",
        f"  alarms               {', '.join(status['alarms']) or 'none'}",
        f"  ptp4l client         offset {show(offsets[-1][1] if offsets else None, ' ns')}, "
        f"{WINDOW_S} s median {show(client.median(WINDOW_S) if offsets else None, ' ns')}",
    ]
    if sys.stdout.isatty():
        print("\033[H\033[J" + "\n".join(lines), flush=True)
    else:
        print(" | ".join(" ".join(line.split()) for line in lines), flush=True)


def summary(gmd, client, interrupted):
    status, holdover = gmd.ask("status"), gmd.ask("holdover")
    offsets = client.offsets()
    locked_s = holdover["time_to_lock_s"]
    median = client.median(WINDOW_S)
    early = interrupted and (not offsets or offsets[-1][0] - offsets[0][0] < WINDOW_S)
    good = early or (median is not None and abs(median) < GOOD_NS)
    print(
        f"{'stopped too early to judge' if early else 'OK' if good else 'NOT OK'}: "
        + (f"locked after {locked_s:.1f} s" if locked_s is not None else "never locked")
        + f", ptp4l client's last {WINDOW_S} s median offset {show(median, ' ns')}"
        + f" (bound {GOOD_NS} ns), {status['messages_sent']:,} messages served"
    )
    return good


def run(pair, directory, seconds):
    from peers import ST2059_CLIENT, Gmd, Ptp4l

    text = re.sub(r'(?m)^control = .*$', '', EXAMPLE.read_text()).replace('"gmd0"', f'"{pair.a.interface}"')
    gmd = Gmd(pair.a, directory, text).start()
    client = Ptp4l(pair.b, directory, **ST2059_CLIENT).start()
    start = time.monotonic()
    try:
        while not seconds or time.monotonic() < start + seconds:
            screen(gmd.ask("status"), client, time.monotonic() - start, seconds)
            time.sleep(1)
        interrupted = False
    except KeyboardInterrupt:
        print()
        interrupted = True
    return summary(gmd, client, interrupted)


def main():
    args = arguments()
    if os.geteuid() != 0:
        sys.exit("make run needs root: it makes two network namespaces")
    os.environ["GMD_BUILD"] = args.build
    from netns import VethPair

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="gmd-run-") as directory, VethPair() as pair:
        try:
            good = run(pair, pathlib.Path(directory), args.seconds)
        except AssertionError as error:
            print(f"NOT OK: {error}", file=sys.stderr)
            good = False
        except json.JSONDecodeError as error:
            print(f"NOT OK: gmctl: {error}", file=sys.stderr)
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
