#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web on a socket that it is handed: accounts, sessions, and who may ask what."""

import contextlib
import json
import socket
import sqlite3
import subprocess

import webworld
from webworld import PASSWORD, READY_S, Browser, WebTest


class TestAccounts(WebTest):
    def test_joining(self):
        admin = self.user("bill", "admin")
        word, browser = admin.ask("POST", "/invitations", {"role": "admin"})[1]["invitation"], Browser(self.web)
        self.error(browser.join(word, "a b"), 400, "invalid", "user name has")
        self.error(browser.join(word, "zoey", "short"), 400, "invalid", "'password' must have 10 to 256 bytes", "password")
        self.error(browser.join(word, "BILL"), 409, "exists", "there is a user 'BILL' already")
        status, said = browser.join(word, "zoey")
        self.assertEqual((status, said["user"]["name"], said["user"]["role"], said["user"]["active"]), (200, "zoey", "admin", True))
        self.assertEqual(browser.ask("GET", "/me")[1]["name"], "zoey")
        self.error(Browser(self.web).join(word, "louis"), 401, "denied", "has been used")
        late = self.web.invite("louis")
        self.web.change("UPDATE invitations SET expires_unix_s = expires_unix_s - 3 * 86400")
        self.error(Browser(self.web).join(late), 401, "denied", "too old")
        self.assertEqual(Browser(self.web).join(self.web.invite("francis"), "louis")[1]["user"]["name"], "francis")

    def test_logging_in_and_out(self):
        first = self.user()
        cookie = first.answer.getheader("Set-Cookie")
        for part in ("left4me=", "; Path=/", "; HttpOnly", "; SameSite=Strict"):
            self.assertIn(part, cookie)
        browser = Browser(self.web)
        self.error(browser.ask("GET", "/me"), 401, "denied", "log in")
        self.error(browser.login(password="wrong password"), 401, "denied", "the name or the password is wrong")
        self.assertIsNone(browser.cookie)
        self.assertEqual(browser.login("BILL")[1]["user"]["name"], "bill")
        self.assertEqual(browser.ask("DELETE", "/session")[0], 204)
        self.assertEqual(browser.cookie, "left4me=")
        self.error(browser.ask("GET", "/me"), 401, "denied")
        self.assertEqual(first.ask("GET", "/me")[0], 200)

    def test_a_word_that_was_put_there_is_not_kept(self):
        """whoever logs in has a new word, and the old one is nobody's"""
        browser = self.user()
        old = browser.cookie
        self.assertEqual(browser.login()[0], 200)
        self.assertNotEqual(browser.cookie, old)
        browser.cookie = old
        self.error(browser.ask("GET", "/me"), 401, "denied")

    def test_sessions(self):
        one, other, stranger = self.user(), Browser(self.web, User_Agent="another browser"), self.user("zoey")
        self.assertEqual(other.login()[0], 200)
        rows = one.ask("GET", "/me/sessions")[1]["sessions"]
        self.assertEqual([row["current"] for row in rows], [True, False])
        self.assertEqual({row["address"] for row in rows}, {"127.0.0.1"})
        self.assertEqual(rows[1]["agent"], "another browser")
        self.error(stranger.ask("DELETE", f"/me/sessions/{rows[1]['id']}"), 404, "not-found")
        self.assertEqual(one.ask("DELETE", f"/me/sessions/{rows[1]['id']}")[0], 204)
        self.error(other.ask("GET", "/me"), 401, "denied")

    def test_guessing_takes_longer(self):
        """after a few tries whoever guesses must wait, the account and the address, and so must the right password"""
        self.user()
        self.guess(lambda: Browser(self.web).login(password="wrong password"), 401, "denied")
        browser = Browser(self.web)
        self.error(browser.login(), 429, "busy", "too many failed logins")
        self.assertGreaterEqual(int(browser.answer.getheader("Retry-After")), 1)
        self.error(browser.login("nobody", "wrong password"), 429, "busy")

    def test_nobody_learns_who_there_is(self):
        self.user()
        said = [Browser(self.web).login(name, "wrong password") for name in ("bill", "nobody")]
        self.assertEqual(*said)

    def test_what_is_recorded(self):
        browser = self.user()
        browser.ask("DELETE", "/session")
        with contextlib.closing(sqlite3.connect(self.web.database)) as db:
            rows = db.execute("SELECT action, user_name, origin, subject FROM audit_events ORDER BY id").fetchall()
            text = "\n".join(db.iterdump())
        self.assertEqual(rows, [
            ("invitation.create", "root", "command line", "bill"),
            *((action, "bill", "127.0.0.1", "bill") for action in ("user.create", "session.begin", "session.end"))])
        self.assertNotIn(PASSWORD, text)
        self.assertIn("$argon2id$", text)


