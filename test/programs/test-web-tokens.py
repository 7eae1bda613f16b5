#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: tokens, and the second factor of who logs in."""

import base64
import contextlib
import hashlib
import hmac
import json
import sqlite3
import struct
import time

import webworld
from webworld import PASSWORD, Browser, WebTest


def bearer(web, word):
    """A program with a token: it has no cookies and comes from no page."""
    return Browser(web, Authorization=f"Bearer {word}", Origin=None, Sec_Fetch_Site=None)


class TestTokens(WebTest):
    def token(self, browser, scope, **more):
        status, said = browser.ask("POST", "/me/tokens", {"name": scope, "scope": scope, **more})
        self.assertEqual((status, set(said)), (201, {"id", "token"}), said)
        return said

    def test_making_and_taking_back(self):
        browser, other = self.user(), self.user("zoey")
        said = self.token(browser, "read")
        row, = browser.ask("GET", "/me/tokens")[1]["tokens"]
        self.assertEqual((row["id"], row["name"], row["scope"], row["expires"], row["used"]), (said["id"], "read", "read", None, None))
        self.assertTrue(said["token"].startswith("l4m_"))
        self.assertNotIn(said["token"], json.dumps(row))
        program = bearer(self.web, said["token"])
        self.assertEqual(program.ask("GET", "/me")[1]["name"], "bill")
        self.assertIsNotNone(browser.ask("GET", "/me/tokens")[1]["tokens"][0]["used"])
        self.assertEqual(other.ask("GET", "/me/tokens")[1]["tokens"], [])
        self.error(other.ask("DELETE", f"/me/tokens/{said['id']}"), 404, "not-found", "no such token")
        self.assertEqual(browser.ask("DELETE", f"/me/tokens/{said['id']}")[0], 204)
        self.error(program.ask("GET", "/me"), 401, "denied", "revoked")
        self.assertEqual(program.answer.getheader("WWW-Authenticate"), "Bearer")

    def test_what_is_no_token(self):
        browser = self.user()
        self.token(browser, "read")
        for body, field, part in (({"name": "read", "scope": "read"}, "name", "'read' already"), ({"name": "", "scope": "read"}, "name", "1 to 64"),
                                  ({"name": "a", "scope": "king"}, "scope", ""), ({"name": "a"}, "scope", "must be a text"),
                                  ({"name": "a", "scope": "read", "expires": 1}, "expires", "from"),
                                  ({"name": "a", "scope": "read", "expires": "x"}, "expires", "number"),
                                  ({"name": " a", "scope": "read"}, "name", "")):
            status, said = browser.ask("POST", "/me/tokens", body)
            self.error((status, said), 409 if "already" in part else 400, "exists" if "already" in part else "invalid", part, field)
        self.error(browser.ask("POST", "/me/tokens", {"name": "a", "scope": "admin"}), 403, "denied", "only an admin", "scope")

    def test_its_end(self):
        """a token ends when it expires, with its user, and while he is deactivated"""
        admin, browser = self.user("bill", "admin"), self.user("zoey")
        short, long = self.token(browser, "read", expires=int(time.time()) + 1000), self.token(browser, "manage")
        short, long = bearer(self.web, short["token"]), bearer(self.web, long["token"])
        self.assertEqual(short.ask("GET", "/me")[0], 200)
        self.web.change("UPDATE api_tokens SET expires_unix_s = created_unix_s WHERE name = 'read'")
        self.error(short.ask("GET", "/me"), 401, "denied", "expired")
        zoey = long.ask("GET", "/me")[1]["id"]
        admin.ask("PATCH", f"/users/{zoey}", {"active": False})
        self.error(long.ask("GET", "/me"), 401, "denied", "deactivated")
        admin.ask("PATCH", f"/users/{zoey}", {"active": True})
        self.assertEqual(long.ask("GET", "/me")[0], 200)
        self.assertEqual(admin.ask("DELETE", f"/users/{zoey}")[0], 204)
        self.error(long.ask("GET", "/me"), 401, "denied")

    def test_with_a_cookie(self):
        """who sends both means two things"""
        browser = self.user()
        word = self.token(browser, "read")["token"]
        for path in ("/me", "/health"):
            self.error(browser.ask("GET", path, Authorization=f"Bearer {word}"), 400, "invalid", "a cookie and a token")
            # What is meant for a proxy before it is no token.
            self.assertEqual(browser.ask("GET", path, Authorization="Basic YmlsbDp4")[0], 200)

    def test_what_it_proves(self):
        """a token needs no proof of where it was sent from; what is none, or of another kind, is nobody's"""
        browser = self.user("bill", "admin")
        word = self.token(browser, "admin")["token"]
        for site in (None, "cross-site"):
            program = bearer(self.web, word)
            self.assertEqual(program.ask("POST", "/invitations", {"role": "user"}, Sec_Fetch_Site=site)[0], 201)
        for header in (f"bearer {word}", f"BEARER {word}"):
            self.assertEqual(Browser(self.web, Authorization=header).ask("GET", "/me")[0], 200)
        for header in (f"Basic {word}", f"Bearer  {word}", f"Bearer {word}x", f"Bearer {word[:-1]}", "Bearer", "Bearer ", word, f"Bearer {word[4:]}",
                       f"Bearer {browser.cookie.partition('=')[2]}", "Bearer " + "x" * 1000):
            self.error(Browser(self.web, Authorization=header).ask("GET", "/me"), 401, "denied")
        cookie = Browser(self.web)
        cookie.cookie = f"left4me={word}"
        self.error(cookie.ask("GET", "/me"), 401, "denied")

    def test_what_is_recorded(self):
        browser = self.user("bill", "admin")
        word = self.token(browser, "admin")["token"]
        bearer(self.web, word).ask("POST", "/invitations", {"role": "user"})
        rows = browser.ask("GET", "/audit?limit=2")[1]["events"]
        self.assertEqual([(row["action"], row["user_name"], row["origin"], row["subject"]) for row in rows],
                         [("invitation.create", "bill", "127.0.0.1, token admin", ""), ("token.create", "bill", "127.0.0.1", "admin")])
        with contextlib.closing(sqlite3.connect(self.web.database)) as db:
            self.assertNotIn(word, "\n".join(db.iterdump()))

    def test_a_key_for_what_is_shown_once(self):
        """it is made once, and who asks again is not shown it again"""
        browser = self.user()
        body = {"name": "a", "scope": "read"}
        said = browser.ask("POST", "/me/tokens", body, Idempotency_Key="k1")
        self.assertEqual(said[0], 201)
        self.error(browser.ask("POST", "/me/tokens", body, Idempotency_Key="k1"), 409, "exists", "shown once")
        self.assertEqual(len(browser.ask("GET", "/me/tokens")[1]["tokens"]), 1)
        with contextlib.closing(sqlite3.connect(self.web.database)) as db:
            self.assertNotIn(said[1]["token"], "\n".join(db.iterdump()))


