#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: jobs, requests that come twice, and a database that somebody else writes."""

import contextlib
import json
import socket
import sqlite3
import subprocess
import threading

import webworld
from webworld import READY_S, Browser, WebTest


class TestJobs(WebTest):
    def setUp(self):
        super().setUp()
        self.admin, self.browser = self.user("bill", "admin"), self.user("zoey")
        self.zoey = self.browser.ask("GET", "/me")[1]["id"]

    def jobs(self, *rows):
        """Rows of (kind, state, asked by)."""
        for kind, state, user in rows:
            ended = "NULL" if state in ("queued", "running") else 1700000000000002
            lease = "'w'" if state == "running" else "NULL"
            self.web.change(f"INSERT INTO jobs (kind, state, asked_by, asked_by_name, created_us, ended_us, lease_by, error_kind, error_message, result) "
                            f"VALUES ('{kind}', '{state}', {user or 'NULL'}, 'x', 1700000000000001, {ended}, {lease}, "
                            f"{'''NULL, NULL''' if state != 'failed' else '''1, 'it went wrong' '''}, '{{\"overlay\": 5}}')")

    def test_lists(self):
        self.jobs(*[("overlay.build", "done", self.zoey)] * 3, ("overlay.refresh", "queued", None))
        said = self.browser.ask("GET", "/jobs?limit=2")[1]
        self.assertEqual(([job["id"] for job in said["jobs"]], said["next"]), ([3, 2], 2))
        said = self.browser.ask("GET", f"/jobs?limit=2&before={said['next']}")[1]
        self.assertEqual(([job["id"] for job in said["jobs"]], said["next"]), ([1], None))
        self.assertEqual([job["id"] for job in self.admin.ask("GET", "/jobs")[1]["jobs"]], [4, 3, 2, 1])
        self.assertEqual(self.admin.ask("GET", "/jobs?server=7")[1]["jobs"], [])
        self.error(self.admin.ask("GET", "/jobs?server=7&overlay=1"), 400, "invalid", "or of an overlay")
        for query in ("server=0", "overlay=x", "before=-1", "limit=101"):
            self.error(self.admin.ask("GET", f"/jobs?{query}"), 400, "invalid", "must be a number", query.partition("=")[0])

    def test_one(self):
        self.jobs(("overlay.create", "done", self.zoey), ("overlay.build", "failed", self.zoey))
        job = self.browser.ask("GET", "/jobs/1")[1]
        self.assertEqual((job["kind"], job["state"], job["result"], job["parameters"], job["error"], job["asked_by"], job["cancelling"]),
                         ("overlay.create", "done", {"overlay": 5}, {}, None, self.zoey, False))
        self.assertEqual((job["created_us"], job["started_us"], job["ended_us"]), (1700000000000001, None, 1700000000000002))

    def test_a_log(self):
        self.jobs(("overlay.build", "running", self.zoey))
        for number in range(1, 6):
            self.web.change(f"INSERT INTO job_lines VALUES (1, {number}, {number}, 'output', 'line {number}')")
        said = self.browser.ask("GET", "/jobs/1/log?limit=3")[1]
        self.assertEqual(([line["text"] for line in said["lines"]], said["next"]), (["line 1", "line 2", "line 3"], 3))
        said = self.browser.ask("GET", "/jobs/1/log?after=3")[1]
        self.assertEqual(([line["number"] for line in said["lines"]], said["next"]), ([4, 5], None))
        self.assertEqual(self.browser.ask("GET", "/jobs/1/log?limit=1000")[0], 200)
        self.error(self.browser.ask("GET", "/jobs/1/log?limit=1001"), 400, "invalid", "1000", "limit")

    def test_cancelling(self):
        self.jobs(("overlay.build", "queued", self.zoey), ("overlay.build", "running", self.zoey), ("overlay.build", "done", self.zoey))
        job = self.browser.ask("POST", "/jobs/1/cancel")[1]["job"]
        self.assertEqual((job["state"], job["cancelling"]), ("cancelled", False))
        job = self.browser.ask("POST", "/jobs/2/cancel")[1]["job"]
        self.assertEqual((job["state"], job["cancelling"]), ("running", True))
        self.error(self.browser.ask("POST", "/jobs/3/cancel"), 409, "busy", "it is done")
        event = self.admin.ask("GET", "/audit?limit=1")[1]["events"][0]
        self.assertEqual((event["action"], event["subject"], event["after"]), ("job.cancel", "job 2", {"kind": "overlay.build"}))


