# SPDX-License-Identifier: BSD-2-Clause
"""One guest: QEMU, emulating in instruction counts, so that a busy host does not disturb its time."""

import os
import shutil
import subprocess

TAIL_LINES = 30

# What makes the guest boot faster, and its time stamp counter exact: QEMU's counts ns
KERNEL_OPTIONS = (
    "console=ttyS0 quiet panic=-1 tsc=reliable tsc_early_khz=1000000 lpj=2000000 no_timer_check nr_cpus=1 "
    "mitigations=off nokaslr audit=0 apparmor=0 cryptomgr.notests rodata=off"
)


class GuestFailed(Exception):
    pass


class Guest:
    """Runs one scenario's script; its results are then in directory/out."""

    def __init__(self, packages, kernel, image, directory):
        self.packages = packages
        self.kernel = kernel
        self.image = image
        self.directory = directory
        self.out = directory / "out"
        self.console = directory / "console.log"

    def _prepare(self, script, parameters):
        shutil.rmtree(self.directory, ignore_errors=True)
        (self.directory / "in").mkdir(parents=True)
        self.out.mkdir()
        (self.directory / "in/scenario.sh").write_text(script)
        lines = [f"{name}='{value}'\n" for name, value in parameters.items()]
        (self.directory / "in/parameters").write_text("".join(lines))

    def _command(self):
        root = self.packages.root
        share = f"local,id=share,path={self.directory},security_model=none"
        return [
            *self.packages.command(root / "usr/bin/qemu-system-x86_64"),
            *("-L", root / "usr/share/qemu", "-L", root / "usr/share/seabios"),
            *("-machine", "q35", "-accel", "tcg,thread=single", "-icount", "shift=1,sleep=off", "-cpu", "max"),
            *("-smp", "1", "-m", "320", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"),
            *("-fsdev", share, "-device", "virtio-9p-pci,fsdev=share,mount_tag=bed"),
            *("-kernel", self.kernel.vmlinux, "-initrd", self.image),
            *("-append", KERNEL_OPTIONS),
        ]

    def run(self, script, parameters, timeout_s):
        """GuestFailed with the console's last lines: hang, panic, missing result."""
        self._prepare(script, parameters)
        with self.console.open("wb") as console:
            modules = self.packages.root / "usr/lib/x86_64-linux-gnu/qemu"
            process = subprocess.Popen(
                self._command(),
                env={**os.environ, "QEMU_MODULE_DIR": modules},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self._fail(f"still running after {timeout_s} s")
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        if not (self.out / "complete").exists():
            self._fail(f"ended with status {process.returncode} and without a result")

    def _fail(self, what):
        lines = self.console.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        raise GuestFailed("\n".join([f"guest {what}; {self.console}:", *lines]))
