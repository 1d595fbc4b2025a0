# SPDX-License-Identifier: BSD-2-Clause
"""pmc, unchanged, against gmd: every data set over the UNIX socket, UDP and Ethernet; what cannot be set;
subscriptions; floods; and a socket that somebody else has."""

import contextlib
import pathlib
import re
import socket
import struct
import subprocess
import sys
import time

import pytest

from confs import conf
from netns import VethPair
from peers import Gmd, wait_for

GM = "020000.fffe.000001"
NETWORKS = {"udpv4": "-4", "udpv6": "-6", "ethernet": "-2"}

# What pmc 3.1.1 prints of a locked ST 2059-2 grandmaster with one port.
ANSWERS = {
    "NULL_MANAGEMENT": {},
    "CLOCK_DESCRIPTION": {"clockType": "0x8000", "physicalAddress": "02:00:00:00:00:01", "profileId": "68:97:e8:00:01:00"},
    "USER_DESCRIPTION": {"userDescription": "gm1;rack 2"},
    "DEFAULT_DATA_SET": {
        "twoStepFlag": "1", "slaveOnly": "0", "numberPorts": "1", "priority1": "128", "clockClass": "6",
        "clockAccuracy": "0x21", "priority2": "128", "clockIdentity": GM, "domainNumber": "127",
    },
    "CURRENT_DATA_SET": {"stepsRemoved": "0", "offsetFromMaster": "0.0", "meanPathDelay": "0.0"},
    "PARENT_DATA_SET": {"parentPortIdentity": f"{GM}-0", "gm.ClockClass": "6", "grandmasterIdentity": GM},
    "TIME_PROPERTIES_DATA_SET": {
        "currentUtcOffset": "37", "leap61": "0", "leap59": "0", "currentUtcOffsetValid": "1", "ptpTimescale": "1",
        "timeTraceable": "1", "frequencyTraceable": "1", "timeSource": "0x20",
    },
    "PORT_DATA_SET": {
        "portIdentity": f"{GM}-1", "portState": "MASTER", "logMinDelayReqInterval": "-3", "peerMeanPathDelay": "0",
        "logAnnounceInterval": "0", "announceReceiptTimeout": "3", "logSyncInterval": "-3", "delayMechanism": "1",
        "logMinPdelayReqInterval": "-3", "versionNumber": "2",
    },
    "PRIORITY1": {"priority1": "128"},
    "PRIORITY2": {"priority2": "128"},
    "DOMAIN": {"domainNumber": "127"},
    "SLAVE_ONLY": {"slaveOnly": "0"},
    "LOG_ANNOUNCE_INTERVAL": {"logAnnounceInterval": "0"},
    "ANNOUNCE_RECEIPT_TIMEOUT": {"announceReceiptTimeout": "3"},
    "LOG_SYNC_INTERVAL": {"logSyncInterval": "-3"},
    "VERSION_NUMBER": {"versionNumber": "2"},
    "CLOCK_ACCURACY": {"clockAccuracy": "0x21"},
    "TRACEABILITY_PROPERTIES": {"timeTraceable": "1", "frequencyTraceable": "1"},
    "TIMESCALE_PROPERTIES": {"ptpTimescale": "1"},
    "DELAY_MECHANISM": {"delayMechanism": "1"},
    "LOG_MIN_PDELAY_REQ_INTERVAL": {"logMinPdelayReqInterval": "-3"},
    "TIME_STATUS_NP": {"master_offset": "0", "gmPresent": "false", "gmIdentity": GM},
    "GRANDMASTER_SETTINGS_NP": {"clockClass": "6", "clockAccuracy": "0x21", "currentUtcOffset": "37", "timeSource": "0x20"},
    "PORT_DATA_SET_NP": {"asCapable": "1"},
    "PORT_STATS_NP": {"portIdentity": f"{GM}-1", "rx_Announce": "0"},
}  # fmt: skip
# of this host, and only for those who are on it
LOCAL_ANSWERS = {
    "PORT_PROPERTIES_NP": {"portState": "MASTER", "timestamping": "SOFTWARE", "interface": "eth0"},
    "SUBSCRIBE_EVENTS_NP": {"duration": "0", "NOTIFY_PORT_STATE": "off"},
}
DESCRIPTION = 'user_description = "gm1;rack 2";'

