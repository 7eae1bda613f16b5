#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-worker with a real database, a real socket, a fake l4d2ctl and a fake init system."""

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
import threading
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
                             f"VALUES ({about}, {by[0]}, '{by[1]}', 1)").lastrowid
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


class TestJobs(WorkerTest):
    def test_a_start(self):
        """the host is told what the rows say, and then to start"""
        server = self.server()
        self.on("start", """echo '{"state": "running", "changed": true}'; exit 0""")
        row = self.wait(self.ask("server.start", server, **{"with": ["3=7", "4=1"]}))
        self.assertEqual(json.loads(row["result"]), {"state": "running", "changed": True})
        self.assertEqual((row["attempt"], row["lease_by"], row["error_kind"]), (1, None, None))
        self.assertGreater(row["ended_us"], row["started_us"])
        self.assertEqual(self.calls("initialize")[0], "initialize --file=- --page --json -- s1")
        self.assertEqual(self.calls("start"), ["start --with=3=7 --with=4=1 --json -- s1"])
        self.assertEqual((self.path / "spec").read_text(),
                         "port: 27015\ntv_port: 32015\nclient_port: 22015\nhostname: \"Friday\"\noverlays: []\nserver_cfg_of: []\n"
                         "arguments:\n  - \"+map\"\n  - \"c1m1_hotel\"\nconfig:\n  - \"sv_pure 1\"\n")

    def test_what_it_says(self):
        """lines of the log with their stream, progress, and the last document on several lines"""
        go_on = self.hold("install", """
            echo '{"progress": 41, "text": "downloading"}'
            echo '{"time": "x", "stream": "stdout", "text": "one"}'
            echo '{"time": "x", "stream": "stderr", "text": "two\\u0007"}'
            echo 'no JSON'
            echo 'l4d2ctl: something' >&2""", """
            printf '{\\n  "build": 5,\\n  "changed": true\\n}\\n'; exit 0""")
        job = self.ask("game.install", overlay=1, hold=True)
        self.worker.wait(lambda: self.job(job)["progress"] == 41)
        self.worker.wait(lambda: len(self.lines(job)) == 5)
        go_on()
        row = self.wait(job)
        self.assertEqual(json.loads(row["result"]), {"build": 5, "changed": True})
        self.assertEqual(sorted(self.lines(job)), [("error", "something"), ("error", "two?"), ("output", "no JSON"), ("output", "one"), ("output", "ready")])
        self.assertEqual(self.calls("install"), ["install --verbose --hold --json --"])
        for line in self.read("SELECT time_us FROM job_lines"):
            self.assertTrue(row["started_us"] <= line["time_us"] <= row["ended_us"])

    def test_errors_are_taken_over(self):
        server = self.server()
        self.on("start", """
            echo "l4d2ctl: 's1' did not start: it ended with code 1" >&2
            echo '{"error": {"kind": "failed", "message": "it did not start: it ended with code 1", "log": ["first", "second"]}}'; exit 1""")
        row = self.wait(self.ask("server.start", server), "failed")
        self.assertEqual((row["error_kind"], row["error_message"]), ("failed", "it did not start: it ended with code 1"))
        job = row["id"]
        self.assertEqual([text for stream, text in self.lines(job) if stream != "error"], ["The last lines of its log:", "first", "second"])
        self.on("overlay-build", """echo '{"error": {"kind": "failed", "message": "exit code 3", "exit_code": 3}}'; exit 1""")
        self.assertEqual(json.loads(self.wait(self.ask("overlay.build", overlay=7), "failed")["result"]), {"exit_code": 3})
        # Cut within a character it would be no text, which nothing that is JSON can show.
        self.on("overlay-build", """echo '{"error": {"kind": "failed", "message": "a%s"}}'; exit 1""" % ("é" * 200))
        self.assertEqual(self.wait(self.ask("overlay.build", overlay=7), "failed")["error_message"], "a" + "é" * 127)
        self.on("overlay-build", "kill -KILL $$")
        self.assertIn("signal 9", self.wait(self.ask("overlay.build", overlay=7), "failed")["error_message"])
        self.on("overlay-build", "exit 4")
        self.assertIn("did not say why", self.wait(self.ask("overlay.build", overlay=7), "failed")["error_message"])

    def test_parameters_are_checked(self):
        server = self.server()
        for kind, about, parameters, part in (
                ("server.dance", {"server": server}, {}, "there is no job"),
                ("server.stop", {"overlay": 3}, {}, "about another thing"),
                ("server.stop", {"server": server}, {"with": []}, "does not take it"),
                ("server.drop", {"server": server}, {}, "path: it is missing"),
                ("server.drop", {"server": server}, {"path": 3}, "path: it is a text"),
                ("server.drop", {"server": server}, {"path": ""}, "path: it has"),
                ("overlay.select", {"overlay": 3}, {"generation": -1}, "generation: it is a number"),
                ("overlay.build", {"overlay": 3}, {"hold": 1}, "hold: it is true or false"),
                ("server.start", {"server": server}, {"with": "3=7"}, "with: it is a list"),
                ("server.start", {"server": 99}, {}, "there is no such server")):
            row = self.wait(self.ask(kind, **about, **parameters), "failed")
            self.assertIn(part, row["error_message"])
        self.assertEqual(self.calls("server") + self.calls("drop") + self.calls("start"), [])
        self.wait(self.ask("server.drop", server, path="--to=3"))
        self.assertEqual(self.calls("drop"), ["drop --json -- s1 --to=3"])

    def test_one_after_the_other(self):
        """about one server, and about one overlay; all else side by side"""
        first, second = self.server("one"), self.server("two")
        let_go = self.hold("stop")
        jobs = [self.ask("server.stop", first), self.ask("server.reset", first), self.ask("server.stop", second)]
        self.ready(jobs[0])
        self.ready(jobs[2])
        self.assertEqual(self.job(jobs[1])["state"], "queued")
        let_go()
        let_go()
        for job in jobs:
            self.wait(job)

    def test_two_builds_at_a_time(self):
        server, let_go = self.server(), self.hold("overlay-build")
        builds = [self.ask("overlay.build", overlay=n) for n in (7, 8, 9)]
        self.ready(builds[0])
        self.ready(builds[1])
        self.wait(self.ask("server.stop", server))  # it need not wait
        self.assertEqual(self.job(builds[2])["state"], "queued")
        let_go()
        self.ready(builds[2])
        let_go()
        let_go()
        for build in builds:
            self.wait(build)

    def test_what_must_wait(self):
        server = self.server()
        let_go = self.hold("overlay-build", after="fail failed 'it went wrong'")
        build = self.ask("overlay.build", overlay=7)
        start = self.ask("server.start", server, after=[build])
        self.ready(build)
        self.assertEqual(self.job(start)["state"], "queued")
        let_go()
        self.wait(build, "failed")
        self.assertIn("did not succeed", self.wait(start, "failed")["error_message"])
        self.assertEqual(self.calls("start"), [])

    def test_a_start_waits_for_its_overlays(self):
        """and begins however their builds end, but it does not wait for an update of the game"""
        server, let_go, update = self.server(), self.hold("overlay-build", after="fail failed no"), self.hold("install")
        self.change("INSERT INTO overlays (id, name, type, created_unix_s, changed_unix_s) VALUES (7, 'maps', 'script', unixepoch(), 0)",
                    "INSERT INTO blueprint_overlays VALUES (1, 0, 7, 0)")
        install, build = self.ask("game.install", overlay=1), self.ask("overlay.build", overlay=7)
        start = self.ask("server.start", server)
        self.ready(build)
        self.ready(install)
        self.assertEqual(self.job(start)["state"], "queued")
        let_go()
        self.wait(build, "failed")
        self.wait(start)
        update()
        self.wait(install)

    def test_a_server_that_goes(self):
        server = self.server()
        self.wait(self.ask("server.delete", server))
        self.assertEqual(self.read("SELECT * FROM servers"), [])
        self.assertIn({"topic": "server", "object": 1, "is_deleted": 1}, self.read("SELECT topic, object, is_deleted FROM changes"))

    def test_what_was_deleted_meanwhile(self):
        """whoever asks once more while it is being deleted has what he wants"""
        server = self.server()
        self.has({"overlay": 5, "name": "by hand", "type": "files"})
        self.change("INSERT INTO overlays (id, name, type, owner, created_unix_s, changed_unix_s) VALUES (5, 'by hand', 'files', 1, 0, 0)",
                    "INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('overlay', 5, 0)")
        for word, about in (("delete", {"server": server}), ("overlay-delete", {"overlay": 5})):
            let_go = self.hold(word, after=": >overlays")
            kind = "server.delete" if "server" in about else "overlay.delete"
            first = self.ask(kind, **about)
            self.ready(first)
            second = self.ask(kind, **about)
            let_go()
            self.wait(first)
            self.wait(second)
            self.assertEqual(len(self.calls(word.replace("-", " "))), 1)

    def test_one_that_was_never_started(self):
        server = self.server()
        self.on("stop", "fail not-found 'there is no instance s1' 3")
        self.wait(self.ask("server.stop", server))

    def test_overlays(self):
        self.on("overlay-create", """cat >text; echo '{"overlay": 7, "name": "maps", "type": "script"}' | tee overlays; exit 0""")
        row = self.wait(self.ask("overlay.create", name="maps", type="script", refresh="daily", keep=3, text="#!/bin/bash\n"))
        self.assertEqual(json.loads(row["result"])["overlay"], 7)
        self.assertEqual(self.calls("overlay create"), ["overlay create --type=script --refresh=daily --keep=3 --file=- --json -- maps"])
        self.assertEqual((self.path / "text").read_text(), "#!/bin/bash\n")
        self.assertEqual(self.read("SELECT id, name, type, owner FROM overlays WHERE id > 1"), [{"id": 7, "name": "maps", "type": "script", "owner": 1}])
        self.on("overlay-set", """echo '{"overlay": 7, "name": "more maps", "type": "script"}' | tee overlays; exit 0""")
        self.wait(self.ask("overlay.set", overlay=7, name="more maps"))
        self.assertEqual(self.read("SELECT name FROM overlays WHERE id = 7"), [{"name": "more maps"}])
        self.change("INSERT INTO blueprint_overlays VALUES (1, 0, 7, 0)")
        self.assertIn("uses this overlay", self.wait(self.ask("overlay.delete", overlay=7), "failed")["error_message"])
        self.assertEqual(self.calls("overlay delete"), [])
        self.change("DELETE FROM blueprint_overlays")
        self.on("overlay-delete", ": >overlays")
        self.wait(self.ask("overlay.delete", overlay=7))
        self.assertEqual(self.read("SELECT name FROM overlays WHERE id > 1"), [])

    def test_a_servers_own_files(self):
        server = self.server()
        self.has({"overlay": 12, "name": "@s1", "type": "files"})
        self.on("files-mkdir", """echo '{"overlay": 12}'; exit 0""")
        self.wait(self.ask("server.overlay", server))
        self.assertEqual(self.calls("files"), ["files mkdir --json -- @s1 left4dead2/cfg"])
        self.assertEqual(self.read("SELECT overlay FROM servers"), [{"overlay": 12}])
        self.assertEqual(self.read("SELECT owner, type FROM overlays WHERE id = 12"), [{"owner": None, "type": "files"}])


