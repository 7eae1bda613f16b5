# SPDX-License-Identifier: MIT
"""content: small files and archives of the kinds that the upstreams of the example scripts hand out.

A tree is {path: bytes}; a path that ends in / is an empty directory. The same tree always makes the same bytes.
"""

import functools
import gzip
import io
import pathlib
import random
import shutil
import subprocess
import tarfile
import tempfile
import zipfile

SEVEN_ZIPS = ("7z", "7zz", "7za")
ZIP_BEGINNING = (1980, 1, 1, 0, 0, 0)


def library(text):
    """What begins like a 32-bit shared library."""
    return b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x03\x00\x03\x00" + bytes(32) + text.encode() + b"\n"


def noise(seed, size):
    """Bytes that do not compress, the same for the same seed."""
    return random.Random(seed).randbytes(size)


def tarball(tree):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, data in sorted(_with_directories(tree).items()):
            entry = tarfile.TarInfo(path.rstrip("/"))
            entry.type, entry.mode = (tarfile.DIRTYPE, 0o755) if path.endswith("/") else (tarfile.REGTYPE, 0o644)
            entry.size = len(data)
            # Builders of packages are somebody with a number of their own.
            entry.uid = entry.gid = 1001
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


def zipball(tree):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in sorted(tree.items()):
            entry = zipfile.ZipInfo(path, ZIP_BEGINNING)
            entry.external_attr = (0o040755 if path.endswith("/") else 0o100644) << 16
            archive.writestr(entry, data)
    return packed.getvalue()


def sevenzip(tree):
    return _sevenzip(tuple(tree.items()))


@functools.cache                # it is the same map again and again
def _sevenzip(files):
    program = next(filter(shutil.which, SEVEN_ZIPS), SEVEN_ZIPS[0])
    with tempfile.TemporaryDirectory(prefix="left4me-mirror-") as scratch:
        top, packed = pathlib.Path(scratch, "tree"), pathlib.Path(scratch, "packed.7z")
        write(top, dict(files))
        subprocess.run([program, "a", "-mx=1", "-mtm=off", packed, "."], cwd=top, check=True, capture_output=True)
        return packed.read_bytes()


@functools.cache
def vpk(mkvpk, campaign, maps, text="", size=0):
    """A campaign that the game would take; `size` bytes of noise make it as large as wanted."""
    tree = {"addoninfo.txt": f'"AddonInfo"\n{{\n\taddontitle "{campaign}"\n\taddonversion "{text}"\n}}\n'.encode(),
            f"missions/{campaign}.txt": f'"mission"\n{{\n\t"Name" "{campaign}"\n}}\n'.encode()}
    for name in maps:           # a tuple
        tree[f"maps/{name}.bsp"] = b"VBSP\x15\0\0\0"
    if size:
        tree["materials/noise.vtf"] = noise(f"{campaign} {text}", size)
    with tempfile.TemporaryDirectory(prefix="left4me-mirror-") as scratch:
        top, packed = pathlib.Path(scratch, "tree"), pathlib.Path(scratch, "packed.vpk")
        write(top, tree)
        subprocess.run([mkvpk, packed, top], check=True)
        return packed.read_bytes()


def write(top, tree):
    for path, data in tree.items():
        target = pathlib.Path(top, path)
        if path.endswith("/"):
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def _with_directories(tree):
    whole = dict(tree)
    for path in tree:
        for parent in pathlib.PurePosixPath(path).parents:
            if str(parent) != ".":
                whole[f"{parent}/"] = b""
    return whole
