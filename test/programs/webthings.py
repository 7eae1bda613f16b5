# SPDX-License-Identifier: MIT
"""webthings: what the tests of people's things share: overlays, blueprints and servers that are there, and bytes."""

import contextlib
import http.client
import json
import sqlite3

import webworld
from webworld import READY_S, WebTest

# Texts that somebody may write anywhere: markup, quotes, marks of direction, other scripts, what ends a field or a line of something.
HOSTILE = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'; DROP TABLE servers; --", "${jndi:ldap://a}", "{{7*7}}", "日本語",
           "a\u202eb", "%s%n%x", "../../etc/passwd", "-rf", "--help", "a;b|c&d`e`$(f)", "\\\"", "NULL", "é" * 20]


class ThingsTest(WebTest):
    """A world with a directory of the host's things."""

    def prepare(self):
        for name in ("sources", "overlays", "instances", "runtime"):
            (self.path / "data" / name).mkdir(parents=True)
        self.host("""echo '{"error": {"kind": "failed", "message": "nobody has said what it does"}}'; exit 1""")

    def setUp(self):
        super().setUp()
        self.admin = self.user("bill", "admin")
        password = self.rows("SELECT password_hash FROM users")[0][0]
        self.zoey = self.web.log_in("zoey", password)
        self.louis = self.web.log_in("louis", password)

    def number(self, browser):
        return browser.ask("GET", "/me")[1]["id"]

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(self.web.database)) as db, db:
            return db.execute(sql, values).fetchall()

    def overlay(self, number, name, kind="files", owner=None, shared=False, daily=False):
        """One that the host and the page know."""
        source = self.path / "data" / "sources" / str(number)
        source.mkdir()
        (source / "source.json").write_text(json.dumps({"name": name, "type": kind, "keep": 0, "output_max_bytes": 0, "daily": daily}))
        self.rows("INSERT INTO overlays (id, name, type, owner, is_shared, created_unix_s, changed_unix_s) VALUES (?, ?, ?, ?, ?, 1, 1)",
                  number, name, kind, owner and self.number(owner), int(shared))
        return number

    def blueprint(self, browser, name="versus", **fields):
        status, said = browser.ask("POST", "/blueprints", {"name": name, **fields})
        self.assertEqual(status, 201, said)
        return said

    def server(self, browser, name="server", blueprint=None, **fields):
        blueprint = blueprint or self.blueprint(browser, "of " + name)
        status, said = browser.ask("POST", "/servers", {"name": name, "blueprint": blueprint["id"], **fields})
        self.assertEqual(status, 201, said)
        return said

    def grant(self, owner, server, *rows):
        said = owner.ask("PUT", f"/servers/{server['id']}/grants", {"grants": [{"user": user, "may": may} for user, may in rows]})
        self.assertEqual(said[0], 200, said)

    def raw(self, browser, method, path, body=None, **fields):
        """Status, fields and bytes of an answer that is no JSON."""
        headers = {"Origin": f"http://127.0.0.1:{self.web.port}", "Sec-Fetch-Site": "same-origin", "Cookie": browser.cookie}
        headers.update((name.replace("_", "-"), value) for name, value in fields.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=READY_S)
        with contextlib.closing(connection):
            connection.request(method, "/api/v1" + path, body, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def audited(self, action):
        """What was recorded of it, the newest first."""
        return [event for event in self.admin.ask("GET", "/audit")[1]["events"] if event["action"] == action]

    def jobs(self):
        """Those that were asked for: kind, server, overlay, parameters."""
        return [(*row[:3], json.loads(row[3])) for row in self.rows("SELECT kind, server, overlay, parameters FROM jobs ORDER BY id")]


main = webworld.main
