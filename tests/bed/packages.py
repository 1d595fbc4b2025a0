# SPDX-License-Identifier: BSD-2-Clause
"""Debian packages of the bed: fetched once, unpacked into a directory, never installed.

apt resolves them against an empty dpkg status, so that every host fetches the same, whatever it has installed;
its lists and archives are private too.
"""

import os
import re
import shutil
import struct
import subprocess

# run in the guest or on the host, with every library they need
PROGRAMS = [
    *("qemu-system-x86", "busybox-static", "linuxptp", "gpsd", "pps-tools", "chrony", "ethtool", "iproute2"),
    *("libgps28", "libconfig9", "libjansson4", "libsystemd0", "libelf1", "zstd"),
]
NEEDLESS = ["usr/share/doc", "usr/share/icons", "usr/share/locale", "usr/share/man", "usr/lib/python3"]

# taken without what they depend on: an initramfs generator, a compiler
KERNEL = ["linux-image-amd64", "linux-headers-amd64"]
KERNEL_NEEDS = re.compile(r"linux-(image-\d.*-amd64|headers-\d.*|kbuild-\d.*)")

# kernels to choose from, and where they come from if not from the host's own sources
KERNELS = {
    "bookworm": None,
    "bookworm-backports": "deb http://deb.debian.org/debian bookworm-backports main",
}


class Unpacked:
    """Packages of one source, unpacked; root: the tree."""

    def __init__(self, directory, wanted, source=None):
        self.directory = directory
        self.root = directory / "root"
        self._source = source
        self._fetch(directory / "unpacked", " ".join([*wanted, str(source), str(self.root)]))

    def _download(self):
        """Fetches what is wanted to the archives."""
        raise NotImplementedError

    def _settle(self):
        """What is to be done once to the unpacked tree."""

    def _fetch(self, stamp, wanted):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        print(f"bed: fetching Debian packages: {self.directory.name}", flush=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.root.mkdir(parents=True)
        apt = self.directory / "apt"
        for directory in ("lists/partial", "archives/partial"):
            (apt / directory).mkdir(parents=True)
        (apt / "status").touch()
        (apt / "sources.list").write_text(f"{self._source}\n")
        self._apt("apt-get", "update")
        self._download()
        for package in sorted((apt / "archives").glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, self.root], check=True)
        self._settle()
        shutil.rmtree(apt)
        stamp.write_text(wanted)

    def _apt(self, program, *words):
        apt = self.directory / "apt"
        options = {
            "Dir::State": apt,
            "Dir::State::status": apt / "status",
            "Dir::State::lists": apt / "lists",
            "Dir::Cache": apt,
            "Dir::Cache::archives": apt / "archives",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        if self._source:
            options |= {"Dir::Etc::SourceList": apt / "sources.list", "Dir::Etc::SourceParts": "/dev/null"}
        command = [program, "-q", *(f"-o{name}={value}" for name, value in options.items()), *words]
        result = subprocess.run(command, cwd=apt / "archives", capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(words)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout


class Packages(Unpacked):
    """The programs, with all they depend on."""

    def __init__(self, directory):
        super().__init__(directory, PROGRAMS)

    def _download(self):
        self._apt("apt-get", "-y", "install", "--download-only", *PROGRAMS)

    def _settle(self):
        for path in NEEDLESS:
            shutil.rmtree(self.root / path, ignore_errors=True)

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

    def decompressed(self, data):
        """What xz or zstd compressed."""
        zstd = [*self.command(self.root / "usr/bin/zstd"), "-dc"]
        return subprocess.run(zstd, input=data, capture_output=True, check=True).stdout


def _module_name(path):
    return os.path.basename(path).split(".")[0].replace("-", "_")


class Kernel(Unpacked):
    """One of KERNELS, its modules and headers; vmlinux: what QEMU boots."""

    def __init__(self, directory, suite, packages):
        self._packages = packages
        super().__init__(directory, KERNEL, KERNELS[suite])
        (self.modules,) = (self.root / "lib/modules").iterdir()
        self.headers = self.root / f"usr/src/linux-headers-{self.modules.name}"
        self.vmlinux = self.root / "boot/vmlinux"

    def _download(self):
        """What the meta packages stand for: image, headers, common headers, kbuild."""
        names = self._apt("apt-cache", "depends", "--recurse", "--important", *KERNEL).splitlines()
        self._apt("apt-get", "download", *filter(KERNEL_NEEDS.fullmatch, names))

    def _settle(self):
        self._relocate()
        self._unpack_kernel()

    def _relocate(self):
        """The headers' Makefile names where it would have been installed."""
        for makefile in self.root.glob("usr/src/linux-headers-*-amd64/Makefile"):
            makefile.write_text(makefile.read_text().replace(" /usr/src/", f" {self.root}/usr/src/"))

    def _unpack_kernel(self):
        """QEMU boots the ELF file in the image (PVH) too; the guest is spared the slow decompression.

        The payload, with its size behind it: https://docs.kernel.org/arch/x86/boot.html"""
        (image,) = (self.root / "boot").glob("vmlinuz-*")
        data = image.read_bytes()
        begin = (data[0x1F1] + 1) * 512
        offset, length = struct.unpack_from("<II", data, 0x248)
        payload = data[begin + offset : begin + offset + length - 4]
        (self.root / "boot/vmlinux").write_bytes(self._packages.decompressed(payload))

    def load_order(self, names):
        """{module: its octets} of those and of all that they depend on, in the order of loading."""
        paths = {_module_name(path): path for path in self.modules.rglob("*.ko*")}
        done = {_module_name(path) for path in (self.modules / "modules.builtin").read_text().splitlines()}
        order = {}

        def add(name):
            if name in done:
                return
            done.add(name)
            data = paths[name].read_bytes()
            data = self._packages.decompressed(data) if paths[name].suffix == ".xz" else data
            for needed in filter(None, re.search(rb"\0depends=([^\0]*)", data)[1].decode().split(",")):
                add(needed)
            order[name] = data

        for name in names:
            add(name)
        return order
