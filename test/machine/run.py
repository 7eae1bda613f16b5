#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run: boots a machine for each file of tests here and runs its tests in it, in order.

Tests that need a machine of their own boot one themselves; a second one beside the first is fine.
"""

import argparse
import pathlib
import sys
import time

import harness
import host
import root
from machine import Machine

HERE = pathlib.Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description="Runs the machine tests.")
    parser.add_argument("--suite", choices=root.SUITES, default="trixie")
    parser.add_argument("--deb", help="package file to install first")
    parser.add_argument("--only", metavar="PATTERN", action="append", help="tests whose name contains this, or matches it (*)")
    parser.add_argument("--directory", default=HERE, type=pathlib.Path, help="where the t_*.py are")
    parser.add_argument("--keep", "-k", action="store_true", help="after a failure, keep the machine until Ctrl-C")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    options = parser.parse_args()

    tests = harness.find(options.directory, options.only)
    if options.list:
        print("\n".join(name for name, _ in tests))
        return 0
    if not tests:
        sys.exit(f"run: no test matches {', '.join(options.only)}" if options.only else "run: no tests here")
    host.exit_on_signals()
    tally = harness.Tally()
    try:
        _run(options, tests, tally)
    except (host.Trouble, OSError) as trouble:
        tally.fail("machine", trouble)
    except KeyboardInterrupt:
        tally.fail("machine", RuntimeError("interrupted"))
    return tally.close()


def _run(options, tests, tally):
    """A fresh machine for each file: what one leaves behind is nothing to the next."""
    for module in dict.fromkeys(function.__module__ for _, function in tests):
        if not _run_file(options, [test for test in tests if test[1].__module__ == module], tally):
            return


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
