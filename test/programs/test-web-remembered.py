#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: an answer that it remembers is of the same user, and of what there is now."""

import json

import webthings
from webthings import ThingsTest


class TestRemembered(ThingsTest):
    """After each change, everybody's list is held to what he is shown of each server, which is read anew."""

    def setUp(self):
        super().setUp()
        self.everybody = {"bill": self.admin, "zoey": self.zoey, "louis": self.louis}
        self.numbers = {name: self.number(browser) for name, browser in self.everybody.items()}

    def shown(self, browser, there):
        rows = []
        for number in there:
            status, said = browser.ask("GET", f"/servers/{number}")
            self.assertIn(status, (200, 404))
            if status == 200:
                del said["status"]
                rows.append(said)
        return rows

    def hold(self, what):
        there = [row[0] for row in self.rows("SELECT id FROM servers ORDER BY id")]
        said = {}
        for name, browser in self.everybody.items():
            with self.subTest(after=what, who=name):
                wanted = self.shown(browser, there)
                for _ in range(2):  # the second is remembered
                    status, listed = browser.ask("GET", "/servers")
                    self.assertEqual((status, listed["servers"]), (200, wanted))
                said[name] = [row["id"] for row in wanted]
        return said

    def live(self, server, state, **status):
        """As the worker writes it."""
        self.rows("INSERT OR REPLACE INTO live_states (server, state, changed_us, status) VALUES (?, ?, 5000000, ?)", server["id"], state, json.dumps(status))
        self.rows("INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('server', ?, 0)", server["id"])

    def change(self, method, path, body=None, browser=None, status=(200, 201, 202, 204), **fields):
        self.assertIn((browser or self.admin).ask(method, path, body, **fields)[0], status)

    def test_whose_it_is(self):
        one, other = self.server(self.zoey, "one"), self.server(self.louis, "other")
        self.assertEqual(self.hold("two servers"), {"bill": [one["id"], other["id"]], "zoey": [one["id"]], "louis": [other["id"]]})
        # The same address at the same time, by all of them in turns, and the head of it alone.
        for _ in range(3):
            for name, browser in self.everybody.items():
                self.assertEqual(len(browser.ask("GET", "/servers")[1]["servers"]), 2 if name == "bill" else 1)
                self.assertEqual(browser.ask("HEAD", "/servers"), (200, None))
        self.assertEqual(self.zoey.ask("GET", "/servers?limit=1&after=1")[1], {"servers": [], "next": None})
        self.assertEqual(len(self.admin.ask("GET", "/servers?limit=1")[1]["servers"]), 1)
        self.assertEqual(len(self.admin.ask("GET", "/servers?limit=2")[1]["servers"]), 2)

    def test_rights(self):
        server = self.server(self.zoey, "one")
        self.server(self.louis, "other")
        self.hold("two servers")
        for may in (["view"], ["view", "operate"], ["view", "operate", "console", "files", "manage"], ["view"]):
            self.grant(self.zoey, server, (self.numbers["louis"], may))
            self.assertIn(server["id"], self.hold(may)["louis"])
        self.grant(self.zoey, server)
        self.assertNotIn(server["id"], self.hold("no grant")["louis"])
        # Who becomes another one begins anew: what his sessions were told is not for those of the other.
        louis, hashed = f"/users/{self.numbers['louis']}", self.rows("SELECT password_hash FROM users")[0][0]
        for role, n in (("admin", 2), ("user", 1)):
            self.change("PATCH", louis, {"role": role})
            self.assertEqual(self.louis.ask("GET", "/servers")[0], 401)
            self.louis = self.everybody["louis"] = self.web.log_in("louis", hashed)
            self.assertEqual(len(self.hold(role)["louis"]), n)
        self.change("PATCH", louis, {"active": False})
        self.assertEqual(self.louis.ask("GET", "/servers")[0], 401)
        del self.everybody["louis"]
        self.hold("one is not active")
        self.admin.cookie = None
        self.assertEqual(self.admin.ask("GET", "/servers")[0], 401)

    def test_rows_and_what_they_do(self):
        made = self.blueprint(self.zoey, "made")
        server = self.server(self.zoey, "one", made)
        at, blueprint = f"/servers/{server['id']}", f"/blueprints/{made['id']}"
        self.hold("made")
        for field in ({"name": "two"}, {"hostname": "a name"}, {"blueprint": self.blueprint(self.zoey, "another")["id"]}, {"blueprint": made["id"]}):
            self.change("PATCH", at, field, If_Match="*")
            self.hold(field)
        self.change("PUT", blueprint, {**made, "name": "renamed"}, If_Match="*")
        self.hold("a blueprint's name")
        self.assertEqual(self.zoey.ask("GET", "/servers")[1]["servers"][0]["blueprint"]["name"], "renamed")
        for verb in ("start", "stop", "restart"):
            self.change("POST", f"{at}/{verb}", browser=self.zoey)
            self.hold(verb)
        for state in ("starting", "running", "failed"):
            self.live(server, state, pending=["config"], last_exit={"explain": f"it is {state}"})
            self.hold(state)
            self.assertEqual(self.zoey.ask("GET", "/servers")[1]["servers"][0]["state"], state)
        self.web.command("user", "deactivate", "louis")  # by another process
        del self.everybody["louis"]
        more = self.server(self.zoey, "more")
        self.assertEqual(len(self.hold("one more")["zoey"]), 2)
        self.rows("DELETE FROM servers WHERE id = ?", more["id"])
        self.rows("INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('server', ?, 1)", more["id"])
        self.assertEqual(len(self.hold("one less")["zoey"]), 1)

    def test_more_than_are_remembered(self):
        """Questions push out each other, never their answers."""
        for i in range(3):
            self.server(self.zoey, f"server {i}")
        for i in [*range(1, 41), *range(1, 41)]:
            for browser in (self.zoey, self.louis):
                said = browser.ask("GET", f"/servers?limit={i}")[1]
                self.assertEqual(len(said["servers"]), min(i, 3) if browser is self.zoey else 0, i)
        long = "/servers?limit=1" + "&after=0" + "0" * 200
        self.assertEqual(self.zoey.ask("GET", long), self.zoey.ask("GET", long))


if __name__ == "__main__":
    webthings.main()