class TestTwice(WebTest):
    """What is asked for twice with one key is made once."""

    def setUp(self):
        super().setUp()
        self.admin = self.user("bill", "admin")

    def ask(self, key, browser=None, path="/invitations", **body):
        return (browser or self.admin).ask("POST", path, {"role": "user", **body}, Idempotency_Key=key)

    def count(self):
        return len(self.admin.ask("GET", "/invitations")[1]["invitations"])

    def test_again(self):
        self.assertEqual(self.ask("a")[0], 201)
        self.error(self.ask("a"), 409, "exists", "made already")
        self.assertEqual(self.ask("b")[0], 201)
        self.assertEqual(self.count(), 2)

    def test_something_else(self):
        """another body or another address with the same key is a mistake"""
        other = self.user("zoey", "admin")
        self.assertEqual(self.ask("a")[0], 201)
        self.error(self.ask("a", name="louis"), 409, "exists", "choose a new one")
        self.error(self.admin.ask("POST", "/me/tokens", {"role": "user"}, Idempotency_Key="a"), 409, "exists", "choose a new one")
        self.assertEqual(self.ask("a", other)[0], 201)
        self.assertEqual(self.count(), 2)

    def test_keys(self):
        for key in ("", "x" * 65, "a b", "ä".encode().decode("latin-1")):
            self.error(self.ask(key), 400, "invalid", "Idempotency-Key")
        self.assertEqual(self.ask("x" * 64)[0], 201)
        # They mean something for what makes things alone.
        self.assertEqual(self.admin.ask("GET", "/me", Idempotency_Key="a b")[0], 200)

    def test_what_failed_is_not_kept(self):
        self.error(self.ask("a", role="king"), 400, "invalid")
        self.assertEqual(self.ask("a")[0], 201)

    def test_after_a_day(self):
        self.assertEqual(self.ask("a")[0], 201)
        self.web.change("UPDATE idempotency_keys SET created_unix_s = created_unix_s - 86400")
        self.assertEqual(self.ask("a", name="louis")[0], 201)

    def test_at_once(self):
        """two processes, each of which is asked the same at the same time"""
        other = webworld.Web(self.path, *self.web.options)
        self.addCleanup(other.socket.close)
        other.start()
        self.addCleanup(other.stop)
        stranger = Browser(other)
        stranger.cookie = self.admin.cookie
        for number in range(10):
            barrier, said = threading.Barrier(2), []

            def ask(browser, number=number, barrier=barrier, said=said):
                mine = Browser(browser.web)
                mine.cookie = browser.cookie
                barrier.wait()
                said.append(self.ask(f"key {number}".replace(" ", "-"), mine)[0])
            threads = [threading.Thread(target=ask, args=(browser,)) for browser in (self.admin, stranger)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(said), [201, 409])
        self.assertEqual(self.count(), 10)