class TestCommand(WebTest):
    """The operator's command, beside the program that serves."""

    def test_users(self):
        self.assertEqual(self.web.command("user", "list"), [])
        browser = self.user("bill", "admin")
        self.assertEqual([(row["name"], row["role"], row["active"], row["password"]) for row in self.web.command("user", "list")],
                         [("bill", "admin", True, True)])
        for words, code, part in ((("user", "add", "BILL"), 4, "'left4me user invite bill'"), (("user", "add", "a b"), 2, "user name has"),
                                  (("user", "invite", "zoey"), 3, "no such user"), (("user", "deactivate", "bill"), 4, "last admin"),
                                  (("user", "delete", "bill"), 4, "last admin"), (("user", "delete", "zoey"), 3, "no such user")):
            self.assertIn(part, self.web.command(*words, code=code)[0]["error"]["message"])
        zoey = self.user("zoey")
        self.web.command("user", "deactivate", "zoey")
        self.error(zoey.ask("GET", "/me"), 401, "denied")
        self.error(zoey.login("zoey"), 401, "denied")
        self.web.command("user", "activate", "zoey")
        self.assertEqual(zoey.login("zoey")[0], 200)
        self.web.command("user", "delete", "zoey")
        self.error(zoey.ask("GET", "/me"), 401, "denied")
        word = self.web.command("user", "invite", "bill")[0]["invitation"]
        self.assertEqual(Browser(self.web).join(word, "", "another password")[0], 200)
        self.error(browser.ask("GET", "/me"), 401, "denied")

    def test_the_log_is_checked(self):
        browser = self.user("bill", "admin")
        first = self.web.command("log", "check")[0]["hash"]
        browser.ask("DELETE", "/session")
        self.assertNotEqual(self.web.command("log", "check", first)[0]["hash"], first)
        self.assertIn("no event with this hash", self.web.command("log", "check", "0" * 64, code=1)[0]["error"]["message"])
        self.assertIn("HASH: it has 64", self.web.command("log", "check", "0" * 63 + "x", code=2)[0]["error"]["message"])
        self.web.change("DELETE FROM audit_events WHERE id = 2")
        self.assertIn("event 3 is not what followed", self.web.command("log", "check", code=1)[0]["error"]["message"])

    def test_what_is_no_command(self):
        for words in ((), ("user",), ("user", "add"), ("user", "list", "x"), ("user", "list", "--admin"), ("users", "list"), ("--nothing",)):
            self.assertEqual(subprocess.run([webworld.COMMAND, *words], capture_output=True, check=False).returncode, 2)
        self.assertIn("user add  ", subprocess.run([webworld.COMMAND, "--help"], capture_output=True, text=True, check=True).stdout)