# GET of one id by UDP multicast from this host; prints the octets of the first answer. pmc does not know all ids.
ASK_UDP = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
group = socket.inet_aton("224.0.1.129") + socket.inet_aton(sys.argv[1])
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[1]))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
s.bind(("", 320))
s.settimeout(5)
for _ in range(int(sys.argv[3])):
    s.sendto(bytes.fromhex(sys.argv[2]), ("224.0.1.129", 320))
while sys.argv[3] == "1":
    answer = s.recv(2000)
    if answer[0] & 15 == 13:
        print(answer.hex())
        break
"""


def message(action, management_id, data=b"", sequence_id=1):
    """A management message to all ports of all clocks in domain 127."""
    tlv = struct.pack(">HHH", 1, 2 + len(data), management_id) + data
    body = b"\xff" * 10 + bytes([0, 0, action, 0]) + tlv
    return struct.pack(">BBHB15x8sHHBb", 13, 2, 34 + len(body), 127, bytes(8), 4711, sequence_id, 4, 127) + body


class Unix:
    """A management node of our own at the UNIX socket."""

    def __init__(self, gmd):
        self.gmd = gmd
        self.path = f"{gmd.uds}.test"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(5)

    def send(self, *args, **kw):
        self.socket.sendto(message(*args, **kw), str(self.gmd.uds))

    def receive(self):
        """(managementId, data) of the next message, (None, ...) of an error."""
        octets = self.socket.recv(2000)
        kind, _, word = struct.unpack_from(">HHH", octets, 48)
        return (word if kind == 1 else None), octets[54:]

    def ask(self, *args, **kw):
        self.send(*args, **kw)
        return self.receive()

    def close(self):
        self.socket.close()
        pathlib.Path(self.path).unlink()


def pmc(node, *arguments):
    """pmc's answers: id -> fields; an error has the id MANAGEMENT_ERROR_STATUS."""
    output = node.run(["pmc", "-d", "127", *arguments], check=False).stdout
    answers = {}
    for block in re.split(r"\n\t(?=\S)", output)[1:]:
        head, *lines = block.splitlines()
        name = re.search(r"RESPONSE (?:MANAGEMENT )?(\w*)", head)[1] or "NULL_MANAGEMENT"
        fields = (line.split(None, 1) for line in lines if line.startswith("\t\t"))
        answers[name] = {field[0]: field[1].strip() if len(field) > 1 else "" for field in fields}
    return answers


def pmc_unix(node, gmd, *requests):
    return pmc(node, "-u", "-b", "0", "-s", gmd.uds, "-i", f"{gmd.uds}.pmc", *requests)


def ask_all(ask, expected):
    """Asks one after the other: in a batch pmc leaves when answers are a little late."""
    for name, fields in expected.items():
        answer = wait_for(name, lambda name=name: [a for n, a in ask(f"GET {name}").items() if n == name])[0]
        assert {field: answer.get(field) for field in fields} == fields, name

pytestmark = pytest.mark.xdist_group("management")  # its tests share what the fixture starts


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """A grandmaster over each transport, all at once: locking takes its time."""
    with contextlib.ExitStack() as stack:
        fleet = {}
        for transport in NETWORKS:
            pair = stack.enter_context(VethPair())
            directory = tmp_path_factory.mktemp(transport)
            gmd = Gmd(pair.a, directory, conf(transport=transport), management=DESCRIPTION).start()
            fleet[transport] = pair, gmd
        for pair, gmd in fleet.values():
            gmd.wait_port_state("MASTER", 40)
        yield fleet


