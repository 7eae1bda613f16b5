#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: what it looks up on the host, by a stand-in for l4d2ctl."""

import os
import socket
import struct

import webworld
from webworld import READY_S, WebTest

RUNNING, WAITING, OF_USER = 8, 32, 8  # what src/web/lookup.h says


class HostTest(WebTest):
    def setUp(self):
        super().setUp()
        self.admin = self.user("bill", "admin")

    def begin(self, browser, path="/api/v1/machine"):
        """A request that is not waited for."""
        connection = socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S)
        self.addCleanup(connection.close)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nCookie: {browser.cookie}\r\n\r\n".encode())
        return connection


class TestAnswers(HostTest):
    def test_what_it_says_is_passed_on(self):
        self.host("""echo "$*" >words; pwd >place; env >environment; echo '{"healthy": true, "checks": []}'""")
        self.assertEqual(self.admin.ask("GET", "/machine"), (200, {"healthy": True, "checks": []}))
        self.admin.is_held_to_contract = False
        self.assertEqual((self.path / "words").read_text(), "doctor --service --json\n")
        self.assertNotIn("LISTEN", (self.path / "environment").read_text())
        self.host("echo '[1, 2]'")
        self.assertEqual(self.admin.ask("GET", "/machine"), (200, {"checks": [1, 2]}))
        self.host("""echo '{"healthy": false}'; exit 1""")
        self.assertEqual(self.admin.ask("GET", "/machine"), (200, {"healthy": False}))

    def test_its_errors_are_ours(self):
        """each kind with its status, in its own words"""
        for kind, status in (("invalid", 400), ("not-found", 404), ("busy", 409), ("denied", 403), ("unavailable", 503), ("failed", 500)):
            self.host(f"""echo '{{"error": {{"kind": "{kind}", "message": "it is so"}}}}'; exit 1""")
            self.error(self.admin.ask("GET", "/machine"), status, kind, "it is so")
        for script, part in (("exit 3", "code 3"), ("kill -9 $$", "signal 9"), ("echo '{'", "no answer"), ("echo '{' >&2; exit 1", "code 1"),
                             ("head -c 9000000 /dev/zero", "longer than")):
            self.host(script)
            self.error(self.admin.ask("GET", "/machine"), 500, "failed", part)
        (self.path / "l4d2ctl").unlink()
        self.error(self.admin.ask("GET", "/machine"), 503, "unavailable", "No such file")


class TestMany(HostTest):
    """Only so many run at once: those who come then wait, and those who come later are told to."""

    def setUp(self):
        super().setUp()
        os.mkfifo(self.path / "begun")
        self.host("""mkfifo "gate.$$"; echo "$$" >begun; read -r line <"gate.$$"; echo '{"healthy": true}'""")
        # Open for both, so that it has no end.
        self.begun = os.fdopen(os.open(self.path / "begun", os.O_RDWR))
        self.addCleanup(self.begun.close)

    def wait_begun(self, n):
        """The gates of the next ones that begin."""
        return [self.path / f"gate.{self.begun.readline().strip()}" for _ in range(n)]

    def test_of_one_user(self):
        asked = [self.begin(self.admin) for _ in range(OF_USER)]
        gates = self.wait_begun(OF_USER)
        self.error(self.admin.ask("GET", "/machine"), 503, "unavailable", "try again soon")
        self.assertEqual(self.admin.answer.getheader("Retry-After"), "1")
        for gate in gates:
            gate.write_text("\n")
        for connection in asked:
            self.assertIn(b" 200 OK", connection.recv(4096))

    def test_of_all(self):
        admins = [self.admin, *(self.user(f"admin{i}", "admin") for i in range(5))]
        asked = [self.begin(self.admin)]
        gates = self.wait_begun(1)
        asked += [self.begin(self.admin) for _ in range(OF_USER - 1)]
        gates += self.wait_begun(RUNNING - 1)
        asked += [self.begin(admin) for admin in admins[1:5] for _ in range(OF_USER)]
        self.assertEqual(len(asked), RUNNING + WAITING)
        self.error(admins[5].ask("GET", "/machine"), 503, "unavailable", "try again soon")
        # One who is gone makes room for the next one. Who only closes his side may still be reading.
        asked[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        asked.pop(0).close()
        gates[0] = self.wait_begun(1)[0]
        asked.append(self.begin(admins[5]))
        for _ in range(len(asked) - RUNNING):
            gates.pop(0).write_text("\n")
            gates += self.wait_begun(1)
        for gate in gates:
            gate.write_text("\n")
        for connection in asked:
            self.assertIn(b" 200 OK", connection.recv(4096))


if __name__ == "__main__":
    webworld.main()
