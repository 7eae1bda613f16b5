#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me, the operator's command: tokens, invitations, jobs, and what it says of itself."""

import json
import subprocess

import adminworld
from adminworld import BELL, CHANGED, MAGIC, WAIT_S, AdminTest, Worker

GROUPS = {"user", "token", "job", "log"}


class TestItself(AdminTest):
    def test_help(self):
        text = self.run_command("--help").stdout
        names = [line[2:21].strip() for line in text.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()]
        self.assertIn("token create", names)
        for name in names:
            done = self.run_command(*name.split(), "--help")
            self.assertEqual(done.returncode, 0, name)
            self.assertTrue(done.stdout.startswith(f"Usage: left4me {name} "), done.stdout)
        for group in GROUPS:
            self.assertIn(f"  {group} ", self.run_command(group, "--help").stdout)

    def test_usage(self):
        for words in ((), ("nothing",), ("token",), ("token", "nothing"), ("user", "list", "more"), ("user", "add"), ("user", "list", "--admin"), ("user", "list", "--nothing"), ("token", "create", "a", "--user")):
            self.refused(2, "invalid", "", *words)

    def test_doctor(self):
        rows = self.ask("doctor", code=1)
        found = {row["check"]: row for row in rows[:-1]}
        self.assertEqual(found["key"]["verdict"], "ok")
        self.assertEqual(found["database"]["verdict"], "warn")
        self.assertEqual(found["worker"]["verdict"], "fail")
        self.assertIs(rows[-1]["healthy"], False)
        (self.root / "etc/credstore/left4me.key").write_bytes(b"short")
        self.ask("user", "list")
        with Worker(self):
            found = {row["check"]: row for row in self.ask("doctor", code=1)[:-1]}
        self.assertEqual([found[name]["verdict"] for name in ("key", "database", "worker")], ["fail", "ok", "ok"])
        self.database.write_bytes(b"not a database" * 1000)
        found = {row["check"]: row for row in self.ask("doctor", code=1)[:-1]}
        self.assertEqual(found["database"]["verdict"], "fail")
        self.assertEqual(self.run_command("doctor").returncode, 1)


class TestPeople(AdminTest):
    def test_invitations(self):
        row, = self.ask("invite", "--base", "https://page.example/")
        self.assertEqual(row["url"], f"https://page.example/join#{row['invitation']}")
        row, = self.ask("invite", "--admin", "--name", "zoey")
        self.assertEqual(row["url"], f"/join#{row['invitation']}")
        self.assertEqual(self.sql("SELECT name, role FROM invitations ORDER BY id"), [(None, "user"), ("zoey", "admin")])
        self.add_user()
        self.refused(4, "exists", "there is a user 'bill' already", "invite", "--name", "bill")
        self.refused(2, "invalid", "", "invite", "--name", "a b")
        self.assertEqual(self.events(), [("invitation.create", "", "root", "command line"), ("invitation.create", "zoey", "root", "command line")])

    def test_tokens(self):
        self.add_user()
        self.refused(3, "not-found", "", "token", "create", "ci", "--user", "louis", "--scope", "read")
        self.refused(2, "invalid", "--user", "token", "create", "ci", "--scope", "read")
        self.refused(2, "invalid", "", "token", "create", "ci", "--user", "bill", "--scope", "all")
        self.refused(2, "invalid", "", "token", "create", "ci", "--user", "bill", "--scope", "read", "--expires", "0")
        made, = self.ask("token", "create", "ci", "--user", "bill", "--scope", "operate", "--expires", "30")
        self.assertEqual(made["expires"] - made["created"], 30 * 86400)
        word = made.pop("token")
        self.refused(4, "exists", "", "token", "create", "ci", "--user", "bill", "--scope", "read")
        self.assertEqual(self.ask("token", "list"), [made])
        self.assertEqual(self.ask("token", "list", "--user", "bill"), [made])
        self.assertNotIn(word, str(self.sql("SELECT * FROM api_tokens") + self.sql("SELECT * FROM audit_events")))
        self.assertIn("ci", self.run_command("token", "list").stdout)
        self.refused(3, "not-found", "no such token", "token", "revoke", "99")
        self.refused(2, "invalid", "", "token", "revoke", "ci")
        self.ask("token", "revoke", made["id"])
        self.assertEqual(self.ask("token", "list"), [])
        self.assertEqual([event[0] for event in self.events()], ["token.create", "token.revoke"])
        self.ask("log", "check")