def judge(capture, expression):
    """tshark's lines on what the expression selects."""
    command = ["tshark", "-o", "udp.check_checksum:TRUE", "-r", capture, "-Y", expression]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("transport", NETWORKS)
def test_every_data_set(fleet, tmp_path, transport):
    pair, gmd = fleet[transport]
    capture = tmp_path / "management.pcap"
    ask_all(lambda request: pmc_unix(pair.a, gmd, request), ANSWERS | LOCAL_ANSWERS)
    with pair.b.capture(capture):
        ask_all(lambda request: pmc(pair.b, NETWORKS[transport], "-i", "eth0", request), ANSWERS)
        for name in LOCAL_ANSWERS:
            answer = pmc(pair.b, NETWORKS[transport], "-i", "eth0", f"GET {name}")
            assert "MANAGEMENT_ERROR_STATUS" in answer, answer
    ours = "eth.src == 02:00:00:00:00:01 && ptp.v2.messagetype == 0x0d"
    assert len(judge(capture, ours).splitlines()) >= len(ANSWERS)
    assert judge(capture, f"({ours}) && (_ws.malformed || _ws.expert)") == ""
    address = {"udpv4": "1 192.0.2.1", "ethernet": "3 02:00:00:00:00:01"}.get(transport)
    shown = pmc_unix(pair.a, gmd, "GET CLOCK_DESCRIPTION")["CLOCK_DESCRIPTION"]["protocolAddress"]
    assert shown == address or (transport == "udpv6" and shown.startswith("2 fd00:"))


def test_ids_that_pmc_does_not_know(fleet, tmp_path):
    pair, gmd = fleet["udpv4"]
    own = Unix(gmd)
    identity = bytes.fromhex(GM.replace(".", "")) + b"\0\1"
    management_id, data = own.ask(0, 0xC007)
    assert (management_id, data[:10], len(data)) == (0xC007, identity, 90)
    management_id, data = own.ask(0, 0xC009)
    assert (management_id, data) == (0xC009, identity + b"\xff\xff\xff\xff\0\0")  # no PHC: -1
    own.close()

    capture = tmp_path / "utc.pcap"
    with pair.b.capture(capture):
        for management_id in (0x2011, 0x200F, 0x7777):
            pair.b.run([sys.executable, "-c", ASK_UDP, pair.b.ip4, message(0, management_id).hex(), "1"])
    ours = "ip.src == 192.0.2.1 && ptp.v2.messagetype == 0x0d"
    utc = "ptp.v2.mm.currentutcoffset == 37 && ptp.v2.mm.CurrentUTCOffsetValid == 1"
    assert len(judge(capture, f"{ours} && {utc}").splitlines()) == 1
    assert len(judge(capture, f"{ours} && ptp.v2.mm.managementErrorId == 6").splitlines()) == 1  # NOT_SUPPORTED
    assert len(judge(capture, f"{ours} && ptp.v2.mm.managementErrorId == 2").splitlines()) == 1  # NO_SUCH_ID
    assert judge(capture, f"({ours}) && (_ws.malformed || _ws.expert)") == ""


def test_nothing_can_be_set(fleet):
    pair, gmd = fleet["udpv4"]
    settings = "clockClass 248 clockAccuracy 0xfe offsetScaledLogVariance 0xffff currentUtcOffset 0 leap61 0 leap59 0 "
    settings += "currentUtcOffsetValid 0 ptpTimescale 0 timeTraceable 0 frequencyTraceable 0 timeSource 0xa0"
    for request in ("SET PRIORITY1 1", "SET PRIORITY2 1", f"SET GRANDMASTER_SETTINGS_NP {settings}"):
        assert list(pmc_unix(pair.a, gmd, request)) == ["MANAGEMENT_ERROR_STATUS"]
        answer = wait_for(request, lambda request=request: list(pmc(pair.b, "-4", "-i", "eth0", request)))
        assert answer == ["MANAGEMENT_ERROR_STATUS"]
    subscription = "SET SUBSCRIBE_EVENTS_NP duration 60 NOTIFY_PORT_STATE on"
    assert list(pmc(pair.b, "-4", "-i", "eth0", subscription)) == ["MANAGEMENT_ERROR_STATUS"]
    ask_all(lambda request: pmc_unix(pair.a, gmd, request), {"DEFAULT_DATA_SET": ANSWERS["DEFAULT_DATA_SET"]})


