# SPDX-License-Identifier: MIT
"""webmatrix: who there is and what he has, for the test of who may do what; and how each route is asked.

Whoever adds a route adds its row to SAMPLES: what it is asked with, and what it answers to whoever may."""

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import sqlite3
import struct
import time

from webworld import PASSWORD, Browser

ABSENT = 999999
GRANTS = {"view": 1, "operate": 2, "console": 4, "files": 8, "manage": 16}
VIEW, ALL = 1, 31
SCOPES = ("read", "operate", "manage", "admin")


class Sample:
    """What a route is asked with, and the status that who may is answered with, or more than one if that depends on the thing. `body`
    and `numbers`, which stand for the '#' that are not the thing itself, may be functions of the matrix and the actor. `also` is the
    name of a thing that it can be about besides."""

    def __init__(self, status, body=None, number=None, query="", also=None, **fields):
        self.status, self.body, self.number, self.query, self.also, self.fields = status, body, number, query, also, fields

    def is_expected(self, status):
        return status in (self.status if isinstance(self.status, tuple) else (self.status,))

    @staticmethod
    def of(thing, matrix, actor):
        return thing(matrix, actor) if callable(thing) else thing


SAMPLES = {
    # ---- the machine
    ("GET", "/health"): Sample(200),
    ("GET", "/setup"): Sample(200),
    ("GET", "/machine"): Sample(200),
    ("GET", "/settings"): Sample(200),
    ("PATCH", "/settings"): Sample(200, {"log_days": 5}),
    # ---- logging in
    ("POST", "/session"): Sample(200, {"name": "owner", "password": PASSWORD}),
    ("DELETE", "/session"): Sample(204),
    ("POST", "/join"): Sample(200, lambda matrix, actor: {"invitation": matrix.invitation, "name": "rochelle", "password": PASSWORD}),
    # ---- one's own
    ("GET", "/me"): Sample(200),
    ("PUT", "/me/password"): Sample(200, {"old_password": PASSWORD, "password": "another password"}),
    ("GET", "/me/sessions"): Sample(200),
    ("DELETE", "/me/sessions/#"): Sample(204, number=lambda matrix, actor: matrix.first("SELECT id FROM sessions WHERE user = ?", actor.user)),
    ("GET", "/me/tokens"): Sample(200),
    ("POST", "/me/tokens"): Sample(201, {"name": "another", "scope": "read"}),
    ("DELETE", "/me/tokens/#"): Sample(204, number=lambda matrix, actor: actor.make_token()),
    ("GET", "/me/totp"): Sample(200),
    ("POST", "/me/totp"): Sample(200),
    ("PUT", "/me/totp"): Sample(200, lambda matrix, actor: {"code": actor.begin_second_factor(), "password": PASSWORD}),
    ("DELETE", "/me/totp"): Sample(204, {"password": PASSWORD}),
    # ---- people
    ("GET", "/users"): Sample(200),
    ("GET", "/users/#"): Sample(200, number=lambda matrix, actor: matrix.users["plain"]),
    ("PATCH", "/users/#"): Sample(200, {"role": "admin"}, lambda matrix, actor: matrix.users["plain"]),
    ("DELETE", "/users/#"): Sample(204, number=lambda matrix, actor: matrix.users["plain"]),
    ("POST", "/users/#/invitation"): Sample(201, number=lambda matrix, actor: matrix.users["plain"]),
    ("GET", "/invitations"): Sample(200),
    ("POST", "/invitations"): Sample(201, {"role": "user"}),
    ("DELETE", "/invitations/#"): Sample(204, number=lambda matrix, actor: matrix.first("SELECT id FROM invitations")),
    ("GET", "/audit"): Sample(200),
    # ---- jobs
    ("GET", "/jobs"): Sample(200),
    ("GET", "/jobs/#"): Sample(200),
    ("GET", "/jobs/#/log"): Sample(200),
    ("POST", "/jobs/#/cancel"): Sample(200),
    # ---- the game
    ("GET", "/game"): Sample(200),
    ("POST", "/game/install"): Sample(202, {"hold": True}),
    ("POST", "/game/rollout"): Sample(202, {"policy": "skip"}),
    # ---- overlays
    ("GET", "/overlays"): Sample(200),
    ("POST", "/overlays"): Sample(202, {"name": "maps", "type": "script", "refresh": "daily", "keep": 3, "output_max": 0, "text": "exit 0"}),
    ("GET", "/overlays/#"): Sample(200),
    ("PATCH", "/overlays/#"): Sample(202, {"name": "maps", "shared": False}),
    ("DELETE", "/overlays/#"): Sample((202, 409)),
    ("PUT", "/overlays/#/owner"): Sample((200, 409), lambda matrix, actor: {"owner": matrix.users["plain"]}),
    ("GET", "/overlays/#/text"): Sample((200, 400), also="script"),
    ("PUT", "/overlays/#/text"): Sample((200, 400), {"text": "exit 0"}, also="script", If_Match="*"),
    ("POST", "/overlays/#/build"): Sample(202, {"hold": False}),
    ("POST", "/overlays/#/wipe"): Sample(202),
    ("POST", "/overlays/#/select"): Sample(202, {"generation": 2}),
    ("POST", "/overlays/#/rollback"): Sample(202),
    ("POST", "/overlays/#/cancel"): Sample(202),
    ("GET", "/overlays/#/generations"): Sample(200),
    ("GET", "/overlays/#/diff"): Sample(200, query="?from=1&to=2"),
    ("GET", "/overlays/#/explain"): Sample(200),
    ("GET", "/overlays/#/log"): Sample(200),
    # ---- files
    ("GET", "/overlays/#/files"): Sample(200),
    ("DELETE", "/overlays/#/files"): Sample(204, lambda matrix, actor: matrix.add_file("old"), query="?path=old"),
    ("GET", "/overlays/#/files/content"): Sample(200, query="?path=kept"),
    ("PUT", "/overlays/#/files/content"): Sample(200, b"new", query="?path=kept", If_Match="*"),
    ("POST", "/overlays/#/files/mkdir"): Sample(200, {"path": "made"}),
    ("POST", "/overlays/#/files/move"): Sample(200, lambda matrix, actor: matrix.add_file("old") or {"from": "old", "to": matrix.new_name()}),
    ("GET", "/overlays/#/files/uploads"): Sample(200),
    ("POST", "/overlays/#/files/uploads"): Sample(201, lambda matrix, actor: {"path": matrix.new_name(), "size": 5}),
    ("GET", "/overlays/#/files/uploads/*"): Sample(404),
    ("PUT", "/overlays/#/files/uploads/*"): Sample(404, b"x", query="?sha256=" + hashlib.sha256(b"x").hexdigest()),
    ("DELETE", "/overlays/#/files/uploads/*"): Sample(204),
    ("POST", "/overlays/#/files/uploads/*/finish"): Sample(404),
    ("POST", "/overlays/#/files/extract"): Sample(202, {"upload": "0" * 32, "path": ""}),
    ("GET", "/overlays/#/files/zip"): Sample(200),
    # ---- blueprints
    ("GET", "/blueprints"): Sample(200),
    ("POST", "/blueprints"): Sample(201, {"name": "another", "arguments": ["+map", "c2m1_highway"], "config": "sv_cheats 0\n", "limits": {"tasks": 100}}),
    ("GET", "/blueprints/#"): Sample(200),
    ("PUT", "/blueprints/#"): Sample(200, {"name": "another", "arguments": [], "config": "", "overlays": [{"id": 3}], "limits": {}, "shared": True}, If_Match="*"),
    ("DELETE", "/blueprints/#"): Sample(204),
    ("POST", "/blueprints/#/preview"): Sample(200, {"config": "hostname x"}),
    ("POST", "/blueprints/#/copy"): Sample(201, {"name": "a copy"}),
    ("PUT", "/blueprints/#/owner"): Sample(200, lambda matrix, actor: {"owner": matrix.users["plain"]}),
    # ---- servers
    ("GET", "/servers"): Sample(200),
    ("POST", "/servers"): Sample(201, {"name": "another", "blueprint": 2}),
    ("GET", "/servers/#"): Sample(200),
    ("PATCH", "/servers/#"): Sample(200, {"name": "renamed", "port": 27110}, If_Match="*"),
    ("DELETE", "/servers/#"): Sample(202),
    ("POST", "/servers/#/start"): Sample(202, {"with": [{"overlay": 1, "generation": 2}]}),
    ("POST", "/servers/#/restart"): Sample(202),
    ("POST", "/servers/#/stop"): Sample(202),
    ("POST", "/servers/#/kill"): Sample(202),
    ("POST", "/servers/#/reset"): Sample(202),
    ("POST", "/servers/#/overlay"): Sample(202, lambda matrix, actor: matrix.change("UPDATE servers SET overlay = NULL")),
    ("GET", "/servers/#/log"): Sample(200),
    ("GET", "/servers/#/stack"): Sample(200),
    ("GET", "/servers/#/explain"): Sample(200, query="?path=left4dead2/cfg/server.cfg"),
    ("GET", "/servers/#/drift"): Sample(200),
    ("GET", "/servers/#/players"): Sample(200),
    ("GET", "/servers/#/players/history"): Sample(200),
    ("GET", "/servers/#/upper"): Sample(200),
    ("DELETE", "/servers/#/upper"): Sample(202, query="?path=left4dead2/cfg/banned_user.cfg"),
    ("GET", "/servers/#/upper/content"): Sample(200, query="?path=left4dead2/cfg/banned_user.cfg"),
    ("POST", "/servers/#/upper/keep"): Sample(202, {"path": "left4dead2/cfg/banned_user.cfg"}),
    ("GET", "/servers/#/grants"): Sample(200),
    ("PUT", "/servers/#/grants"): Sample(200, {"grants": [{"user": "plain", "may": ["operate", "files"]}]}),
    ("PUT", "/servers/#/owner"): Sample(200, lambda matrix, actor: {"owner": matrix.users["plain"]}),
    ("GET", "/servers/#/secret"): Sample(200),
    ("POST", "/servers/#/secret"): Sample(200, {"rcon_password": "another-one"}),
    # ---- events: a stream has no end, and test-web-events.py has who may listen to what
    ("GET", "/events"): Sample(400),
}