class TestPeople(WebTest):
    """What an admin does with the accounts of others."""

    def test_users(self):
        admin, user = self.user("bill", "admin"), self.user("zoey")
        rows = admin.ask("GET", "/users")[1]["users"]
        self.assertEqual([(row["name"], row["role"], row["active"]) for row in rows], [("bill", "admin", True), ("zoey", "user", True)])
        zoey = rows[1]["id"]
        self.assertEqual(admin.ask("PATCH", f"/users/{zoey}", {"role": "admin"})[1]["role"], "admin")
        self.error(user.ask("GET", "/me"), 401, "denied")  # her session ended with what she was
        user.login("zoey")
        self.assertEqual(user.ask("PATCH", f"/users/{rows[0]['id']}", {"active": False})[1]["active"], False)
        self.error(admin.ask("GET", "/me"), 401, "denied")
        self.error(admin.login("bill"), 401, "denied", "the name or the password is wrong")
        self.error(user.ask("PATCH", f"/users/{zoey}", {"role": "user"}), 409, "busy", "his own account")
        self.error(user.ask("DELETE", f"/users/{zoey}"), 409, "busy", "his own account")
        self.error(user.ask("PATCH", f"/users/{rows[0]['id']}", {"role": "king"}), 400, "invalid", "'user' or 'admin'")
        self.error(user.ask("PATCH", f"/users/{rows[0]['id']}", {"active": 1}), 400, "invalid", "true or false", "active")
        self.assertEqual(user.ask("DELETE", f"/users/{rows[0]['id']}")[0], 204)
        self.error(user.ask("GET", f"/users/{rows[0]['id']}"), 404, "not-found")

    def test_who_owns_something_stays(self):
        admin, user = self.user("bill", "admin"), self.user("zoey")
        zoey = user.ask("GET", "/me")[1]["id"]
        self.web.change(f"INSERT INTO blueprints (name, owner, created_unix_s, changed_unix_s) VALUES ('mine', {zoey}, 1, 1)")
        self.error(admin.ask("DELETE", f"/users/{zoey}"), 409, "busy", "still has servers, blueprints or overlays")
        self.web.change("DELETE FROM blueprints")
        self.web.change(f"INSERT INTO jobs (kind, asked_by, asked_by_name, created_us) VALUES ('overlay.refresh', {zoey}, 'zoey', 1)")
        self.assertEqual(admin.ask("DELETE", f"/users/{zoey}")[0], 204)
        self.assertEqual([(job["asked_by"], job["asked_by_name"]) for job in admin.ask("GET", "/jobs")[1]["jobs"]], [(zoey, "zoey")])

    def test_invitations(self):
        admin = self.user("bill", "admin")
        status, said = admin.ask("POST", "/invitations", {"role": "user", "name": "zoey"})
        self.assertEqual((status, set(said)), (201, {"id", "invitation"}))
        row, = admin.ask("GET", "/invitations")[1]["invitations"]
        self.assertEqual((row["id"], row["name"], row["role"], row["user"]), (said["id"], "zoey", "user", None))
        self.assertNotIn(said["invitation"], json.dumps(row))
        zoey = Browser(self.web)
        self.assertEqual(zoey.join(said["invitation"], "another")[1]["user"]["name"], "zoey")
        self.assertEqual(admin.ask("GET", "/invitations")[1]["invitations"], [])
        gone = admin.ask("POST", "/invitations", {"role": "user"})[1]
        self.assertEqual(admin.ask("DELETE", f"/invitations/{gone['id']}")[0], 204)
        self.error(Browser(self.web).join(gone["invitation"], "louis"), 401, "denied")

    def test_a_lost_password(self):
        admin, zoey = self.user("bill", "admin"), self.user("zoey")
        number = zoey.ask("GET", "/me")[1]["id"]
        word = admin.ask("POST", f"/users/{number}/invitation")[1]["invitation"]
        self.assertEqual(Browser(self.web).join(word, "zoey", "another password")[1]["user"]["id"], number)
        self.error(zoey.ask("GET", "/me"), 401, "denied")
        self.assertEqual(zoey.login("zoey", "another password")[0], 200)
        # One's own is changed by who knows the old one.
        self.error(admin.ask("POST", f"/users/{admin.ask('GET', '/me')[1]['id']}/invitation"), 409, "busy", "own account")

    def test_a_new_password(self):
        one, other = self.user(), Browser(self.web)
        other.login()
        self.error(one.ask("PUT", "/me/password", {"old_password": "wrong password", "password": "another password"}), 403, "denied", "old password", "old_password")
        self.assertEqual(one.ask("PUT", "/me/password", {"old_password": PASSWORD, "password": "another password"})[0], 200)
        self.assertEqual(one.ask("GET", "/me")[0], 200)
        self.error(other.ask("GET", "/me"), 401, "denied")
        self.error(other.login(), 401, "denied")
        self.assertEqual(other.login(password="another password")[0], 200)

    def test_the_log(self):
        admin = self.user("bill", "admin")
        for _ in range(3):
            admin.ask("POST", "/invitations", {"role": "user"})
        page = admin.ask("GET", "/audit?limit=2")[1]
        self.assertEqual([row["action"] for row in page["events"]], ["invitation.create"] * 2)
        rest = admin.ask("GET", f"/audit?before={page['next']}")[1]
        self.assertEqual([row["action"] for row in rest["events"]], ["invitation.create", "session.begin", "user.create", "invitation.create"])
        self.assertIsNone(rest["next"])
        self.assertEqual(rest["events"][2]["after"]["name"], "bill")
        for query in ("limit=0", "limit=101", "before=x", "limit=1&limit=2"):
            self.error(admin.ask("GET", f"/audit?{query}"), 400, "invalid", "must be a number", query.partition("=")[0])


