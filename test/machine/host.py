# SPDX-License-Identifier: MIT
"""What the machine borrows from the host: the cache, locks, control groups, namespaces.

Everything made here carries the prefix PREFIX, so that leftovers of a killed run are found by name.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import time

PREFIX = "left4me-machine"


class Trouble(Exception):
    """One sentence a person can act on."""


def cache() -> pathlib.Path:
    path = pathlib.Path(os.environ.get("LEFT4ME_CACHE", "/var/cache/left4me-dev"))
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def need_root():
    if os.geteuid() != 0:
        raise Trouble("the disposable machine needs root: run this with sudo")


def need_commands(*names):
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        raise Trouble(f"missing commands: {', '.join(missing)} (tools/need installs packages)")


class Lock:
    """An exclusive lock on a file, gone with the process that holds it, however that ends."""

    def __init__(self, path, wait=True):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BaseException:
            os.close(self.fd)
            raise

    def release(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()


def try_lock(path):
    """The lock, or None when a living process holds it."""
    try:
        return Lock(path, wait=False)
    except BlockingIOError:
        return None


def remove_tree(path):
    """rm -rf that never crosses into something mounted below."""
    subprocess.run(["rm", "-rf", "--one-file-system", "--", str(path)], check=False,
                   stderr=subprocess.DEVNULL)


def call(argv, **options):
    """Runs a host command; its failure is a Trouble that quotes it."""
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Trouble(f"{' '.join(map(str, argv))}: {said[-1] if said else 'failed'}")
    return done.stdout


def run(argv, **options):
    """Like subprocess.run(check=True), but interrupted it first ends what the program has started."""
    child = None
    try:
        with undisturbed() as held:     # or one that was started would not be known yet
            child = subprocess.Popen([str(word) for word in argv], text=True, start_new_session=True,
                                     preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, held), **options)
        out, err = child.communicate()
    except BaseException:
        if child:
            with undisturbed():
                _end_session(child)
        raise
    if child.returncode != 0:
        raise subprocess.CalledProcessError(child.returncode, child.args, out, err)
    return out


def _end_session(leader):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        leader.wait(10)                 # a script removes its scratch directory
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()


@contextlib.contextmanager
def undisturbed():
    """Holds back interruptions: cleaning up is not something to stop in the middle. Gives the mask that was."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield held
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def exit_on_signals():
    """Makes SIGTERM and SIGHUP unwind like Ctrl-C does, so that `with` blocks clean up.

    And Ctrl-C itself: a shell starts what it puts into the background with SIGINT ignored.
    """

    def leave(number, _frame):
        raise SystemExit(128 + number)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


# -- control groups ---------------------------------------------------------------------------------

def _hierarchies():
    """(version 2 mount point, [named version 1 mount points])."""
    second, first = None, []
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        where = pathlib.Path(left.split(" ")[4])
        if kind == "cgroup2" and not second:
            second = where
        elif kind == "cgroup" and "name=" in options:
            first.append(where)
    if not second:
        raise Trouble("no cgroup v2 hierarchy is mounted on this host")
    return second, first


class Group:
    """A control group of ours; whatever runs in it can be ended as a whole."""

    def __init__(self, name):
        self.second, first = _hierarchies()
        self.path = self.second / PREFIX / name
        self.all = [self.path] + [where / PREFIX / name for where in first]

    def make(self):
        for path in self.all:
            path.mkdir(parents=True, exist_ok=True)

    def enter(self, below=""):
        """For a child between fork and exec: moves itself in."""
        for path in self.all[1:]:
            _move_self(path)
        _move_self(self.path / below if below else self.path)

    def pids(self):
        found = []
        for path in self.path.glob("**/cgroup.procs"):
            with contextlib.suppress(OSError):
                found += [int(pid) for pid in path.read_text().split()]
        return found

    def kill(self):
        """Ends every process in here and waits until the kernel says that none is left."""
        if not self.path.exists():
            return
        with contextlib.suppress(FileNotFoundError):
            (self.path / "cgroup.kill").write_text("1")
        deadline = time.monotonic() + 20
        while "populated 1" in (self.path / "cgroup.events").read_text():
            if time.monotonic() > deadline:
                raise Trouble(f"processes in {self.path} do not end: {self.pids()}")
            time.sleep(0.005)           # cgroup.events has no blocking read; this takes a turn or two

    def remove(self):
        for top in self.all:
            for path in sorted(top.glob("**/"), key=lambda path: len(path.parts), reverse=True):
                with contextlib.suppress(OSError):
                    path.rmdir()
            with contextlib.suppress(OSError):
                top.parent.rmdir()      # the last machine takes the common parent along


def _move_self(path):
    fd = os.open(path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, b"0")
    finally:
        os.close(fd)


# -- network namespaces -----------------------------------------------------------------------------

def netns_names():
    with contextlib.suppress(FileNotFoundError):
        return [name for name in os.listdir("/run/netns") if name.startswith(PREFIX)]
    return []


def netns_add(name):
    call(["ip", "netns", "add", name])
    call(["ip", "-n", name, "link", "set", "lo", "up"])


def netns_delete(name):
    subprocess.run(["ip", "netns", "delete", name], check=False, stderr=subprocess.DEVNULL)