# What l4d2ctl prints, by its first words.
LAYER = {"layer": "overlay 1 generation 2", "overlay": 1, "generation": 2}
PUBLISHED = {"generation": 2, "build": 5, "created": {"time": "2026-11-22T03:00:00Z", "unix_s": 1795316400}, "files": 1, "bytes": 2, "added": 1, "changed": 0,
             "removed": 0, "bytes_changed": 2, "note": ""}
OVERLAYS = [{"overlay": number, "name": name, "type": kind, "refresh": "never", "keep": 0, "output_max_bytes": 0, "current": current, "n_generations": 1,
             "disk_bytes": 5} for number, name, kind, current in ((1, "game", "game", PUBLISHED), (2, "private", "files", None))]
ITEM = {"item": 121088, "published": True, "published_size": 5, "error": None, "title": "Maps", "size": 5, "updated": None, "tags": ["Campaigns"],
        "preview_url": None, "files": 1, "maps": 1, "map_names": ["a"], "missions": None, "mission_names": [], "models": None, "scripts": 0}
REPORT = {"name": "s1", "seen": "running", "files": 1, "bytes": 2, "scanned": 0, "stack": [LAYER], "truncated": False,
          "findings": [{**LAYER, "severity": "warning", "code": "odd", "path": "a", "line": None, "message": "it is odd", "remedy": "mend it"}],
          "addons": [{**LAYER, "name": "a.vpk", "title": "", "state": "loaded", "maps": 1, "missions": 0, "models": 0, "materials": 0, "sounds": 0, "scripts": 0,
                      "other_files": 0}],
          "campaigns": [{**LAYER, "name": "a", "title": "A", "addon": None, "maps": ["a"], "missing_maps": 0, "loaded": True}],
          "conflicts": [{"winner": "a", "loser": "b", "files": 1, "equal_files": 0, "example": "c", "certainty": "unsure"}]}