class TestRights(WorkerTest):
    """Who has asked for a job is asked again when it begins whether he may."""

    ZOEY = (2, "zoey")

    def setUp(self):
        super().setUp()
        self.target = self.server()
        self.change("INSERT INTO server_grants VALUES (1, 2, 3)",
                    "INSERT INTO overlays (id, name, type, owner, created_unix_s, changed_unix_s) "
                    f"VALUES (7, 'hers', 'files', 2, {int(time.time())}, 0)")

    def queue(self, kind, **about):
        """A job of Zoey's that waits for one of Bill's; and how that goes on."""
        held = "server.stop" if "server" in about else "overlay.build"
        let_go = self.hold(held.replace("server.", "").replace(".", "-"))
        before = self.ask(held, **about)
        self.ready(before)
        return self.ask(kind, by=self.ZOEY, **about), let_go, before

    def test_what_she_still_may(self):
        job, let_go, _ = self.queue("server.start", server=1)
        let_go()
        self.wait(job)

    def refused(self, kind, change, sentence, **about):
        job, let_go, before = self.queue(kind, **about)
        self.change(change)
        let_go()
        self.wait(before)
        row = self.wait(job, "failed")
        self.assertEqual((row["error_kind"], row["attempt"]), ("denied", 1))
        self.assertIn(sentence, row["error_message"])

    def test_a_grant_that_is_gone(self):
        """what she wanted of the server is wanted no longer"""
        self.change("UPDATE servers SET wanted = 'running'")
        self.refused("server.start", "DELETE FROM server_grants", "'zoey', who asked for it, may not do this with the server", server=1)
        self.assertEqual(self.calls("start"), [])
        self.assertEqual(self.read("SELECT wanted FROM servers"), [{"wanted": "stopped"}])

    def test_a_smaller_grant(self):
        self.refused("server.restart", "UPDATE server_grants SET may = 1", "may not do this with the server", server=1)

    def test_one_who_is_not_active(self):
        self.refused("server.start", "UPDATE users SET is_active = 0 WHERE id = 2", "is not active", server=1)

    def test_one_who_is_gone(self):
        self.change("DELETE FROM overlays WHERE id = 7")
        self.refused("server.start", "DELETE FROM users WHERE id = 2", "has no account", server=1)

    def test_an_overlay_that_is_not_hers(self):
        self.refused("overlay.wipe", "UPDATE overlays SET owner = 1 WHERE id = 7", "may not do this with the overlay", overlay=7)

    def test_an_overlay_it_goes_to(self):
        job, let_go, _ = self.queue("server.keep", server=1)
        self.change(f"""UPDATE jobs SET parameters = '{{"path": "a", "to": 7}}' WHERE id = {job}""",
                    "UPDATE server_grants SET may = 9", "UPDATE overlays SET owner = 1, is_shared = 1 WHERE id = 7")
        let_go()
        self.assertIn("may not change the files of the overlay", self.wait(job, "failed")["error_message"])

    def test_what_was_begun(self):
        """goes on with the next worker"""
        let_go = self.hold("start")
        job = self.ask("server.start", 1, by=self.ZOEY)
        self.ready(job)
        self.change("DELETE FROM server_grants")
        self.assertEqual(self.worker.end(), 0)
        self.worker.start()
        self.ready(job, 2)
        let_go()
        self.wait(job)

    def test_a_stop_that_is_refused(self):
        """ends no start"""
        let_go = self.hold("start")
        job = self.ask("server.start", 1)
        self.ready(job)
        self.change("DELETE FROM server_grants")
        stop = self.ask("server.stop", 1, by=self.ZOEY)
        other = self.ask("overlay.refresh")  # the worker has looked
        self.wait(other)
        let_go()
        self.wait(job)
        self.assertEqual(self.wait(stop, "failed")["error_kind"], "denied")
        self.assertEqual(self.read("SELECT wanted FROM servers"), [{"wanted": "running"}])


