# SPDX-License-Identifier: BSD-2-Clause
"""Debian packages of the bed: fetched once, unpacked into a directory, never installed.

apt resolves them against an empty dpkg status, so that every host fetches the same, whatever it has installed;
its lists and archives are private too.
"""

import lzma
import os
import shutil
import subprocess

# run in the guest or on the host, with every library they need
PROGRAMS = [
    *("qemu-system-x86", "busybox-static", "linuxptp", "gpsd", "pps-tools", "chrony", "ethtool", "iproute2"),
    *("libgps28", "libconfig9", "libjansson4", "libsystemd0", "libelf1"),
]
# taken without what they depend on: an initramfs generator, a compiler
KERNEL = ["linux-image-amd64", "linux-headers-amd64"]

NEEDLESS = ["usr/share/doc", "usr/share/icons", "usr/share/locale", "usr/share/man", "usr/lib/python3"]


class Packages:
    """root: the unpacked tree; kernel: the release of the kernel in it."""

    def __init__(self, directory):
        self.directory = directory
        self.root = directory / "root"
        self._fetch(directory / "unpacked")
        (modules,) = (self.root / "lib/modules").iterdir()
        self.kernel = modules.name
        self.modules = modules
        self.headers = self.root / f"usr/src/linux-headers-{self.kernel}"
        self.vmlinux = self.root / "boot/vmlinux"

    def _apt(self, *words):
        state = self.directory / "apt"
        (state / "lists/partial").mkdir(parents=True, exist_ok=True)
        (state / "archives/partial").mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        options = {
            "Dir::State": state,
            "Dir::State::status": state / "status",
            "Dir::State::lists": state / "lists",
            "Dir::Cache": state,
            "Dir::Cache::archives": state / "archives",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        command = ["apt-get", "-q", "-y", *(f"-o{name}={value}" for name, value in options.items()), *words]
        result = subprocess.run(command, cwd=state / "archives", capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"apt-get {' '.join(words)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    def _kernel_packages(self):
        """What the meta packages stand for: image, headers, common headers, kbuild."""
        simulated = self._apt("-s", "install", *KERNEL)
        names = [line.split()[1] for line in simulated.splitlines() if line.startswith("Inst linux-")]
        return [name for name in names if name.startswith(("linux-image-6", "linux-headers-6", "linux-kbuild"))]

    def _fetch(self, stamp):
        wanted = " ".join([*PROGRAMS, *KERNEL, str(self.root)])
        if stamp.exists() and stamp.read_text() == wanted:
            return
        print("bed: fetching Debian packages", flush=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.root.mkdir(parents=True)
        self._apt("update")
        self._apt("install", "--download-only", *PROGRAMS)
        self._apt("download", *self._kernel_packages())
        for package in sorted((self.directory / "apt/archives").glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, self.root], check=True)
        for path in NEEDLESS:
            shutil.rmtree(self.root / path, ignore_errors=True)
        self._relocate()
        self._unpack_kernel()
        shutil.rmtree(self.directory / "apt")
        stamp.write_text(wanted)

    def _relocate(self):
        """The kernel headers' Makefile names where it would have been installed."""
        for makefile in self.root.glob("usr/src/linux-headers-*-amd64/Makefile"):
            makefile.write_text(makefile.read_text().replace(" /usr/src/", f" {self.root}/usr/src/"))
        release = next((self.root / "lib/modules").iterdir()).name
        subprocess.run([self.root / "bin/busybox", "depmod", "-b", self.root, release], check=True)

    def _unpack_kernel(self):
        """QEMU boots the ELF file in the image (PVH) too; the guest is spared the slow decompression."""
        (image,) = (self.root / "boot").glob("vmlinuz-*")
        data = image.read_bytes()
        elf = lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(data[data.index(b"\xfd7zXZ\0") :])
        (self.root / "boot/vmlinux").write_bytes(elf)

    def command(self, program):
        """How to run one of the unpacked programs on the host: with its own loader and libraries."""
        library = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")
        path = ":".join(str(self.root / directory) for directory in library)
        loader = self.root / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
        return [loader, "--library-path", path, program]

    def libraries(self, program):
        """Paths, in the unpacked tree, of the shared libraries that program needs."""
        loader, *options = self.command(program)
        result = subprocess.run([loader, "--list", *options], capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"{program}: {result.stdout}{result.stderr}")
        paths = []
        for line in result.stdout.splitlines():
            if "not found" in line:
                raise RuntimeError(f"{program}: {line.strip()}")
            if "=> /" in line:
                paths.append(os.path.normpath(line.split("=> ")[1].split(" (")[0]))
        return paths
