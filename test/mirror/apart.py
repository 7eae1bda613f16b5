# SPDX-License-Identifier: MIT
"""apart: runs tests in network and mount namespaces of their own, in which every name means this machine.

Nothing can leave the machine from there, and there is nothing to tidy up: the kernel does it with the last process.
Needs root."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ADDRESS = "127.0.0.1"       # of the name server that the C library asks there
MARK = "LEFT4ME_TEST_NETNS"


def main(words, names, groups):
    """Runs the tests `names` of this program, or all `groups` of them at once; ends it.

    `words` stand before the names of tests on its command line."""
    if os.environ.get(MARK) == "1":
        sys.exit(_run(names))
    sys.exit(_run_all(words, [names] if names else [[group.__name__] for group in groups]))


def _run_all(words, groups):
    """Whether one has failed."""
    children = [subprocess.Popen(["unshare", "--net", "--mount", "--", sys.executable, sys.argv[0], *words, *names],
                                 env=os.environ | {MARK: "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True) for names in groups]
    passed = failed = 0
    for child in children:
        said, _, last = child.communicate()[0].rstrip().rpartition("\n")
        counts = re.fullmatch(r"(\d+) passed, (\d+) failed", last)
        passed, failed = passed + int(counts[1] if counts else 0), failed + int(counts[2] if counts else 1)
        print(said if counts else f"{said}\n{last}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


def _run(names):
    with tempfile.TemporaryDirectory(prefix="left4me-apart-") as scratch:
        _prepare(pathlib.Path(scratch))
        suite = unittest.defaultTestLoader.loadTestsFromNames(names, sys.modules["__main__"])
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
    # Of a test with several parts, all of which fail, only one has failed.
    bad = result.failures + result.errors
    failed = len({getattr(test, "test_case", test).id() for test, _ in bad})
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return failed > 0


def _prepare(directory):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, text in (("resolv.conf", f"nameserver {ADDRESS}\noptions timeout:5 attempts:1\n"),
                       ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")):
        (directory / name).write_text(text)
        subprocess.run(["mount", "--bind", directory / name, f"/etc/{name}"], check=True)
