# SPDX-License-Identifier: BSD-2-Clause
"""The kernel module and the guest's own small programs, built out of the tree."""

import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
CFLAGS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-Werror", "-D_GNU_SOURCE"]


def _run(command, **keywords):
    result = subprocess.run(command, capture_output=True, text=True, **keywords)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {result.returncode}\n{result.stdout}{result.stderr}")


def _newest(paths):
    return max(path.stat().st_mtime for path in paths)


def module(packages, kernel, directory):
    """bed.ko for the kernel, as its path."""
    result = directory / "bed.ko"
    sources = sorted((HERE / "module").iterdir())
    if result.exists() and result.stat().st_mtime > max(_newest(sources), kernel.headers.lstat().st_mtime):
        return result
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(HERE / "module", directory)
    # objtool of the headers needs libelf, which the host may not have, and BTF pahole
    libraries = directory / "libraries"
    libraries.mkdir()
    objtool = kernel.headers / "tools/objtool/objtool"
    for library in packages.libraries(objtool):
        if "libc.so" not in library:
            (libraries / pathlib.Path(library).name).symlink_to(library)
    make = ["make", "-C", kernel.headers, f"M={directory}", "CC=gcc", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"]
    _run(["env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", f"LD_LIBRARY_PATH={libraries}", *make])
    _run(["strip", "--strip-debug", result])
    return result


def tools(directory):
    """The programs of tools/, one a source file, as their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    results = []
    for source in sorted((HERE / "tools").glob("*.c")):
        result = directory / source.stem
        if not result.exists() or result.stat().st_mtime < source.stat().st_mtime:
            _run(["gcc", *CFLAGS, "-o", result, source])
        results.append(result)
    return results
