#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A GNSS receiver on a pty: NMEA sentences once a second, aligned to CLOCK_REALTIME.

As a module: with Receiver() as r: ... r.device is what gpsd opens; r.fix(False), r.late_once(1100).
As a program: prints the device, then takes commands from stdin, one a line, until its end:

  fix on|off         mode 3 or 1; the time goes on without a fix, as real receivers' does
  silent on|off      no bytes at all
  garbage on|off     random bytes in place of sentences
  satellites N       in use, of N + 4 in view
  offset N           labels are wrong by N seconds
  late N             messages come N ms later than `latency` says, from now on
  late-once N        the next second's only
  latency N          ms from the second to the first byte
  north N            minutes of latitude from where it stood, below 30
  zda on|off         ZDA too
  nmea on|off        off: only what `extra`, a function of the second, adds (ubx.py)
"""
import heapq
import os
import random
import sys
import termios
import threading
import time
import tty

NS = 1_000_000_000
MS = 1_000_000


def sentence(body):
    """A sentence with its checksum and line end."""
    checksum = 0
    for byte in body.encode():
        checksum ^= byte
    return f"${body}*{checksum:02X}\r\n".encode()


def sky(used, fix):
    """GSA and GSV: `used` satellites in use, four more in view."""
    visible = used + 4
    prns = [f"{n + 1:02d}" for n in range(used)] if fix else []
    slots = ",".join((prns + [""] * 12)[:12])
    out = [f"GPGSA,A,{3 if fix else 1},{slots},1.6,0.9,1.3"]
    pages = (visible + 3) // 4
    for page in range(pages):
        block = "".join(f",{n + 1:02d},{20 + n:02d},{(n * 29) % 360:03d},{40 if fix else 0:02d}"
                        for n in range(4 * page, min(4 * page + 4, visible)))
        out.append(f"GPGSV,{pages},{page + 1},{visible:02d}{block}")
    return out


def epoch(utc_s, fix=True, satellites=8, zda=True, north=0):
    """The bytes of one second."""
    t = time.gmtime(utc_s)
    clock, date = time.strftime("%H%M%S.00", t), time.strftime("%d%m%y", t)
    place = f"52{30 + north:02d}.0000,N,01322.0000,E" if fix else ",,,"
    bodies = [f"GPRMC,{clock},{'A' if fix else 'V'},{place},0.0,0.0,{date},,,{'A' if fix else 'N'}",
              f"GPGGA,{clock},{place},{int(fix)},{satellites if fix else 0:02d},0.9,{'40.0' if fix else ''},M,"
              f"{'45.0' if fix else ''},M,,"]
    bodies += sky(satellites, fix)
    if zda:
        bodies.append(time.strftime(f"GPZDA,{clock},%d,%m,%Y,00,00", t))
    return b"".join(sentence(body) for body in bodies)


class Receiver:
    SWITCHES = ("fix", "silent", "garbage", "zda", "nmea")
    NUMBERS = ("satellites", "offset", "late", "late-once", "latency", "north")

    def __init__(self, latency_ms=50, seed=1, extra=lambda second: b""):
        self._fix, self._silent, self._garbage, self._zda, self._nmea = True, False, False, True, True
        self._extra = extra
        self._satellites, self._offset_s, self._north = 8, 0, 0
        self._latency_ms, self._late_ms, self._late_once_ms = latency_ms, 0, 0
        self._random = random.Random(seed)
        self._master, self._slave = os.openpty()  # the slave stays open: a pty without one refuses bytes
        tty.setraw(self._slave, termios.TCSANOW)
        os.set_blocking(self._master, False)
        self.device = os.ttyname(self._slave)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._stop.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def fix(self, on):
        self._fix = on

    def silent(self, on):
        self._silent = on

    def garbage(self, on):
        self._garbage = on

    def zda(self, on):
        self._zda = on

    def nmea(self, on):
        self._nmea = on

    def satellites(self, in_use):
        self._satellites = in_use

    def offset(self, seconds):
        self._offset_s = seconds

    def late(self, ms):
        self._late_ms = ms

    def late_once(self, ms):
        self._late_once_ms = ms

    def latency(self, ms):
        self._latency_ms = ms

    def north(self, minutes):
        self._north = minutes

    def command(self, line):
        """One line of the protocol above; ValueError if it is none."""
        name, _, value = line.strip().partition(" ")
        if name in self.SWITCHES and value in ("on", "off"):
            getattr(self, name)(value == "on")
        elif name in self.NUMBERS:
            getattr(self, name.replace("-", "_"))(int(value))
        else:
            raise ValueError(f"unknown: {line!r}")

    def write(self, data):
        """Raw bytes into gpsd. What does not fit (gpsd stopped) is lost, as on a serial line."""
        try:
            os.write(self._master, data)
        except BlockingIOError:
            pass

    def _bytes_of(self, second):
        if self._garbage:
            return bytes(self._random.randrange(256) for _ in range(400))
        label = second + self._offset_s
        sentences = epoch(label, self._fix, self._satellites, self._zda, self._north) if self._nmea else b""
        return sentences + self._extra(label)

    def _run(self):
        """Each second's bytes are made and scheduled at that second, so that a late one overtakes nothing."""
        second, due = time.time_ns() // NS + 1, []
        while not self._stop.is_set():
            next_ns = min([second * NS] + [d[0] for d in due])
            wait_s = (next_ns - time.time_ns()) / NS
            if wait_s > 0 and self._stop.wait(wait_s):
                return
            now = time.time_ns()
            if now >= second * NS:
                if not self._silent:
                    delay_ms = self._latency_ms + self._late_ms + self._late_once_ms
                    self._late_once_ms = 0
                    heapq.heappush(due, (second * NS + delay_ms * MS, self._bytes_of(second)))
                second += 1
            while due and due[0][0] <= now:
                self.write(heapq.heappop(due)[1])


def main():
    with Receiver() as receiver:
        print(receiver.device, flush=True)
        for line in sys.stdin:
            try:
                receiver.command(line)
            except ValueError as error:
                print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
