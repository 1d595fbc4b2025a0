# SPDX-License-Identifier: BSD-2-Clause
"""What a running gmd sends, octet by octet: tshark finds nothing malformed and nothing to remark."""

import subprocess

import pytest

from confs import conf
from netns import VethPair
from peers import DEFAULT_CLIENT, ST2059_CLIENT, Gmd, Ptp4l, wait_for

# udp.checksum: veth leaves nothing to an offload here, so checksums can be checked too
TSHARK = ["tshark", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
CASES = {
    "st2059-2-udpv4": ("st2059-2", "udpv4", "UDPv4", ST2059_CLIENT, {0, 8, 9, 11}),
    "st2059-2-udpv6": ("st2059-2", "udpv6", "UDPv6", ST2059_CLIENT, {0, 8, 9, 11}),
    "default-p2p-ethernet": ("default-p2p", "ethernet", "L2", {**DEFAULT_CLIENT, "delay_mechanism": "P2P"}, {0, 3, 8, 10, 11}),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_to_remark(tmp_path, case):
    profile, transport, network, client_options, types = CASES[case]
    capture = tmp_path / "live.pcap"
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf(profile, transport)).start()
        client = Ptp4l(pair.b, tmp_path, transport=network, **client_options).start()
        gmd.wait_state("LOCKED", 40)
        with pair.b.capture(capture):
            wait_for("offsets", lambda: len(client.offsets()) > 8, 40)
    read = [*TSHARK, "-r", capture]
    ours = "eth.src == 02:00:00:00:00:01 && ptp"
    sent = subprocess.run([*read, "-Y", ours, "-T", "fields", "-e", "ptp.v2.messagetype"], capture_output=True, text=True)
    assert {int(value, 0) for value in sent.stdout.split()} == types
    remarks = subprocess.run([*read, "-Y", f"({ours}) && (_ws.malformed || _ws.expert)"], capture_output=True, text=True)
    assert remarks.returncode == 0 and remarks.stdout == "", remarks.stdout
