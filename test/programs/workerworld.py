# SPDX-License-Identifier: MIT
"""workerworld: left4me-worker with a real database, a real socket, a fake l4d2ctl and a fake init system."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = FAKE_INIT = ""
READY_S = 30
POKE, CHANGED, MAGIC = 1, 2, 0x6C346262

# What l4d2ctl does: it writes down its words, and does what a test has put into the file on-WORD. The host has
# the overlays that are in the file overlays.
FAKE = """#!/bin/sh
cd '{path}' || exit 9
case $1 in overlay | files) word=$1-$2 ;; *) word=$1 ;; esac
echo "$*" >>calls
fail() {{ printf '{{"error":{{"kind":"%s","message":"%s"}}}}\\n' "$1" "$2"; echo "l4d2ctl: $2" >&2; exit "${{3:-1}}"; }}
[ ! -f "on-$word" ] || . "./on-$word"
case $word in
status) fail not-found "there is no instance" 3 ;;
overlay-list) printf '{{"overlays": [%s]}}' "$(cat overlays)" ;;
initialize) cat >spec; echo '{{"state": "created"}}' ;;
*) printf '{{\\n  "action": "%s"\\n}}\\n' "$word" ;;
esac
"""


class Init:
    """The fake init system: what its units do is said by its input."""

    def __init__(self, path):
        self.process = subprocess.Popen([FAKE_INIT, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.wait("listening")

    def wait(self, word):
        while (line := self.process.stdout.readline().strip()) != word:
            assert line, "the fake init system has ended"

    def say(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        self.wait("done")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Worker:
    """The program, as systemd would start it, and a client that hears its bell."""

    def __init__(self, path):
        self.path, self.database, self.process, self.ear = path, path / "left4me.db", None, None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(str(path / "worker.sock"))
        self.socket.listen(128)

    def begin(self, notify, *words):
        environment = {**os.environ, "LISTEN_FDS": "1"}
        if notify:
            environment["NOTIFY_SOCKET"] = "@" + notify.getsockname()[1:].decode()
        listening = self.socket.fileno()
        with open(self.path / "log", "ab") as log:
            return subprocess.Popen(
                ["sh", "-c", f"exec 3<&{listening}; LISTEN_PID=$$ exec \"$@\"", "sh", PROGRAM, "--database", self.database,
                 "--l4d2ctl", self.path / "l4d2ctl", "--bus", f"unix:path={self.path}/bus", *words],
                env=environment, pass_fds=[listening], stderr=log)

    def start(self, *words):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(f"\0left4me-worker-{os.getpid()}-{time.monotonic_ns()}")
        notify.settimeout(READY_S)
        self.process = self.begin(notify, *words)
        with notify:
            try:
                assert b"READY=1" in notify.recv(4096)
            except TimeoutError:
                raise AssertionError(self.log()) from None
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ear.settimeout(READY_S)
        self.ear.connect(str(self.path / "worker.sock"))
        self.poke()  # it is accepted when it hears of it: nothing is missed from here on
        assert self.ear.recv(64) == struct.pack("=II", MAGIC, CHANGED)

    def log(self):
        return (self.path / "log").read_text()

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(READY_S)
        self.ear.close()
        return code

    def poke(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as hand:
            hand.connect(str(self.path / "worker.sock"))
            hand.send(struct.pack("=II", MAGIC, POKE))

    def wait(self, condition):
        """Until a condition is met, looking when the bell rings."""
        deadline = time.monotonic() + READY_S
        while not (found := condition()):
            assert time.monotonic() < deadline, self.log()
            try:
                assert self.ear.recv(64) == struct.pack("=II", MAGIC, CHANGED)
            except TimeoutError:
                raise AssertionError(self.log()) from None
        return found


class WorkerTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="left4me-worker-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        (self.path / "calls").touch()
        (self.path / "overlays").touch()
        (self.path / "l4d2ctl").write_text(FAKE.format(path=self.path))
        (self.path / "l4d2ctl").chmod(0o755)
        self.init = Init(self.path / "bus")
        self.addCleanup(self.init.close)
        self.worker = Worker(self.path)
        self.addCleanup(self.worker.socket.close)
        self.worker.start()
        self.addCleanup(self.finish)
        self.init.wait("listed")
        self.change("INSERT INTO users (id, name, role, created_unix_s) VALUES (1, 'bill', 'admin', 0), (2, 'zoey', 'user', 0)",
                    "INSERT INTO blueprints (id, name, owner, arguments, config, created_unix_s, changed_unix_s) "
                    "VALUES (1, 'plain', 1, '[\"+map\", \"c1m1_hotel\"]', 'sv_pure 1', 0, 0)")

    def kill(self):
        """The worker, and what it ran: the init system would do so as well."""
        self.worker.end(signal.SIGKILL)
        for pid in (self.path / "held").read_text().split():
            with contextlib.suppress(OSError):
                if str(self.path).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(int(pid), signal.SIGKILL)

    def finish(self):
        if self.worker.process.poll() is None:
            self.assertEqual(self.worker.end(), 0, self.worker.log())

    # ---- the database ----

    def change(self, *statements):
        with contextlib.closing(sqlite3.connect(self.worker.database, timeout=READY_S)) as db:
            db.execute("PRAGMA foreign_keys = ON")
            with db:
                return [db.execute(sql).lastrowid for sql in statements][-1]

    def read(self, sql, *values):
        with contextlib.closing(sqlite3.connect(self.worker.database, timeout=READY_S)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, values)]

    def server(self, name="Friday", port=None):
        """A row as the page makes one, and the change that it is."""
        n = len(self.read("SELECT id FROM servers")) + 1
        self.change(f"INSERT INTO servers (id, instance, name, owner, blueprint, rcon_sealed, created_unix_s, changed_unix_s) "
                    f"VALUES ({n}, 's{n}', '{name}', 1, 1, x'', 0, 0)",
                    f"INSERT INTO server_ports VALUES ({port or 27014 + n}, {n}, 'game'), ({22014 + n}, {n}, 'client'), ({32014 + n}, {n}, 'tv')",
                    f"INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('server', {n}, 0)")
        self.worker.poke()
        return n

    def ask(self, kind, server=None, overlay=None, after=(), by=(1, "bill"), **parameters):
        """A job in the queue; the worker is told."""
        about = f"'{kind}', {server or 'NULL'}, {overlay or 'NULL'}, '{json.dumps(parameters)}'"
        with contextlib.closing(sqlite3.connect(self.worker.database, timeout=READY_S)) as db, db:
            job = db.execute("INSERT INTO jobs (kind, server, overlay, parameters, asked_by, asked_by_name, created_us) "
                             f"VALUES ({about}, {by[0]}, '{by[1]}', {time.time_ns() // 1000})").lastrowid
            for other in after:
                db.execute("INSERT INTO job_dependencies VALUES (?, ?)", (job, other))
        self.worker.poke()
        return job

    def job(self, job):
        return self.read("SELECT * FROM jobs WHERE id = ?", job)[0]

    def wait(self, job, state="done"):
        """Until the job has ended, or is in a state; its row."""
        def look():
            row = self.job(job)
            return row if row["state"] == state or row["state"] in ("done", "failed", "cancelled") else None
        row = self.worker.wait(look)
        self.assertEqual(row["state"], state, (row, self.lines(job), self.worker.log()))
        return row

    def lines(self, job):
        return [(row["stream"], row["text"]) for row in self.read("SELECT * FROM job_lines WHERE job = ? ORDER BY number", job)]

    def ready(self, job, n=1):
        """Until what a job runs is held for the nth time."""
        self.worker.wait(lambda: self.lines(job).count(("output", "ready")) == n)

    # ---- the host ----

    def on(self, word, script):
        """What l4d2ctl does when it is asked for a command, from now on."""
        (self.path / "new").write_text(script)
        (self.path / "new").rename(self.path / f"on-{word}")

    def has(self, *overlays):
        """What the host lists, from now on."""
        (self.path / "new").write_text(", ".join(map(json.dumps, overlays)))
        (self.path / "new").rename(self.path / "overlays")

    def hold(self, word, before="", after=""):
        """The same, but it says that it is ready, and waits: each run goes on when it is let go."""
        fifo = self.path / f"hold-{word}"
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo)
        self.on(word, f"echo $$ >>held\n{before}\necho '{{\"stream\": \"stdout\", \"text\": \"ready\"}}'\nexec 7<>hold-{word}\nread x <&7\n{after}")

        def let_go():
            with open(fifo, "w") as end:
                end.write("go\n")
        return let_go

    def calls(self, word=""):
        return [line for line in (self.path / "calls").read_text().splitlines() if line.startswith(word)]


def main():
    """What a file of tests is run with: the worker, the fake init system, and words for unittest."""
    global PROGRAM, FAKE_INIT
    PROGRAM, FAKE_INIT = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
