#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run: boots a machine for each file of tests here and runs its tests in it, in order.

Tests that need a machine of their own boot one themselves; a second one beside the first is fine. So files
run side by side, each in a process: they wait for services, disks and clocks more than they work.
"""

import argparse
import contextlib
import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile
import time

import harness
import host
import root
from machine import Machine

HERE = pathlib.Path(__file__).resolve().parent
# The longest first, so that none is left to run alone at the end.
LONGEST = ("t_kills", "t_crashes", "t_mounts", "t_overlays", "t_crashes", "t_workshop", "t_run")


def main():
    parser = argparse.ArgumentParser(description="Runs the machine tests.")
    parser.add_argument("--suite", choices=root.SUITES, default="trixie")
    parser.add_argument("--deb", help="package file to install first")
    parser.add_argument("--only", metavar="PATTERN", action="append", help="tests whose name contains this, or matches it (*)")
    parser.add_argument("--file", metavar="NAME", help="tests of this file alone: t_life")
    parser.add_argument("--at-once", metavar="N", type=int, default=2, help="how many files run side by side (%(default)s)")
    parser.add_argument("--directory", default=HERE, type=pathlib.Path, help="where the t_*.py are")
    parser.add_argument("--keep", "-k", action="store_true", help="after a failure, keep the machine until Ctrl-C")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    options = parser.parse_args()

    tests = [test for test in harness.find(options.directory, options.only)
             if options.file in (None, test[1].__module__)]
    if options.list:
        print("\n".join(name for name, _ in tests))
        return 0
    if not tests:
        sys.exit(f"run: no test matches {', '.join(options.only)}" if options.only else "run: no tests here")
    host.exit_on_signals()
    tally = harness.Tally()
    files = sorted(dict.fromkeys(function.__module__ for _, function in tests), key=_order)
    try:
        if options.at_once > 1 and len(files) > 1 and not options.keep:
            _run_beside(options, files, tally)
        else:
            _run(options, files, tests, tally)
    except (host.Trouble, OSError) as trouble:
        tally.fail("machine", trouble)
    except KeyboardInterrupt:
        tally.fail("machine", RuntimeError("interrupted"))
    return tally.close()


def _order(module):
    return LONGEST.index(module) if module in LONGEST else len(LONGEST)


def _run(options, files, tests, tally):
    """A fresh machine for each file: what one leaves behind is nothing to the next."""
    for module in files:
        if not _run_file(options, [test for test in tests if test[1].__module__ == module], tally):
            return


class _Beside:
    """One file of tests in a process of its own, which tells what it found when it is done."""

    def __init__(self, options, module):
        self.module, self.said = module, tempfile.TemporaryFile("w+")
        words = ["setpriv", "--pdeathsig", "TERM", sys.executable, __file__, "--file", module,
                 "--suite", options.suite, "--directory", options.directory]
        words += ["--deb", options.deb] if options.deb else []
        words += [word for pattern in options.only or [] for word in ("--only", pattern)]
        self.child = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                                      stdout=self.said, stderr=subprocess.STDOUT)
        self.gone = os.pidfd_open(self.child.pid)

    def end(self):
        """Waits for it, and takes it down first if it still runs: then it cleans up itself."""
        with contextlib.suppress(ProcessLookupError):
            self.child.terminate()
        self.child.wait()
        os.close(self.gone)

    def tell(self, tally):
        self.said.seek(0)
        text = self.said.read()
        lines = text.splitlines()
        counts = re.fullmatch(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", lines[-1] if lines else "")
        print("\n".join(lines[:-1] if counts else lines), flush=True)
        if not counts:
            tally.fail(self.module, host.Trouble(f"ended with {self.child.returncode} before it could tell"))
            return
        passed, failed, skipped = (int(number or 0) for number in counts.groups())
        tally.passed, tally.failed, tally.skipped = tally.passed + passed, tally.failed + failed, tally.skipped + skipped


def _run_beside(options, files, tally):
    """The files, some of them at once."""
    waiting, running = list(files), []
    root.get(options.suite)                 # before many ask for it
    try:
        while waiting or running:
            while waiting and len(running) < options.at_once:
                running.append(_Beside(options, waiting.pop(0)))
            ready = select.select([beside.gone for beside in running], [], [])[0]
            for beside in [beside for beside in running if beside.gone in ready]:
                running.remove(beside)
                beside.end()
                beside.tell(tally)
    finally:
        for beside in running:
            beside.end()


def _run_file(options, tests, tally):
    """False when the run should end here, with a failure that somebody has looked at."""
    wanted = [test for test in tests if getattr(test[1], "suite", options.suite) == options.suite]
    tally.skipped += len(tests) - len(wanted)
    if not wanted:
        return True
    started = time.monotonic()
    with Machine(options.suite, options.deb) as machine:
        print(f"machine {machine.id}: {root.SUITES[options.suite]}, ready in {time.monotonic() - started:.1f} s",
              flush=True)
        tally.journal = lambda since: machine.journal(lines=harness.JOURNAL_LINES, since=since)
        machine.deb_path = options.deb
        for name, function in wanted:
            good = tally.run(name, function, machine)
            if not good and options.keep:
                print(f"kept: {HERE}/machine.py enter {machine.id}   (Ctrl-C ends it)", flush=True)
                machine.nspawn.wait()
                return False
    return True


if __name__ == "__main__":
    sys.exit(main())