class Game(threading.Thread):
    """A game server that is asked who plays on it; it wants to be asked twice, as the game does."""

    def __init__(self, players, bots=0, names=()):
        super().__init__(daemon=True)
        self.names = list(names)  # (name, score, seconds)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("", 0))  # the worker asks at an address of the machine, as the game wants it
        self.port, self.players, self.bots = self.socket.getsockname()[1], players, bots
        self.start()

    def run(self):
        ask = b"\xff\xff\xff\xffTSource Engine Query\0"
        while True:
            data, peer = self.socket.recvfrom(2048)
            if data == ask:
                self.socket.sendto(b"\xff\xff\xff\xffnonsense", peer)
                self.socket.sendto(b"\xff\xff\xff\xffA\x0a\x0b\x0c\xff", peer)
            elif data == ask + b"\x0a\x0b\x0c\xff":
                self.socket.sendto(b"\xff\xff\xff\xffI\x11Name\0c1m1\0left4dead2\0L4D2\0\x26\x02" + bytes([self.players, 8, self.bots]) + b"dl\0\x01", peer)
            elif data == b"\xff\xff\xff\xffU\x0a\x0b\x0c\xff":
                rows = [b"\0" + name + b"\0" + struct.pack("<if", score, seconds) for name, score, seconds in self.names]
                self.socket.sendto(b"\xff\xff\xff\xffD" + bytes([len(rows)]) + b"".join(rows), peer)


