# SPDX-License-Identifier: MIT
"""webbench: what the page's program costs: listeners of events, and what it answers beside nginx and beside Flask.

Outside of the machine: the program alone, as systemd would start it, on loopback."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import resource
import secrets
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(TOP / "test/programs"))

import webworld
from table import Row

OF_ACCOUNT = 20      # streams, that one account may have
LISTENERS, SAMPLE, SECONDS = 10000, 200, 10
LATE_MS, MEMORY_MB = 50, 100
SEND_BYTES, SEND_ROUNDS = 1500, 80     # five lines or so
SETTINGS = "[web]\nconnections = 0\nrequests = 0\n"

# Writes a hundred lines a second, each with the time at which it does.
WRITER = """
import sys, time
if "--follow" not in sys.argv:
    sys.exit(0)
at = time.monotonic()
while True:
    at += 0.01
    time.sleep(max(at - time.monotonic(), 0))
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    print('{"time": "", "unix_us": %d, "priority": 6, "run": "%s", "text": "L 11/26/2026 - 20:15:00: \\\\"Player<12><STEAM_1:0:12345678><>\\\\" say t=%d"}' % (time.time_ns() // 1000, "a" * 32, now), flush=True)
"""


class World:
    """The program with a database, a directory of its own, and a socket."""

    def __init__(self, build, path, is_local=False, options=()):
        webworld.PROGRAM, webworld.COMMAND = build / "src/web/left4me-web", build / "src/admin/left4me"
        (path / "left4me.conf").write_text(SETTINGS)
        (path / "key").write_bytes(os.urandom(32))
        (path / "key").chmod(0o600)
        (path / "data").mkdir()
        (path / "writer.py").write_text(WRITER)
        (path / "l4d2ctl").write_text(f"#!/bin/sh\nexec /usr/bin/python3 '{path}/writer.py' \"$@\"\n")
        (path / "l4d2ctl").chmod(0o755)
        self.path = path
        self.web = webworld.Web(path, "--key", path / "key", "--l4d2ctl", path / "l4d2ctl", "--worker", path / "worker.sock", "--data", path / "data", "--quiet", *options)
        if is_local:
            self.web.socket.close()
            self.web.socket = socket.socket(socket.AF_UNIX)
            self.web.socket.bind(str(path / "web.sock"))
            self.web.socket.listen(4096)
        self.place = path / "web.sock" if is_local else self.web.port
        self.web.start()

    def close(self):
        self.web.stop()
        self.web.socket.close()

    @contextlib.contextmanager
    def database(self):
        with contextlib.closing(sqlite3.connect(self.web.database)) as db, db:
            yield db

    def tokens(self, n):
        """Of so many admins: the words, in a file."""
        words = ["l4m_" + secrets.token_urlsafe(32) for _ in range(n)]
        with self.database() as db:
            for i, word in enumerate(words):
                user = db.execute("INSERT INTO users (name, role, password_hash, created_unix_s) VALUES (?, 'admin', '', 1)", (f"user{i}",)).lastrowid
                hashed = hashlib.blake2b(word.encode(), digest_size=32, key=b"left4me api token").digest()
                db.execute("INSERT INTO api_tokens (hash, user, name, scope, created_unix_s) VALUES (?, ?, 'bench', 'read', 1)", (hashed, user))
        (self.path / "tokens").write_text("\n".join(words) + "\n")
        return words

    def servers(self, n):
        with self.database() as db:
            for i in range(1, n + 1):
                blueprint = db.execute("INSERT INTO blueprints (name, owner, created_unix_s, changed_unix_s) VALUES (?, 1, 1, 1)", (f"blueprint {i}",)).lastrowid
                db.execute("INSERT INTO servers (id, instance, name, owner, blueprint, hostname, rcon_sealed, created_unix_s, changed_unix_s)"
                           " VALUES (?, ?, ?, 1, ?, ?, x'00', 1, 1)", (i, f"s{i}", f"server {i}", blueprint, f"A server of number {i}"))
                for kind, port in (("game", 27015), ("client", 22015), ("tv", 32015)):
                    db.execute("INSERT INTO server_ports VALUES (?, ?, ?)", (port + i, i, kind))

    def memory_mb(self):
        for line in pathlib.Path(f"/proc/{self.web.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def world(build, **options):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="left4me-bench-") as directory:
        one = World(build, pathlib.Path(directory), **options)
        try:
            yield one
        finally:
            one.close()


# -- events -----------------------------------------------------------------------------------------

def listen(build, is_local, n=LISTENERS, seconds=SECONDS):
    """((median, 99 %, longest) in ms until lines were read, the same until they had arrived, MB, processor, that of those who listen)"""
    with world(build, is_local=is_local) as one:
        one.tokens(n // OF_ACCOUNT + 1)
        one.servers(1)
        bench = subprocess.Popen([build / "test/bench/bench-listeners", str(one.place), one.path / "tokens", str(OF_ACCOUNT), str(n), str(SAMPLE),
                                  "/api/v1/events?topics=log:1", str(seconds)], stdout=subprocess.PIPE, text=True)
        bench.stdout.readline()
        before, started = (cpu_s(one.web.process.pid), cpu_s(bench.pid)), time.monotonic()
        time.sleep(seconds - 0.5)   # it begins to sort when it is over
        ours, theirs = ((cpu_s(pid) - cpu) / (time.monotonic() - started) for pid, cpu in zip((one.web.process.pid, bench.pid), before))
        left, _, *times = map(int, bench.stdout.readline().split())
        memory = one.memory_mb()
        assert bench.wait() == 0 and left == n, (left, n)
    return [time / 1000 for time in times[:3]], [time / 1000 for time in times[3:]], memory, ours, theirs


def sends(build, n=LISTENERS):
    """What bench-sends says of as many sends as would take all lines that come meanwhile, and of nothing else, in milliseconds."""
    said = subprocess.run([build / "test/bench/bench-sends", str(n), str(SEND_BYTES), str(SEND_ROUNDS)], check=True, capture_output=True, text=True).stdout
    return [int(word) / 1000 for word in said.split()]


def events(build):
    rows = []
    for what, is_local in (("by TCP", False), ("through a socket of the file system", True)):
        before = None if is_local else sends(build)
        (median, late, longest), (_, arrived, _), memory, ours, theirs = listen(build, is_local)
        waits = (None, None)
        if not is_local:
            alone, both, *waits = (statistics.mean(pair) for pair in zip(before, sends(build)))
        beside = "" if is_local else "bare rounds of sends"
        rows += [Row(f"{LISTENERS} listen, 100 lines a second, {what}: a line, median", median, reference=waits[0], beside=beside),
                 Row("  99 %", late, limit=LATE_MS, reference=waits[1], beside=beside)]
        if not is_local:
            rows += [Row("  99 %, until it has arrived at the socket", arrived)]
        rows += [Row("  longest", longest), Row("  memory", memory, "MB", limit=MEMORY_MB), Row("  processor", ours * 100, "%"),
                 Row("  that of those who listen", theirs * 100, "%")]
    return [*rows, Row("a bare round of sends by TCP, one thread", alone), Row("  two threads", both)]


# -- answers ----------------------------------------------------------------------------------------

SERVERS, CONNECTIONS, WRK_SECONDS, ROUNDS = 100, 32, 3, 5
LIST = "/api/v1/servers"

# One process, as the program is one.
NGINX = """
daemon off;
master_process off;
pid {path}/nginx.pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
    types {{ text/html html; application/json json; }}
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    open_file_cache max=100;
{places}    server {{ listen 127.0.0.1:{port}; root {path}/web; }}
}}
"""


def wrk(port, path, token=None):
    """Requests a second."""
    words = ["wrk", "-t", "1", "-c", CONNECTIONS, "-d", WRK_SECONDS, "--timeout", 30, f"http://127.0.0.1:{port}{path}"]
    said = subprocess.run([*map(str, words), *(["-H", f"Authorization: Bearer {token}"] if token else [])], check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said and "Socket errors" not in said, said
    return float(re.search(r"Requests/sec: +([0-9.]+)", said)[1])


def fetch(port, path, token):
    ask = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(ask) as answer:
        return answer.read()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextlib.contextmanager
def beside(port, words, **options):
    """Another server, until it has been measured."""
    server = subprocess.Popen(words, **options)
    try:
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert server.poll() is None, words
            time.sleep(0.01)
        yield port
    finally:
        server.terminate()
        server.wait()


def nginx(path):
    port = free_port()
    places = "".join(f"    {kind}_temp_path {path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (path / "nginx.conf").write_text(NGINX.format(path=path, port=port, places=places))
    directory = subprocess.run([TOP / "tools/proxies"], check=True, capture_output=True, text=True).stdout.strip()
    return beside(port, [f"{directory}/usr/sbin/nginx", "-p", path, "-c", "nginx.conf", "-e", "stderr"])


def flask(database):
    """listing.py, run by gunicorn; one process, too."""
    port = free_port()
    words = ["gunicorn", "--workers", "1", "--bind", f"127.0.0.1:{port}", "--chdir", TOP / "test/bench", "--log-level", "error", "listing:app"]
    return beside(port, words, env={**os.environ, "DATABASE": str(database), "PYTHONDONTWRITEBYTECODE": "1"})


def rates(what, ours, reference, words, least):
    """A row of requests a second, that are more than so many of another server's."""
    ratio = statistics.median(own / other for own, other in zip(ours, reference))
    return Row(what, statistics.median(ours), "/s", statistics.median(reference), words, ratio, ratio_least=least, rounds=len(ours))


