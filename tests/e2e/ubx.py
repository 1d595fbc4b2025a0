# SPDX-License-Identifier: BSD-2-Clause
"""UBX frames as a u-blox receiver sends them (u-blox interface descriptions UBX-13003221, UBX-18010854)."""
import struct
import time

GPS_EPOCH = 315964800  # 1980-01-06, in seconds since 1970
WEEK_S = 604800
LEAP_S = 18            # GPS - UTC since 2017


def frame(class_id, message_id, payload=b""):
    body = struct.pack("<BBH", class_id, message_id, len(payload)) + payload
    a = b = 0
    for byte in body:
        a = (a + byte) & 0xFF
        b = (b + a) & 0xFF
    return b"\xb5\x62" + body + bytes((a, b))


def gps_time(utc_s):
    """Week and milliseconds of the week."""
    gps_s = utc_s - GPS_EPOCH + LEAP_S
    return gps_s // WEEK_S, gps_s % WEEK_S * 1000


def tim_tp(utc_s, q_err_ps, flags=0x00, ref_info=0x00):
    """The pulse that is to come at utc_s, GPS time base; q_err_ps positive: it comes early."""
    week, tow_ms = gps_time(utc_s)
    return frame(0x0D, 0x01, struct.pack("<IIiHBB", tow_ms, 0, q_err_ps, week, flags, ref_info))


def nav_timegps(utc_s, accuracy_ns=20):
    week, tow_ms = gps_time(utc_s)
    return frame(0x01, 0x20, struct.pack("<IihbBI", tow_ms, 0, week, LEAP_S, 0x07, accuracy_ns))


def nav_timels(utc_s, leap_utc_s=None, step_s=0):
    """leap_utc_s: the first second after the leap, a midnight; None: the one of 2016 is the last known."""
    week, tow_ms = gps_time(utc_s)
    at_s = leap_utc_s if leap_utc_s is not None else 1483228800
    date_week, date_s = divmod(at_s - GPS_EPOCH - 86400, WEEK_S)
    return frame(0x01, 0x26, struct.pack("<IB3xBbBbiHH3xB", tow_ms, 0, 2, LEAP_S, 2, step_s, at_s - utc_s,
                                         date_week, date_s // 86400 + 1, 0x03))


def nav_status(utc_s, spoofing=1):
    return frame(0x01, 0x03, struct.pack("<IBBBBII", gps_time(utc_s)[1], 3, 0xDD, 0, spoofing << 3, 0, 0))


def nav_pvt(utc_s, fix=3, satellites=9):
    tow_ms = gps_time(utc_s)[1]
    t = time.gmtime(utc_s)
    return frame(0x01, 0x07, struct.pack(
        "<IHBBBBBBIiBBBBiiiiIIiiiiiIIHB5xihH", tow_ms, t.tm_year, t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
        0x37, 20, 0, fix, 0x01 if fix >= 2 else 0, 0, satellites, 133667000, 525000000, 85000, 40000, 1500, 2500,
        0, 0, 0, 0, 0, 100, 1000000, 130, 0, 0, 0, 0))


def nav_sat(utc_s, used=9, visible=13):
    satellites = b"".join(struct.pack("<BBBbhhI", 0, n + 1, 40, 30, 29 * n % 360, 0, 0x1F if n < used else 0x14)
                          for n in range(visible))
    return frame(0x01, 0x35, struct.pack("<IBB2x", gps_time(utc_s)[1], 1, visible) + satellites)


def nav_eoe(utc_s):
    return frame(0x01, 0x61, struct.pack("<I", gps_time(utc_s)[1]))


def mon_rf(antenna=2, power=1, jamming=(1, 1)):
    """One block for each of jamming: its state."""
    blocks = b"".join(struct.pack("<BBBB12xB7x", n, state, antenna, power, 10) for n, state in enumerate(jamming))
    return frame(0x0A, 0x38, struct.pack("<BB2x", 0, len(jamming)) + blocks)


def sec_sig(jamming=1, spoofing=1):
    """Version 2."""
    return frame(0x27, 0x09, struct.pack("<BBxB", 2, 0x09 | jamming << 1 | spoofing << 4, 0))


class Source:
    """What a timing receiver sends each second, in this order; attributes can be changed at any time."""

    def __init__(self, fix=False):
        self.fix = fix  # position and satellites too, so that no NMEA is needed
        self.q_err_ps = 0
        self.accuracy_ns = 20
        self.leap_utc_s, self.step_s = None, 0
        self.antenna, self.jamming, self.spoofing = 2, 1, 1
        self.before = b""  # each message

    def __call__(self, utc_s):
        frames = [nav_pvt(utc_s), nav_sat(utc_s)] if self.fix else []
        frames += [nav_status(utc_s, self.spoofing), nav_timegps(utc_s, self.accuracy_ns),
                   nav_timels(utc_s, self.leap_utc_s, self.step_s), mon_rf(self.antenna, jamming=(1, self.jamming)),
                   sec_sig(spoofing=self.spoofing), tim_tp(utc_s + 1, self.q_err_ps)]
        if self.fix:
            frames.append(nav_eoe(utc_s))
        return b"".join(self.before + f for f in frames)
