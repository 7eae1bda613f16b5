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
    """What a route is asked with, and the status that who may is answered with. `body` and `numbers`, which stand for the '#' that
    are not the thing itself, may be functions of the matrix and the actor."""

    def __init__(self, status, body=None, number=None, query=""):
        self.status, self.body, self.number, self.query = status, body, number, query

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
    ("PUT", "/me/totp"): Sample(200, lambda matrix, actor: {"code": actor.begin_second_factor()}),
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
}


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
        """The first one joins; the others have the password that he has, for it takes long to hash one."""
        self.test.user("admin", "admin")
        browsers, now = {}, int(time.time())
        with self.connect() as db:
            password, = db.execute("SELECT password_hash FROM users").fetchone()
            for name in ("admin", "owner", "plain", "asleep", *GRANTS):
                if name != "admin":
                    db.execute("INSERT INTO users (name, role, password_hash, created_unix_s) VALUES (?, 'user', ?, ?)", (name, password, now))
                self.users[name], = db.execute("SELECT id FROM users WHERE name = ?", (name,)).fetchone()
                browsers[name] = self.log_in(db, self.users[name], now)
        self.actors = [Actor(self, "nobody"), *(Actor(self, name, self.users[name], browsers[name]) for name in ("admin", "owner", "plain", *GRANTS))]
        for name in ("admin", "owner", "plain"):
            for scope in SCOPES if name == "admin" else SCOPES[:3]:
                self.add_token(name, browsers[name], scope)
        self.add_token("asleep", browsers["asleep"], "manage", is_alive=False)
        self.add_token("late", browsers["owner"], "manage", user="owner", is_alive=False)
        with self.connect() as db:
            db.execute("UPDATE users SET is_active = 0 WHERE name = 'asleep'")
            db.execute("UPDATE api_tokens SET expires_unix_s = created_unix_s WHERE name = 'late-manage'")

    def log_in(self, db, user, now):
        """A browser with a session, as src/store/secret.c hashes its word."""
        word = secrets.token_urlsafe(32)
        hashed = hashlib.blake2b(word.encode(), digest_size=32, key=b"left4me session of a browser").digest()
        db.execute("INSERT INTO sessions (hash, user, address, agent, created_unix_s, seen_unix_s, expires_unix_s) VALUES (?, ?, '127.0.0.1', '', ?, ?, ?)",
                   (hashed, user, now, now, now + 86400))
        browser = Browser(self.web)
        browser.cookie = f"left4me={word}"
        return browser

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
                                                    (4, "of the server", "files", 0, None)):
                db.execute("INSERT INTO overlays (id, name, type, owner, is_shared, created_unix_s, changed_unix_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
                           (number, name, kind, his, shared, now, now))
            for number, name, shared in ((1, "private", 0), (2, "shared", 1)):
                db.execute("INSERT INTO blueprints (id, name, owner, is_shared, created_unix_s, changed_unix_s) VALUES (?, ?, ?, ?, ?, ?)",
                           (number, name, owner, shared, now, now))
            db.execute("INSERT INTO servers (id, instance, name, owner, blueprint, overlay, rcon_sealed, created_unix_s, changed_unix_s) "
                       "VALUES (1, 's1', 'server', ?, 1, 4, x'00', ?, ?)", (owner, now, now))
            for number, kind in ((27015, "game"), (22015, "client"), (32015, "tv")):
                db.execute("INSERT INTO server_ports (port, server, kind) VALUES (?, 1, ?)", (number, kind))
            for name, bit in GRANTS.items():
                db.execute("INSERT INTO server_grants (server, user, may) VALUES (1, ?, ?)", (self.users[name], bit | VIEW))
            for number, server, overlay in ((1, 1, None), (2, None, 2), (3, None, None)):
                db.execute("INSERT INTO jobs (id, kind, server, overlay, asked_by, asked_by_name, parameters, created_us) "
                           "VALUES (?, 'overlay.build', ?, ?, ?, 'owner', ?, ?)", (number, server, overlay, owner, json.dumps({}), now * 1000000))
                db.execute("INSERT INTO job_lines (job, number, time_us, stream, text) VALUES (?, 1, ?, 'output', 'a line')", (number, now * 1000000))

    def of_server(self, actor):
        names = {self.users[name]: bit | VIEW for name, bit in GRANTS.items()}
        return names.get(actor.user, 0)

    def things(self, kind):
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
        return {
            "server": [Thing("server", 1, of_server), absent],
            "blueprint": [Thing("private", 1, nothing), Thing("shared", 2, shared), absent],
            "overlay": [Thing("private", 2, nothing), Thing("shared", 3, shared), Thing("of the server", 4, own_overlay), absent],
            "job": [Thing("of the server", 1, of_server), Thing("of an overlay", 2, nothing), Thing("of nothing", 3, nothing), absent],
        }[kind]