class TestRequests(WebTest):
    def test_other_pages(self):
        """what a browser sends because another page made it is refused, whatever cookie comes with it"""
        browser = self.user()
        own = f"http://127.0.0.1:{self.web.port}"
        for origin, site in (("http://evil.example", None), ("http://evil.example", "same-origin"), (None, "cross-site"), (None, "same-site"),
                             (own, "cross-site"), (own, "none"), ("null", None), (own.replace("http", "https"), None), (own + "0", None),
                             (None, None), ("", None)):
            with self.subTest(origin=origin, site=site):
                self.error(browser.ask("DELETE", "/session", Origin=origin, Sec_Fetch_Site=site), 403, "denied", "page")
        self.assertEqual(browser.ask("GET", "/me", Origin="http://evil.example", Sec_Fetch_Site="cross-site")[0], 200)
        self.assertEqual(browser.ask("DELETE", "/session", Origin=None)[0], 204)

    def test_cookies(self):
        """what another page of the same host put beside the cookie does not count, and neither does the cookie then"""
        browser = self.user()
        good = browser.cookie
        for cookie, status in ((good, 200), (f"a=b; {good}", 200), (f"{good}; left4me=x", 401), (f"left4me=x; {good}", 401), (f"{good}; {good}", 401),
                               (good.replace("left4me", "Left4me"), 401), (good + "x", 401), (good[:-1], 401), (f"__Host-{good}", 401), ("left4me=", 401)):
            browser.cookie = cookie
            self.assertEqual(browser.ask("GET", "/me")[0], status, cookie)

    def test_bodies(self):
        browser = Browser(self.web)
        for body, part in (("", "not a JSON object"), ("[]", "not a JSON object"), ("{", "not a JSON object"), ('{"name":"a","name":"b"}', "not a JSON"),
                           ({"name": "bill", "password": PASSWORD, "more": 1}, "not known"), (b'{"name":"\xff"}', "not a JSON")):
            self.error(browser.ask("POST", "/session", body), 400, "invalid", part)
        self.error(browser.ask("POST", "/session", {"name": 5, "password": PASSWORD}), 400, "invalid", "must be a text", "name")
        self.error(browser.ask("POST", "/session", {"name": "a\n", "password": PASSWORD}), 400, "invalid", "control", "name")
        self.error(browser.ask("POST", "/session", {"name": "a"}), 400, "invalid", "must be a text", "password")
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx"):
            self.error(browser.ask("POST", "/session", "{}", Content_Type=kind), 400, "invalid", "type application/json")
        self.error(browser.ask("POST", "/session", "{" + " " * 70000 + "}"), 413, "invalid", "too large")

    def test_addresses(self):
        browser = self.user()
        for path in ("/", "/nothing", "/me/", "/me/sessions/x", "/me/sessions/0", "/me/sessions/01x", "/me/sessions/99999999999999999999"):
            self.error(browser.ask("GET", path), 404, "not-found")
        for path in ("/../me", "/%2e%2e/me", "/me%2fsessions", "/me%00", "//me", "/me/./sessions", "/%ff"):
            self.error(browser.ask("GET", path), 400, "invalid", "not well-formed")
        for method, path, allowed in (("POST", "/me", "GET, HEAD"), ("PUT", "/session", "POST, DELETE"), ("DELETE", "/settings", "GET, HEAD, PATCH")):
            self.error(browser.ask(method, path), 405, "invalid")
            self.assertEqual(browser.answer.getheader("Allow"), allowed)

    def test_every_answer_is_guarded(self):
        browser = self.user()
        for method, path in (("GET", "/health"), ("GET", "/me"), ("GET", "/nothing"), ("DELETE", "/me"), ("HEAD", "/health")):
            browser.ask(method, path)
            fields = {name.lower(): value for name, value in browser.answer.getheaders()}
            self.assertEqual((fields["cache-control"], fields["x-content-type-options"], fields["x-frame-options"]), ("no-store", "nosniff", "DENY"))
            self.assertIn("default-src 'none'", fields["content-security-policy"])
            self.assertIn("frame-ancestors 'none'", fields["content-security-policy"])
            self.assertEqual(fields["referrer-policy"], "no-referrer")

    def test_it_is_stopped_and_started(self):
        """nobody is refused while one process follows another, and sessions outlive it"""
        browser = self.user()
        self.web.stop()
        waiting = socket.create_connection(("127.0.0.1", self.web.port))
        waiting.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\n")
        self.web.start()
        waiting.settimeout(READY_S)
        self.assertTrue(waiting.recv(100).startswith(b"HTTP/1.1 200 OK"))
        waiting.close()
        self.assertEqual(browser.ask("GET", "/me")[0], 200)

    def test_with_https_and_on_the_machine_itself(self):
        """the cookie is for https alone, but for those who are on the machine"""
        self.web.stop()
        self.web.start("--")
        hosts = [("page.example", "https"), ("page.example:8443", "https"), ("localhost.example", "https"), ("127.0.0.10", "https"),
                 ("127.0.0.1:8080", "http"), ("[::1]:8080", "http"), ("localhost", "http"), ("LOCALHOST:1", "http")]
        for number, (host, scheme) in enumerate(hosts):
            name, other = f"user{number}", {"http": "https", "https": "http"}[scheme]
            browser = Browser(self.web, Host=host, Origin=f"{scheme}://{host}")
            self.assertEqual(browser.join(self.web.invite(name), name)[0], 200, host)
            self.assertEqual(browser.cookie.startswith("__Host-left4me="), scheme == "https", host)
            self.assertEqual("; Secure" in browser.answer.getheader("Set-Cookie"), scheme == "https", host)
            self.error(browser.ask("DELETE", "/session", Origin=f"{other}://{host}"), 403, "denied", "this page")
            self.assertEqual(browser.ask("DELETE", "/session")[0], 204, host)

    def test_it_is_killed(self):
        browser = self.user()
        self.web.process.kill()
        self.web.process.wait()
        self.web.start()
        self.assertEqual(browser.ask("GET", "/me")[1]["name"], "bill")

    def test_a_database_that_is_damaged(self):
        self.web.stop()
        self.web.database.write_bytes(b"not a database" * 1000)
        done = subprocess.run(["sh", "-c", 'exec 3<&0; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", webworld.PROGRAM, self.web.database, *self.web.options, "--insecure"],
                              stdin=self.web.socket, capture_output=True, timeout=READY_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is damaged: restore a backup", done.stderr)


if __name__ == "__main__":
    webworld.main()
