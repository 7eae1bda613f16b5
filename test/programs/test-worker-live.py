#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the worker knows of servers: their states, who plays on them, and what is to be done about it."""

import json
import os
import socket
import struct
import threading
import time

import workerworld
from workerworld import READY_S, WorkerTest


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
    workerworld.main()
