#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judges the game emulator, and what we read of files of the game: test-sim.py BUILD_DIR [TEST…]

Runs in a network namespace of its own, which the kernel removes with its last process, whatever
becomes of us. Needs root, node, npm and qstat. Foreign clients are the judges where they can be;
client.py asks for the peculiarities they never show."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import pak
import simcase
from client import HOST, OTHER_HOST
# Found by the loader.
from pak import AddOns, Archives, KeyValues
from simgame import Console, Ends, Files, Levers, Punctuality
from simnetwork import ForeignClients, Queries, RemoteConsole
from simsteamcmd import SteamCmd

HERE = pathlib.Path(__file__).resolve().parent


# --- the namespace, the modules, the result --------------------------------------------------------

def find_judge():
    """A directory with the judges and their modules, kept between runs outside of the tree."""
    cache = pathlib.Path(os.environ.get("LEFT4ME_CACHE", "/var/cache/left4me-dev")) / "judge"
    cache.mkdir(parents=True, exist_ok=True)
    lock, installed = HERE / "package-lock.json", cache / "package-lock.json"
    is_fresh = (cache / "node_modules").is_dir() and installed.exists() and \
        installed.read_bytes() == lock.read_bytes()
    for name in ("judge.mjs", "judge-pak.mjs"):
        shutil.copy(HERE / name, cache)
    if not is_fresh:
        shutil.copy(HERE / "package.json", cache)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--prefix", cache, "--silent"],
                       check=True, cwd=cache, input=shutil.copy(lock, cache) and b"")
    return cache


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: test-sim.py BUILD_DIR [TEST...]")
    if os.environ.get("LEFT4ME_TEST_NETNS") != "1":
        find_judge()
        os.execvpe("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv],
                   os.environ | {"LEFT4ME_TEST_NETNS": "1"})
    simcase.SIM = pathlib.Path(sys.argv[1]).resolve() / "sim"
    simcase.JUDGE = pak.JUDGE = find_judge()
    pak.BUILD = simcase.SIM.parent
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in (HOST, OTHER_HOST):
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)

    loader = unittest.defaultTestLoader
    module = sys.modules["__main__"]
    suite = loader.loadTestsFromNames(sys.argv[2:], module) if sys.argv[2:] else \
        loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
    # Of a test with several parts, all of which fail, only one has failed.
    bad = result.failures + result.errors
    failed = len({getattr(test, "test_case", test).id() for test, _ in bad})
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