class TestRollout(WorkerTest):
    def setUp(self):
        super().setUp()
        self.on("status", """[ "$4" = s4 ] && pending= || pending='"config"'; echo "{\\"pending\\": [$pending]}"; exit 0""")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
            nobody.bind(("", 0))
            ports = [Game(1, 1).port, Game(3, 1).port, nobody.getsockname()[1], 27018, 27019]
        for port in ports:
            self.server(f"on {port}", port)
        self.worker.wait(lambda: len(self.read("SELECT * FROM live_states")) == len(ports))
        for n in range(1, 5):  # the fifth does not run, for the fourth nothing is pending
            self.init.say("set", f"left4me-server@s{n}.service", "active", "running", 5)
        self.worker.wait(lambda: len(self.read("SELECT * FROM live_states WHERE state = 'running' AND status IS NOT NULL")) == 4)

    def restarts(self):
        return [row["server"] for row in self.read("SELECT server FROM jobs WHERE kind = 'server.restart' AND asked_by = 1 ORDER BY server")]

    def test_force(self):
        row = self.wait(self.ask("game.rollout", policy="force"))
        self.assertEqual(self.restarts(), [1, 2, 3])
        self.assertEqual(len(json.loads(row["result"])["restarts"]), 3)
        for job in json.loads(row["result"])["restarts"]:
            self.wait(job)

    def test_skip(self):
        job = self.ask("game.rollout", policy="skip")
        row = self.wait(job)
        self.assertEqual(self.restarts(), [1])
        self.assertEqual(json.loads(row["result"])["left"], [2, 3])
        self.assertEqual([text.partition("' ")[2] for _, text in self.lines(job)],
                         ["is restarted", "is left as it is: 2 play", "is left as it is: it does not answer"])

    def test_wait(self):
        job = self.ask("game.rollout", policy="wait")
        self.worker.wait(lambda: self.job(job)["progress"] == 33)
        self.assertEqual(self.restarts(), [1])
        self.change(f"UPDATE jobs SET is_cancelled = 1 WHERE id = {job}")
        self.worker.poke()
        self.wait(job, "cancelled")

    def test_another_policy(self):
        self.assertIn("policy: it is", self.wait(self.ask("game.rollout", policy="at once"), "failed")["error_message"])


