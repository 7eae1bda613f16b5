# SPDX-License-Identifier: MIT
"""adminworld: a machine below a directory, for tests of left4me: who it asks there, and what it finds."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

COMMAND = UNPACK = ""
WAIT_S = 30
BELL = struct.Struct("=II")
MAGIC, POKE, CHANGED = 0x6C346262, 1, 2


class AdminTest(unittest.TestCase):
    """A machine of its own below a directory, with nobody in it but whoever runs the test."""

    def setUp(self):
        self.root = self.machine()

    def machine(self):
        directory = tempfile.TemporaryDirectory(prefix="left4me-admin-")
        self.addCleanup(directory.cleanup)
        root = pathlib.Path(directory.name)
        data = "var/lib/left4me"
        for path in (f"{data}/db", f"{data}/sources", f"{data}/instances", f"{data}/runtime", f"{data}/overlays", "var/lib/left4me-host", "run/left4me", "etc/credstore", "etc/left4me", "usr/lib/left4me"):
            (root / path).mkdir(parents=True)
        key = root / "etc/credstore/left4me.key"
        key.write_bytes(os.urandom(32))
        key.chmod(0o600)
        (root / "usr/lib/left4me/left4me-unpack").symlink_to(os.path.abspath(UNPACK))
        return root

    @property
    def database(self):
        return self.root / "var/lib/left4me/db/left4me.db"

    def run_command(self, *words, **options):
        return subprocess.run([COMMAND, "--root", self.root, *map(str, words)], capture_output=True, text=True, timeout=WAIT_S, check=False, **options)

    def ask(self, *words, code=0):
        """The documents that it prints."""
        done = self.run_command("--json", *words)
        self.assertEqual(done.returncode, code, done)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def refused(self, code, kind, part, *words):
        error = self.ask(*words, code=code)[-1]["error"]
        self.assertEqual(error["kind"], kind, error)
        self.assertIn(part, error["message"])

    def sql(self, text, *values):
        with contextlib.closing(sqlite3.connect(self.database, timeout=WAIT_S)) as db, db:
            return db.execute(text, values).fetchall()

    def add_user(self, name="bill", role="admin"):
        self.ask("user", "list")
        self.sql("INSERT INTO users (name, role, created_unix_s) VALUES (?, ?, 1)", name, role)

    def events(self):
        return self.sql("SELECT action, subject, user_name, origin FROM audit_events ORDER BY id")


class Worker:
    """The worker's end of the bell: hears that it is poked, and rings."""

    def __init__(self, test):
        self.path = str(test.root / "run/left4me/worker.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(self.path)
        self.socket.listen(8)
        self.socket.settimeout(WAIT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        os.unlink(self.path)

    def accept(self):
        client = self.socket.accept()[0]
        client.settimeout(WAIT_S)
        return client

    def hear(self):
        """Waits until somebody pokes."""
        with self.accept() as client:
            assert BELL.unpack(client.recv(64)) == (MAGIC, POKE)


class Broker(threading.Thread):
    """Hands out numbers, and makes directories, as left4me-broker does."""

    REQUEST, REPLY = struct.Struct("=IHH"), struct.Struct("=IIiIIIIB3x24s24s24s256s")
    MAGIC, CREATE, REMOVE, OVERLAY_CREATE, OVERLAY_REMOVE = 0x314D344C, 1, 9, 15, 16

    def __init__(self, root, last=1):
        super().__init__(daemon=True)
        self.data, self.last, self.gaps = root / "var/lib/left4me", last, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(str(root / "run/left4me/broker.sock"))
        self.socket.listen(8)

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                with self.socket.accept()[0] as client:
                    client.send(self.REPLY.pack(self.MAGIC, 0, 0, 0, 0, self.do(client.recv(4096)), 0, 0, b"", b"", b"", b""))

    def do(self, request):
        _, verb, _ = self.REQUEST.unpack_from(request)
        if verb == self.CREATE:
            name = request[8:].split(b"\0")[0].decode()
            for path in (f"instances/{name}", f"runtime/{name}/upper", f"runtime/{name}/work"):
                (self.data / path).mkdir(parents=True, exist_ok=True)
        elif verb == self.OVERLAY_CREATE:
            self.last += 1
            (self.data / f"sources/{self.last}").mkdir()
            return self.last
        elif verb == self.OVERLAY_REMOVE:
            number = struct.unpack_from("=I", request, 12)[0]
            self.gaps.append(number)
            shutil.rmtree(self.data / f"sources/{number}")
        else:
            raise AssertionError(verb)
        return 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.socket.close()
        (self.data.parents[2] / "run/left4me/broker.sock").unlink()


def main():
    global COMMAND, UNPACK
    COMMAND, UNPACK = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
