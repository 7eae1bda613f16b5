#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me backup and restore, from one machine to another, below directories."""

import json
import os
import subprocess

import adminworld
from adminworld import WAIT_S, AdminTest, Broker

SPEC = "port: 27015\nhostname: One\noverlays: [3]\n"


class BackupTest(AdminTest):
    def setUp(self):
        super().setUp()
        self.data = self.root / "var/lib/left4me"
        self.file = self.root / "the.backup"
        self.add_user()
        self.overlay(3, "plugins", "script", script="echo\n")
        self.overlay(7, "maps", "files")
        tree = self.data / "sources/7/tree"
        (tree / "left4dead2/cfg").mkdir(parents=True)
        (tree / "left4dead2/cfg/a.cfg").write_text("one")
        (tree / "run").write_text("#!")
        (tree / "run").chmod(0o750)
        (tree / "link").symlink_to("/etc/passwd")
        (self.data / "sources/7/.work").mkdir()
        self.sql("INSERT INTO blueprints (name, owner, created_unix_s, changed_unix_s) VALUES ('b', 1, 1, 1)")
        self.server("s1", 27015, "running")
        (self.root / "etc/left4me/left4me.conf").write_text("[overlays]\nkeep = 5\n")

    def overlay(self, number, name, kind, **files):
        source = self.data / f"sources/{number}"
        source.mkdir()
        for file, text in files.items():
            (source / file).write_text(text)
        (source / "source.json").write_text(json.dumps({"name": name, "type": kind, "keep": 0, "output_max_bytes": 0, "daily": False}))
        self.sql("INSERT INTO overlays (id, name, type, created_unix_s, changed_unix_s) VALUES (?, ?, ?, 1, 1)", number, name, kind)

    def server(self, name, port, wanted):
        self.sql("INSERT INTO servers (instance, name, owner, blueprint, rcon_sealed, wanted, created_unix_s, changed_unix_s) VALUES (?, ?, 1, 1, x'00', ?, 1, 1)", name, "server " + name, wanted)
        for path in (f"instances/{name}", f"runtime/{name}/upper/left4dead2/logs"):
            (self.data / path).mkdir(parents=True)
        (self.data / f"instances/{name}/spec.yaml").write_text(SPEC)
        (self.data / f"instances/{name}/rcon_password").write_text("secret-password\n")
        (self.data / f"instances/{name}/rcon_password").chmod(0o600)
        (self.data / f"runtime/{name}/upper/left4dead2/logs/l.log").write_text("hello")

    def go_to_another(self):
        self.old_key = (self.root / "etc/credstore/left4me.key").read_bytes()
        self.root = self.machine()
        self.data = self.root / "var/lib/left4me"


