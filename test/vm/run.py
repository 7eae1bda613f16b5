#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run: makes one virtual machine and runs every test of this directory in it, in order.

A file t_*.py may have a function `prepare(machine)`: it is called in the disposable machine that makes
the disk, after the package is installed, and may do everything that is slow under emulation.
"""

import argparse
import pathlib
import sys
import time

from vm import HERE, VM
import harness
import host


def main():
    parser = argparse.ArgumentParser(description="Runs the tests of the virtual machine.")
    parser.add_argument("--deb", help="package file to install first")
    parser.add_argument("--only", metavar="PATTERN", action="append", help="tests whose name contains this, or matches it (*)")
    parser.add_argument("--directory", default=HERE, type=pathlib.Path, help="where the t_*.py are")
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
        tally.fail("vm", trouble)
    except KeyboardInterrupt:
        tally.fail("vm", RuntimeError("interrupted"))
    return tally.close()


def _run(options, tests, tally):
    modules = dict.fromkeys(function.__module__ for _, function in tests)
    steps = [sys.modules[name].prepare for name in modules if hasattr(sys.modules[name], "prepare")]

    def prepare(machine):
        machine.deb_path = options.deb
        for step in steps:
            step(machine)

    started = time.monotonic()
    with VM(deb=options.deb, prepare=prepare) as vm:
        vm.deb_path = options.deb
        print(f"virtual machine by {vm.accelerator}: disk made in {vm.build_seconds:.1f} s, booted in "
              f"{vm.boot_seconds:.1f} s", flush=True)
        tally.journal = lambda since: vm.journal(lines=harness.JOURNAL_LINES, since=since)
        for name, function in tests:
            tally.run(name, function, vm)
    print(f"all of it in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
