# SPDX-License-Identifier: BSD-2-Clause
"""The PTP messages that crossed the hub, each with the true time of its sending."""

import dataclasses
import math
import struct

SYNC, DELAY_REQ, FOLLOW_UP, DELAY_RESP, ANNOUNCE = 0, 1, 8, 9, 11
TWO_STEP, LEAP61, LEAP59, UTC_VALID = 0x0200, 0x0001, 0x0002, 0x0004

ETHERTYPES = {0x0800: 0, 0x86DD: 40, 0x88F7: None}  # to octets of network header; IPv4 says itself
VLAN = 0x8100


@dataclasses.dataclass
class Message:
    at_ns: int  # true time, TAI
    source: int  # port whose address it bears
    ethernet: bool
    priority: int  # of its VLAN tag; None: it has none
    type: int
    domain: int
    flags: int
    correction: int  # 2^-16 ns
    identity: str
    sequence: int
    timestamp_ns: int
    body: bytes

    @property
    def asker(self):
        """Of a Delay_Req or Delay_Resp: who asked, and in which message."""
        return self.body[20:30] if self.type == DELAY_REQ else self.body[44:54], self.sequence

    @property
    def utc_offset(self):
        return struct.unpack_from("!h", self.body, 44)[0]

    @property
    def clock_class(self):
        return self.body[48]


def _priority(frame):
    kind, tag = struct.unpack_from("!HH", frame, 12)
    return tag >> 13 if kind == VLAN else None


def _payload(frame):
    """(PTP octets, directly over Ethernet), or (None, False)."""
    at = 12
    (kind,) = struct.unpack_from("!H", frame, at)
    while kind == VLAN:
        at += 4
        (kind,) = struct.unpack_from("!H", frame, at)
    at += 2
    if kind == 0x88F7:
        return frame[at:], True
    if kind not in ETHERTYPES or frame[at + (9 if kind == 0x0800 else 6)] != 17:
        return None, False
    at += 4 * (frame[at] & 15) if kind == 0x0800 else ETHERTYPES[kind]
    (port,) = struct.unpack_from("!H", frame, at + 2)
    return (frame[at + 8 :], False) if port in (319, 320) else (None, False)


def _message(at_ns, frame):
    ptp, ethernet = _payload(frame)
    if ptp is None or len(ptp) < 44:
        return None
    kind, _, _, domain, _, flags, correction = struct.unpack_from("!BBHBBHq", ptp)
    high, low, ns = struct.unpack_from("!HII", ptp, 34)
    (sequence,) = struct.unpack_from("!H", ptp, 30)
    stamp = ((high << 32) + low) * 1_000_000_000 + ns
    source = frame[11] - 1
    identity, priority = ptp[20:28].hex(), _priority(frame)
    return Message(
        at_ns, source, ethernet, priority, kind & 15, domain, flags, correction, identity, sequence, stamp, ptp
    )


def read(path):
    """All PTP messages of a nanosecond capture file, in order."""
    data = path.read_bytes()
    at, messages = 24, []
    while at < len(data):
        seconds, ns, length, _ = struct.unpack_from("=IIII", data, at)
        message = _message(seconds * 1_000_000_000 + ns, data[at + 16 : at + 16 + length])
        if message:
            messages.append(message)
        at += 16 + length
    return messages


class Grandmaster:
    """What one port served; a program that is started anew begins its sequences anew."""

    def __init__(self, messages, port, begin_s=0, end_s=math.inf):
        begin_ns, end_ns = begin_s * 1e9, end_s * 1e9
        mine = [message for message in messages if message.source == port and begin_ns <= message.at_ns < end_ns]
        self.syncs = [message for message in mine if message.type == SYNC]
        self.follow_ups = {message.sequence: message for message in mine if message.type == FOLLOW_UP}
        self.announces = [message for message in mine if message.type == ANNOUNCE]

    def alone(self):
        """Syncs without their Follow_Up; the last one's may be under way."""
        return [sync for sync in self.syncs[:-1] if sync.flags & TWO_STEP and sync.sequence not in self.follow_ups]

    def errors(self):
        """(true s, ns) of each Sync: what was served as its time against the truth."""
        found = []
        for sync in self.syncs:
            precise = self.follow_ups.get(sync.sequence) if sync.flags & TWO_STEP else sync
            if precise and abs(precise.at_ns - sync.at_ns) < 1e9:
                correction = precise.correction + (sync.correction if precise is not sync else 0)
                served = (precise.timestamp_ns << 16) + correction  # whole numbers: a float has 256 ns grain
                found.append((sync.at_ns / 1e9, (served - (sync.at_ns << 16)) / 65536))
        return found

    def wrong(self, begin_s, end_s, limit_ns=100_000):
        """How many Syncs served a time that was off by more."""
        return sum(abs(error) > limit_ns for at, error in self.errors() if begin_s <= at < end_s)

    def longest_pause(self):
        """Seconds between two Syncs."""
        times = [sync.at_ns for sync in self.syncs]
        return max((b - a for a, b in zip(times, times[1:])), default=0) / 1e9


@dataclasses.dataclass
class Answer:
    """A Delay_Resp: when it went out, how long after its Delay_Req arrived, and how wrong it said that this did."""

    at_s: float
    after_ns: int
    error_ns: float


def answers(messages, port, path_ns=200):
    """What the port answered, to whom it is path_ns; a Delay_Resp that nobody asked for is a KeyError."""
    arrivals, found = {}, []
    for message in messages:
        if message.type == DELAY_REQ:
            arrivals[message.asker] = message.at_ns + path_ns
        elif message.type == DELAY_RESP and message.source == port:
            arrival = arrivals[message.asker]
            error_ns = ((message.timestamp_ns - arrival << 16) - message.correction) / 65536
            found.append(Answer(message.at_ns / 1e9, message.at_ns - arrival, error_ns))
    return found