def answers(build, rounds=ROUNDS):
    page = "<!doctype html>\n<title>left4me</title>\n" + "<!-- a page of two kilobytes -->\n" * 60
    with tempfile.TemporaryDirectory(prefix="left4me-bench-") as directory, contextlib.ExitStack() as stack:
        path = pathlib.Path(directory)
        (path / "web").mkdir()
        (path / "web/index.html").write_text(page)
        one = stack.enter_context(world(build, options=("--static", path / "web")))
        token = one.tokens(1)[0]
        one.servers(SERVERS)
        listed = fetch(one.place, LIST, token)
        assert len(json.loads(listed)["servers"]) == SERVERS
        (path / "web/servers.json").write_bytes(listed)
        files, app = stack.enter_context(nginx(path)), stack.enter_context(flask(one.web.database))
        assert json.loads(fetch(app, LIST, token)) == json.loads(listed)
        asked = ((one.place, "/", None), (files, "/index.html", None), (one.place, LIST, token), (files, "/servers.json", None), (app, LIST, token))
        own_page, file_page, own_list, file_list, app_list = zip(*([wrk(*words) for words in asked] for _ in range(rounds)))
    return [rates(f"the page, {len(page)} bytes", own_page, file_page, "nginx, the same bytes", 0.5),
            rates(f"GET {LIST}, {SERVERS} of them, {len(listed)} bytes", own_list, file_list, "nginx, the same bytes", 0.5),
            rates("", own_list, app_list, "Flask, gunicorn, SQLAlchemy", 100)]


if __name__ == "__main__":
    import table
    build = pathlib.Path(sys.argv[1]).resolve()
    sections = (("What the page is answered", answers), ("Those who listen to events", events))
    print(table.show([(title, section(build)) for title, section in sections if not sys.argv[2:] or section.__name__ in sys.argv[2:]]))
