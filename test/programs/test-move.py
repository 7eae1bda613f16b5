#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me export, import, seed-scripts, adopt: what comes to the page from elsewhere."""

import json
import shutil

import adminworld
from adminworld import AdminTest, Broker


class MoveTest(AdminTest):
    def setUp(self):
        super().setUp()
        self.file = self.root / "an.export"
        self.add_user()
        self.broker = self.begin()

    def begin(self, last=1):
        broker = Broker(self.root, last)
        broker.__enter__()
        self.addCleanup(broker.__exit__)
        return broker

    @property
    def data(self):
        return self.root / "var/lib/left4me"

    def scripts(self, **texts):
        path = self.root / "scripts"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        for name, text in texts.items():
            (path / f"{name}.sh").write_text(text)
        return path

    def overlays(self):
        return self.sql("SELECT id, name, type, owner FROM overlays WHERE id > 1 ORDER BY id")


class TestSeed(MoveTest):
    def test_again_and_again(self):
        path = self.scripts(one="echo 1\n", two="echo 2\r\n")
        (path / "README.md").write_text("no script")
        rows = self.ask("seed-scripts", path)
        self.assertEqual([(row["name"], row["state"], row["overlay"]) for row in rows], [("one", "created", 2), ("two", "created", 3)])
        self.assertEqual((self.data / "sources/3/script").read_text(), "echo 2\n")
        self.assertEqual(self.overlays(), [(2, "one", "script", None), (3, "two", "script", None)])
        path = self.scripts(one="echo 1\n", two="echo 3\n")
        self.assertEqual([row["state"] for row in self.ask("seed-scripts", path)], ["unchanged", "changed"])
        self.assertEqual((self.data / "sources/3/script").read_text(), "echo 3\n")
        self.assertEqual([event[0] for event in self.events()], ["overlay.create", "overlay.create", "overlay.set"])
        self.assertIn("unchanged", self.run_command("seed-scripts", path).stdout)

    def test_what_is_refused(self):
        self.refused(3, "not-found", "", "seed-scripts", self.root / "nothing")
        self.refused(3, "not-found", "has no *.sh", "seed-scripts", self.root)
        self.refused(2, "invalid", "Upper", "seed-scripts", self.scripts(Upper="echo"))
        self.refused(2, "invalid", "UTF-8", "seed-scripts", self.scripts(bad="\0"))
        self.assertEqual(len(list((self.data / "sources").iterdir())), 0)
        self.assertEqual(self.overlays(), [])


class TestExport(MoveTest):
    def prepare(self):
        self.ask("seed-scripts", self.scripts(plugins="echo 1\n"))
        files = self.data / "sources/3"
        (files / "tree/cfg").mkdir(parents=True)
        (files / "tree/cfg/a.cfg").write_text("one")
        (files / "source.json").write_text(json.dumps({"name": "maps", "type": "files", "keep": 4, "output_max_bytes": 0, "daily": False}))
        self.broker.last = 3
        self.sql("INSERT INTO overlays (id, name, type, created_unix_s, changed_unix_s) VALUES (3, 'maps', 'files', 1, 1)")
        self.sql("INSERT INTO blueprints (name, owner, arguments, config, cpu_percent, created_unix_s, changed_unix_s) VALUES ('versus', 1, '[\"+map\",\"c1m1\"]', 'a 1\nb 2', 200, 1, 1)")
        self.sql("INSERT INTO blueprint_overlays VALUES (1, 0, 3, 0), (1, 1, 2, 1)")

    def blueprints(self):
        return self.sql("SELECT name, arguments, config, cpu_percent, memory_bytes, revision FROM blueprints ORDER BY id")

    def test_there_and_back(self):
        self.prepare()
        done, = self.ask("export", "blueprint", "Versus", self.file)
        self.assertEqual((done["blueprints"], done["overlays"]), (1, 2))
        self.refused(4, "exists", "overlay 'plugins' already", "import", self.file)
        self.refused(2, "invalid", "not both", "import", self.file, "--rename", "--replace")
        rows = self.ask("import", self.file, "--rename")
        self.assertEqual([(row["name"], row["state"]) for row in rows], [("plugins-2", "created"), ("maps-2", "created"), ("versus 2", "created")])
        (self.data / "sources/3/tree/cfg/a.cfg").write_text("two")
        self.sql("UPDATE blueprints SET config = '' WHERE id = 1")
        rows = self.ask("import", self.file, "--replace")
        self.assertEqual([row["state"] for row in rows], ["replaced"] * 3)
        self.assertEqual((self.data / "sources/3/tree/cfg/a.cfg").read_text(), "one")
        self.assertEqual(self.blueprints()[0][2:4], ("a 1\nb 2", 200))
        self.root = self.machine()
        self.begin()
        self.refused(3, "not-found", "no admin yet", "import", self.file)
        self.add_user("zoey")
        rows = self.ask("import", self.file)
        self.assertEqual(self.overlays(), [(2, "plugins", "script", 1), (3, "maps", "files", 1)])
        self.assertEqual(self.blueprints(), [("versus", '["+map","c1m1"]', "a 1\nb 2", 200, None, 1)])
        self.assertEqual(self.sql("SELECT overlay, expose_server_cfg FROM blueprint_overlays ORDER BY position"), [(3, 0), (2, 1)])
        self.assertEqual(json.loads((self.data / "sources/3/source.json").read_text())["keep"], 4)
        self.assertEqual((self.data / "sources/3/tree/cfg/a.cfg").read_text(), "one")
        self.assertFalse((self.data / "db/restore").exists())
        self.ask("log", "check")

    def test_overlays_alone(self):
        self.prepare()
        self.ask("export", "overlay", "maps", "2", self.file)
        self.root = self.machine()
        self.begin(last=8)
        self.add_user("zoey", "user")
        self.ask("import", self.file, "--owner", "zoey")
        self.assertEqual(self.overlays(), [(9, "plugins", "script", 1), (10, "maps", "files", 1)])

    def test_what_is_refused(self):
        self.prepare()
        for code, kind, part, *words in ((2, "invalid", "blueprint or overlay", "server", "a"), (3, "not-found", "no such blueprint", "blueprint", "a"),
                                         (3, "not-found", "no overlay 'a'", "overlay", "a"), (2, "invalid", "stays with its machine", "overlay", "game")):
            self.refused(code, kind, part, "export", *words, self.file)
            self.assertFalse(self.file.exists())
        self.refused(2, "invalid", "", "export", "overlay", self.file)
        self.ask("backup", self.file)
        self.refused(2, "invalid", "of the kind 'backup'", "import", self.file, "--replace")


