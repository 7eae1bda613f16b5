#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the worker does with jobs: each kind of them, and who may have it done."""

import json
import time

import workerworld
from workerworld import WorkerTest


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
        self.has({"overlay": 7, "name": "hers", "type": "files"})
        self.change("INSERT INTO server_grants VALUES (1, 2, 3)",
                    "INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('overlay', 7, 0)",
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


if __name__ == "__main__":
    workerworld.main()
