#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: things that are given to somebody else, as before the account goes that had them."""

import webthings
from eventworld import Listener
from webthings import ThingsTest

ALL = ["view", "operate", "console", "files", "manage"]


class TestGiving(ThingsTest):
    def setUp(self):
        super().setUp()
        self.host("""echo '{"overlays": []}'""")
        self.overlay(3, "maps", owner=self.zoey)
        self.recipe = self.blueprint(self.zoey, overlays=[{"id": 3}])
        self.one = self.server(self.zoey, blueprint=self.recipe)
        self.overlay(4, "@s1")
        self.rows("UPDATE servers SET overlay = 4")
        self.server_at, self.blueprint_at = f"/servers/{self.one['id']}", f"/blueprints/{self.recipe['id']}"
        self.all_of_it = self.server_at, self.blueprint_at, "/overlays/3"

    def give(self, at, to, browser=None):
        return (browser or self.admin).ask("PUT", at + "/owner", {"owner": self.number(to)})

    def listen(self, browser):
        listener = Listener(browser, "servers,blueprints,overlays")
        self.addCleanup(listener.close)
        self.assertEqual(listener.next()[0], "ready")
        return listener

    def test_all_that_somebody_has(self):
        """and then he can be deleted"""
        self.grant(self.zoey, self.one, ("louis", ["operate"]), ("bill", ["view"]))
        account, louis = f"/users/{self.number(self.zoey)}", {"id": self.number(self.louis), "name": "louis"}
        for at in self.all_of_it:
            self.error(self.admin.ask("DELETE", account), 409, "busy", "give them to somebody else")
            self.assertEqual(self.give(at, self.louis), (200, {"owner": louis}))
            said = self.louis.ask("GET", at)[1]
            self.assertEqual((said["owner"], said["may"]), (louis, ALL))
            self.error(self.zoey.ask("GET", at), 404, "not-found")
        # Her grant is of no use to who has all of it; those of others stay.
        self.assertEqual([row["user"]["name"] for row in self.louis.ask("GET", self.server_at + "/grants")[1]["grants"]], ["bill"])
        self.assertEqual(self.louis.ask("GET", "/overlays/4")[1]["may"], ALL)
        self.error(self.zoey.ask("GET", "/overlays/4"), 404, "not-found")
        self.assertEqual(self.admin.ask("DELETE", account)[0], 204)
        self.assertEqual(self.louis.ask("GET", self.server_at)[1]["blueprint"]["id"], self.recipe["id"])

    def test_what_is_recorded(self):
        zoey, louis = ({"owner": {"id": self.number(who), "name": name}} for who, name in ((self.zoey, "zoey"), (self.louis, "louis")))
        for at, kind in zip(self.all_of_it, ("server", "blueprint", "overlay"), strict=True):
            self.give(at, self.louis)
            event, = self.audited(f"{kind}.give")
            self.assertEqual((event["subject"], event["before"], event["after"]), (f"{kind} {at.rpartition('/')[2]}", zoey, louis))

    def test_what_is_told(self):
        """to who had it that it is gone, to who has it now, and to those who see it still, whose it is"""
        listeners = [self.listen(browser) for browser in (self.zoey, self.louis, self.admin)]
        for at, kind in zip(self.all_of_it, ("server", "blueprint", "overlay"), strict=True):
            self.give(at, self.louis)
            number = int(at.rpartition("/")[2])
            self.assertEqual(listeners[0].until(kind, id=number)[1], {"id": number, "deleted": True})
            for listener in listeners[1:]:
                self.assertEqual(listener.until(kind, id=number)[1]["owner"]["name"], "louis")

    def test_a_server_with_files_of_its_own(self):
        """it goes with them, also on the page"""
        before, after = self.listen(self.zoey), self.listen(self.louis)
        self.give(self.server_at, self.louis)
        self.assertEqual(before.until("overlay", id=4)[1], {"id": 4, "deleted": True})
        self.assertEqual(after.until("overlay", id=4)[1]["server"], self.one["id"])

    def test_what_the_new_owner_does_not_see(self):
        """the server keeps its blueprint, and the blueprint its overlays, also when they are changed; they are not his otherwise"""
        self.give(self.server_at, self.louis)
        self.error(self.louis.ask("GET", self.blueprint_at), 404, "not-found")
        said = self.louis.ask("PATCH", self.server_at, {"name": "renamed"}, If_Match="*")[1]
        self.assertEqual((said["name"], said["blueprint"]["id"]), ("renamed", self.recipe["id"]))
        self.error(self.louis.ask("POST", "/servers", {"name": "another", "blueprint": self.recipe["id"]}), 400, "invalid", field="blueprint")
        self.give(self.blueprint_at, self.louis)
        recipe = self.louis.ask("GET", self.blueprint_at)[1]
        status, said = self.louis.ask("PUT", self.blueprint_at, {**recipe, "config": "sv_cheats 0"}, If_Match="*")
        self.assertEqual((status, [row["id"] for row in said["overlays"]]), (200, [3]), said)
        self.error(self.louis.ask("POST", "/blueprints", {"name": "another", "overlays": [{"id": 3}]}), 400, "invalid", "no overlay 3")

    def test_a_version(self):
        """who edits it meanwhile has seen it as somebody else's"""
        self.give(self.server_at, self.louis)
        self.give(self.blueprint_at, self.louis)
        self.error(self.admin.ask("PATCH", self.server_at, {"name": "renamed"}, If_Match='"1"'), 412, "conflict")
        self.error(self.admin.ask("PUT", self.blueprint_at, self.recipe, If_Match='"1"'), 412, "conflict")

    def test_to_whom(self):
        """somebody who can log in; the limits are for who makes something"""
        self.admin.ask("PATCH", "/settings", {"user_servers": 1})
        self.server(self.louis)
        self.assertEqual(self.give(self.server_at, self.louis)[0], 200)
        sleeper = self.number(self.zoey)
        self.admin.ask("PATCH", f"/users/{sleeper}", {"active": False})
        for at in self.all_of_it:
            for owner, part in ((sleeper, "zoey is deactivated"), (999, "no such user"), (0, ""), ("louis", ""), (None, "")):
                with self.subTest(at=at, owner=owner):
                    self.error(self.admin.ask("PUT", at + "/owner", {"owner": owner}), 400, "invalid", part, "owner")
            self.error(self.admin.ask("PUT", at + "/owner", {}), 400, "invalid", field="owner")
        self.blueprint(self.louis, self.recipe["name"])
        self.error(self.give(self.blueprint_at, self.louis), 409, "exists", "one of that name already", "owner")

    def test_what_is_not_given(self):
        for at, part in (("/overlays/1", "belongs to nobody"), ("/overlays/4", "give him the server")):
            self.error(self.give(at, self.louis), 409, "busy", part)

    def test_what_was_nobodys(self):
        """an overlay that was made on the machine"""
        self.overlay(5, "plugins")
        self.assertEqual(self.give("/overlays/5", self.louis)[0], 200)
        self.assertEqual(self.audited("overlay.give")[0]["before"], {"owner": None})

    def test_who_gives(self):
        """an admin, not the owner himself"""
        for at in self.all_of_it:
            self.error(self.give(at, self.louis, self.zoey), 403, "denied")


if __name__ == "__main__":
    webthings.main()
