#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The bed: scenarios with hardware clocks and time stamps, each in a guest of its own.

    bed.py --build build                    all of them
    bed.py --build build --scenario NAME    some
    bed.py --list

Exit status 0: all passed. Logs: BUILD/bed/logs/NAME.
"""

import argparse
import concurrent.futures
import importlib
import pathlib
import sys
import time
import traceback

import build
import guest
import image
import packages
import results

HERE = pathlib.Path(__file__).resolve().parent
KERNEL = "bookworm"  # of packages.KERNELS, unless a scenario has its own
UTC = 1790000000  # true time at the start, unless a scenario has its own
TIMEOUT_S = 500  # a guest that takes longer hangs; on an idle machine none takes a tenth of it


class Judgement:
    """What a scenario's judge found."""

    def __init__(self):
        self.lines = []
        self.failed = False

    def __call__(self, what, value, limit):
        """A value that must not exceed its limit; None: there was none."""
        good = value is not None and value <= limit
        shown = "none" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")
        self.note(f"{what:58} {shown:>14}   limit {limit:g}{'' if good else '   FAILED'}")
        self.failed |= not good

    def compare(self, what, ours, theirs, tolerance=1.0):
        """Ours must not exceed theirs times tolerance, nor be missing."""
        good = ours is not None and (theirs is None or ours <= theirs * tolerance)
        ratio = f"{ours / theirs:8.2f}" if ours is not None and theirs else " " * 8
        cells = " ".join("      none" if value is None else f"{value:10.1f}" for value in (ours, theirs))
        self.note(f"{what:58} {cells} {ratio}{'' if good else '   FAILED'}")
        self.failed |= not good

    def true(self, what, good, found=""):
        self.note(f"{what:58} {'yes' if good else 'NO':>14}   {'' if good else f'{found}   FAILED'}")
        self.failed |= not good

    def note(self, line):
        self.lines.append(f"    {line.rstrip()}")


def scenarios():
    names = sorted(path.stem for path in (HERE / "scenarios").glob("[a-z]*.py"))
    return {name: importlib.import_module(f"scenarios.{name}") for name in names}


def judged(scenario, directory, judgement):
    result = results.Result(directory / "out")
    if result.status != 0:
        judgement.note(f"the guest's script failed, status {result.status}:")
        for line in result.text("script.log").splitlines()[-10:]:
            judgement.note(line)
        judgement.failed = True
    else:
        scenario.judge(result, judgement)


def kernel_of(scenario):
    return getattr(scenario, "KERNEL", KERNEL)


def run(name, scenario, machine):
    judgement = Judgement()
    module = " ".join(f"{key}={value}" for key, value in {"ports": 2, **getattr(scenario, "MODULE", {})}.items())
    utc = getattr(scenario, "UTC", UTC)
    parameters = {"utc": utc, "module": f"utc={utc} {module}"}
    begun = time.monotonic()
    try:
        machine.run(". /lib.sh\n" + scenario.GUEST, parameters, getattr(scenario, "TIMEOUT_S", TIMEOUT_S))
        judged(scenario, machine.directory, judgement)
    except guest.GuestFailed as error:
        judgement.note(str(error))
        judgement.failed = True
    except Exception:
        judgement.note(traceback.format_exc())
        judgement.failed = True
    seconds = time.monotonic() - begun
    print(f"{'FAILED' if judgement.failed else 'passed'} {name} ({seconds:.0f} s): {scenario.__doc__.splitlines()[0]}")
    print("\n".join(judgement.lines), flush=True)
    return not judgement.failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default="build")
    parser.add_argument("--scenario", nargs="+", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=2, help="guests at once (each keeps one core busy)")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    known = scenarios()
    if arguments.list:
        for name, scenario in known.items():
            print(f"{name:24} {scenario.__doc__.splitlines()[0]}")
        return 0
    chosen = arguments.scenario or list(known)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        parser.error(f"no scenario {' '.join(unknown)}; --list shows them")

    try:
        return run_all(arguments, {name: known[name] for name in chosen})
    except RuntimeError as error:  # what apt, make or gcc said
        print(f"bed: {error}", file=sys.stderr)
        return 1


def boot(bed, suite, fetched, programs):
    """A kernel, and the initramfs with its modules."""
    kernel = packages.Kernel(bed / f"kernel-{suite}", suite, fetched)
    module = build.module(fetched, kernel, bed / f"module-{suite}")
    return kernel, image.build(fetched, kernel, module, programs, bed / f"initramfs-{suite}")


def run_all(arguments, chosen):
    begun = time.monotonic()
    bed = arguments.build.resolve() / "bed"
    fetched = packages.Packages(bed / "packages")
    programs = [*build.tools(bed / "tools"), *(arguments.build.resolve() / name for name in ("gmd", "gmctl"))]
    boots = {suite: boot(bed, suite, fetched, programs) for suite in {kernel_of(each) for each in chosen.values()}}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        runs = [
            pool.submit(run, name, scenario, guest.Guest(fetched, *boots[kernel_of(scenario)], bed / "logs" / name))
            for name, scenario in chosen.items()
        ]
        passed = sum(job.result() for job in runs)
    print(f"{passed} of {len(chosen)} scenarios passed in {time.monotonic() - begun:.0f} s; logs in {bed / 'logs'}")
    return 0 if passed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