class TestBackup(BackupTest):
    def test_there_and_back(self):
        done, = self.ask("backup", self.file, "--uppers")
        self.assertEqual((done["overlays"], done["instances"], done["uppers"], done["left_out"]), (2, 1, 1, 1))
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.events()[-1][0], "machine.backup")
        subprocess.run(["sh", "-c", f"mkdir x && cd x && tar -xf '{self.file}' && sha256sum --quiet -c SHA256SUMS"], cwd=self.root, check=True, timeout=WAIT_S)
        self.ask("workshop-refresh")
        self.ask("restore", self.file, "--check")
        self.go_to_another()
        self.ask("user", "list")
        with Broker(self.root) as broker:
            done, = self.ask("restore", self.file)
        self.assertEqual(done, {"overlays": 2, "servers": 1, "builds": 0, "ran": ["server s1"], "starting": False})
        self.assertEqual(broker.gaps, [2, 4, 5, 6])
        self.assertEqual((self.root / "etc/credstore/left4me.key").read_bytes(), self.old_key)
        self.assertEqual((self.root / "etc/credstore/left4me.key").stat().st_mode & 0o777, 0o600)
        self.assertEqual(len((self.root / "etc/credstore/left4me.key.before-restore").read_bytes()), 32)
        self.assertIn("keep = 5", (self.root / "etc/left4me/left4me.conf").read_text())
        tree = self.data / "sources/7/tree"
        self.assertEqual((tree / "left4dead2/cfg/a.cfg").read_text(), "one")
        self.assertEqual((tree / "run").stat().st_mode & 0o777, 0o750)
        self.assertFalse((tree / "link").is_symlink())
        self.assertEqual((self.data / "sources/3/script").read_text(), "echo\n")
        self.assertEqual((self.data / "instances/s1/rcon_password").read_text().strip(), "secret-password")
        self.assertIn("port: 27015", (self.data / "instances/s1/spec.yaml").read_text())
        self.assertEqual((self.data / "runtime/s1/upper/left4dead2/logs/l.log").read_text(), "hello")
        self.assertEqual(self.ask("user", "list")[0]["name"], "bill")
        self.assertEqual(self.sql("SELECT wanted FROM servers"), [("stopped",)])
        self.assertEqual(self.events()[-1][0], "machine.restore")
        self.ask("log", "check")
        self.assertFalse((self.data / "db/restore").exists())

    def test_with_jobs(self):
        self.ask("workshop-refresh")
        self.ask("backup", self.file)
        self.go_to_another()
        with Broker(self.root):
            done, = self.ask("restore", self.file, "--build", "--start")
        self.assertEqual((done["builds"], done["starting"]), (2, True))
        self.assertEqual(self.sql("SELECT kind, state FROM jobs ORDER BY id"), [("overlay.refresh", "cancelled"), ("overlay.build", "queued"), ("overlay.build", "queued"), ("server.start", "queued")])
        self.assertEqual(self.sql("SELECT job, after FROM job_dependencies ORDER BY after"), [(4, 2), (4, 3)])
        self.assertEqual(self.sql("SELECT wanted FROM servers"), [("running",)])
        self.assertFalse(any((self.data / "runtime/s1/upper").iterdir()))

    def test_a_pipe(self):
        done = subprocess.run([adminworld.COMMAND, "--root", self.root, "backup", "-"], capture_output=True, timeout=WAIT_S, check=True)
        self.file.write_bytes(done.stdout)
        self.ask("restore", "--check", self.file)

    def test_what_is_refused(self):
        self.refused(3, "not-found", "no instance 'two'", "backup", self.file, "--upper", "two")
        self.assertFalse(self.file.exists())
        self.ask("backup", self.file)
        self.refused(4, "exists", "", "backup", self.file)
        before = self.sql("SELECT * FROM servers")
        self.refused(4, "exists", "--replace", "restore", self.file)
        whole = self.file.read_bytes()
        self.file.write_bytes(whole[:-100])
        self.refused(2, "invalid", "", "restore", "--check", self.file)
        self.go_to_another()
        self.refused(2, "invalid", "", "restore", self.file)
        self.file.write_bytes(b"hello")
        self.refused(2, "invalid", "", "restore", self.file)
        self.assertFalse((self.data / "db/restore").exists())
        self.assertFalse(self.database.exists())
        self.file.write_bytes(whole)
        self.refused(69, "unavailable", "", "restore", self.file)
        with Broker(self.root, last=5) as broker:
            self.refused(4, "exists", "was handed out on this machine already", "restore", self.file)
        self.assertEqual(broker.gaps, [6])
        self.assertEqual(len(before), 1)

    def test_in_place_of_what_is_there(self):
        self.ask("backup", self.file)
        (self.data / "sources/7/tree/run").write_text("changed")
        self.add_user("zoey", "user")
        with Broker(self.root, last=7):
            self.ask("restore", self.file, "--replace")
        self.assertEqual((self.data / "sources/7/tree/run").read_text(), "#!")
        self.assertEqual([row["name"] for row in self.ask("user", "list")], ["bill"])
        self.assertEqual(len([name for name in os.listdir(self.data / "db") if name.startswith("left4me.db.before-")]), 1)


if __name__ == "__main__":
    adminworld.main()
