# SPDX-License-Identifier: MIT
"""webworld: left4me-web as systemd would start it, and browsers. What the tests of its parts share."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import webcontract

PROGRAM = COMMAND = ""
PASSWORD = "correct horse battery"
READY_S = 30


class Web:
    """The program, its database, and a listening socket that outlives it."""

    def __init__(self, path, *options):
        self.database, self.settings, self.log = path / "left4me.db", path / "left4me.conf", path / "web.log"
        self.options = options
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.socket.getsockname()[1]
        self.process = None

    def start(self, *words):
        """Waits until it says that it is ready."""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(f"\0left4me-web-{os.getpid()}-{time.monotonic_ns()}")
        notify.settimeout(READY_S)
        listening = self.socket.fileno()
        # Descriptor 3 is the first that is handed over; its process id is known there alone.
        with open(self.log, "ab") as log:
            self.process = self.begin(listening, notify, words, log)
        with notify:
            try:
                assert b"READY=1" in notify.recv(4096)
            except TimeoutError:
                raise AssertionError(self.log.read_text()) from None

    def begin(self, listening, notify, words, log):
        return subprocess.Popen(
            ["sh", "-c", f"exec 3<&{listening}; LISTEN_PID=$$ exec \"$@\"", "sh", PROGRAM, self.database, "--settings", self.settings, *self.options, *(words or ["--insecure"])],
            env={**os.environ, "LISTEN_FDS": "1", "NOTIFY_SOCKET": "@" + notify.getsockname()[1:].decode()}, pass_fds=[listening], stderr=log)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(READY_S) == 0

    def logged(self, part):
        """Waits for a line with `part` in what it writes, and returns it."""
        for _ in range(READY_S * 100):
            for line in self.log.read_text().splitlines():
                if part in line:
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no '{part}' in: {self.log.read_text()}")

    def command(self, *words, code=0):
        """What the operator's command prints with --json, a row a line."""
        done = subprocess.run([COMMAND, "--database", self.database, "--json", *words], capture_output=True, text=True, timeout=READY_S, check=False)
        assert done.returncode == code, done
        return [json.loads(line) for line in done.stdout.splitlines()]

    def invite(self, name="bill", role="user"):
        """The word of a new invitation."""
        return self.command("user", "add", name, *(["--admin"] if role == "admin" else []))[0]["invitation"]

    def log_in(self, name, password_hash):
        """A browser of that user, who is made if he is not there, with a session as src/store/secret.c hashes its word: without the
        hashing of a password, which takes long."""
        word, now = secrets.token_urlsafe(32), int(time.time())
        hashed = hashlib.blake2b(word.encode(), digest_size=32, key=b"left4me session of a browser").digest()
        with contextlib.closing(sqlite3.connect(self.database)) as db, db:
            db.execute("INSERT OR IGNORE INTO users (name, role, password_hash, created_unix_s) VALUES (?, 'user', ?, ?)", (name, password_hash, now))
            db.execute("INSERT INTO sessions (hash, user, address, agent, created_unix_s, seen_unix_s, expires_unix_s) "
                       "SELECT ?, id, '127.0.0.1', '', ?, ?, ? FROM users WHERE name = ?", (hashed, now, now, now + 86400, name))
        browser = Browser(self)
        browser.cookie = f"left4me={word}"
        return browser

    def change(self, sql):
        with contextlib.closing(sqlite3.connect(self.database)) as db, db:
            db.execute(sql)


class Browser:
    """One that keeps a cookie, and says where its requests come from. What it is answered is held to docs/openapi.yaml."""

    is_held_to_contract = True

    def __init__(self, web, **fields):
        self.web, self.cookie, self.fields = web, None, fields

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=READY_S)

    def ask(self, method, path, body=None, **fields):
        headers = {"Origin": f"http://127.0.0.1:{self.web.port}", "Sec-Fetch-Site": "same-origin"}
        headers.update((name.replace("_", "-"), value) for name, value in {**self.fields, **fields}.items())
        if self.cookie:
            headers["Cookie"] = self.cookie
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        connection = self.connect()
        with contextlib.closing(connection):
            connection.request(method, "/api/v1" + path, body, {name: value for name, value in headers.items() if value is not None})
            answer = connection.getresponse()
            self.answer, text = answer, answer.read()
        if cookie := answer.getheader("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        kind = answer.getheader("Content-Type")
        said = json.loads(text) if text and kind == "application/json" else text or None
        if self.is_held_to_contract:
            webcontract.check_answer(method, path, answer.status, kind, said)
        return answer.status, said

    def join(self, word, name="bill", password=PASSWORD):
        return self.ask("POST", "/join", {"invitation": word, "name": name, "password": password})

    def login(self, name="bill", password=PASSWORD):
        return self.ask("POST", "/session", {"name": name, "password": password})


class WebTest(unittest.TestCase):
    OPTIONS = ()   # of the program
    SETTINGS = ""  # of its section in left4me.conf

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="left4me-web-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        (self.path / "left4me.conf").write_text("[web]\n" + self.SETTINGS)
        self.prepare()
        key = self.path / "key"
        key.write_bytes(os.urandom(32))
        key.chmod(0o600)
        self.web = Web(self.path, "--key", key, "--l4d2ctl", self.path / "l4d2ctl", "--worker", self.path / "worker.sock", "--data", self.path / "data", *self.OPTIONS)
        self.addCleanup(self.web.socket.close)
        self.web.start()
        self.addCleanup(self.end)

    def prepare(self):
        """What is to be there before the program is started, in self.path."""

    def host(self, script):
        """What l4d2ctl does from now on: a shell script, whose words are "$@", in self.path."""
        program = self.path / "l4d2ctl"
        program.with_suffix(".new").write_text(f"#!/bin/sh\ncd '{self.path}' || exit 9\n{script}\n")
        program.with_suffix(".new").chmod(0o755)
        program.with_suffix(".new").rename(program)

    def end(self):
        if self.web.process.poll() is None:
            self.web.stop()

    def user(self, name="bill", role="user"):
        browser = Browser(self.web)
        self.assertEqual(browser.join(self.web.invite(name, role))[0], 200)
        return browser

    def at_once(self, n, ask):
        """What is said to `n` who ask at the same time: each before the others are answered."""
        said = [None] * n
        barrier = threading.Barrier(n)

        def run(i):
            barrier.wait()
            said[i] = ask()
        threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return said

    def guess(self, ask, *want):
        """Lets it fail so often that who fails must wait for long, however slow this machine is: many at once are all heard."""
        n_failed = 0
        while n_failed < 10:
            for said in self.at_once(12, ask):
                if said[0] != 429:
                    self.error(said, *want)
                    n_failed += 1

    def error(self, said, status, kind, part="", field=None):
        self.assertEqual(said[0], status, said)
        self.assertEqual(set(said[1]), {"error"})
        self.assertEqual(set(said[1]["error"]), {"kind", "message", "field"})
        self.assertEqual((said[1]["error"]["kind"], said[1]["error"]["field"]), (kind, field), said)
        self.assertIn(part, said[1]["error"]["message"])


def main():
    """Runs the tests of the calling program, whose first arguments are left4me-web and left4me."""
    global PROGRAM, COMMAND
    PROGRAM, COMMAND = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