class Telephone:
    """One whose clock stood still when the secret came: its codes are good for half a minute at least."""

    def __init__(self, secret):
        self.key, self.step = base64.b32decode(secret), int(time.time()) // 30

    def code(self, steps=0):
        hashed = hmac.new(self.key, struct.pack(">Q", self.step + steps), hashlib.sha1).digest()
        at = hashed[19] & 15
        return f"{(struct.unpack('>I', hashed[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"

    def wrong(self):
        return next(word for word in (f"{i:06}" for i in range(10)) if word not in [self.code(steps) for steps in range(-3, 4)])


class TestSecondFactor(WebTest):
    def enable(self, browser):
        """A telephone whose first code is used, and the recovery codes."""
        status, said = browser.ask("POST", "/me/totp")
        self.assertEqual((status, set(said)), (200, {"secret", "uri"}))
        telephone = Telephone(said["secret"])
        status, codes = browser.ask("PUT", "/me/totp", {"code": telephone.code(), "password": PASSWORD})
        self.assertEqual((status, len(codes["recovery_codes"])), (200, 10), codes)
        return telephone, codes["recovery_codes"]

    def login(self, word=None, name="bill", **more):
        browser = Browser(self.web)
        return browser, browser.ask("POST", "/session", {"name": name, "password": PASSWORD, **({"code": word} if word else {}), **more})

    def forgive(self):
        """Who has failed too often needs not wait: another process does not remember."""
        self.web.stop()
        self.web.start()

    def test_beginning(self):
        browser = self.user()
        self.assertEqual(browser.ask("GET", "/me/totp"), (200, {"enabled": False, "recovery_codes": 0}))
        self.error(browser.ask("PUT", "/me/totp", {"code": "123456", "password": PASSWORD}), 404, "not-found", "no second factor")
        first, said = (browser.ask("POST", "/me/totp")[1] for _ in range(2))
        self.assertNotEqual(first, said)
        self.assertEqual(said["uri"], f"otpauth://totp/left4me:bill?secret={said['secret']}&issuer=left4me")
        telephone = Telephone(said["secret"])
        self.assertEqual(len(telephone.key), 20)
        # Until the first code was right, nobody is asked for one.
        self.assertEqual(self.login()[1][0], 200)
        for word, part in ((telephone.wrong(), "the code is wrong"), ("12345", "6 to 6 bytes"), ("abcdef", "wrong")):
            self.error(browser.ask("PUT", "/me/totp", {"code": word, "password": PASSWORD}), 400, "invalid", part, "code")
        # Whoever finds a browser that is logged in would lock its owner out.
        self.error(browser.ask("PUT", "/me/totp", {"code": telephone.code()}), 400, "invalid", "must be a text", "password")
        self.error(browser.ask("PUT", "/me/totp", {"code": telephone.code(), "password": "wrong password"}), 403, "denied", "the password is wrong", "password")
        self.assertEqual(browser.ask("GET", "/me/totp")[1]["enabled"], False)
        self.assertEqual(browser.ask("PUT", "/me/totp", {"code": telephone.code(), "password": PASSWORD})[0], 200)
        self.assertEqual(browser.ask("GET", "/me/totp"), (200, {"enabled": True, "recovery_codes": 10}))
        self.assertEqual(browser.ask("GET", "/me")[1]["totp"], True)
        self.error(browser.ask("POST", "/me/totp"), 409, "exists", "remove it first")
        with contextlib.closing(sqlite3.connect(self.web.database)) as db:
            sealed, = db.execute("SELECT totp_sealed FROM users").fetchone()
        self.assertNotIn(telephone.key, sealed)

    def test_logging_in(self):
        telephone, _ = self.enable(self.user())
        self.error(self.login()[1], 401, "denied", "is wanted as well", "code")
        self.error(self.login(telephone.wrong())[1], 401, "denied", "the code is wrong", "code")
        self.error(self.login("x" * 33)[1], 400, "invalid", "1 to 32 bytes", "code")
        # Nothing of it is told to who does not know the password.
        self.error(self.login(telephone.code(1), password="wrong password")[1], 401, "denied", "the name or the password")
        self.error(self.login(None, password="wrong password")[1], 401, "denied", "the name or the password")
        browser, said = self.login(telephone.code(1))
        self.assertEqual((said[0], browser.ask("GET", "/me")[0]), (200, 200))

    def test_a_code_counts_once(self):
        telephone, _ = self.enable(self.user())
        self.error(self.login(telephone.code())[1], 401, "denied", "used already", "code")
        self.assertEqual(self.login(telephone.code(1))[1][0], 200)
        for steps in (1, 0):  # and none before it
            self.error(self.login(telephone.code(steps))[1], 401, "denied", "used already", "code")

    def test_guessing_codes(self):
        """a wrong code is an attempt like a wrong password, and a right password does not undo it"""
        telephone, _ = self.enable(self.user())
        self.guess(lambda: self.login(telephone.wrong())[1], 401, "denied", "wrong", "code")
        self.error(self.login(telephone.code(1))[1], 429, "busy")
        self.forgive()
        self.assertEqual(self.login(telephone.code(1))[1][0], 200)

    def test_recovery_codes(self):
        browser = self.user()
        telephone, words = self.enable(browser)
        self.assertEqual(len(set(words)), 10)
        self.assertEqual(self.login(words[3])[1][0], 200)
        self.error(self.login(words[3])[1], 401, "denied", "not valid, or no longer", "code")
        self.assertEqual(self.login(words[4].lower().replace("-", " "))[1][0], 200)
        self.error(self.login("no code at all")[1], 401, "denied", "no recovery code", "code")
        self.assertEqual(browser.ask("GET", "/me/totp")[1]["recovery_codes"], 8)
        # Those of one are not another's.
        self.enable(self.user("zoey"))
        self.error(self.login(words[0], "zoey")[1], 401, "denied", "not valid", "code")
        with contextlib.closing(sqlite3.connect(self.web.database)) as db:
            text = "\n".join(db.iterdump())
        for word in (*words, *(word.replace("-", "") for word in words), base64.b32encode(telephone.key).decode()):
            self.assertNotIn(word, text)

    def test_removing(self):
        browser = self.user()
        self.enable(browser)
        self.error(browser.ask("DELETE", "/me/totp", {"password": "wrong password"}), 403, "denied", "the password is wrong", "password")
        self.error(browser.ask("DELETE", "/me/totp", {}), 400, "invalid", "must be a text", "password")
        self.assertEqual(browser.ask("DELETE", "/me/totp", {"password": PASSWORD})[0], 204)
        self.assertEqual(browser.ask("GET", "/me/totp"), (200, {"enabled": False, "recovery_codes": 0}))
        self.assertEqual(self.login()[1][0], 200)

    def test_a_lost_telephone(self):
        """an admin takes a second factor away, and cannot begin one"""
        admin, browser = self.user("bill", "admin"), self.user("zoey")
        self.enable(browser)
        zoey = browser.ask("GET", "/me")[1]["id"]
        self.error(admin.ask("PATCH", f"/users/{zoey}", {"totp": True}), 400, "invalid", "himself", "totp")
        self.assertEqual(admin.ask("PATCH", f"/users/{zoey}", {"totp": False})[1]["totp"], False)
        self.error(browser.ask("GET", "/me"), 401, "denied")
        self.assertEqual(self.login(name="zoey")[1][0], 200)
        event = admin.ask("GET", "/audit")[1]["events"][1]
        self.assertEqual((event["action"], event["before"]["totp"], event["after"]["totp"]), ("user.change", True, False))

    def test_a_link_is_no_second_factor(self):
        admin, browser = self.user("bill", "admin"), self.user("zoey")
        telephone, _ = self.enable(browser)
        word = admin.ask("POST", f"/users/{browser.ask('GET', '/me')[1]['id']}/invitation")[1]["invitation"]
        body = {"invitation": word, "password": "another password"}
        self.error(Browser(self.web).ask("POST", "/join", body), 401, "denied", "is wanted as well", "code")
        self.error(Browser(self.web).ask("POST", "/join", {**body, "code": telephone.wrong()}), 401, "denied", "wrong", "code")
        self.assertEqual(Browser(self.web).ask("POST", "/join", {**body, "code": telephone.code(1)})[0], 200)


