#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: whoever asks for a job waits for its end, if he wants to; the worker is the test itself."""

import contextlib
import select
import socket
import struct
import threading

import webworld
from webworld import READY_S, WebTest

MAGIC, POKE, CHANGED = 0x6c346262, 1, 2  # src/work/bell.h
ASK = "/game/install"


class Worker:
    """What the program sees of a worker: a socket. Each of its processes has a connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(str(path))
        self.socket.listen()
        self.socket.settimeout(READY_S)
        self.client = None

    def meet(self):
        self.client, _ = self.socket.accept()
        self.client.settimeout(READY_S)

    def hear(self):
        """Waits for a poke."""
        assert struct.unpack("II", self.client.recv(8)) == (MAGIC, POKE)

    def ring(self):
        self.client.send(struct.pack("II", MAGIC, CHANGED))

    def leave(self):
        for one in (self.client, self.socket):
            if one:
                one.close()


class WaitTest(WebTest):
    def prepare(self):
        self.worker = Worker(self.path / "worker.sock")
        self.addCleanup(self.worker.leave)

    def setUp(self):
        super().setUp()
        self.worker.meet()
        self.admin = self.user("bill", "admin")
        while select.select([self.worker.client], [], [], 0)[0]:  # what joining has changed
            self.worker.hear()

    def end(self):
        self.worker.leave()
        super().end()

    def change(self, job, sql):
        self.web.change(f"UPDATE jobs SET {sql} WHERE id = {job}")
        self.worker.ring()

    def ending(self, job, state, more=""):
        self.change(job, f"state = '{state}', lease_by = NULL, ended_us = 5{more}")

    @contextlib.contextmanager
    def asking(self, query="?wait=60", **fields):
        """Asks, and goes on when the job is asked for; what was answered is in `said` afterwards."""
        said = []
        thread = threading.Thread(target=lambda: said.extend(self.admin.ask("POST", ASK + query, {}, **fields)))
        thread.start()
        self.worker.hear()
        yield said
        thread.join(READY_S)
        self.assertFalse(thread.is_alive())


class TestWaiting(WaitTest):
    def test_not_waiting(self):
        status, said = self.admin.ask("POST", ASK, {})
        self.assertEqual((status, said["job"]["state"], said["job"]["asked_by_name"]), (202, "queued", "bill"))
        self.worker.hear()

    def test_until_it_is_done(self):
        with self.asking() as said:
            self.change(1, "state = 'running', lease_by = 'w'")
            self.change(1, "progress = 50")
            self.ending(1, "done", ", result = '{\"generation\": 7}'")
        self.assertEqual((said[0], said[1]["job"]["state"], said[1]["job"]["result"]), (200, "done", {"generation": 7}))

    def test_until_it_fails(self):
        """its error is answered as if it had happened at once"""
        self.web.change("DELETE FROM sqlite_sequence WHERE name = 'jobs'")
        for number, (kind, status) in enumerate((("not-found", 404), ("busy", 409), ("failed", 500), ("timeout", 504)), 1):
            with self.asking() as said:
                self.ending(number, "failed", f", error_kind = '{kind}', error_message = 'it is so'")
            self.error(tuple(said), status, kind, "it is so")

    def test_until_it_is_cancelled(self):
        with self.asking() as said:
            self.assertEqual(self.other().ask("POST", "/jobs/1/cancel")[0], 200)
        self.error(tuple(said), 409, "busy", "cancelled")

    def test_without_a_worker(self):
        """what this process does itself needs nobody to tell it"""
        self.worker.leave()
        said = []
        thread = threading.Thread(target=lambda: said.extend(self.admin.ask("POST", ASK + "?wait=60", {})))
        thread.start()
        other = self.other()
        while other.ask("POST", "/jobs/1/cancel")[0] == 404:
            pass
        thread.join(READY_S)
        self.error(tuple(said), 409, "busy", "cancelled")

    def test_not_for_ever(self):
        with self.asking("?wait=1") as said:
            pass
        self.assertEqual((said[0], said[1]["job"]["state"]), (202, "queued"))

    def test_a_process_that_is_to_end(self):
        """those who wait are told how far it is, and need not wait for the next process"""
        with self.asking() as said:
            self.worker.leave()
            self.web.stop()
        self.assertEqual((said[0], said[1]["job"]["state"]), (202, "queued"))

    def test_who_leaves(self):
        """is waited for by nobody"""
        connection = socket.create_connection(("127.0.0.1", self.web.port))
        connection.sendall(f"POST /api/v1{ASK}?wait=60 HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nCookie: {self.admin.cookie}\r\n\r\n".encode())
        self.worker.hear()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        self.ending(1, "done")
        self.assertEqual(self.admin.ask("GET", "/jobs/1")[1]["state"], "done")

    def test_what_is_no_time(self):
        """it is not asked for then"""
        for wait in ("0", "61", "x", "-1", "1&wait=2"):
            self.error(self.admin.ask("POST", f"{ASK}?wait={wait}", {}), 400, "invalid", "from 1 to 60", "wait")
        self.assertEqual(self.admin.ask("GET", "/jobs")[1]["jobs"], [])

    def other(self):
        """The same user, asking beside."""
        browser = webworld.Browser(self.web)
        browser.cookie = self.admin.cookie
        return browser


class TestAgain(WaitTest):
    """A job that is asked for again with the same key is the same job, as it is by then."""

    def test_while_it_waits_and_later(self):
        with self.asking("", Idempotency_Key="a") as said:
            pass
        self.assertEqual((said[0], said[1]["job"]["id"]), (202, 1))
        self.change(1, "state = 'running', lease_by = 'w'")
        status, said = self.admin.ask("POST", ASK, {}, Idempotency_Key="a")
        self.assertEqual((status, said["job"]["id"], said["job"]["state"]), (202, 1, "running"))
        self.ending(1, "done")
        status, said = self.admin.ask("POST", ASK + "?wait=5", {}, Idempotency_Key="a")
        self.assertEqual((status, said["job"]["state"]), (200, "done"))
        self.error(self.admin.ask("POST", ASK, {"hold": True}, Idempotency_Key="a"), 409, "exists", "choose a new one")
        self.assertEqual(len(self.admin.ask("GET", "/jobs")[1]["jobs"]), 1)

    def test_when_it_is_gone(self):
        """what was answered then is answered still"""
        first = self.admin.ask("POST", ASK, {}, Idempotency_Key="a")
        self.web.change("DELETE FROM jobs")
        self.assertEqual(self.admin.ask("POST", ASK, {}, Idempotency_Key="a"), first)


if __name__ == "__main__":
    webworld.main()
