# SPDX-License-Identifier: BSD-2-Clause
"""gpsd takes the receiver for a u-blox and passes its bytes on: fix, leap seconds, UBX-TIM-TP and others."""

import json

GUEST = """
gnss ubx 1
start_receiver
start gpsd gpsd -N -n -b -S 2947 /dev/gnss0
sleep 1
echo '?WATCH={"enable":true,"json":true,"raw":2}' > /run/watch
start watch sh -c '(cat /run/watch; sleep 20) | nc 127.0.0.1 2947'
sleep 20
"""

FRAMES = {"NAV-PVT": (1, 7), "NAV-TIMEGPS": (1, 0x20), "NAV-TIMELS": (1, 0x26), "TIM-TP": (0x0D, 1), "MON-RF": (0x0A, 0x38)}


def judge(result, check):
    received = (result.directory / "watch.log").read_bytes()
    reports = []
    for line in received.splitlines():
        start = line.find(b'{"class"')
        if start >= 0:
            reports.append(json.loads(line[start:]))
    fixes = [report for report in reports if report["class"] == "TPV" and report.get("mode") == 3]
    check.true("fixes, one a second", len(fixes) > 10, len(fixes))
    check.true("leap seconds", any(fix.get("leapseconds") == 18 for fix in fixes))
    drivers = {report.get("driver") for report in reports if report["class"] == "DEVICE"}
    check.true("driver u-blox", "u-blox" in drivers, drivers)
    for name, (kind, number) in FRAMES.items():
        count = received.count(bytes([0xB5, 0x62, kind, number]))
        check.true(f"raw {name}", count > 10, count)
