# SPDX-License-Identifier: BSD-2-Clause
"""A tenth of all transmit stamps lost, one late, one doubled, counted alike by gmd and driver; ptp4l beside it."""

import re

MODULE = {"ports": 4}

GUEST = """
node 0 1 2 3
crystal 0 3000
crystal 1 -7000
crystal 2 2000
crystal 3 -4000
start_receiver
start_gpsd 0
start_gmd 0
start_client 1
start_ptp4l master 2 eth2 --domainNumber 5
start_ptp4l client3 3 eth3 -s --domainNumber 5
sleep 30
for port in 0 2; do
    knob port$port/tx_lost_permille 100
    knob port$port/tx_late_permille 100
    knob port$port/tx_twice_permille 100
done
mark lossy
sleep 60
mark end
for port in 0 2; do
    knob port$port/tx_lost_permille 0
    knob port$port/tx_late_permille 0
    knob port$port/tx_twice_permille 0
done
sleep 2
gmd_report
"""


def judge(result, check):
    lossy = result.marks()["lossy"]
    driver, port = result.counters(0), result.port_report()
    troubled = driver["stamps_lost"] + driver["stamps_late"]
    ours, theirs = result.served(0, lossy), result.served(2, lossy)
    check.note(f"stamps of {driver['stamps']}: {driver['stamps_lost']} lost, {driver['stamps_late']} late, "
               f"{driver['stamps_twice']} twice")
    check("Syncs without Follow_Up, beyond the driver's losses", len(ours.alone()) - troubled, 0)
    for what, mine, drivers in (
        ("missing", port["tx_timestamp_missing"], troubled),
        ("late", port["tx_timestamp_late"], driver["stamps_late"]),
        ("duplicated", port["tx_timestamp_duplicated"], driver["stamps_twice"]),
        ("unknown", port["tx_timestamp_unknown"] + port["stamps_unmatched"], 0),
        ("Follow_Ups", port["tx"]["Follow_Up"], port["tx"]["Sync"] - troubled),
    ):
        check.true(f"{what}: gmd and driver count the same", mine == drivers, f"{mine} by gmd, {drivers} by the driver")
    check("gmd's longest pause between Syncs, s", ours.longest_pause(), 0.2)
    check("client's PHC meanwhile, max ns", result.ports[1].between(lossy, lossy + 60).max, 80)
    faults = len(re.findall("to FAULTY", result.text("master.log")))
    check.note(f"ptp4l as grandmaster meanwhile: {faults} times FAULTY, longest pause {theirs.longest_pause():.1f} s")
