# SPDX-License-Identifier: MIT
"""harness: how tests are found, run and told, for the machine and for the virtual machine alike.

A test is a function `test_*` in a file `t_*.py`; it takes the machine, and the first line of its
docstring, or its name, is what the run prints. It fails by raising; `check` and `equal` say why.
"""

import fnmatch
import importlib.util
import pathlib
import sys
import time
import traceback

JOURNAL_LINES = 25


class Failed(AssertionError):
    """What is wrong, in one sentence."""


class Skipped(Exception):
    """Why this test says nothing here."""


def check(condition, sentence):
    if not condition:
        raise Failed(sentence)


def equal(got, wanted, what):
    if got != wanted:
        raise Failed(f"{what}: wanted {wanted!r}, got {got!r}")


def within(got, limit, what):
    """For budgets: a number that must not exceed its limit."""
    if got > limit:
        raise Failed(f"{what}: {got:.3f}, allowed {limit:.3f}")


def until(what, look, seconds=60):
    """Looks again and again until there is something, and returns it: for what nobody tells of."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        check(time.monotonic() < deadline, f"{what}: it did not come to be within {seconds} s")
        time.sleep(0.05)
    return found


def skip(reason):
    raise Skipped(reason)


def only(suite):
    """@only("trixie"): the test says nothing on another suite."""

    def mark(function):
        function.suite = suite
        return function

    return mark


def find(directory, patterns=None):
    """[(name, function)] of every test below, in the order of files and of their lines."""
    directory = pathlib.Path(directory)
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    found = []
    for path in sorted(directory.glob("t_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        for name, function in vars(module).items():
            if name.startswith("test_") and callable(function):
                full = f"{path.stem[2:]}.{name[5:]}"
                if not patterns or any(word in full or fnmatch.fnmatch(full, word) for word in patterns):
                    found.append((full, function))
    return found


class Tally:
    """Runs tests one by one and keeps the score."""

    def __init__(self, journal=None, out=sys.stdout):
        self.passed = self.failed = self.skipped = 0
        self.journal = journal or (lambda since: "")   # what the machine said since, for a test that fails
        self.out = out

    def run(self, name, function, *arguments):
        """Whether it passed."""
        started, since = time.monotonic(), time.time()
        try:
            function(*arguments)
        except Skipped as reason:
            self.skipped += 1
            self._line("skip", started, name, str(reason))
            return True
        except Exception as reason:                 # a test may raise anything; Ctrl-C is not among it
            self.failed += 1
            self._line("FAIL", started, name, _sentence(reason))
            self._explain(reason, since)
            return False
        self.passed += 1
        self._line("ok", started, name, "")
        return True

    def fail(self, name, reason):
        """Something before or between the tests went wrong."""
        self.failed += 1
        self._line("FAIL", time.monotonic(), name, _sentence(reason))

    def _line(self, verdict, started, name, text):
        seconds = time.monotonic() - started
        print(f"{verdict:4} {seconds:6.2f} s  {name}{': ' if text else ''}{text}", file=self.out, flush=True)

    def _explain(self, reason, since):
        where = traceback.extract_tb(reason.__traceback__)
        frames = [frame for frame in where if "/t_" in frame.filename] or where[-1:]
        for frame in frames:
            print(f"       {pathlib.Path(frame.filename).name}:{frame.lineno}: {frame.line}", file=self.out)
        try:
            tail = self.journal(since)
        except Exception as trouble:                # a dead machine has no journal to show
            tail = f"no journal: {trouble}"
        for line in tail.splitlines()[-JOURNAL_LINES:]:
            print(f"       | {line}", file=self.out)
        self.out.flush()

    def close(self):
        """Prints the closing line; the exit code."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{skipped}", file=self.out, flush=True)
        return 1 if self.failed or not self.passed else 0


def _sentence(reason):
    text = str(reason).strip() or type(reason).__name__
    return text if isinstance(reason, Failed) or type(reason).__name__ in ("Trouble", "CommandFailed") \
        else f"{type(reason).__name__}: {text}"