class TestPlayers(WorkerTest):
    """Each worker asks at once, so that no test waits for a round."""

    def begin(self):
        self.game = Game(3, 1, [(b"Ellis", 5, 60), (b"", 0, 1), (b"<b>\xff\x1b", -1, 30)])
        self.server(port=self.game.port)
        self.worker.wait(lambda: self.read("SELECT * FROM live_states"))
        self.init.say("set", "left4me-server@s1.service", "active", "running", 5)
        self.worker.wait(lambda: self.names(True))

    def names(self, is_open):
        return sorted(row["name"] for row in self.read(f"SELECT name FROM player_sessions WHERE left_unix_s IS {'' if is_open else 'NOT '}NULL"))

    def test_who_plays(self):
        self.begin()
        self.assertEqual(self.read("SELECT * FROM live_players"),
                         [{"server": 1, "n_humans": 2, "n_bots": 1, "n_max": 8, "map": "c1m1", "has_names": 1}])
        rows = self.read("SELECT * FROM player_sessions ORDER BY joined_unix_s")
        self.assertEqual([(row["name"], row["score"], row["player"], row["left_unix_s"]) for row in rows],
                         [("Ellis", 5, None, None), ("<b>??", -1, None, None)])
        self.assertAlmostEqual(rows[0]["joined_unix_s"], time.time() - 60, delta=READY_S)
        self.assertEqual(len(self.read("SELECT * FROM changes WHERE topic = 'players' AND object = 1")), 1)

    def test_its_end(self):
        self.begin()
        self.init.say("set", "left4me-server@s1.service", "failed", "failed", 2_000_000_000_000_000)
        self.worker.wait(lambda: not self.names(True))
        self.assertEqual(self.read("SELECT * FROM live_players"), [])
        self.assertEqual({row["left_unix_s"] for row in self.read("SELECT left_unix_s FROM player_sessions")}, {2_000_000_000})

    def test_a_kill(self):
        """no session is lost, and none there twice"""
        self.begin()
        before = self.read("SELECT id, joined_unix_s FROM player_sessions WHERE name = 'Ellis'")
        (self.path / "held").touch()
        self.kill()
        self.game.names = [(b"Ellis", 7, 62), (b"Zoey", 0, 1)]
        self.worker.start()
        self.worker.wait(lambda: self.names(True) == ["Ellis", "Zoey"])
        self.assertEqual(self.names(False), ["<b>??"])
        self.assertEqual(self.read("SELECT id, joined_unix_s FROM player_sessions WHERE name = 'Ellis'"), before)
        self.kill()
        self.init.say("quiet", "left4me-server@s1.service", "inactive", "dead", 6)
        self.worker.start()
        self.worker.wait(lambda: not self.names(True))
        self.assertEqual(len(self.names(False)), 3)


class TestCancelling(WorkerTest):
    def cancel(self, job):
        self.change(f"UPDATE jobs SET is_cancelled = 1 WHERE id = {job}")
        self.worker.poke()

    def test_a_build(self):
        """its builder is ended as well, whoever began it"""
        self.hold("overlay-build", "trap 'fail failed \"interrupted: nothing has changed\"' INT")
        job = self.ask("overlay.build", overlay=7)
        self.ready(job)
        self.cancel(job)
        row = self.wait(job, "cancelled")
        self.assertEqual((row["error_kind"], row["result"]), (None, "{}"))
        self.assertIn(("error", "interrupted: nothing has changed"), self.lines(job))
        self.assertEqual(self.calls("overlay cancel"), ["overlay cancel --json -- 7"])

    def test_a_build_of_somebody_else(self):
        """that no job has begun is ended by one"""
        self.wait(self.ask("overlay.cancel", overlay=7))
        self.assertEqual(self.calls("overlay cancel"), ["overlay cancel --json -- 7"])

    def test_one_that_is_done_all_the_same(self):
        self.hold("overlay-build", "trap 'echo {}; exit 0' INT")
        job = self.ask("overlay.build", overlay=7)
        self.ready(job)
        self.cancel(job)
        self.wait(job, "done")

    def test_a_stop_need_not_wait_for_a_start(self):
        """nor a kill for a stop"""
        server = self.server()
        for first, second in (("start", "stop"), ("stop", "kill")):
            self.hold(first)
            job = self.ask(f"server.{first}", server)
            self.ready(job)
            other = self.ask(f"server.{second}", server)
            self.wait(job, "cancelled")
            if second == "stop":
                self.on("stop", "")
            self.wait(other, "done")


