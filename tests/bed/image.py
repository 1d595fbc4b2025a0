# SPDX-License-Identifier: BSD-2-Clause
"""The guest's initramfs: a cpio archive (newc), uncompressed, which boots faster."""

import os
import pathlib
import stat

HERE = pathlib.Path(__file__).resolve().parent

PROGRAMS = [
    *("usr/sbin/ptp4l", "usr/sbin/phc2sys", "usr/sbin/ts2phc", "usr/sbin/pmc", "usr/sbin/phc_ctl"),
    *("usr/sbin/hwstamp_ctl", "usr/sbin/gpsd", "usr/sbin/chronyd", "usr/bin/chronyc", "usr/bin/ppstest"),
    *("sbin/ethtool", "bin/ip"),
]
MODULES = ["virtio_pci", "9pnet_virtio", "9p", "8021q", "bonding", "sch_ingress", "cls_bpf"]
DIRECTORIES = ["bin", "dev", "etc", "host", "lib", "lib64", "modules", "proc", "root", "run", "sys", "tmp", "var/lib",
               "var/run", "debug"]
FILES = {
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n_chrony:x:100:100::/:/bin/false\n",
    "etc/group": "root:x:0:\ndialout:x:20:\n_chrony:x:100:\n",
}


class Cpio:
    def __init__(self, path):
        self.file = path.open("wb")
        self.serial = 0
        self.names = set()

    def _add(self, name, mode, data=b""):
        self.serial += 1
        fields = [self.serial, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        header = b"070701" + "".join(f"{field:08x}" for field in fields).encode() + name.encode() + b"\0"
        self.file.write(header + b"\0" * (-len(header) % 4) + data + b"\0" * (-len(data) % 4))

    def directory(self, name):
        if name and name not in self.names:
            self.directory(os.path.dirname(name))
            self.names.add(name)
            self._add(name, stat.S_IFDIR | 0o755)

    def data(self, name, data, mode=0o644):
        if name not in self.names:
            self.directory(os.path.dirname(name))
            self.names.add(name)
            self._add(name, stat.S_IFREG | mode, data)

    def copy(self, name, path):
        self.data(name, pathlib.Path(path).read_bytes(), 0o755)

    def close(self):
        self._add("TRAILER!!!", 0)
        self.file.close()


def build(packages, kernel, module, programs, path):
    """Writes the archive: the unpacked packages' programs and further ones, the kernel's modules and the bed's."""
    image = Cpio(path)
    for name in DIRECTORIES:
        image.directory(name)
    for name, text in FILES.items():
        image.data(name, text.encode())
    image.copy("bin/busybox", packages.root / "bin/busybox")
    image.copy("init", HERE / "guest/init")
    image.copy("lib.sh", HERE / "guest/lib.sh")
    image.copy("lib64/ld-linux-x86-64.so.2", packages.command("")[0])
    for program in [*(packages.root / name for name in PROGRAMS), *programs]:
        image.copy(f"bin/{program.name}", program)
        for library in packages.libraries(program):
            image.copy(f"lib/x86_64-linux-gnu/{pathlib.Path(library).name}", library)
    modules = kernel.load_order(MODULES) | {"bed": module.read_bytes()}
    for name, data in modules.items():
        image.data(f"modules/{name}.ko", data)
    image.data("modules/order", "".join(f"{name}.ko\n" for name in modules if name != "bed").encode())
    image.close()
    return path
