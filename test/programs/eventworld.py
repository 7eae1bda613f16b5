# SPDX-License-Identifier: MIT
"""eventworld: one who listens to the stream of events, a worker that rings, jobs, servers and their logs."""

import contextlib
import json
import socket
import sqlite3
import struct

from webworld import READY_S, WebTest

CHANGED = struct.pack("=II", 0x6C346262, 2)

# l4d2ctl logs: the log of a server is a file, and what is asked for is written down.
LOGS = """
echo "$*" >>asked
case "$*" in
"logs "*--follow*) echo $$ >"$2.follower"; touch "$2.journal"; exec tail -n 1000 -F "$2.journal" 2>/dev/null ;;
"logs "*"--lines 10000"*) exec tail -n 10000 "$2.journal" ;;
"logs "*) exec tail -n 1000 "$2.journal" ;;
esac
exit 9
"""


class Worker:
    """Listens where the worker would, and rings for all who came."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(str(path))
        self.socket.listen()
        self.socket.settimeout(READY_S)
        self.client = None

    def ring(self):
        if not self.client:
            self.client, _ = self.socket.accept()
        self.client.send(CHANGED)

    def hear(self):
        """The kind of what the page says next."""
        if not self.client:
            self.client, _ = self.socket.accept()
        self.client.settimeout(READY_S)
        return struct.unpack("=II", self.client.recv(64))[1]

    def close(self):
        self.socket.close()
        if self.client:
            self.client.close()


class Listener:
    """A stream of events, of one with the cookie of `browser`."""

    def __init__(self, browser, topics, last=None, path="", rcvbuf=None, **fields):
        web = browser.web
        self.connection = self.connect(web, rcvbuf)
        lines = [f"GET /api/v1/events?topics={topics}{path} HTTP/1.1", f"Host: {browser.fields.get('Host', 'a')}", f"Cookie: {browser.cookie}"]
        lines += [f"Last-Event-ID: {last}"] if last else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode())
        self.bytes, self.body, self.is_over = b"", b"", False
        while b"\r\n\r\n" not in self.bytes:
            self.receive()
        self.head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        self.status = int(self.head.split()[1])
        self.id, self.events, self.comments = None, [], 0
        self.is_chunked = b"chunked" in self.head

    def connect(self, web, rcvbuf):
        connection = socket.socket()
        if rcvbuf:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        connection.settimeout(READY_S)
        connection.connect(("127.0.0.1", web.port))
        return connection

    def receive(self):
        more = self.connection.recv(65536)
        self.is_over = self.is_over or not more
        self.bytes += more

    def take_chunks(self):
        """The frames of what has come."""
        if not self.is_chunked:
            self.body, self.bytes = self.body + self.bytes, b""
        while self.is_chunked and (end := self.bytes.find(b"\r\n")) >= 0:
            n = int(self.bytes[:end], 16)
            if len(self.bytes) < end + 4 + n:
                break
            assert self.bytes[end + 2 + n:end + 4 + n] == b"\r\n", self.bytes
            self.body += self.bytes[end + 2:end + 2 + n]
            self.bytes = self.bytes[end + 4 + n:]
            self.is_over = self.is_over or n == 0

    def take_events(self):
        *blocks, self.body = self.body.split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
            self.comments += block.startswith(b":")
            if "event" in fields:
                self.id = fields.get("id", self.id)
                self.events.append((fields["event"], json.loads(fields["data"]), fields.get("id")))

    def take(self):
        self.take_chunks()
        self.take_events()

    def next(self):
        """(event, data, id); None at the end of the stream."""
        self.take()
        while not self.events:
            if self.is_over:
                return None
            self.receive()
            self.take()
        return self.events.pop(0)

    def until(self, event, **data):
        """Reads until there is one that is like this, and returns it."""
        while (one := self.next()) is not None:
            if one[0] == event and data.items() <= one[1].items():
                return one
        raise AssertionError(f"no {event} {data}, but the end")

    def close(self):
        self.connection.close()


class EventTest(WebTest):
    def prepare(self):
        self.worker = Worker(self.path / "worker.sock")
        self.addCleanup(self.worker.close)
        self.host(LOGS)
        (self.path / "asked").touch()

    def listen(self, browser, topics, last=None, **fields):
        listener = Listener(browser, topics, last, **fields)
        self.addCleanup(listener.close)
        self.assertEqual(listener.status, 200, listener.bytes)
        return listener

    def sql(self, text, *values):
        with contextlib.closing(sqlite3.connect(self.web.database, timeout=READY_S)) as db, db:
            return db.execute(text, values).lastrowid

    def note(self, topic, number, is_deleted=0):
        self.sql("INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES (?, ?, ?)", topic, number, is_deleted)

    def add_job(self, by=None, server=None, state="queued"):
        number = self.sql("INSERT INTO jobs (kind, server, asked_by, asked_by_name, state, lease_by, created_us) VALUES ('test', ?, ?, 'x', ?, ?, 1)",
                          server, by, state, "w" if state == "running" else None)
        self.note("job", number)
        return number

    def add_lines(self, job, first, n):
        with contextlib.closing(sqlite3.connect(self.web.database, timeout=READY_S)) as db, db:
            db.executemany("INSERT INTO job_lines VALUES (?, ?, ?, 'output', ?)", [(job, i, 1000 + i, f"line {i}") for i in range(first, first + n)])

    def add_server(self, owner):
        blueprint = self.sql("INSERT INTO blueprints (name, owner, created_unix_s, changed_unix_s) VALUES (hex(randomblob(8)), ?, 1, 1)", owner)
        number = self.sql("INSERT INTO servers (instance, name, owner, blueprint, rcon_sealed, created_unix_s, changed_unix_s)"
                          " VALUES (hex(randomblob(8)), 'one', ?, ?, x'00', 1, 1)", owner, blueprint)
        self.sql("UPDATE servers SET instance = 's' || id WHERE id = ?", number)
        for kind, port in (("game", 27000), ("client", 22000), ("tv", 32000)):
            self.sql("INSERT INTO server_ports VALUES (?, ?, ?)", port + number, number, kind)
        self.note("server", number)
        return number

    def log(self, server, *lines, run="a" * 32):
        """Writes to the log of a server: (microseconds, text)."""
        with open(self.path / f"s{server}.journal", "a", encoding="utf-8") as journal:
            journal.write("".join(json.dumps({"time": "2026-01-01T00:00:00.000000Z", "unix_us": time_us, "priority": 6, "run": run, "text": text}) + "\n"
                                  for time_us, text in lines))

    def number(self, browser):
        return browser.ask("GET", "/me")[1]["id"]