SAID = {
    "doctor": {"healthy": True, "checks": []},
    "overlay list": {"overlays": OVERLAYS},
    "overlay show": {**OVERLAYS[0], "generations": [PUBLISHED], "servers": ["s1 (has generation 2)"], "items": [ITEM]},
    "overlay diff": {"overlay": 2, "from": 1, "to": 2, "changes": [{"path": "a", "change": "added", "directory": False, "size": 5, "size_before": 0, "compared": True}]},
    "overlay explain": REPORT,
    "overlay log": {"time": "2026-11-22T03:00:00Z", "unix_us": 1795316400000001, "stream": "stdout", "text": "a line"},
    "logs": {"time": "2026-11-22T03:00:00.001Z", "unix_us": 1795316400000001, "priority": 6, "run": None, "text": "a line"},
    "explain --json": {"name": "s1", "path": "a", "seen": "running", "exists": True, "layers": [{**LAYER, "role": "shown", "entry": "file", "size": 5}],
                       "game_path": None, "certainty": "sure", "sources": [{**LAYER, "use": "used", "kind": "file", "file": "a", "size": 5}]},
    "drift": {"name": "s1", "entries": [{"path": "a", "change": "added", "entry": "file", "size": 5, "size_before": None}], "bytes": 5, "truncated": False,
              "added": 1, "changed": 0, "replaced": 0, "removed": 0, "unreadable": 0, "unknown": 0},
}


