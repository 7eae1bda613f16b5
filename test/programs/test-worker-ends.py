#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Workers that end before their jobs, and what the next one makes of those."""

import contextlib
import json
import sqlite3
import subprocess
import time

import workerworld
from workerworld import READY_S, WorkerTest


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
                    self.change(f"UPDATE jobs SET ended_us = {started_us} + 500000, result = '"
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
        done = subprocess.run([workerworld.PROGRAM, "--database", self.path / "none"], capture_output=True, text=True, timeout=READY_S, check=False)
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


if __name__ == "__main__":
    workerworld.main()