class TestWhatIsPrinted(AdminTest):
    def test_what_a_terminal_would_obey(self):
        """whatever somebody has written into the database: names are checked before they get there, by whoever was not taken over"""
        self.add_user("zo\x1b]0;evil\x07ey")
        self.add_user("lo\x9b31mu\u202eis")
        self.sql("INSERT INTO api_tokens (hash, user, name, scope, created_unix_s) VALUES (zeroblob(32), 1, 'a' || char(10, 27) || '[2Jb', 'read', 1)")
        self.sql("INSERT INTO jobs (kind, asked_by_name, created_us) VALUES ('a' || char(27) || '[31mb', 'x' || char(13, 8), 1)")
        for words, want in ((("user", "list"), "zo?]0;evil?ey"), (("user", "list"), "lo?31mu?is"), (("token", "list"), "?[2Jb"), (("job", "list"), "a?[31mb")):
            with self.subTest(words=words):
                said = self.run_command(*words).stdout
                self.assertIn(want, said)
                self.assertEqual([c for c in said if c != "\n" and (c < " " or c in "\x7f\x9b\u202e")], [])


class TestJobs(AdminTest):
    def job(self, state="running"):
        self.ask("workshop-refresh")
        self.sql("UPDATE jobs SET state = ?, lease_by = 'w', started_us = 2, attempt = 1", state)

    def line(self, number, text):
        self.sql("INSERT INTO job_lines VALUES (1, ?, 5, 'output', ?)", number, text)

    def end(self, state, kind=None, message=None):
        self.sql("UPDATE jobs SET state = ?, lease_by = NULL, ended_us = 9, error_kind = ?, error_message = ?", state, kind, message)

    def test_refresh(self):
        with Worker(self) as worker:
            row, = self.ask("workshop-refresh")
            worker.hear()
        self.assertEqual((row["kind"], row["state"], row["asked_by_name"], row["server"]), ("overlay.refresh", "queued", "root", None))
        self.assertEqual(self.ask("workshop-refresh")[0]["id"], row["id"])
        self.assertEqual(self.ask("job", "list"), [row])
        self.assertEqual(self.ask("job", "show", row["id"]), [row])
        cancelled, = self.ask("job", "cancel", row["id"])
        self.assertEqual(cancelled["state"], "cancelled")
        self.refused(4, "busy", "", "job", "cancel", row["id"])
        self.refused(3, "not-found", "", "job", "show", "99")
        self.refused(2, "invalid", "", "job", "show", "0")
        self.assertEqual([event[0] for event in self.events()], ["overlay.refresh", "overlay.refresh", "job.cancel"])

    def test_following(self):
        self.job()
        self.line(1, "one")
        with Worker(self) as worker, subprocess.Popen([adminworld.COMMAND, "--root", self.root, "--json", "job", "show", "1", "-f"], stdout=subprocess.PIPE, text=True) as follower:
            self.assertEqual(json.loads(follower.stdout.readline())["text"], "one")
            with worker.accept() as client:
                self.line(2, "two\x1b[31m")
                client.send(BELL.pack(MAGIC, CHANGED))
                self.assertEqual(json.loads(follower.stdout.readline())["text"], "two\x1b[31m")
                self.line(3, "three")
                self.end("failed", "no-space", "the disk is full")
                client.send(BELL.pack(MAGIC, CHANGED))
                rest = [json.loads(line) for line in follower.stdout]
            self.assertEqual(follower.wait(WAIT_S), 1)
        self.assertEqual([row.get("text") for row in rest], ["three", None, None])
        self.assertEqual(rest[1]["error"], {"kind": "no-space", "message": "the disk is full"})
        self.assertIn("two\\x1b[31m", self.run_command("job", "show", "1").stdout)

    def test_following_without_a_worker(self):
        self.job()
        with subprocess.Popen([adminworld.COMMAND, "--root", self.root, "job", "show", "1", "--follow"], stdout=subprocess.PIPE, text=True) as follower:
            self.line(1, "one")
            self.assertEqual(follower.stdout.readline(), "one\n")
            self.end("done")
            self.assertIn("done", follower.stdout.readline())
            self.assertEqual(follower.wait(WAIT_S), 0)


if __name__ == "__main__":
    adminworld.main()
