# SPDX-License-Identifier: BSD-2-Clause
"""tshark reads one message of every type over UDPv4, UDPv6 and Ethernet as wire_encode made it: nothing is
malformed, no expert warning, and the values are those that tests/fuzz/samples.h put in."""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("GMD_BUILD", "build")

GM = "0x020000fffe000001"
CLIENT = "0x020000fffe000002"
ALL_CLOCKS = "0xffffffffffffffff"
SECONDS = "1700000037"

HEADER = {
    "majorsdoid": "0x00", "minorsdoid": "0", "versionptp": "2", "minorversionptp": "1",
    "domainnumber": "127", "messagetypespecific": "0", "sourceportid": "1",
    "correction.ns": "0", "correction.subns": "0", "logmessageperiod": "127", "flags": "0x0000",
}

# In the order of sample_encode. "peer": goes to the peer delay group; "event": UDP port 319.
MESSAGES = [
    ("Announce", False, False, {
        "messagetype": "0x0b", "messagelength": "76", "controlfield": "5", "flags": "0x003c",
        "flags.utcreasonable": "1", "flags.timescale": "1", "flags.timetraceable": "1",
        "flags.frequencytraceable": "1", "flags.li59": "0", "flags.li61": "0", "flags.twostep": "0",
        "clockidentity": GM, "sequenceid": "4000", "logmessageperiod": "-2",
        "an.origintimestamp.seconds": "0", "an.origintimestamp.nanoseconds": "0",
        "an.origincurrentutcoffset": "37", "an.priority1": "128", "an.grandmasterclockclass": "6",
        "an.grandmasterclockaccuracy": "0x21", "an.grandmasterclockvariance": "20061",
        "an.priority2": "127", "an.grandmasterclockidentity": GM, "an.localstepsremoved": "0",
        "timesource": "0x20", "an.tlvType": "8", "an.lengthField": "8", "an.pathsequence": GM}),
    ("Sync", True, False, {
        "messagetype": "0x00", "messagelength": "44", "controlfield": "0", "flags": "0x0200",
        "flags.twostep": "1", "clockidentity": GM, "sequenceid": "1000", "logmessageperiod": "-3",
        "sdr.origintimestamp.seconds": "0", "sdr.origintimestamp.nanoseconds": "0"}),
    ("Follow_Up", False, False, {
        "messagetype": "0x08", "messagelength": "44", "controlfield": "2", "clockidentity": GM,
        "sequenceid": "1000", "logmessageperiod": "-3", "correction.ns": "1234",
        "fu.preciseorigintimestamp.seconds": SECONDS,
        "fu.preciseorigintimestamp.nanoseconds": "123456789"}),
    ("Delay_Req", True, False, {
        "messagetype": "0x01", "messagelength": "44", "controlfield": "1", "clockidentity": CLIENT,
        "sequenceid": "2000", "sdr.origintimestamp.seconds": SECONDS,
        "sdr.origintimestamp.nanoseconds": "200000000"}),
    ("Delay_Resp", False, False, {
        "messagetype": "0x09", "messagelength": "54", "controlfield": "3", "clockidentity": GM,
        "sequenceid": "2000", "logmessageperiod": "-3", "dr.receivetimestamp.seconds": SECONDS,
        "dr.receivetimestamp.nanoseconds": "200001500", "dr.requestingsourceportidentity": CLIENT,
        "dr.requestingsourceportid": "1"}),
    ("Pdelay_Req", True, True, {
        "messagetype": "0x02", "messagelength": "54", "controlfield": "5", "clockidentity": CLIENT,
        "sequenceid": "3000", "pdrq.origintimestamp.seconds": "0",
        "pdrq.origintimestamp.nanoseconds": "0"}),
    ("Pdelay_Resp", True, True, {
        "messagetype": "0x03", "messagelength": "54", "controlfield": "5", "flags": "0x0200",
        "clockidentity": GM, "sequenceid": "3000", "pdrs.requestreceipttimestamp.seconds": SECONDS,
        "pdrs.requestreceipttimestamp.nanoseconds": "300000000", "pdrs.requestingportidentity": CLIENT,
        "pdrs.requestingsourceportid": "1"}),
    ("Pdelay_Resp_Follow_Up", False, True, {
        "messagetype": "0x0a", "messagelength": "54", "controlfield": "5", "clockidentity": GM,
        "sequenceid": "3000", "pdfu.responseorigintimestamp.seconds": SECONDS,
        "pdfu.responseorigintimestamp.nanoseconds": "300050000", "pdfu.requestingportidentity": CLIENT,
        "pdfu.requestingsourceportid": "1"}),
    ("Signaling", False, False, {
        "messagetype": "0x0c", "messagelength": "54", "controlfield": "5", "flags": "0x0400",
        "flags.unicast": "1", "clockidentity": CLIENT, "sequenceid": "5000",
        "sig.targetportidentity": ALL_CLOCKS, "sig.targetportid": "65535", "sig.tlv.tlvType": "4",
        "sig.tlv.lengthField": "6", "sig.tlv.messageType": "0x0b", "sig.tlv.logInterMessagePeriod": "1",
        "sig.tlv.durationField": "300"}),
    ("Management", False, False, {
        "messagetype": "0x0d", "messagelength": "54", "controlfield": "4", "clockidentity": CLIENT,
        "sequenceid": "6000", "mm.targetportidentity": ALL_CLOCKS, "mm.targetportid": "65535",
        "mm.startingboundaryhops": "1", "mm.boundaryhops": "1", "mm.action": "0", "mm.tlvType": "1",
        "mm.lengthField": "2", "mm.managementId": "8192"}),
]