class TestAdopt(MoveTest):
    def instance(self, name="mine", text="port: 27115\nhostname: Mine\noverlays: [2, 3]\nserver_cfg_of: [2]\narguments: [+map, c1m1]\nconfig:\n  - a 1\n  - b 2\nlimits:\n  cpu: 150\n"):
        instance = self.data / f"instances/{name}"
        instance.mkdir()
        (instance / "spec.yaml").write_text(text)
        (instance / "rcon_password").write_text("secret-password\n")
        (instance / "rcon_password").chmod(0o600)
        return instance

    def test_there_and_back(self):
        self.ask("seed-scripts", self.scripts(low="echo\n", high="echo\n"))
        self.sql("DELETE FROM overlays WHERE id > 1")
        self.instance()
        wants = self.root / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True)
        (wants / "left4me-server@mine.service").symlink_to("/nowhere")
        done, = self.ask("adopt", "mine")
        self.assertEqual((done["instance"], done["wanted"]), ("mine", True))
        self.assertEqual(self.sql("SELECT instance, name, hostname, wanted, owner FROM servers"), [("mine", "mine", "Mine", "running", 1)])
        self.assertEqual(self.sql("SELECT kind, port FROM server_ports ORDER BY port"), [("client", 22115), ("game", 27115), ("tv", 32115)])
        self.assertEqual(self.sql("SELECT name, arguments, config, cpu_percent FROM blueprints"), [("mine", '["+map","c1m1"]', "a 1\nb 2\n", 150)])
        self.assertEqual(self.sql("SELECT overlay, expose_server_cfg FROM blueprint_overlays ORDER BY position"), [(3, 0), (2, 1)])
        self.assertEqual(len(self.overlays()), 2)
        self.refused(4, "exists", "the page has 'mine' already", "adopt", "mine")
        self.ask("disown", "mine")
        self.assertEqual(self.sql("SELECT count(*) FROM servers") + self.sql("SELECT count(*) FROM blueprints"), [(0,), (0,)])
        self.ask("adopt", "mine")
        self.assertEqual([event[0] for event in self.events()][2:], ["server.adopt", "server.disown", "server.adopt"])

    def test_its_own_overlay(self):
        instance = self.instance(text="port: 27115\nlimits:\n  cpus: 0-1\n")
        (self.data / "sources/9").mkdir()
        (self.data / "sources/9/source.json").write_text(json.dumps({"name": "", "server": "mine", "type": "files", "keep": 0, "output_max_bytes": 0, "daily": False}))
        (instance / "own_overlay").write_text("9\n")
        self.assertIn("at the next start it runs on any", self.run_command("adopt", "mine").stdout)
        self.assertEqual(self.sql("SELECT overlay FROM servers"), [(9,)])
        self.assertEqual(self.overlays(), [(9, "@mine", "files", None)])

    def test_what_is_refused(self):
        self.refused(3, "not-found", "", "adopt", "mine")
        self.refused(4, "denied", "a name of the page's", "adopt", "s1")
        self.refused(4, "denied", "delete it there", "disown", "s1")
        self.instance()
        self.refused(3, "not-found", "overlay", "adopt", "mine")
        self.refused(3, "not-found", "", "disown", "mine")
        self.assertEqual(self.sql("SELECT count(*) FROM blueprints"), [(0,)])


if __name__ == "__main__":
    adminworld.main()
