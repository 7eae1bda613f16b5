#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: from where a request comes, through which proxies, and the line that is written about it."""

import contextlib
import re
import socket
import subprocess

import webworld
from webworld import READY_S, Browser, WebTest

LINE = re.compile(r"^(GET|HEAD|POST|PUT|PATCH|DELETE) (/\S*) (\d+) (\d+) (\d+\.\d{3}) (\S+) (\S+) ([0-9a-f]{16})$")


def heard(connection):
    """An answer that is an error."""
    answer = b""
    while b"}}" not in answer:
        more = connection.recv(65536)
        assert more, f"the connection has ended after {answer}"
        answer += more
    return answer


class TestLines(WebTest):
    def test_a_line(self):
        browser = self.user()
        for method, path, status, who in (("GET", "/me", 200, "bill"), ("HEAD", "/me", 200, "bill"), ("GET", "/nothing", 404, "-"), ("POST", "/me", 405, "-"),
                                          ("DELETE", "/session", 204, "bill"), ("GET", "/me", 401, "-")):
            with self.subTest(method=method, path=path):
                self.assertEqual(browser.ask(method, path + "?invitation=secret", {} if method == "POST" else None)[0], status)
                name = browser.answer.getheader("X-Request-Id")
                line = self.web.logged(name)
                self.assertEqual(LINE.match(line).groups()[:3] + LINE.match(line).groups()[5:], (method, "/api/v1" + path, str(status), "127.0.0.1", who, name))
                self.assertGreater(int(LINE.match(line)[4]), 300)
        self.assertNotIn("secret", self.web.log.read_text())

    def test_what_is_odd(self):
        """no part of a request makes another line, or a line that is longer than it should be"""
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.web.port), READY_S)) as connection:
            for path in (b"/%0a%0dGET%20/forged%20200", b"/" + b"a" * 1000, b"/\"'<>\\^`{|}"):
                connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nUser-Agent: [31m\xff\r\n\r\n")
                answer = heard(connection)
                line = self.web.logged(re.search(rb"X-Request-Id: (\w+)", answer)[1].decode())
                self.assertEqual(LINE.match(line)[2], path[:160].decode())

    def test_what_is_refused(self):
        """before it is a request has a name and a line as well, and is guarded like any other answer"""
        for head, status in ((b"GET / HTTP/1.1\r\n\r\n", "400"), (b"\x16\x03\x01\r\n\r\n", "400"), (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "501"),
                             (b"GET /secret HTTP/9.9\r\nHost: a\r\n\r\n", "505"), (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", "414"),
                             (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400")):
            with self.subTest(head=head[:40]), contextlib.closing(socket.create_connection(("127.0.0.1", self.web.port), READY_S)) as connection:
                connection.sendall(head)
                answer = heard(connection)
                name = re.search(rb"X-Request-Id: (\w+)", answer)[1].decode()
                self.assertRegex(self.web.logged(name), rf"^- - {status} 0 \d+\.\d{{3}} 127.0.0.1 - {name}$")
                for field in (b"Cache-Control: no-store", b"X-Frame-Options: DENY", b"X-Content-Type-Options: nosniff"):
                    self.assertIn(b"\r\n" + field + b"\r\n", answer)

    def test_who_left(self):
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.web.port), READY_S)) as connection:
            connection.sendall(b"POST /api/v1/join HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\nOrigin: http://a\r\nContent-Length: 100\r\n\r\n{")
        self.assertEqual(LINE.match(self.web.logged("/api/v1/join"))[3], "0")

    def test_too_many(self):
        """so many lines are written, and how many there should have been"""
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.web.port), READY_S)) as connection:
            for _ in range(50):
                connection.sendall(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
                n = 0
                while n < 100:
                    answers = connection.recv(1 << 20)
                    self.assertTrue(answers, "the connection has ended")
                    n += answers.count(b"X-Request-Id")
        browser = Browser(self.web)
        for _ in range(READY_S * 10):
            browser.ask("GET", "/health")
            if "too many to write" in self.web.log.read_text():
                break
        written = self.web.log.read_text().count("HEAD /x ")
        told = sum(map(int, re.findall(r"(\d+) requests were too many to write a line for each", self.web.log.read_text())))
        self.assertGreaterEqual(written, 2000)
        self.assertGreaterEqual(told, 1)
        self.assertLessEqual(told + written, 5000)


class TestQuiet(WebTest):
    OPTIONS = ("--quiet",)

    def test_no_line(self):
        Browser(self.web).ask("GET", "/health")
        self.web.stop()
        self.assertEqual(self.web.log.read_text(), "")


class ProxiedTest(WebTest):
    def addresses(self, browser):
        return [row["address"] for row in browser.ask("GET", "/me/sessions")[1]["sessions"]]


class TestNoProxy(ProxiedTest):
    def test_nobody_is_believed(self):
        browser = self.user()
        browser.fields = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
        self.assertEqual(browser.login()[0], 200)
        self.assertEqual(browser.cookie[:8], "left4me=")
        self.assertEqual(self.addresses(browser), ["127.0.0.1"])


class TestProxy(ProxiedTest):
    SETTINGS = "proxies = 10.0.0.0/8 127.0.0.1\n"

    def test_the_address(self):
        browser = self.user()
        for said, want in (("203.0.113.9, 198.51.100.7", "198.51.100.7"), ("198.51.100.8, 10.1.1.1", "198.51.100.8"), ("2001:db8::7", "2001:db8::7"),
                           ("nonsense", "127.0.0.1")):
            browser.fields = {"X-Forwarded-For": said}
            browser.cookie = None
            self.assertEqual(browser.login()[0], 200)
            self.assertEqual(self.addresses(browser)[-1], want)
            self.assertEqual(LINE.match(self.web.logged(browser.answer.getheader("X-Request-Id")))[6], want)
        with contextlib.closing(webworld.sqlite3.connect(self.web.database)) as db:
            origins = [row[0] for row in db.execute("SELECT origin FROM audit_events WHERE action = 'session.begin' ORDER BY id")]
        self.assertEqual(origins, ["127.0.0.1", "198.51.100.7", "198.51.100.8", "2001:db8::7", "127.0.0.1"])

    def test_a_line_of_its_own(self):
        """some proxies add a line to those that the client has sent"""
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.web.port), READY_S)) as connection:
            connection.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n")
            self.assertIn(b" 404 ", connection.recv(65536))
        self.assertEqual(LINE.match(self.web.logged("GET /x"))[6], "198.51.100.7")

    def test_who_guesses_is_told_from_others(self):
        self.user()
        browser = Browser(self.web, X_Forwarded_For="198.51.100.7")
        for number in range(5):
            self.error(browser.login(f"nobody{number}", "wrong password"), 401, "denied")
        self.error(browser.login(), 429, "busy")
        self.assertEqual(Browser(self.web, X_Forwarded_For="198.51.100.8").login()[0], 200)

    def test_https(self):
        """the proxy says how the client came"""
        browser = Browser(self.web, X_Forwarded_Proto="https", Origin="https://page.example", Host="page.example")
        self.assertEqual(browser.join(self.web.invite())[0], 200)
        self.assertTrue(browser.cookie.startswith("__Host-left4me="))
        self.assertIn("; Secure", browser.answer.getheader("Set-Cookie"))
        self.assertEqual(browser.answer.getheader("Strict-Transport-Security"), "max-age=31536000")
        self.error(browser.ask("DELETE", "/session", Origin="http://page.example"), 403, "denied")
        self.assertEqual(browser.ask("DELETE", "/session")[0], 204)

    def test_without_https(self):
        """whoever should come by https and does not is sent there"""
        self.web.stop()
        self.web.start("--")
        browser = Browser(self.web, X_Forwarded_Proto="http", Origin="http://page.example", Host="page.example")
        self.error(browser.join("x"), 403, "denied", "https alone")
        self.error(browser.ask("GET", "/health"), 403, "denied", "https alone")
        self.assertIsNone(browser.answer.getheader("Strict-Transport-Security"))
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.web.port), READY_S)) as connection:
            connection.sendall(b"GET /a%20b?c=d HTTP/1.1\r\nHost: page.example\r\nX-Forwarded-Proto: http\r\n\r\n")
            answer = connection.recv(65536)
            self.assertIn(b"HTTP/1.1 308 ", answer)
            self.assertIn(b"\r\nLocation: https://page.example/a%20b?c=d\r\n", answer)
        browser.fields.update({"X_Forwarded_Proto": "https", "Origin": "https://page.example"})
        self.assertEqual(browser.ask("GET", "/health")[0], 200)


