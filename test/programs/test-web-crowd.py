#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: too many of one client, and very many who are slow, silent, or do not read."""

import contextlib
import http.client
import resource
import selectors
import socket

import webworld
from webworld import READY_S, Browser, WebTest

MOST = 10000
SPARE = 200  # descriptors, of the test and of the program, for other things


class TestRate(WebTest):
    SETTINGS = "requests = 2\nproxies = 127.0.0.1\n"

    def test_too_many_requests(self):
        """each client has his own, however he comes; of IPv6 a network is one"""
        browser = Browser(self.web, X_Forwarded_For="2001:db8::1")
        for _ in range(40):
            self.assertEqual(browser.ask("GET", "/health")[0], 200)
        for _ in range(1000):
            said = browser.ask("GET", "/health")
            if said[0] != 200:
                break
        self.error(said, 429, "busy", "too many requests")
        self.assertEqual(browser.answer.getheader("Retry-After"), "1")
        self.error(Browser(self.web, X_Forwarded_For="2001:db8::ffff").ask("POST", "/session", {}), 429, "busy")
        self.assertEqual(Browser(self.web, X_Forwarded_For="2001:db8:0:1::1").ask("GET", "/health")[0], 200)
        self.assertEqual(Browser(self.web).ask("GET", "/health")[0], 200)


class TestConnections(WebTest):
    SETTINGS = "connections = 5\n"

    def test_of_one_client(self):
        """those that do nothing make room"""
        with contextlib.ExitStack() as stack:
            chooser = stack.enter_context(selectors.DefaultSelector())
            for _ in range(12):
                chooser.register(stack.enter_context(socket.create_connection(("127.0.0.1", self.web.port), READY_S)), selectors.EVENT_READ)
            self.assertEqual(Browser(self.web).ask("GET", "/health")[0], 200)
            for _ in range(7):
                ended = chooser.select(READY_S)[0][0].fileobj
                self.assertEqual(ended.recv(1), b"")
                chooser.unregister(ended)
            # And no more of them, but for the one that Browser had, which was served.
            self.assertLessEqual(len(chooser.select(0)), 1)


class TestCrowd(WebTest):
    SETTINGS = "connections = 0\nrequests = 0\n"

    def prepare(self):
        self.OPTIONS = ("--static", self.path / "web", "--quiet")
        (self.path / "web").mkdir()
        (self.path / "web/large.txt").write_bytes(b"x" * (4 << 20))
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    # What each kind sends, how much it takes of the answer, and whether it closes its side.
    KINDS = (("silent", b"", False), ("half a head", b"GET / HTTP/1.1\r\nHost: a", False), ("half a body", None, False),
             ("half closed", b"GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n", True), ("not reading", b"GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n" * 3, False))

    def connect(self, number):
        _, text, is_half = self.KINDS[number % len(self.KINDS)]
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", self.web.port))
        connection.sendall(text if text is not None else (
            b"POST /api/v1/session HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{" + b" " * 500))
        if is_half:
            connection.shutdown(socket.SHUT_WR)
        return connection

    def test_others_are_served(self):
        """ten thousand, or as many as there may be descriptors"""
        most = min(MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE)
        browser = self.user()
        with contextlib.ExitStack() as stack, contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=READY_S)) as kept:
            for number in range(most):
                stack.enter_context(self.connect(number))
                if number % 500 == 0:
                    kept.request("GET", "/api/v1/health")
                    self.assertEqual(kept.getresponse().read()[:15], b'{"status":"ok",')
                    self.assertEqual(browser.ask("GET", "/me")[0], 200)
            # And the one that they all wait for comes, to whoever reads it.
            connection = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=READY_S)
            with contextlib.closing(connection):
                connection.request("GET", "/large.txt")
                self.assertEqual(len(connection.getresponse().read()), 4 << 20)
        self.assertEqual(browser.ask("GET", "/me")[0], 200)


if __name__ == "__main__":
    webworld.main()
