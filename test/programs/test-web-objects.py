#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: blueprints, servers and overlays, what people do with them, and what that asks of the host."""

import contextlib
import http.client
import json
import socket

import webmatrix
import webthings
from webthings import HOSTILE, READY_S, ThingsTest

DRAFT = {"name": "versus", "arguments": ["+map", "c2m1_highway", "-tickrate", "60"], "config": "sv_cheats 0\nmp_gamemode versus\n",
         "limits": {"memory_bytes": 4 << 30, "cpu_percent": 200, "tasks": 100}, "shared": False}


class TestBlueprints(ThingsTest):
    def test_one(self):
        self.overlay(3, "maps", owner=self.zoey)
        self.overlay(2, "plugins", "script", owner=self.louis, shared=True)
        status, said = self.zoey.ask("POST", "/blueprints", {**DRAFT, "overlays": [{"id": 2, "expose_server_cfg": True}, {"id": 3}]})
        self.assertEqual(status, 201)
        self.assertEqual(self.zoey.answer.getheader("ETag"), '"1"')
        self.assertEqual({key: said[key] for key in DRAFT}, DRAFT)
        self.assertEqual(said["overlays"], [{"id": 2, "name": "plugins", "type": "script", "expose_server_cfg": True},
                                            {"id": 3, "name": "maps", "type": "files", "expose_server_cfg": False}])
        self.assertEqual((said["owner"]["name"], said["n_servers"], said["may"], said["revision"]),
                         ("zoey", 0, ["view", "operate", "console", "files", "manage"], 1))
        at = f"/blueprints/{said['id']}"
        self.assertEqual(self.zoey.ask("GET", at), (200, said))
        self.assertEqual([row["id"] for row in self.zoey.ask("GET", "/blueprints")[1]["blueprints"]], [said["id"]])
        # What was shown may come back whole.
        changed = {**said, "overlays": list(reversed(said["overlays"])), "limits": {"memory_bytes": None}, "shared": True}
        status, said = self.zoey.ask("PUT", at, changed, If_Match='"1"')
        self.assertEqual((status, said["limits"], said["revision"], [row["id"] for row in said["overlays"]]),
                         (200, {"memory_bytes": None, "cpu_percent": None, "tasks": None}, 2, [3, 2]))
        self.assertEqual(self.louis.ask("GET", at)[1]["may"], ["view"])
        self.error(self.louis.ask("PUT", at, changed, If_Match="*"), 403, "denied")
        status, copy = self.louis.ask("POST", at + "/copy")
        self.assertEqual((status, copy["name"], copy["owner"]["name"], len(copy["overlays"])), (201, "versus copy", "louis", 2))
        self.assertEqual(self.louis.ask("POST", at + "/copy", {"name": "mine"})[1]["name"], "mine")
        self.assertEqual(self.zoey.ask("DELETE", at)[0], 204)
        self.error(self.zoey.ask("GET", at), 404, "not-found")
        self.assertEqual([event["subject"] for event in self.audited("blueprint.change")], [f"blueprint {said['id']}"])
        event, = self.audited("blueprint.delete")
        self.assertEqual((event["before"]["name"], event["after"]), ("versus", None))

    def test_two_editors(self):
        at = f"/blueprints/{self.blueprint(self.zoey)['id']}"
        draft = {**DRAFT, "overlays": []}
        self.error(self.zoey.ask("PUT", at, draft), 428, "invalid", "If-Match")
        self.assertEqual(self.zoey.ask("PUT", at, {**draft, "config": "one"}, If_Match='"1"')[0], 200)
        self.error(self.admin.ask("PUT", at, {**draft, "config": "two"}, If_Match='"1"'), 412, "conflict")
        self.assertEqual(self.zoey.ask("GET", at)[1]["config"], "one")
        self.assertEqual(self.admin.ask("PUT", at, {**draft, "config": "two"}, If_Match='"2"')[1]["revision"], 3)
        self.assertEqual(self.zoey.ask("GET", at)[1]["owner"]["name"], "zoey")  # an admin's change takes nothing away

    def test_what_the_host_would_refuse(self):
        """is refused when it is stored, with the sentence that the host has for it, and the field"""
        for change, field, part in (
                ({"config": "a\nrcon_password x"}, "config", "use the key rcon_password"), ({"config": "é"}, "config", "not printable ASCII"),
                ({"config": "x" * 512}, "config", "longer than 511"), ({"config": "a\n" * 2049}, "config", "at most 2048"),
                ({"arguments": ["+map", "-port", "5"]}, "arguments", "use the key port"), ({"arguments": ["+map a"]}, "arguments", "one item per word"),
                ({"arguments": ["a\"b"]}, "arguments", "double quote"), ({"arguments": ["é"]}, "arguments", "ASCII"),
                ({"arguments": ["x"] * 129}, "arguments", "at most 128"), ({"arguments": ["x" * 257]}, "arguments", ""),
                ({"limits": {"memory_bytes": 5}}, "limits", "64M"), ({"limits": {"tasks": 5}}, "limits", "tasks"),
                ({"overlays": [{"id": 1}]}, "overlays", "the game"), ({"overlays": [{"id": 2}, {"id": 2}]}, "overlays", "twice")):
            with self.subTest(change=change):
                said = self.zoey.ask("POST", "/blueprints", {**DRAFT, **change})
                self.error(said, 400, "invalid", part, field)
                self.assertNotRegex(said[1]["error"]["message"], r"^:|:\d+:")  # people see no file
        self.assertEqual(self.zoey.ask("GET", "/blueprints")[1]["blueprints"], [])

    def test_what_is_no_blueprint(self):
        for change, field in (({"name": ""}, "name"), ({"name": " a"}, "name"), ({"name": "x" * 65}, "name"), ({"name": "a\nb"}, "name"), ({"name": 5}, "name"),
                              ({"arguments": "x"}, "arguments"), ({"arguments": [5]}, "arguments"), ({"config": 5}, "config"), ({"config": "a\n" * 70000}, "config"), ({"limits": []}, "limits"),
                              ({"limits": {"tasks": "x"}}, "limits"), ({"limits": {"tasks": -1}}, "limits"), ({"limits": {"memory_bytes": 1 << 60}}, "limits"),
                              ({"overlays": {}}, "overlays"), ({"overlays": [5]}, "overlays"), ({"overlays": [{"id": 0}]}, "overlays"),
                              ({"overlays": [{"id": 2, "expose_server_cfg": 1}]}, "overlays"), ({"overlays": [{"id": i} for i in range(2, 251)]}, "overlays"),
                              ({"shared": 1}, "shared")):
            with self.subTest(change=change):
                self.error(self.zoey.ask("POST", "/blueprints", {**DRAFT, **change}), 400, "invalid", field=field)
        self.error(self.zoey.ask("POST", "/blueprints", {**DRAFT, "more": 1}), 400, "invalid", "not known")
        at = f"/blueprints/{self.blueprint(self.zoey)['id']}"
        for field in DRAFT:
            draft = {key: value for key, value in {**DRAFT, "overlays": []}.items() if key != field}
            self.error(self.zoey.ask("PUT", at, draft, If_Match="*"), 400, "invalid", "is missing", field)

    def test_overlays_of_others(self):
        self.overlay(2, "private", owner=self.louis)
        self.error(self.zoey.ask("POST", "/blueprints", {**DRAFT, "overlays": [{"id": 2}]}), 400, "invalid", "no overlay 2")
        self.error(self.zoey.ask("POST", "/blueprints", {**DRAFT, "overlays": [{"id": 999}]}), 400, "invalid", "no overlay 999")

    def test_names(self):
        self.blueprint(self.zoey, "one")
        self.error(self.zoey.ask("POST", "/blueprints", {"name": "ONE"}), 409, "exists")
        self.blueprint(self.louis, "one")  # everybody has his own names
        for name in HOSTILE:
            if "\u202e" in name:  # it would show another name than it is
                self.error(self.zoey.ask("POST", "/blueprints", {"name": name}), 400, "invalid", field="name")
                continue
            self.assertEqual(self.blueprint(self.zoey, name)["name"], name)
        self.assertEqual({row["name"] for row in self.zoey.ask("GET", "/blueprints")[1]["blueprints"]},
                         {"one", *(name for name in HOSTILE if "\u202e" not in name)})

    def test_pages(self):
        for i in range(5):
            self.blueprint(self.zoey, f"blueprint {i}")
        first = self.zoey.ask("GET", "/blueprints?limit=2")[1]
        second = self.zoey.ask("GET", f"/blueprints?limit=2&after={first['next']}")[1]
        third = self.zoey.ask("GET", f"/blueprints?limit=2&after={second['next']}")[1]
        self.assertEqual([row["name"] for page in (first, second, third) for row in page["blueprints"]], [f"blueprint {i}" for i in range(5)])
        self.assertIsNone(third["next"])

    def test_pages_of_large_ones(self):
        """are as small as others: whoever asks for many of them keeps nobody waiting"""
        large = self.blueprint(self.zoey, "large", config="\n".join(f"// {i:0190}" for i in range(500)))
        for i in range(39):
            self.rows("INSERT INTO blueprints (name, owner, config, created_unix_s, changed_unix_s) SELECT ?, owner, config, 1, 1 FROM blueprints WHERE id = ?",
                      f"b{i}", large["id"])
        seen, after = [], ""
        while after is not None:
            said = self.zoey.ask("GET", f"/blueprints?limit=100{after and f'&after={after}'}")[1]
            seen += [row["id"] for row in said["blueprints"]]
            self.assertIn(len(json.dumps(said)) // (100 << 10), range(1, 6))
            after = said["next"]
        self.assertEqual(len(set(seen)), 40)
        self.assertEqual(sorted(seen), seen)

    def test_asked_twice(self):
        first = self.zoey.ask("POST", "/blueprints", DRAFT, Idempotency_Key="one")
        self.assertEqual(self.zoey.ask("POST", "/blueprints", DRAFT, Idempotency_Key="one"), first)
        self.error(self.zoey.ask("POST", "/blueprints", {"name": "another"}, Idempotency_Key="one"), 409, "exists")
        self.assertEqual(len(self.zoey.ask("GET", "/blueprints")[1]["blueprints"]), 1)

    def test_in_use(self):
        server = self.server(self.zoey)
        at = f"/blueprints/{server['blueprint']['id']}"
        self.assertEqual(self.zoey.ask("GET", at)[1]["n_servers"], 1)
        self.error(self.zoey.ask("DELETE", at), 409, "busy", "the server 'server' uses this blueprint")

    def test_in_use_by_others(self):
        """their things are told by their number"""
        blueprint = self.blueprint(self.zoey, shared=True)
        self.server(self.louis, "secret plan", blueprint)
        self.error(self.zoey.ask("DELETE", f"/blueprints/{blueprint['id']}"), 409, "busy", "1 server uses this blueprint")
        self.overlay(2, "maps", owner=self.zoey, shared=True)
        self.blueprint(self.louis, "secret plan", overlays=[{"id": 2}])
        self.error(self.zoey.ask("DELETE", "/overlays/2"), 409, "busy", "1 blueprint uses this overlay")
        self.error(self.admin.ask("DELETE", "/overlays/2"), 409, "busy", "the blueprint 'secret plan' uses this overlay")


class TestPreview(ThingsTest):
    def ask(self, blueprint, **draft):
        status, said = self.zoey.ask("POST", f"/blueprints/{blueprint['id']}/preview", draft)
        self.assertEqual(status, 200, said)
        return said

    def publish(self, overlay):
        """One generation, as src/overlay/state.h has it."""
        path = self.path / f"data/overlays/{overlay}"
        path.mkdir()
        (path / "state.json").write_text(json.dumps({"type": "files", "current": 1, "generations": [{
            "number": 1, "created_unix_s": 1, "build": 1, "files": 0, "bytes": 0, "added": 0, "changed": 0, "removed": 0, "bytes_changed": 0, "note": ""}]}))

    def test_what_comes_of_it(self):
        self.overlay(2, "maps", owner=self.zoey)
        blueprint = self.blueprint(self.zoey, **{**DRAFT, "name": "versus", "overlays": [{"id": 2, "expose_server_cfg": True}]})
        said = self.ask(blueprint)
        self.assertIn("exec server_overlay_2.cfg\n", said["server_cfg"])
        self.assertIn("\nsv_cheats 0\nmp_gamemode versus\n", said["server_cfg"])
        self.assertIn('\nhostname "example"\nrcon_password "(the password of the server)"\n', said["server_cfg"])
        self.assertEqual(said["arguments"][:2], ["-game", "left4dead2"])
        self.assertEqual(said["arguments"][-4:], ["+map", "c2m1_highway", "-tickrate", "60"])
        self.assertEqual(said["servers"], [])
        self.assertEqual(said["problems"], [{"field": "overlays", "index": 0, "message": "overlay 2 has nothing published: build it first"}])
        self.assertEqual(self.ask(blueprint, overlays=[])["problems"], [])
        self.publish(2)
        self.assertEqual(self.ask(blueprint)["problems"], [])
        # Nothing was stored.
        self.assertEqual(self.zoey.ask("GET", f"/blueprints/{blueprint['id']}")[1], blueprint)

    def test_all_that_is_wrong(self):
        blueprint = self.blueprint(self.zoey)
        said = self.ask(blueprint, arguments=["+map", "-port", "a b", "+ip"], config="ok\nlog off\n\né\n", limits={"tasks": 1}, overlays=[{"id": 1}])
        self.assertEqual([(row["field"], row["index"]) for row in said["problems"]],
                         [("arguments", 1), ("arguments", 3), ("config", 1), ("config", 3), ("overlays", None), ("limits", None), ("overlays", 0)])
        self.assertEqual((said["server_cfg"], said["arguments"]), (None, []))
        said = self.ask(blueprint, config="\n".join(["log off"] * 2000))
        self.assertEqual(len(said["problems"]), 100)
        # Of more than there may be, what is beyond is not looked at.
        said = self.ask(blueprint, config="\n".join(["ok"] * 5000 + ["log off"]), arguments=["x"] * 5000 + ["-port"])
        self.assertEqual([(row["field"], row["index"]) for row in said["problems"]], [("arguments", None), ("config", None)])
        for field, value in (("config", 5), ("arguments", "x"), ("overlays", 5)):
            self.error(self.zoey.ask("POST", f"/blueprints/{blueprint['id']}/preview", {field: value}), 400, "invalid", field=field)

    def test_overlays_of_others(self):
        """are not there, whether they are built or not; but what stands in it already may be looked at"""
        blueprint = self.blueprint(self.zoey)
        self.overlay(2, "private", owner=self.louis)
        self.overlay(3, "shared", owner=self.louis, shared=True)
        for built in (False, True):
            if built:
                self.publish(2)
            said = self.ask(blueprint, overlays=[{"id": 2}, {"id": 999}])
            self.assertEqual(said["problems"], [{"field": "overlays", "index": i, "message": f"there is no overlay {number}"} for i, number in enumerate((2, 999))])
        self.assertEqual(self.zoey.ask("PUT", f"/blueprints/{blueprint['id']}", {**DRAFT, "overlays": [{"id": 3}]}, If_Match="*")[0], 200)
        self.rows("UPDATE overlays SET is_shared = 0")
        self.assertEqual(self.ask(blueprint)["problems"], [{"field": "overlays", "index": 0, "message": "overlay 3 has nothing published: build it first"}])

    def test_which_servers(self):
        """those that one sees, and what would be different when they are started again"""
        blueprint = self.blueprint(self.zoey, config="one\n", shared=True)
        first, second = self.server(self.zoey, "first", blueprint), self.server(self.zoey, "second", blueprint)
        self.server(self.louis, "of louis", blueprint)
        directory = self.path / "data/instances" / first["instance"]
        directory.mkdir()
        ports = first["ports"]
        (directory / "spec.yaml").write_text(f"port: {ports['game']}\ntv_port: {ports['tv']}\nclient_port: {ports['client']}\nhostname: \"first\"\nconfig:\n  - \"one\"\n")
        said = self.ask(blueprint)
        # The host was told of the first one, but it was never started either. What one that runs would change t_things sees.
        self.assertEqual(said["servers"], [{"id": server["id"], "name": server["name"], "changes": ["first start"]} for server in (first, second)])
        self.assertIn('hostname "first"', said["server_cfg"])
        self.assertEqual(self.ask(blueprint, overlays=[{"id": 999}])["servers"][0]["changes"], [])
        (directory / "spec.yaml").write_text("damaged")
        self.assertIn("spec.yaml", self.ask(blueprint)["servers"][0]["changes"][0])


class TestServers(ThingsTest):
    def test_one(self):
        blueprint = self.blueprint(self.zoey)
        status, said = self.zoey.ask("POST", "/servers", {"name": "Versus", "blueprint": blueprint["id"]})
        self.assertEqual(status, 201)
        self.assertEqual((said["instance"], said["owner"]["name"], said["blueprint"], said["overlay"], said["hostname"], said["wanted"], said["state"], said["since"],
                          said["pending"], said["exit"], said["status"], said["revision"]),
                         (f"s{said['id']}", "zoey", {"id": blueprint["id"], "name": "versus"}, None, "", "stopped", "unknown", None, [], None, None, 1))
        self.assertEqual(said["ports"], {"game": 27015, "client": 22015, "tv": 32015})
        self.assertEqual(self.server(self.zoey, "another", blueprint)["ports"]["game"], 27016)  # each has its own
        at = f"/servers/{said['id']}"
        self.assertEqual(self.zoey.ask("GET", at), (200, said))
        self.assertEqual(self.zoey.answer.getheader("ETag"), '"1"')
        row = next(row for row in self.zoey.ask("GET", "/servers")[1]["servers"] if row["id"] == said["id"])
        self.assertEqual(row, {key: value for key, value in said.items() if key != "status"})
        status, changed = self.zoey.ask("PATCH", at, {"name": "Renamed", "hostname": "play here", "port": 27110}, If_Match='"1"')
        self.assertEqual((status, changed["name"], changed["hostname"], changed["ports"], changed["revision"]),
                         (200, "Renamed", "play here", {"game": 27110, "client": 22110, "tv": 32110}, 2))
        event, = self.audited("server.change")
        self.assertEqual((event["before"], event["after"]), ({"name": "Versus", "hostname": "", "blueprint": blueprint["id"], "port": 27015},
                                                             {"name": "Renamed", "hostname": "play here", "blueprint": blueprint["id"], "port": 27110}))

    def test_two_editors(self):
        at = f"/servers/{self.server(self.zoey)['id']}"
        self.error(self.zoey.ask("PATCH", at, {"name": "a"}), 428, "invalid", "If-Match")
        self.assertEqual(self.zoey.ask("PATCH", at, {"name": "one"}, If_Match='"1"')[0], 200)
        self.error(self.admin.ask("PATCH", at, {"name": "two"}, If_Match='"1"'), 412, "conflict")
        self.assertEqual(self.zoey.ask("GET", at)[1]["name"], "one")

    def test_ports(self):
        blueprint = self.blueprint(self.zoey)
        one = self.server(self.zoey, "one", blueprint, port=27100)
        self.error(self.zoey.ask("POST", "/servers", {"name": "two", "blueprint": blueprint["id"], "port": 27100}), 409, "busy", "port 27100", "port")
        two = self.server(self.zoey, "two", blueprint, port=None)
        self.error(self.zoey.ask("PATCH", f"/servers/{two['id']}", {"port": 27100}, If_Match="*"), 409, "busy", "port 27100", "port")
        self.error(self.admin.ask("POST", "/servers", {"name": "three", "blueprint": blueprint["id"], "port": 32100}), 409, "busy", field="port")  # SourceTV of one
        # Whoever is no admin has those that there are for servers, and what he has already.
        for port in (8080, 27014, 27116):
            self.error(self.zoey.ask("POST", "/servers", {"name": "x", "blueprint": blueprint["id"], "port": port}), 400, "invalid", "27015 to 27115", "port")
            self.error(self.zoey.ask("PATCH", f"/servers/{one['id']}", {"port": port}, If_Match="*"), 400, "invalid", "27015 to 27115", "port")
        self.assertEqual(self.admin.ask("PATCH", f"/servers/{one['id']}", {"port": 8080}, If_Match="*")[0], 200)
        self.assertEqual(self.zoey.ask("PATCH", f"/servers/{one['id']}", {"name": "moved", "port": 8080}, If_Match="*")[0], 200)
        for port in (0, 80, 65535, -1, "27015", 27015.5, True):
            self.error(self.zoey.ask("POST", "/servers", {"name": "x", "blueprint": blueprint["id"], "port": port}), 400, "invalid", field="port")
        self.assertEqual(self.zoey.ask("PATCH", f"/servers/{one['id']}", {"port": 27100}, If_Match="*")[1]["ports"]["game"], 27100)

    def test_what_is_refused(self):
        blueprint = self.blueprint(self.zoey)
        of_louis = self.blueprint(self.louis, "of louis")
        for change, field in (({"name": ""}, "name"), ({"name": "x" * 65}, "name"), ({"name": "a\tb"}, "name"), ({"name": "a "}, "name"), ({"name": 1}, "name"),
                              ({"hostname": "a\"b"}, "hostname"), ({"hostname": "a;b"}, "hostname"), ({"hostname": "é"}, "hostname"), ({"hostname": "x" * 121}, "hostname"),
                              ({"hostname": "\\"}, "hostname"), ({"blueprint": 999}, "blueprint"), ({"blueprint": of_louis["id"]}, "blueprint"), ({"blueprint": "1"}, "blueprint"),
                              ({"blueprint": None}, "blueprint")):
            with self.subTest(change=change):
                self.error(self.zoey.ask("POST", "/servers", {"name": "server", "blueprint": blueprint["id"], **change}), 400, "invalid", field=field)
        self.error(self.zoey.ask("POST", "/servers", {"name": "server", "blueprint": blueprint["id"], "rcon_password": "x"}), 400, "invalid", "not known")
        self.assertEqual(self.zoey.ask("GET", "/servers")[1]["servers"], [])

    def test_hostile_names(self):
        blueprint = self.blueprint(self.zoey)
        for name in HOSTILE:
            status, said = self.zoey.ask("POST", "/servers", {"name": name, "blueprint": blueprint["id"]})
            self.assertEqual((status, said["name"]) if "\u202e" not in name else status, (201, name) if "\u202e" not in name else 400, said)

    def test_jobs(self):
        """what is wanted of it stands there with the job that brings it about"""
        server = self.server(self.zoey)
        at = f"/servers/{server['id']}"
        for word, wanted in (("start", "running"), ("restart", "running"), ("stop", "stopped"), ("start", "running"), ("kill", "stopped"), ("start", "running"),
                             ("reset", "stopped")):
            status, said = self.zoey.ask("POST", f"{at}/{word}")
            self.assertEqual((status, said["job"]["kind"], said["job"]["server"], said["job"]["asked_by_name"]), (202, f"server.{word}", server["id"], "zoey"))
            self.assertEqual(self.zoey.ask("GET", at)[1]["wanted"], wanted)
        self.zoey.ask("POST", f"{at}/start", {"with": [{"overlay": 3, "generation": 7}, {"overlay": 1, "generation": 2}]})
        self.assertEqual(self.jobs()[-1], ("server.start", server["id"], None, {"with": ["3=7", "1=2"]}))
        for body in ({"with": 5}, {"with": {}}, {"with": [5]}, {"with": [{"overlay": 1}]}, {"with": [{"overlay": "1", "generation": 1}]},
                     {"with": [{"overlay": 0, "generation": 1}]}, {"with": [{"overlay": 1, "generation": 1 << 40}]}):
            self.error(self.zoey.ask("POST", f"{at}/start", body), 400, "invalid", field="with")
        self.assertEqual(self.zoey.ask("POST", f"{at}/overlay")[1]["job"]["kind"], "server.overlay")
        self.assertEqual(self.zoey.ask("DELETE", at)[1]["job"]["kind"], "server.delete")
        self.assertEqual(self.zoey.ask("GET", at)[1]["wanted"], "stopped")
        self.rows("INSERT INTO overlays (id, name, type, created_unix_s, changed_unix_s) VALUES (9, '@s1', 'files', 1, 1)")
        self.rows("UPDATE servers SET overlay = 9")
        self.error(self.zoey.ask("POST", f"{at}/overlay"), 409, "exists", "of its own already")

    def test_what_is_known_of_it(self):
        server = self.server(self.zoey)
        status = {"state": "running", "pending": ["overlay 3", "config"], "last_exit": {"explain": "it crashed"}, "memory_bytes": 5}
        self.rows("INSERT INTO live_states (server, state, changed_us, status) VALUES (?, 'running', 5000000, ?)", server["id"], json.dumps(status))
        said = self.zoey.ask("GET", f"/servers/{server['id']}")[1]
        self.assertEqual((said["state"], said["since"], said["pending"], said["exit"], said["status"]), ("running", 5, ["overlay 3", "config"], "it crashed", status))

    def test_players(self):
        """who plays and who did; a name is text, whatever it is"""
        server = self.server(self.zoey)
        me = f"/servers/{server['id']}"
        unknown = {"server": server["id"], "known": False, "n": None, "bots": None, "max": None, "map": None, "players": None}
        self.assertEqual(self.zoey.ask("GET", f"{me}/players"), (200, unknown))
        self.assertEqual(self.zoey.ask("GET", f"{me}/players/history"), (200, {"sessions": [], "next": None}))
        self.assertEqual(self.zoey.ask("GET", me)[1]["players"], None)
        self.rows("INSERT INTO live_players VALUES (?, 2, 1, 8, '<c1m1>', 1)", server["id"])
        self.rows("INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('server', ?, 0)", server["id"])
        for i, name in enumerate(HOSTILE):
            self.rows("INSERT INTO player_sessions (id, server, player, name, score, joined_unix_s, left_unix_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
                      i + 1, server["id"], 76561197960287930 if i == 0 else None, name, -i, 100 + i, 200 if i < 2 else None)
        said = self.zoey.ask("GET", f"{me}/players")[1]
        names = [{"name": name, "score": -i, "since": 100 + i} for i, name in enumerate(HOSTILE)]
        self.assertEqual(said, {"server": server["id"], "known": True, "n": 2, "bots": 1, "max": 8, "map": "<c1m1>", "players": names[2:]})
        count = {"n": 2, "bots": 1, "max": 8, "map": "<c1m1>"}
        self.assertEqual(self.zoey.ask("GET", me)[1]["players"], count)
        self.assertEqual(self.zoey.ask("GET", "/servers")[1]["servers"][0]["players"], count)
        rows, at = [], f"{me}/players/history?limit=4"
        while at:
            said = self.zoey.ask("GET", at)[1]
            rows += said["sessions"]
            at = said["next"] and f"{me}/players/history?limit=4&before={said['next']}"
        self.assertEqual([row["name"] for row in rows], HOSTILE[::-1])
        self.assertEqual(rows[-1], {"id": 1, "name": HOSTILE[0], "player": "76561197960287930", "score": 0, "joined": 100, "left": 200})
        self.assertEqual((rows[0]["player"], rows[0]["left"]), (None, None))
        self.rows("UPDATE live_players SET has_names = 0")
        said = self.zoey.ask("GET", f"{me}/players")[1]
        self.assertEqual((said["n"], said["players"]), (2, None))

    def test_what_the_host_tells(self):
        server = self.server(self.zoey)
        at = f"/servers/{server['id']}"
        self.host(f"echo \"$*\" >words\n{webmatrix.script()}")
        name = server["instance"]
        for path, words in (("/stack", f"explain --json -- {name}"), ("/explain?path=a/b", f"explain --json -- {name} a/b"), ("/explain?path=-x", f"explain --json -- {name} -x"),
                            ("/drift", f"drift --json -- {name}"), ("/log", f"logs --lines=200 --json -- {name}"),
                            ("/log?lines=5&all=1", f"logs --lines=5 --all-runs --json -- {name}")):
            with self.subTest(path=path):
                self.assertEqual(self.zoey.ask("GET", at + path)[0], 200)
                self.assertEqual((self.path / "words").read_text(), words + "\n")
        for path, field in (("/explain", "path"), ("/explain?path=..", "path"), ("/explain?path=/a", "path"), ("/log?lines=0", "lines"), ("/log?lines=10001", "lines"), ("/log?all=2", "all")):
            self.error(self.zoey.ask("GET", at + path), 400, "invalid", field=field)

    def test_logs(self):
        server = self.server(self.zoey)
        at = f"/servers/{server['id']}/log"
        lines = [{"time": "x", "unix_us": i, "priority": 6, "run": "abc", "text": text} for i, text in enumerate(HOSTILE)]
        self.host("cat <<'EOF'\n" + "\n".join(map(json.dumps, lines)) + "\nEOF")
        self.assertEqual(self.zoey.ask("GET", at)[1], {"lines": [{"time_us": i, "priority": 6, "run": "abc", "text": text} for i, text in enumerate(HOSTILE)]})
        self.host("exit 0")
        self.assertEqual(self.zoey.ask("GET", at), (200, {"lines": []}))
        self.host("""echo '{"unix_us": 1, "text": "a"}'; echo 'no JSON'; echo '{"error": {"kind": "not-found", "message": "there is no such instance"}}'; exit 3""")
        self.error(self.zoey.ask("GET", at), 404, "not-found", "no such instance")
        # Of more than fits the newest are told.
        self.host("""i=0; while [ $i -lt 200 ]; do i=$((i + 1)); printf '{"unix_us": %d, "priority": 6, "run": null, "text": "%060000d"}\\n' $i 0; done""")
        said = self.zoey.ask("GET", at)[1]["lines"]
        self.assertEqual(said[-1]["time_us"], 200)
        self.assertTrue(100 < len(said) < 160, len(said))

    def test_large_answers(self):
        """are passed on as they come; what fails half-way breaks off"""
        at = f"/servers/{self.server(self.zoey)['id']}/drift"
        entries = [{"path": f"left4dead2/file {i}", "change": "added", "entry": "file", "size": 5, "size_before": None} for i in range(20000)]
        drift = {**webmatrix.SAID["drift"], "entries": entries}
        (self.path / "drift").write_text(json.dumps(drift))
        self.host("cat drift")
        self.assertEqual(self.zoey.ask("GET", at)[1], drift)
        self.host("head -c 500000 drift; exit 1")
        with self.assertRaises(http.client.IncompleteRead):
            self.raw(self.zoey, "GET", at)
        self.host("""echo '{"error": {"kind": "busy", "message": "come back later"}}'; exit 4""")
        self.error(self.zoey.ask("GET", at), 409, "busy", "come back later")

    def test_lists(self):
        """each sees his own, those that he is granted, and what has changed at once"""
        blueprint = self.blueprint(self.zoey, shared=True)
        servers = [self.server(self.zoey, f"server {i}", blueprint) for i in range(3)]
        of_louis = self.server(self.louis, "of louis", blueprint)

        def seen(browser, query=""):
            return [row["name"] for row in browser.ask("GET", "/servers" + query)[1]["servers"]]
        self.assertEqual(seen(self.zoey), ["server 0", "server 1", "server 2"])
        self.assertEqual(seen(self.louis), ["of louis"])
        self.assertEqual(seen(self.admin), ["server 0", "server 1", "server 2", "of louis"])
        self.assertEqual(seen(self.louis), ["of louis"])
        self.grant(self.zoey, servers[1], ("louis", ["view"]))
        self.assertEqual(seen(self.louis), ["server 1", "of louis"])
        self.grant(self.zoey, servers[1])
        self.assertEqual(seen(self.louis), ["of louis"])
        self.assertEqual(self.zoey.ask("PATCH", f"/servers/{servers[0]['id']}", {"name": "renamed"}, If_Match="*")[0], 200)
        self.assertEqual(seen(self.zoey), ["renamed", "server 1", "server 2"])
        self.assertEqual(seen(self.admin, "?limit=2"), ["renamed", "server 1"])
        self.assertEqual(seen(self.admin, f"?limit=2&after={servers[1]['id']}"), ["server 2", "of louis"])
        self.assertEqual(seen(self.admin, f"?blueprint={of_louis['blueprint']['id']}"), ["renamed", "server 1", "server 2", "of louis"])
        self.assertEqual(seen(self.admin, "?blueprint=999"), [])
        self.assertEqual(seen(self.admin, "?overlay=999"), [])
        # What another process writes is a change with a number as well.
        self.rows("INSERT INTO live_states (server, state, changed_us) VALUES (?, 'running', 5)", servers[0]["id"])
        self.rows("INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('server', ?, 0)", servers[0]["id"])
        self.assertEqual(self.zoey.ask("GET", "/servers")[1]["servers"][0]["state"], "running")
        self.assertEqual(self.zoey.ask("GET", "/servers")[1], self.zoey.ask("GET", "/servers")[1])
        for query in ("limit=0", "limit=101", "after=x", "blueprint=0", "overlay=-1", "limit=1&limit=1"):
            self.error(self.zoey.ask("GET", f"/servers?{query}"), 400, "invalid", field=query.partition("=")[0])

    def test_head(self):
        server = self.server(self.zoey)
        for path in ("/servers", f"/servers/{server['id']}", f"/servers/{server['id']}"):
            status, fields, text = self.raw(self.zoey, "HEAD", path)
            self.assertEqual((status, text), (200, b""))
            self.assertGreater(int(fields["content-length"]), 100)


class TestQuotas(ThingsTest):
    """One user does not take what is there for all; an admin may."""

    def test_usual(self):
        said = self.admin.ask("GET", "/settings")[1]
        self.assertEqual([said[f"user_{what}"] for what in ("servers", "blueprints", "overlays")], [32, 256, 128])

    def may_have(self, n, what):
        self.assertEqual(self.admin.ask("PATCH", "/settings", {f"user_{what}": n})[0], 200)

    def test_ports(self):
        self.may_have(2, "servers")
        blueprint = self.blueprint(self.zoey, shared=True)
        for i in range(2):
            self.server(self.zoey, f"server {i}", blueprint)
        another = {"name": "one more", "blueprint": blueprint["id"]}
        self.error(self.zoey.ask("POST", "/servers", another), 409, "busy", "up to 2 servers")
        self.assertEqual(len(self.rows("SELECT 1 FROM servers")), 2)
        self.assertEqual(self.louis.ask("POST", "/servers", another)[0], 201)
        for i in range(3):
            self.server(self.admin, f"server {i}", blueprint)
        self.may_have(0, "servers")
        self.error(self.louis.ask("POST", "/servers", {**another, "name": "none"}), 409, "busy", "up to 0 servers")
        self.may_have(3, "servers")
        self.assertEqual(self.zoey.ask("POST", "/servers", another)[0], 201)

    def test_blueprints(self):
        self.may_have(2, "blueprints")
        blueprint = self.blueprint(self.zoey)
        self.blueprint(self.zoey, "second")
        self.error(self.zoey.ask("POST", "/blueprints", {"name": "one more"}), 409, "busy", "up to 2 blueprints")
        self.error(self.zoey.ask("POST", f"/blueprints/{blueprint['id']}/copy"), 409, "busy", "up to 2 blueprints")
        self.blueprint(self.louis)

    def test_overlays(self):
        self.may_have(3, "overlays")
        for number in (10, 11):
            self.overlay(number, f"o{number}", owner=self.zoey)
        self.assertEqual(self.zoey.ask("POST", "/overlays", {"name": "last", "type": "files"})[0], 202)
        self.error(self.zoey.ask("POST", "/overlays", {"name": "one-more", "type": "files"}), 409, "busy", "up to 3 overlays")
        self.assertEqual(self.louis.ask("POST", "/overlays", {"name": "one-more", "type": "files"})[0], 202)

    def test_jobs(self):
        """those of others are not behind thousands of somebody's"""
        self.overlay(7, "maps", owner=self.zoey)
        for i in range(1, 65):
            self.assertEqual(self.zoey.ask("POST", "/overlays/7/select", {"generation": i})[0], 202)
        self.error(self.zoey.ask("POST", "/overlays/7/select", {"generation": 65}), 409, "busy", "up to 64 jobs")
        self.assertEqual(self.zoey.ask("POST", "/overlays/7/select", {"generation": 64})[0], 202)
        self.assertEqual(len(self.jobs()), 64)
        self.rows("UPDATE jobs SET state = 'cancelled', ended_us = 1 WHERE id = 1")
        self.assertEqual(self.zoey.ask("POST", "/overlays/7/select", {"generation": 65})[0], 202)


class TestGrants(ThingsTest):
    def test_grants(self):
        server = self.server(self.zoey)
        at = f"/servers/{server['id']}"
        self.assertEqual(self.zoey.ask("GET", f"{at}/grants"), (200, {"grants": []}))
        louis = self.number(self.louis)
        for user in ("louis", louis, {"id": louis, "name": "louis"}):
            status, said = self.zoey.ask("PUT", f"{at}/grants", {"grants": [{"user": user, "may": ["operate"]}]})
            self.assertEqual((status, said), (200, {"grants": [{"user": {"id": louis, "name": "louis"}, "may": ["view", "operate"]}]}))
        self.assertEqual(self.louis.ask("GET", at)[1]["may"], ["view", "operate"])
        self.assertEqual(self.louis.ask("POST", f"{at}/start")[0], 202)
        self.error(self.louis.ask("PATCH", at, {"name": "mine"}, If_Match="*"), 403, "denied", "you may not do this with this server")
        self.error(self.louis.ask("GET", f"{at}/grants"), 403, "denied")
        for rows, part in (({}, ""), ([5], ""), ([{"user": "louis"}], "'may'"), ([{"user": "louis", "may": []}], "'may'"), ([{"user": "louis", "may": ["fly"]}], "a grant is"),
                           ([{"user": "louis", "may": [5]}], "a grant is"), ([{"user": "nobody", "may": ["view"]}], ""), ([{"user": 999, "may": ["view"]}], ""),
                           ([{"user": "zoey", "may": ["view"]}], "the owner"), ([{"user": "louis", "may": ["view"]}, {"user": "louis", "may": ["view"]}], "twice"),
                           ([{"user": 1.5, "may": ["view"]}], ""), ([{"user": "louis", "may": ["view"]}] * 257, "up to 256")):
            with self.subTest(rows=rows[:2] if isinstance(rows, list) else rows):
                self.error(self.zoey.ask("PUT", f"{at}/grants", {"grants": rows}), 400, "invalid", part, "grants")
        self.assertEqual(len(self.zoey.ask("GET", f"{at}/grants")[1]["grants"]), 1)
        event = self.audited("server.grants")[0]
        self.assertEqual((event["before"]["grants"][0]["may"], event["after"]["grants"][0]["may"]), (["view", "operate"],) * 2)

    def test_what_is_asked_slowly(self):
        """counts when it is all there: what was taken away meanwhile is gone, also if the body has nothing in it"""
        server = self.server(self.zoey)
        for chunks in (b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n"):
            self.grant(self.zoey, server, ("louis", ["operate"]))
            with socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S) as connection:
                connection.sendall(f"POST /api/v1/servers/{server['id']}/start HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nCookie: {self.louis.cookie}\r\n"
                                   "Content-Type: application/json\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
                self.assertIn(b" 100 Continue", connection.recv(4096))
                self.grant(self.zoey, server)
                connection.sendall(chunks)
                self.assertIn(b" 404 Not Found", connection.recv(4096))
        self.assertEqual(self.jobs(), [])

    def test_the_secret(self):
        """is shown to who may manage the server, is in no log, and not in the file"""
        server = self.server(self.zoey)
        at = f"/servers/{server['id']}/secret"
        first = self.zoey.ask("GET", at)[1]["rcon_password"]
        self.assertGreaterEqual(len(first), 16)
        second = self.zoey.ask("POST", at)[1]["rcon_password"]
        self.assertNotEqual(first, second)
        self.assertEqual(self.zoey.ask("POST", at, {"rcon_password": "my.own-password"})[1], {"rcon_password": "my.own-password"})
        self.assertEqual(self.zoey.ask("GET", at)[1], {"rcon_password": "my.own-password"})
        for password in ("short", "with space", "x" * 65, "qu\"ote;quit", 5, "é" * 10):
            self.error(self.zoey.ask("POST", at, {"rcon_password": password}), 400, "invalid", field="rcon_password")
        self.grant(self.zoey, server, ("louis", ["view", "operate", "console", "files"]))
        self.error(self.louis.ask("GET", at), 403, "denied")
        self.assertEqual(self.zoey.ask("GET", f"/servers/{server['id']}")[1].get("rcon_password"), None)
        with contextlib.closing(webthings.sqlite3.connect(self.web.database)) as db:
            text = "\n".join(db.iterdump())
        for password in (first, second, "my.own-password"):
            self.assertNotIn(password, text)
        self.assertEqual(len(self.audited("server.secret")), 2)


class TestOverlays(ThingsTest):
    def setUp(self):
        super().setUp()
        self.overlay(2, "maps", owner=self.zoey)
        self.overlay(3, "plugins", "script", owner=self.zoey)
        self.host(f"echo \"$*\" >>words\n{webmatrix.script()}")

    def words(self):
        text = (self.path / "words").read_text().splitlines()
        (self.path / "words").unlink()
        return text

    def test_lists(self):
        said = self.zoey.ask("GET", "/overlays")[1]["overlays"]
        self.assertEqual([(row["id"], row["name"], row["type"], row["owner"] and row["owner"]["name"], row["may_edit"]) for row in said],
                         [(1, "game", "game", None, False), (2, "maps", "files", "zoey", True), (3, "plugins", "script", "zoey", True)])
        self.assertEqual([row["host"] and row["host"]["overlay"] for row in said], [1, 2, None])
        self.assertEqual(self.zoey.ask("GET", "/overlays/2")[1], said[1])
        self.assertEqual(self.words(), ["overlay list --json"] * 2)
        self.assertEqual([row["id"] for row in self.louis.ask("GET", "/overlays")[1]["overlays"]], [1])
        self.host("""echo '{"error": {"kind": "unavailable", "message": "the disk is away"}}'; exit 69""")
        self.error(self.zoey.ask("GET", "/overlays"), 503, "unavailable", "the disk is away")

    def test_making(self):
        """is a job, of what the host would take"""
        body = {"name": "workshop1", "type": "workshop", "refresh": "daily", "keep": 5, "output_max": 1 << 30, "text": "121088\n"}
        status, said = self.zoey.ask("POST", "/overlays", body)
        self.assertEqual((status, said["job"]["kind"], said["job"]["overlay"]), (202, "overlay.create", None))
        self.assertEqual(self.jobs(), [("overlay.create", None, None, body)])
        for change, field in (({"name": "Maps"}, "name"), ({"name": "a b"}, "name"), ({"name": "12"}, "name"), ({"name": "@s1"}, "name"), ({"name": "../x"}, "name"),
                              ({"name": "--help"}, "name"), ({"name": ""}, "name"), ({"name": "x" * 65}, "name"), ({"type": "game"}, "type"), ({"type": "x"}, "type"),
                              ({"type": 1}, "type"), ({"refresh": "hourly"}, "refresh"), ({"keep": 201}, "keep"), ({"keep": -1}, "keep"), ({"output_max": -1}, "output_max"),
                              ({"text": 5}, "text"), ({"text": "no number"}, "text"), ({"text": "x" * 6001}, "text"), ({"type": "files"}, "text")):
            with self.subTest(change=change):
                self.error(self.zoey.ask("POST", "/overlays", {**body, **change}), 400, "invalid", field=field)
        for name in HOSTILE:
            self.error(self.zoey.ask("POST", "/overlays", {**body, "name": name}), 400, "invalid", field="name")
        self.error(self.zoey.ask("POST", "/overlays", {"name": "a", "type": "script", "owner": 1}), 400, "invalid", "not known")
        self.assertEqual(len(self.jobs()), 1)

    def test_settings(self):
        status, said = self.zoey.ask("PATCH", "/overlays/2", {"name": "mapset", "keep": 0})
        self.assertEqual((status, said["job"]["kind"]), (202, "overlay.set"))
        self.assertEqual(self.jobs(), [("overlay.set", None, 2, {"name": "mapset", "keep": 0})])
        status, said = self.zoey.ask("PATCH", "/overlays/2", {"shared": True})
        self.assertEqual((status, said["shared"], len(self.jobs())), (200, True, 1))
        self.assertEqual(self.louis.ask("GET", "/overlays/2")[1]["may"], ["view"])
        self.error(self.louis.ask("PATCH", "/overlays/2", {"shared": False}), 403, "denied")
        event, = self.audited("overlay.share")
        self.assertEqual((event["subject"], event["before"], event["after"]), ("overlay 2", {"shared": False}, {"shared": True}))
        for body, field in (({"name": "A"}, "name"), ({"shared": 1}, "shared"), ({"refresh": 1}, "refresh"), ({"keep": "1"}, "keep")):
            self.error(self.zoey.ask("PATCH", "/overlays/2", body), 400, "invalid", field=field)

    def test_building(self):
        for word, body, parameters in (("build", None, {}), ("build", {"hold": True}, {"hold": True}), ("wipe", {}, {}), ("select", {"generation": 3}, {"generation": 3}),
                                       ("rollback", None, {}), ("rollback", {"generation": 2}, {"generation": 2})):
            status, said = self.zoey.ask("POST", f"/overlays/2/{word}", body)
            self.assertEqual((status, said["job"]["kind"], said["job"]["parameters"]), (202, f"overlay.{word}", parameters))
        for word, body, field in (("build", {"hold": 1}, "hold"), ("select", {}, "generation"), ("select", {"generation": 0}, "generation"),
                                  ("rollback", {"generation": "1"}, "generation")):
            self.error(self.zoey.ask("POST", f"/overlays/2/{word}", body), 400, "invalid", field=field)
        self.error(self.zoey.ask("POST", "/overlays/2/build", {"hol": True}), 400, "invalid", "not known")

    def test_cancelling(self):
        first = self.zoey.ask("POST", "/overlays/2/build")[1]["job"]["id"]
        status, said = self.zoey.ask("POST", "/overlays/2/cancel")
        self.assertEqual((status, said["job"]["id"], said["job"]["state"]), (202, first, "cancelled"))
        self.assertEqual(self.audited("overlay.cancel")[0]["subject"], "overlay 2")
        running = self.zoey.ask("POST", "/overlays/2/wipe")[1]["job"]["id"]
        self.rows("UPDATE jobs SET state = 'running', lease_by = 'test', lease_until_s = 4000000000 WHERE id = ?", running)
        said = self.zoey.ask("POST", "/overlays/2/cancel")[1]["job"]
        self.assertEqual((said["id"], said["state"], said["cancelling"]), (running, "running", True))
        # One that was begun by other means.
        self.assertEqual(self.zoey.ask("POST", "/overlays/3/cancel")[1]["job"]["kind"], "overlay.cancel")

    def test_deleting(self):
        self.blueprint(self.zoey, overlays=[{"id": 2}])
        self.error(self.zoey.ask("DELETE", "/overlays/2"), 409, "busy")
        self.error(self.admin.ask("DELETE", "/overlays/1"), 409, "busy")
        self.assertEqual(self.zoey.ask("DELETE", "/overlays/3")[1]["job"]["kind"], "overlay.delete")

    def test_what_the_host_tells(self):
        for path, words in (("generations", "overlay show --json -- 2"), ("diff", "overlay diff --json -- 2"), ("diff?from=1", "overlay diff --json -- 2 1"),
                            ("diff?from=1&to=2", "overlay diff --json -- 2 1 2"), ("explain", "overlay explain --json -- 2"), ("explain?generation=4", "overlay explain --json -- 2 4"),
                            ("log", "overlay log --lines=500 --json -- 2"), ("log?lines=7", "overlay log --lines=7 --json -- 2")):
            self.assertEqual(self.zoey.ask("GET", f"/overlays/2/{path}")[0], 200, path)
            self.assertEqual(self.words(), [words])
        for path, field in (("diff?to=1", "from"), ("diff?from=0", "from"), ("diff?from=x", "from"), ("explain?generation=0", "generation"), ("log?lines=0", "lines")):
            self.error(self.zoey.ask("GET", f"/overlays/2/{path}"), 400, "invalid", field=field)

    def test_the_game(self):
        said = self.zoey.ask("GET", "/game")[1]
        self.assertEqual((said["overlay"]["name"], said["install"], said["rollout"]), ("game", None, None))
        self.error(self.zoey.ask("POST", "/game/install"), 403, "denied")
        self.assertEqual(self.admin.ask("POST", "/game/install", {"hold": True})[1]["job"]["overlay"], 1)
        self.assertEqual(self.admin.ask("POST", "/game/rollout", {"policy": "wait"})[1]["job"]["parameters"], {"policy": "wait"})
        said = self.zoey.ask("GET", "/game")[1]
        self.assertEqual((said["install"]["parameters"], said["rollout"]["kind"]), ({"hold": True}, "game.rollout"))
        for body in ({}, {"policy": "now"}, {"policy": 1}):
            self.error(self.admin.ask("POST", "/game/rollout", body), 400, "invalid", field="policy")


class TestTexts(ThingsTest):
    def setUp(self):
        super().setUp()
        self.overlay(2, "plugins", "script", owner=self.zoey)
        self.overlay(3, "items", "workshop", owner=self.zoey)

    def put(self, text, number=2, browser=None, **fields):
        return (browser or self.zoey).ask("PUT", f"/overlays/{number}/text", {"text": text}, **fields)

    def test_a_script(self):
        self.assertEqual(self.zoey.ask("GET", "/overlays/2/text"), (200, {"text": ""}))
        self.assertIsNone(self.zoey.answer.getheader("ETag"))
        self.assertEqual(self.put("#!/bin/bash\r\necho hi", If_None_Match="*"), (200, {"text": "#!/bin/bash\necho hi\n"}))
        etag = self.zoey.answer.getheader("ETag")
        self.assertRegex(etag, r'^"[0-9a-f]{32}"$')
        self.assertEqual((self.path / "data/sources/2/script").read_text(), "#!/bin/bash\necho hi\n")
        self.assertEqual(self.zoey.ask("GET", "/overlays/2/text")[1]["text"], "#!/bin/bash\necho hi\n")
        self.assertEqual(self.zoey.answer.getheader("ETag"), etag)
        self.assertEqual([event["subject"] for event in self.audited("overlay.text")], ["overlay 2"])

    def test_two_editors(self):
        self.error(self.put("a"), 428, "invalid", "If-Match")
        self.error(self.put("a", If_Match="*"), 412, "conflict")
        self.put("one", If_None_Match="*")
        etag = self.zoey.answer.getheader("ETag")
        self.error(self.put("two", If_None_Match="*"), 412, "conflict")
        self.assertEqual(self.put("two", If_Match=etag)[0], 200)
        self.error(self.put("three", browser=self.admin, If_Match=etag), 412, "conflict", "changed by somebody else")
        self.assertEqual(self.zoey.ask("GET", "/overlays/2/text")[1]["text"], "two\n")
        # The same text is the same version, however often it was written.
        self.put("one", If_Match="*")
        self.assertEqual(self.zoey.answer.getheader("ETag"), etag)

    def test_what_is_refused(self):
        for text in ("a\0b", "x" * ((1 << 20) + 1)):
            self.error(self.put(text, If_None_Match="*"), 400, "invalid")
        for text in (5, None, ["x"]):
            self.error(self.put(text, If_None_Match="*"), 400, "invalid", field="text")
        self.error(self.put("not a number", 3, If_None_Match="*"), 400, "invalid", "line 1")
        self.assertEqual(self.put("121088 # a comment", 3, If_None_Match="*")[0], 200)
        self.overlay(4, "maps", owner=self.zoey)
        self.error(self.zoey.ask("GET", "/overlays/4/text"), 400, "invalid", "not made from a text")
        self.error(self.zoey.ask("GET", "/overlays/1/text"), 400, "invalid", "not made from a text")

    def test_hostile_texts(self):
        text = "\n".join(HOSTILE) + "\n"
        self.assertEqual(self.put(text, If_None_Match="*")[1]["text"], text)
        self.assertEqual(self.zoey.ask("GET", "/overlays/2/text")[1]["text"], text)

    def test_who_may(self):
        self.error(self.louis.ask("GET", "/overlays/2/text"), 404, "not-found")
        self.rows("UPDATE overlays SET is_shared = 1")
        self.assertEqual(self.louis.ask("GET", "/overlays/2/text")[0], 200)
        self.error(self.put("x", browser=self.louis, If_Match="*"), 403, "denied")


if __name__ == "__main__":
    webthings.main()