class TestLocalProxy(WebTest):
    SETTINGS = "proxies = unix\n"

    def test_a_socket_of_the_file_system(self):
        self.web.stop()
        self.web.socket.close()
        self.web.socket = socket.socket(socket.AF_UNIX)
        self.web.socket.bind(str(self.path / "web.sock"))
        self.addCleanup(self.web.socket.close)
        self.web.socket.listen()
        self.web.start()
        for fields, want in ((b"", "local"), (b"X-Forwarded-For: 198.51.100.7\r\n", "198.51.100.7")):
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
                connection.connect(str(self.path / "web.sock"))
                connection.sendall(b"GET /x%d HTTP/1.1\r\nHost: a\r\n%b\r\n" % (len(fields), fields))
                self.assertIn(b" 404 ", connection.recv(65536))
            self.assertEqual(LINE.match(self.web.logged(f"GET /x{len(fields)} "))[6], want)


class TestSettings(WebTest):
    def test_what_is_no_proxy(self):
        for word in ("localhost", "10.0.0.0/33", "127.0.0.1, ::1"):
            self.web.settings.write_text(f"[web]\nproxies = {word}\n")
            done = subprocess.run([webworld.PROGRAM, "--settings", self.web.settings], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"left4me.conf: 'proxies': '\S+' is not an address")


if __name__ == "__main__":
    webworld.main()