TRANSPORTS = ["udpv4", "udpv6", "ethernet"]


def tshark(pcap, *arguments):
    checksums = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    return subprocess.run(["tshark", "-n", "-r", str(pcap), *checksums, *arguments], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def flatten(tree, fields):
    for key, value in tree.items():
        if isinstance(value, dict):
            flatten(value, fields)
        else:
            fields[key] = value
    return fields


@pytest.fixture(scope="module")
def pcap(tmp_path_factory):
    path = tmp_path_factory.mktemp("wire") / "all.pcap"
    subprocess.run([BUILD / "tests" / "pcap_all_messages", path], check=True)
    return path


@pytest.fixture(scope="module")
def frames(pcap):
    packets = json.loads(tshark(pcap, "-T", "json"))
    return [flatten(p["_source"]["layers"], {}) for p in packets]


def complaints(pcap):
    return tshark(pcap, "-Y", "_ws.malformed or _ws.expert")


def test_nothing_malformed_and_no_expert_warning(pcap):
    assert complaints(pcap) == ""


def test_every_transport_has_every_message(frames):
    assert len(frames) == len(TRANSPORTS) * len(MESSAGES)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name, event, peer, expected", MESSAGES, ids=[m[0] for m in MESSAGES])
def test_fields(frames, transport, name, event, peer, expected):
    index = [m[0] for m in MESSAGES].index(name)
    frame = frames[TRANSPORTS.index(transport) * len(MESSAGES) + index]
    want = {f"ptp.v2.{k}": v for k, v in (HEADER | expected).items()}
    assert {k: frame.get(k) for k in want} == want

    if transport == "ethernet":
        assert frame["eth.type"] == "0x88f7"
        assert frame["eth.dst"] == ("01:80:c2:00:00:0e" if peer else "01:1b:19:00:00:00")
        return
    assert frame["udp.dstport"] == ("319" if event else "320")
    assert frame["udp.checksum.status"] == "1"
    if transport == "udpv4":
        assert frame["ip.checksum.status"] == "1"
        assert frame["ip.dst"] == ("224.0.0.107" if peer else "224.0.1.129")
    else:
        assert frame["ipv6.dst"] == ("ff02::6b" if peer else "ff0e::181")


def test_the_judge_sees_a_fault(pcap, tmp_path):
    """One octet changed in the first message: the UDP checksum no longer holds."""
    octets = bytearray(pcap.read_bytes())
    octets[24 + 16 + 14 + 20 + 8 + 34] ^= 0xFF
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(octets)
    assert len(complaints(broken).splitlines()) == 1