def script():
    """That program, in sh. What is asked of a path comes before what is asked of the whole."""
    said = {**SAID, "explain --json -- s1": REPORT}
    rows = sorted(said.items(), key=lambda row: (row[0] != "explain --json", len(row[0])), reverse=True)
    cases = "".join(f"'{words}'{'' if words.endswith(' s1') else '*'}) printf '%s\\n' '{json.dumps(value)}';;\n" for words, value in rows)
    return f"case \"$*\" in\n{cases}'files zip'*) printf 'PK\\003\\004';;\n*) exit 9;;\nesac"



class Actor:
    """Somebody who asks: his rank, and what he is granted of the owner's server. A token has a scope."""

    def __init__(self, matrix, name, user=None, browser=None, scope=None, is_alive=True):
        self.matrix, self.name, self.user, self.browser, self.scope, self.is_alive = matrix, name, user, browser or Browser(matrix.web), scope, is_alive
        self.is_admin = user is not None and user == matrix.users.get("admin")
        self.cookie = self.browser.cookie

    def __repr__(self):
        return self.name

    def make_token(self):
        return self.browser.ask("POST", "/me/tokens", {"name": "his own", "scope": "read"})[1]["id"]

    def begin_second_factor(self):
        """Its first code, that of now."""
        secret = base64.b32decode(self.browser.ask("POST", "/me/totp")[1]["secret"])
        hashed = hmac.new(secret, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
        at = hashed[19] & 15
        return f"{(struct.unpack('>I', hashed[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"

    def may(self, thing):
        """The bits of what he may do with a thing of the matrix."""
        if self.user is None or thing.id == ABSENT:
            return 0
        return ALL if self.is_admin or self.user == self.matrix.users["owner"] else thing.may(self)


class Thing:
    """Something of the owner's, and what others may do with it."""

    def __init__(self, name, number, may):
        self.name, self.id, self.may = name, number, may

    def __repr__(self):
        return self.name


class Matrix:
    """A program whose database has one of each thing, and each kind of person."""

    def __init__(self, test):
        self.web, self.test, self.users, self.actors = test.web, test, {}, []
        self.add_people()
        self.add_things()
        self.invitation = self.web.invite("rochelle")
        self.snapshot = test.path / "snapshot.db"
        with self.connect() as db:
            db.execute("VACUUM INTO ?", (str(self.snapshot),))

    @contextlib.contextmanager
    def connect(self):
        with contextlib.closing(sqlite3.connect(self.web.database, isolation_level=None)) as db:
            yield db

    def first(self, sql, *values):
        with self.connect() as db:
            return db.execute(sql, values).fetchone()[0]

    def change(self, sql):
        with self.connect() as db:
            db.execute(sql)

    def add_file(self, name):
        """In the tree of each overlay of files."""
        for number in (2, 3, 4):
            (self.test.path / f"data/sources/{number}/tree/{name}").write_text("text")

    def new_name(self):
        """That no file has yet: the database is as it was, the trees are not."""
        return secrets.token_hex(8)

    def restore(self):
        """All of the database is as it was at the beginning."""
        with self.connect() as db:
            db.execute("ATTACH ? AS old", (str(self.snapshot),))
            db.execute("BEGIN IMMEDIATE")
            db.execute("PRAGMA defer_foreign_keys = on")
            for table, in db.execute("SELECT name FROM old.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
                db.execute(f"DELETE FROM main.{table}")
                db.execute(f"INSERT INTO main.{table} SELECT * FROM old.{table}")
            db.execute("COMMIT")
        for actor in self.actors:
            actor.browser.cookie = actor.cookie

    # ---- people -------------------------------------------------------------------------------

    def add_people(self):
        """The first one joins; the others have the password that he has."""
        self.test.user("admin", "admin")
        browsers = {}
        with self.connect() as db:
            password, = db.execute("SELECT password_hash FROM users").fetchone()
            for name in ("admin", "owner", "plain", "asleep", *GRANTS):
                browsers[name] = self.web.log_in(name, password)
                self.users[name], = db.execute("SELECT id FROM users WHERE name = ?", (name,)).fetchone()
        self.actors = [Actor(self, "nobody"), *(Actor(self, name, self.users[name], browsers[name]) for name in ("admin", "owner", "plain", *GRANTS))]
        for name in ("admin", "owner", "plain"):
            for scope in SCOPES if name == "admin" else SCOPES[:3]:
                self.add_token(name, browsers[name], scope)
        self.add_token("asleep", browsers["asleep"], "manage", is_alive=False)
        self.add_token("late", browsers["owner"], "manage", user="owner", is_alive=False)
        with self.connect() as db:
            db.execute("UPDATE users SET is_active = 0 WHERE name = 'asleep'")
            db.execute("UPDATE api_tokens SET expires_unix_s = created_unix_s WHERE name = 'late-manage'")

    def add_token(self, name, browser, scope, user=None, is_alive=True):
        word = browser.ask("POST", "/me/tokens", {"name": f"{name}-{scope}", "scope": scope})[1]["token"]
        program = Browser(self.web, Authorization=f"Bearer {word}", Origin=None, Sec_Fetch_Site=None)
        self.actors.append(Actor(self, f"token {name}-{scope}", self.users[user or name], program, scope, is_alive))

    # ---- things -------------------------------------------------------------------------------

    def add_things(self):
        now, owner = int(time.time()), self.users["owner"]
        with self.connect() as db:
            db.execute("PRAGMA foreign_keys = on")
            for number, name, kind, shared, his in ((2, "private", "files", 0, owner), (3, "shared", "files", 1, owner),
                                                    (4, "of the server", "files", 0, None), (5, "script", "script", 0, owner)):
                db.execute("INSERT INTO overlays (id, name, type, owner, is_shared, created_unix_s, changed_unix_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
                           (number, name, kind, his, shared, now, now))
            for number, name, shared in ((1, "private", 0), (2, "shared", 1), (3, "of the server", 0)):
                db.execute("INSERT INTO blueprints (id, name, owner, is_shared, created_unix_s, changed_unix_s) VALUES (?, ?, ?, ?, ?, ?)",
                           (number, name, owner, shared, now, now))
        # Only the program can seal what belongs to a server.
        browser = next(actor.browser for actor in self.actors if actor.name == "owner")
        self.test.assertEqual(browser.ask("POST", "/servers", {"name": "server", "blueprint": 3})[1]["id"], 1)
        with self.connect() as db:
            db.execute("UPDATE servers SET overlay = 4")
            for name, bit in GRANTS.items():
                db.execute("INSERT INTO server_grants (server, user, may) VALUES (1, ?, ?)", (self.users[name], bit | VIEW))
            for number, server, overlay in ((1, 1, None), (2, None, 2), (3, None, None)):
                db.execute("INSERT INTO jobs (id, kind, server, overlay, asked_by, asked_by_name, parameters, created_us) "
                           "VALUES (?, 'overlay.build', ?, ?, ?, 'owner', ?, ?)", (number, server, overlay, owner, json.dumps({}), now * 1000000))
                db.execute("INSERT INTO job_lines (job, number, time_us, stream, text) VALUES (?, 1, ?, 'output', 'a line')", (number, now * 1000000))
        self.add_host()

    def add_host(self):
        """What is on disk of them."""
        data = self.test.path / "data"
        for number, name, kind in ((2, "private", "files"), (3, "shared", "files"), (4, "", "files"), (5, "script", "script")):
            (data / f"sources/{number}/tree").mkdir(parents=True)
            (data / f"sources/{number}/source.json").write_text(json.dumps(
                {"name": name, "type": kind, "keep": 0, "output_max_bytes": 0, "daily": False, **({} if name else {"server": "s1"})}))
        (data / "sources/5/script").write_text("exit 1")
        self.add_file("kept")
        for name in ("overlays", "instances", "runtime/s1/upper/left4dead2/cfg"):
            (data / name).mkdir(parents=True)
        (data / "runtime/s1/upper/left4dead2/cfg/banned_user.cfg").write_text("")

    def of_server(self, actor):
        names = {self.users[name]: bit | VIEW for name, bit in GRANTS.items()}
        return names.get(actor.user, 0)

    def things(self, kind, also=None):
        """Those of a kind that a route is about, and one that is not there."""
        def nothing(_actor):
            return 0

        def shared(_actor):
            return VIEW

        def of_server(actor):
            return self.of_server(actor)

        def own_overlay(actor):
            return VIEW | GRANTS["operate"] | GRANTS["files"] if self.of_server(actor) & GRANTS["files"] else 0

        absent = Thing("absent", ABSENT, nothing)
        more = {"script": [Thing("script", 5, nothing)], None: []}[also]
        return more + {
            "server": [Thing("server", 1, of_server), absent],
            "blueprint": [Thing("private", 1, nothing), Thing("shared", 2, shared), absent],
            "overlay": [Thing("private", 2, nothing), Thing("shared", 3, shared), Thing("of the server", 4, own_overlay), absent],
            "job": [Thing("of the server", 1, of_server), Thing("of an overlay", 2, nothing), Thing("of nothing", 3, nothing), absent],
        }[kind]