class TestWorkersThatEnd(WorkerTest):
    def test_a_kill(self):
        """whatever was under way is done by the next one"""
        server = self.server()
        self.hold("start")
        job = self.ask("server.start", server)
        self.ready(job)
        self.kill()
        self.assertEqual(self.job(job)["state"], "running")
        self.on("start", "")
        self.worker.start()
        row = self.wait(job)
        self.assertEqual(row["attempt"], 2)
        self.assertEqual(len(self.calls("start")), 2)
        self.assertIn(("note", "The worker was started again, and goes on with it."), self.lines(job))

    def test_an_orderly_end(self):
        """it is handed over, and no attempt is lost"""
        let_go = self.hold("overlay-build")
        job = self.ask("overlay.build", overlay=7)
        self.ready(job)
        self.assertEqual(self.worker.end(), 0, self.worker.log())
        self.assertEqual((self.job(job)["state"], self.job(job)["attempt"]), ("running", 0))
        self.worker.start()
        self.ready(job, 2)
        let_go()
        self.assertEqual(self.wait(job)["attempt"], 1)

    def test_what_takes_something_away(self):
        """it is not there any more for the next one, who says that it may have been done"""
        server = self.server()
        self.hold("drop")
        job = self.ask("server.drop", server, path="left4dead2/addons/a.vpk")
        self.ready(job)
        self.kill()
        self.on("drop", "fail not-found 'the game wrote no such file' 3")
        self.worker.start()
        row = self.wait(job, "failed")
        self.assertEqual(row["error_message"], "the worker ended before it, so it may have been done: the game wrote no such file")
        self.assertEqual(self.wait(self.ask("server.drop", server, path="left4dead2/addons/a.vpk"), "failed")["error_message"], "the game wrote no such file")

    def test_three_attempts(self):
        server = self.server()
        self.hold("start")
        job = self.ask("server.start", server)
        for n in range(1, 4):
            self.ready(job, n)
            self.kill()
            self.worker.start()
        row = self.wait(job, "failed")
        self.assertIn("begun 3 times", row["error_message"])
        self.assertEqual(len(self.calls("start")), 3)

    def test_three_attempts_of_a_build(self):
        """it goes on without a worker: it is stopped before its job is said to have failed"""
        self.hold("overlay-build")
        let_go = self.hold("overlay-cancel")
        job = self.ask("overlay.build", overlay=7)
        for n in range(1, 4):
            self.ready(job, n)
            self.kill()
            self.worker.start()
        self.ready(job, 4)
        self.assertEqual(self.job(job)["state"], "running")
        let_go()
        self.assertIn("begun 3 times", self.wait(job, "failed")["error_message"])
        self.assertEqual((len(self.calls("overlay build")), len(self.calls("overlay cancel"))), (3, 1))

    def test_one_that_had_made_it(self):
        """an overlay that was made before the worker was killed is found again"""
        self.hold("overlay-create")
        job = self.ask("overlay.create", name="maps", type="files")
        self.ready(job)
        self.kill()
        self.on("overlay-create", "fail exists 'there is an overlay maps already' 4")
        self.has({"overlay": 9, "name": "maps", "type": "files"})
        self.on("overlay-show", "cat overlays; exit 0")
        self.worker.start()
        self.wait(job)
        self.assertEqual(self.read("SELECT id, owner FROM overlays WHERE id > 1"), [{"id": 9, "owner": 1}])

    def test_a_step_back(self):
        """is not done twice: that were two steps; but to go to a generation is, by whoever goes on"""
        for parameters, state, n_calls in (({}, "failed", 1), ({"generation": 3}, "done", 2)):
            with self.subTest(parameters=parameters):
                self.hold("overlay-rollback")
                job = self.ask("overlay.rollback", overlay=7, **parameters)
                self.ready(job)
                self.kill()
                self.on("overlay-rollback", "")
                before = len(self.calls("overlay rollback"))
                self.worker.start()
                row = self.wait(job, state)
                self.assertEqual(len(self.calls("overlay rollback")) - before + 1, n_calls)
                self.assertEqual("it may be done or not" in (row["error_message"] or ""), state == "failed")

    def test_a_build_that_had_changed_it(self):
        """what was published before the worker was killed is nothing new to who does it again, but to who has asked for it"""
        for first, ago, is_new in ((3, -10, True), (4, 10, False), (5, 0, True), (6, 0, False)):
            with self.subTest(ago=ago, is_new=is_new):
                self.hold("overlay-build")
                job = self.ask("overlay.build", overlay=7)
                self.ready(job)
                self.kill()
                started_us = self.job(job)["started_us"]
                if ago == 0 and not is_new:  # another job has told of it, in the same second
                    self.change(f"UPDATE jobs SET started_us = started_us + 1000000, ended_us = {started_us} + 500000, result = '"
                                f"{json.dumps({'changed': True, 'generation': first})}' WHERE id = {job - 1}")
                self.on("overlay-build", """echo '{"overlay": 7, "build": 9, "attached": false, "changed": false, "generation": null}'; exit 0""")
                row = {"generation": first, "build": 8, "created": {"time": "x", "unix_s": started_us // 1000000 - ago}}
                self.on("overlay-show", f"echo '{json.dumps({'overlay': 7, 'generations': [row]})}'; exit 0")
                self.worker.start()
                self.assertEqual(json.loads(self.wait(job)["result"]), {
                    "overlay": 7, "build": 8 if is_new else 9, "attached": False, "changed": is_new, "generation": first if is_new else None})
        self.on("overlay-show", "fail failed 'it cannot be read'")
        self.assertEqual(json.loads(self.wait(self.ask("overlay.build", overlay=7))["result"])["changed"], False)
        self.assertEqual(len(self.calls("overlay show")), 4)

    def test_one_that_was_there_before(self):
        """whoever asks for an overlay of the name of one of the machine's own gets it by no restart of the worker"""
        self.has({"overlay": 9, "name": "maps", "type": "script"})
        self.init.say("set", "left4me-publish@3.service", "inactive", "dead", 5)
        self.worker.wait(lambda: self.read("SELECT * FROM overlays WHERE id = 9"))
        self.change("UPDATE overlays SET created_unix_s = 1")
        self.hold("overlay-create")
        job = self.ask("overlay.create", name="maps", type="script")
        self.ready(job)
        self.kill()
        self.on("overlay-create", "fail exists 'there is an overlay maps already' 4")
        self.on("overlay-show", "cat overlays; exit 0")
        self.worker.start()
        self.assertEqual(self.wait(job, "failed")["error_kind"], "exists")
        self.assertEqual(self.read("SELECT owner FROM overlays WHERE id = 9"), [{"owner": None}])

    def test_one_at_a_time(self):
        other = self.worker.begin(None)
        self.assertEqual(other.wait(READY_S), 4)
        self.assertIn("another worker is at work", self.worker.log())

    def test_a_damaged_database(self):
        self.worker.end()
        with open(self.worker.database, "r+b") as file:
            file.seek(4096 * 3)
            file.write(b"x" * 4096)
        other = self.worker.begin(None)
        self.assertEqual(other.wait(READY_S), 1)
        self.assertRegex(self.worker.log(), "left4me-worker: .*is damaged")

    def test_no_socket(self):
        done = subprocess.run([PROGRAM, "--database", self.path / "none"], capture_output=True, text=True, timeout=READY_S, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("left4me-worker.socket", done.stderr)
        self.assertFalse((self.path / "none").exists())

    def test_a_locked_database(self):
        """what cannot be written for a while is written afterwards"""
        let_go = self.hold("overlay-build", after="echo '{\"stream\": \"stdout\", \"text\": \"late\"}'")
        job = self.ask("overlay.build", overlay=7)
        self.ready(job)
        with contextlib.closing(sqlite3.connect(self.worker.database, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            let_go()
            while "is kept until it can be written" not in self.worker.log():
                time.sleep(0.01)
            db.execute("ROLLBACK")
        self.wait(job)
        self.assertIn(("output", "late"), self.lines(job))

    def test_a_database_that_was_locked_before(self):
        """a worker that is started meanwhile waits, and then does what there is to do"""
        self.worker.end()
        job = self.change("INSERT INTO jobs (kind, overlay, asked_by, asked_by_name, created_us) VALUES ('overlay.build', 7, 1, 'bill', 1)")
        with contextlib.closing(sqlite3.connect(self.worker.database, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            self.worker.start()
            while "is kept until it can be written" not in self.worker.log():
                time.sleep(0.01)
            self.assertEqual(self.job(job)["state"], "queued")
            db.execute("ROLLBACK")
        self.assertEqual(self.wait(job)["attempt"], 1)


class TestStates(WorkerTest):
    def live(self, server=1):
        rows = self.read("SELECT * FROM live_states WHERE server = ?", server)
        return rows[0] if rows else None

    def wait_live(self, state, since=None):
        return self.worker.wait(lambda: (row := self.live()) and row["state"] == state and (since is None or row["changed_us"] == since) and row)

    def test_signals(self):
        self.server()
        self.wait_live("stopped")
        for active, sub, state in (("activating", "start", "starting"), ("active", "running", "running"), ("deactivating", "stop-sigterm", "stopping"),
                                   ("failed", "failed", "failed"), ("activating", "auto-restart", "restarting"), ("inactive", "dead", "stopped")):
            self.init.say("set", "left4me-server@s1.service", active, sub, 1000 + len(active))
            self.wait_live(state, 1000 + len(active))
        self.init.say("set", "left4me-server@s1.service", "active", "running", 5)
        self.wait_live("running")
        self.init.say("gone", "left4me-server@s1.service")
        self.wait_live("stopped")

    def test_status(self):
        """is looked up at each change, and what is not the page's is left alone"""
        self.server()
        self.wait_live("stopped")
        self.on("status", """echo "{\\"pending\\": [\\"config\\"], \\"n\\": $(grep -c ^status calls)}"; exit 0""")
        self.init.say("set", "left4me-server@other.service", "active", "running", 5)
        self.init.say("set", "cron.service", "active", "running", 5)
        self.init.say("set", "left4me-server@s1.service", "active", "running", 5)
        row = self.worker.wait(lambda: (row := self.live()) and row["status"] and row)
        self.assertEqual(json.loads(row["status"])["pending"], ["config"])
        self.assertEqual({call for call in self.calls("status")}, {"status --json -- s1"})

    def test_at_its_begin(self):
        self.server()
        self.wait_live("stopped")
        self.worker.end()
        self.init.say("quiet", "left4me-server@s1.service", "active", "running", 77)
        self.worker.start()
        self.wait_live("running", 77)
        self.worker.end()
        self.init.say("gone", "left4me-server@s1.service")
        self.worker.start()
        self.wait_live("stopped")

    def test_a_bus_that_goes_away(self):
        self.server()
        self.wait_live("stopped")
        self.init.say("hang-up")
        self.init.say("quiet", "left4me-server@s1.service", "active", "running", 78)
        self.wait_live("running", 78)
        self.init.say("set", "left4me-server@s1.service", "failed", "failed", 79)
        self.wait_live("failed", 79)

    def test_blueprints(self):
        """what is changed on one is told to the host, of servers that it knows; then it says what is pending"""
        server = self.server()
        self.on("status", """if [ -f spec ]; then echo "{\\"spec\\": \\"$(grep -c sv_pure spec)\\"}"; exit 0; fi""")
        self.wait(self.ask("server.start", server))
        self.worker.wait(lambda: (row := self.live()) and row["status"])
        self.change("UPDATE blueprints SET config = 'sv_lan 0'", "INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('blueprint', 1, 0)")
        self.worker.poke()
        self.worker.wait(lambda: self.live()["status"] == '{"spec":"0"}')
        self.assertIn("sv_lan 0", (self.path / "spec").read_text())
        n = len(self.calls("initialize"))
        self.change("INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('blueprint', 1, 0)")
        self.worker.poke()
        self.wait(self.ask("server.stop", server))
        self.assertEqual(len(self.calls("initialize")), n)  # nothing of the server is another

    def list_anew(self, n):
        """What others publish is a reason to look at the list."""
        self.init.say("set", f"left4me-publish@{n}.service", "inactive", "dead", 5)

    def test_overlays_of_the_host(self):
        """one that was made by the shell has a row, one that went has none"""
        self.has({"overlay": 5, "name": "by hand", "type": "files"})
        self.list_anew(3)
        self.worker.wait(lambda: self.read("SELECT * FROM overlays WHERE id = 5"))
        self.assertEqual(self.read("SELECT name, type, owner FROM overlays WHERE id = 5"), [{"name": "by hand", "type": "files", "owner": None}])
        self.has({"overlay": 5, "name": "renamed", "type": "files"})
        self.list_anew(4)
        self.worker.wait(lambda: self.read("SELECT * FROM overlays WHERE name = 'renamed'"))
        self.has()
        self.list_anew(5)
        self.worker.wait(lambda: not self.read("SELECT * FROM overlays WHERE id = 5"))

    def test_a_list_that_took_its_time(self):
        """an overlay that a job made, renamed or deleted meanwhile stays as the job left it"""
        self.has(*({"overlay": number, "name": f"by hand {number}", "type": "files"} for number in (5, 6)))
        self.list_anew(3)
        self.worker.wait(lambda: len(self.read("SELECT * FROM overlays WHERE id > 1")) == 2)
        for fifo in ("begun", "slow"):
            os.mkfifo(self.path / fifo)
        self.on("overlay-list", """echo $$ >>held; list=$(cat overlays); : >begun; read x <slow; printf '{"overlays": [%s]}' "$list"; exit 0""")
        self.list_anew(4)
        (self.path / "begun").read_bytes()
        self.has({"overlay": 6, "name": "renamed", "type": "files"}, {"overlay": 7, "name": "new", "type": "files"})
        self.on("overlay-create", """echo '{"overlay": 7, "name": "new", "type": "files"}'; exit 0""")
        self.on("overlay-set", """echo '{"overlay": 6, "name": "renamed"}'; exit 0""")
        for job in (self.ask("overlay.delete", overlay=5), self.ask("overlay.set", overlay=6, name="renamed"),
                    self.ask("overlay.create", name="new", type="files")):
            self.wait(job)
        self.on("overlay-list", "echo $$ >>held; : >begun")
        (self.path / "slow").write_text("go\n")
        (self.path / "begun").read_bytes()              # the next one is asked for when that one is in the table
        self.assertEqual(self.read("SELECT id, name FROM overlays WHERE id > 1 ORDER BY id"), [{"id": 6, "name": "renamed"}, {"id": 7, "name": "new"}])

    def test_repair(self):
        """what should run and does not is started, if the settings say so, and not for ever"""
        servers = [self.server(name) for name in ("wanted", "not wanted", "tried in vain", "it runs")]
        self.worker.wait(lambda: len(self.read("SELECT * FROM live_states")) == len(servers))
        self.init.say("set", f"left4me-server@s{servers[3]}.service", "active", "running", 5)
        self.worker.wait(lambda: self.read("SELECT * FROM live_states WHERE state = 'running'"))
        self.change("INSERT INTO settings VALUES ('repair', 'auto', 0)",
                    "UPDATE servers SET wanted = 'running' WHERE name != 'not wanted'",
                    *(f"INSERT INTO jobs (kind, server, asked_by_name, state, created_us, ended_us) VALUES ('server.start', {servers[2]}, "
                      f"'repair', 'failed', {time.time_ns() // 1000}, 1)" for _ in range(3)))
        jobs = self.worker.wait(lambda: self.read("SELECT server FROM jobs WHERE asked_by_name = 'repair' AND state != 'failed'"))
        self.assertEqual(jobs, [{"server": servers[0]}])
        self.assertIn("should run and does not", self.worker.log())


if __name__ == "__main__":
    PROGRAM, FAKE_INIT = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