class TestSettings(WebTest):
    def test_setup(self):
        browser = Browser(self.web)
        self.assertEqual(browser.ask("GET", "/setup"), (200, {"needed": True}))
        word = self.web.invite("bill", "admin")
        self.assertEqual(browser.ask("GET", "/setup"), (200, {"needed": True}))
        browser.join(word)
        self.assertEqual(browser.ask("GET", "/setup"), (200, {"needed": False}))

    def test_settings(self):
        admin = self.user("bill", "admin")
        before = admin.ask("GET", "/settings")[1]
        self.assertEqual((before["port_from"], before["repair"], before["metrics_open"]), (27015, "off", "off"))
        self.assertEqual(admin.ask("PATCH", "/settings", {"port_from": 27020, "repair": "auto"}), (200, {**before, "port_from": 27020, "repair": "auto"}))
        self.assertEqual(admin.ask("GET", "/settings")[1]["repair"], "auto")
        for body, field, part in (({"port_from": "27020"}, "port_from", "a number"), ({"port_from": 80}, "port_from", "from"), ({"repair": "maybe"}, "repair", "'auto'"),
                                  ({"repair": True}, "repair", ""), ({"repair": "x" * 500}, "repair", ""), ({"nothing": 1}, None, "not known"),
                                  ({"log_days": 0}, "log_days", ""), ({"log_days": 1.5}, "log_days", ""), ({"log_days": None}, "log_days", ""),
                                  ({"repair": "off", "port_to": 27000}, None, "")):
            self.error(admin.ask("PATCH", "/settings", body), 400, "invalid", part, field)
        self.assertEqual(admin.ask("GET", "/settings")[1]["repair"], "auto")
        event = admin.ask("GET", "/audit?limit=1")[1]["events"][0]
        self.assertEqual((event["action"], event["before"], event["after"]["port_from"]), ("settings.change", before, 27020))


if __name__ == "__main__":
    webworld.main()
