# SPDX-License-Identifier: BSD-2-Clause
"""gpsd takes time from the receiver and kernel PPS from /dev/pps0."""

import json

GUEST = """
start_receiver
start gpsd gpsd -N -n -b -S 2947 /dev/gnss0 /dev/pps0
sleep 1
echo '?WATCH={"enable":true,"json":true,"pps":true}' > /run/watch
start watch sh -c '(cat /run/watch; sleep 20) | nc 127.0.0.1 2947'
start ppstest ppstest /dev/pps0
sleep 20
"""


def judge(result, check):
    reports = []
    for line in result.text("watch.log").splitlines():
        if line.startswith("{"):
            reports.append(json.loads(line))
    fixes = [report for report in reports if report["class"] == "TPV" and report.get("mode") == 3]
    pulses = [report for report in reports if report["class"] == "PPS"]
    check.true("fixes, one a second", len(fixes) > 10, len(fixes))
    check.true("PPS reports of gpsd", len(pulses) > 10, len(pulses))
    seconds = [line for line in result.text("ppstest.log").splitlines() if "assert" in line and "clear" in line]
    check.true("ppstest sees both edges", len(seconds) > 10, len(seconds))