def test_flood_from_the_network(fleet):
    """Thousands of requests a second get a bounded number of answers; Sync and the UNIX socket do not suffer."""
    pair, gmd = fleet["udpv4"]
    own = Unix(gmd)

    def sent():
        """(Sync, Management) that gmd has sent, and when"""
        counters = own.ask(0, 0xC005)[1][10 + 16 * 8 :]
        syncs, answers = (int.from_bytes(counters[8 * kind :][:8], "little") for kind in (0, 13))
        return syncs, answers, time.monotonic()

    time.sleep(3)  # for what other tests have asked
    before = sent()
    flood = pair.b.popen([sys.executable, "-c", ASK_UDP, pair.b.ip4, message(0, 0x0001).hex(), "200000"])
    while flood.poll() is None:
        assert own.ask(0, 0x2000)[0] == 0x2000
        time.sleep(0.05)
    syncs, answers, elapsed_s = (b - a for a, b in zip(before, sent()))
    assert 100 <= answers <= 100 + 50 * elapsed_s + 1
    assert syncs >= 8 * elapsed_s - 3
    own.close()


def test_subscriber_is_told(tmp_path):
    """Port states and the grandmaster's class come by themselves, as phc2sys and monitoring expect."""
    states, classes = [], []

    def until(condition):
        while not condition():
            management_id, data = own.receive()
            if management_id == 0x2004:
                states.append(data[10])
            elif management_id == 0x2002:
                classes.append(data[19])

    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf()).start()
        own = Unix(gmd)
        mask = bytes([0b101]) + bytes(63)
        assert own.ask(1, 0xC003, struct.pack(">H", 0xFFFF) + mask) == (0xC003, b"\xff\xff" + mask)
        own.socket.settimeout(40)
        until(lambda: states[-1:] == [6] and classes[-1:] == [6])  # MASTER, locked
        pair.b.link(False)
        until(lambda: states[-1] == 2)  # FAULTY
        pair.b.link(True)
        until(lambda: states[-1] == 4)  # LISTENING
        assert own.ask(1, 0xC003, bytes(66)) == (0xC003, bytes(66))
        pair.b.link(False)
        gmd.wait_port_state("FAULTY")
        own.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            own.receive()
        own.close()


def test_socket_of_another_program(tmp_path):
    """gmd serves time without the socket, says why, and takes it when it is free; also when it is robbed."""
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf())
        other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        other.bind(str(gmd.uds))
        gmd.start()
        assert f"management socket {gmd.uds}: another program answers there" in gmd.log()
        other.close()
        own = Unix(gmd)
        own.socket.settimeout(0.2)

        def answers():
            try:
                return own.ask(0, 0x2000)[0] == 0x2000
            except (TimeoutError, ConnectionRefusedError, FileNotFoundError):
                return False

        wait_for("gmd at the socket that came free", answers, 15, 0.2)
        gmd.uds.unlink()  # what ptp4l does when it starts and when it ends
        wait_for("gmd at the socket that was taken away", answers, 15, 0.2)
        assert gmd.uds.stat().st_mode & 0o777 == 0o660
        own.close()
        assert gmd.stop() == 0
        assert not gmd.uds.exists()


def test_silent_to_the_network(tmp_path):
    with VethPair() as pair:
        gmd = Gmd(pair.a, tmp_path, conf(), management="network = false;").start()
        wait_for("pmc's answer", lambda: "DEFAULT_DATA_SET" in pmc_unix(pair.a, gmd, "GET DEFAULT_DATA_SET"))
        assert pmc(pair.b, "-4", "-i", "eth0", "GET DEFAULT_DATA_SET") == {}