class TestLocked(WebTest):
    """Somebody else writes into the database, and for long."""

    def test_reading_and_writing(self):
        admin = self.user("bill", "admin")
        self.web.change("UPDATE sessions SET seen_unix_s = seen_unix_s - 1000")
        with contextlib.closing(sqlite3.connect(self.web.database, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            # That somebody was here is not worth waiting for.
            self.assertEqual(admin.ask("GET", "/me")[0], 200)
            self.error(admin.ask("POST", "/invitations", {"role": "user"}), 503, "busy", "locked")
            self.assertEqual(admin.answer.getheader("Retry-After"), "1")
            db.execute("ROLLBACK")
        self.assertEqual(admin.ask("POST", "/invitations", {"role": "user"})[0], 201)

    def test_many_who_write(self):
        """each is told so, also by one that was started meanwhile, and whoever reads is answered between them"""
        admin = self.user("bill", "admin")
        self.web.stop()
        with contextlib.closing(sqlite3.connect(self.web.database, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            self.web.start()

            def ask():
                browser = Browser(self.web)
                browser.cookie = admin.cookie
                said = browser.ask("POST", "/blueprints", {"name": "x"}, Idempotency_Key="once")
                return said, browser.ask("GET", "/blueprints")
            for writing, reading in self.at_once(20, ask):
                self.error(writing, 503, "busy", "the database is locked by another program")
                self.assertEqual(reading, (200, {"blueprints": [], "next": None}))
            db.execute("ROLLBACK")
        made = [ask() for _ in range(2)]
        self.assertEqual((made[0][0][0], made[1]), (201, made[0]))

    def test_all_of_it(self):
        """whoever cannot even read it does not start, and says why"""
        self.web.stop()
        with contextlib.closing(sqlite3.connect(self.web.database, isolation_level=None)) as db:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("BEGIN EXCLUSIVE")
            page = ["sh", "-c", 'exec 3<&0; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", webworld.PROGRAM, self.web.database, *self.web.options, "--insecure"]
            command = [webworld.COMMAND, "--database", self.web.database, "user", "list"]
            begun = [subprocess.Popen(words, stdin=self.web.socket, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for words in (page, command)]
            for program, code in zip(begun, (1, 4)):
                said = program.communicate(timeout=READY_S)
                self.assertEqual((program.returncode, said[0]), (code, ""), said)
                self.assertIn("the database is locked by another program", said[1])
        self.web.start()


class TestSameWork(WebTest):
    def work(self):
        """How many pages the program has touched for the first time: a hash takes 64 MiB, and gives them back."""
        with open(f"/proc/{self.web.process.pid}/stat") as stat:
            return int(stat.read().rpartition(")")[2].split()[7])

    def test_nobody_learns_who_there_is(self):
        """what a login costs is the same whether there is such a user, he has a password, or he may log in"""
        self.user()
        self.user("zoey")
        self.web.invite("louis")
        self.web.change("UPDATE users SET is_active = 0 WHERE name = 'zoey'")
        self.web.stop()
        self.web.start()
        self.web.change("DELETE FROM sessions")
        costs, said = {}, []
        Browser(self.web).login("warm", "wrong password")
        for name in ("bill", "nobody", "zoey", "louis"):
            before = self.work()
            said.append(Browser(self.web).login(name, "wrong password"))
            costs[name] = self.work() - before
        self.assertEqual(said, [said[0]] * 4)
        self.assertLess(max(costs.values()), 2 * min(costs.values()), costs)


class TestWhileItIsHashed(WebTest):
    """What a password is good for is seen when the hash is there, and not when it was asked for."""

    SETTINGS = "requests = 0\nconnections = 0\n"
    OTHERS = 8  # whose passwords are hashed before: that takes its time

    def send(self, method, path, body, cookie=""):
        connection = socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S)
        self.addCleanup(connection.close)
        body = json.dumps(body)
        connection.sendall(f"{method} /api/v1{path} HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n{cookie}Content-Type: application/json\r\n"
                           f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return connection

    def behind_others(self, *asked):
        """What is asked has been read, and waits."""
        for i in range(self.OTHERS):
            self.send("POST", "/session", {"name": f"nobody{i}", "password": "wrong password"})
        connection = self.send(*asked)
        self.assertEqual(Browser(self.web).ask("GET", "/health")[0], 200)  # which came later
        return connection

    def do(self, sql):
        with contextlib.closing(sqlite3.connect(self.web.database)) as db, db:
            db.execute("PRAGMA synchronous = OFF")
            return db.execute(sql).fetchall()

    def test_a_login(self):
        """with the old password does not outlive a new one"""
        self.user()
        login = self.behind_others("POST", "/session", {"name": "bill", "password": webworld.PASSWORD})
        self.do("UPDATE users SET password_hash = substr(password_hash, 1, length(password_hash) - 1) || iif(password_hash LIKE '%A', 'B', 'A')")
        self.assertIn(b" 401 ", login.recv(4096))

    def test_guesses_at_once(self):
        """are no more than one after the other: who was heard together with one that fails is told to wait, right or wrong"""
        self.user()
        for _ in range(5):
            self.assertEqual(Browser(self.web).login("nobody", "wrong password")[0], 401)
        while Browser(self.web).login()[0] == 429:  # who waits for long enough is heard
            pass
        guesses = [self.send("POST", "/session", {"name": name, "password": webworld.PASSWORD}) for name in ("zoey", "louis", "bill")]
        self.assertEqual([guess.recv(4096).split()[1] for guess in guesses], [b"401", b"429", b"429"])

    def test_a_new_password(self):
        """is not set for a session that has ended meanwhile"""
        browser = self.user()
        before = self.do("SELECT password_hash FROM users")
        change = self.behind_others("PUT", "/me/password", {"old_password": webworld.PASSWORD, "password": "another password"}, f"Cookie: {browser.cookie}\r\n")
        self.do("DELETE FROM sessions")
        self.assertIn(b" 401 ", change.recv(4096))
        self.assertEqual(self.do("SELECT password_hash FROM users"), before)


class TestInjection(WebTest):
    def test_what_is_said_back(self):
        """nothing that is sent comes back as a field of an answer, or as anything but a text in JSON"""
        browser = self.user(name="bill")
        evil = "%0d%0aX-Evil:%201%0d%0a%0d%0a<script>"
        for path in (f"/jobs?before={evil}", f"/jobs?limit={evil}", f"/jobs/{evil}", f"/{evil}", f"/me/sessions/1{evil}"):
            status, _ = browser.ask("GET", path)
            self.assertIn(status, (400, 404))
            self.assertIsNone(browser.answer.getheader("X-Evil"))
            self.assertEqual(browser.answer.getheader("Content-Type"), "application/json")
        other = Browser(self.web, User_Agent="<script>alert(1)</script>\x01")
        self.assertEqual(other.login()[0], 400)
        other = Browser(self.web, User_Agent="<script>alert(1)</script>")
        other.login()
        self.assertIn("<script>alert(1)</script>", [row["agent"] for row in browser.ask("GET", "/me/sessions")[1]["sessions"]])
        self.error(other.ask("POST", "/session", {"name": "a\r\nX-Evil: 1", "password": "x"}), 400, "invalid", "control", "name")


if __name__ == "__main__":
    webworld.main()
