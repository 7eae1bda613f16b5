#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: the logs of servers in the stream of events."""

import os
import resource
import signal

import webworld
from eventworld import LOGS, EventTest

STREAMS = 20  # that one account may have
MANY = 1100   # more than have their turn together
LINES = 100


class TestServerLogs(EventTest):
    def setUp(self):
        super().setUp()
        self.admin = self.user("bill", "admin")
        self.server = self.add_server(self.number(self.admin))

    def texts(self, listener, n):
        return [listener.until("log")[1]["text"] for _ in range(n)]

    def test_lines(self):
        self.log(self.server, (1000, "old"), (1000, "old as well"))
        listener = self.listen(self.admin, f"log:{self.server}")
        self.assertEqual(listener.next()[0::2], ("ready", f"l{self.server}-1000-2"))
        self.log(self.server, (2000, "a"), (2000, "b"), (2001, "c"))
        event, data, place = listener.next()
        self.assertEqual((event, place), ("log", f"l{self.server}-2000-1"))
        self.assertEqual(data, {"server": self.server, "time_us": 2000, "run": "a" * 32, "priority": 6, "text": "a"})
        self.assertEqual([listener.next()[2] for _ in range(2)], [f"l{self.server}-2000-2", f"l{self.server}-2001-1"])
        # One log reader for all.
        others = [self.listen(self.admin, f"log:{self.server}") for _ in range(3)]
        self.assertEqual([other.next()[2] for other in others], [f"l{self.server}-2001-1"] * 3)
        self.log(self.server, (3000, "d"))
        self.assertEqual([self.texts(one, 1) for one in (listener, *others)], [["d"]] * 4)
        asked = (self.path / "asked").read_text().splitlines()
        self.assertEqual(asked, [f"logs s{self.server} --json --all-runs --lines 1000", f"logs s{self.server} --json --all-runs --lines 1000 --follow"])

    def test_of_the_past(self):
        """as much as was asked for, of the newest run"""
        self.log(self.server, *((n, f"old {n}") for n in range(10)), run="b" * 32)
        self.log(self.server, *((n, f"new {n}") for n in range(10, 20)))
        listener = self.listen(self.admin, f"log:{self.server}", path="&lines=15")
        self.assertEqual(listener.next()[0::2], ("ready", f"l{self.server}-9-1"))
        self.assertEqual(self.texts(listener, 10), [f"new {n}" for n in range(10, 20)])
        listener = self.listen(self.admin, f"log:{self.server}", path="&lines=2")
        self.assertEqual(self.texts(listener, 2), ["new 18", "new 19"])

    def test_going_on(self):
        """behind each place that there is, as far as it is kept, and as far as the journal is read back"""
        for time_us, nth, first in ((1999, 3, 3000), (1999, 1, 2998), (1900, 2, 2702), (1500, 1, 1501), (1001, 3, 6)):
            with self.subTest(first=first):
                server = self.add_server(self.number(self.admin))
                self.log(server, *((1000 + n // 3, f"line {n}") for n in range(3000)))
                listener = self.listen(self.admin, f"log:{server}", f"l{server}-{time_us}-{nth}")
                self.assertEqual(self.texts(listener, 3000 - first), [f"line {n}" for n in range(first, 3000)])
                self.log(server, (5000, "more"))
                self.assertEqual(self.texts(listener, 1), ["more"])

    def test_what_is_not_there_any_more(self):
        self.log(self.server, *((1000 + n, f"line {n}") for n in range(1500)))
        listener = self.listen(self.admin, f"log:{self.server}", f"l{self.server}-5-1")
        self.assertEqual(listener.next()[:2], ("missed", {"topic": f"log:{self.server}", "n": None}))
        self.assertEqual(self.texts(listener, 1000), [f"line {n}" for n in range(500, 1500)])

    def test_a_log_that_is_not_there_yet(self):
        """of a server that nobody has made on the host"""
        self.host("exit 1")
        listener = self.listen(self.admin, f"log:{self.server}")
        self.assertEqual(listener.next(), ("ready", {}, None))
        self.log(self.server, (7, "first"))
        self.host(LOGS)
        self.assertEqual(self.texts(listener, 1), ["first"])

    def test_a_log_reader_that_ends(self):
        """it is begun again behind the last line"""
        self.log(self.server, (1, "a"), (2, "b"))
        listener = self.listen(self.admin, f"log:{self.server}")
        listener.next()
        self.log(self.server, (3, "c"))
        self.assertEqual(self.texts(listener, 1), ["c"])
        self.host("exit 1")
        os.kill(int((self.path / f"s{self.server}.follower").read_text()), signal.SIGKILL)
        self.log(self.server, (3, "c2"), (4, "d"))
        self.host(LOGS)
        self.assertEqual(self.texts(listener, 2), ["c2", "d"])

    def test_one_who_reads_slowly(self):
        """he is told how much he missed, and that is how much is not there"""
        slow = self.listen(self.admin, f"log:{self.server}", rcvbuf=4096)
        quick = self.listen(self.admin, f"log:{self.server}")
        for listener in (slow, quick):              # what comes before is the past, of which nothing is told
            self.assertEqual(listener.next()[0], "ready")
        total, text = 0, "x" * 1000
        for _ in range(20):
            self.log(self.server, *((total + n, f"{total + n} {text}") for n in range(500)))
            total += 500
            while not quick.until("log")[1]["text"].startswith(f"{total - 1} "):
                pass
        numbers, missed = [], 0
        while not numbers or numbers[-1] < total - 1:
            event, data, _ = slow.next()
            if event == "missed":
                self.assertEqual(data["topic"], f"log:{self.server}")
                missed += data["n"]
            else:
                numbers.append(int(data["text"].split()[0]))
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertGreater(missed, 0)
        self.assertEqual(len(numbers) + missed, total)


class TestManyListeners(EventTest):
    SETTINGS = "connections = 0\nrequests = 0\n"

    def prepare(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        super().prepare()

    def test_all_hear_all(self):
        """each line once and in its order, also where they are told in turns, and by several threads"""
        admin, listeners = self.user("bill", "admin"), []
        server = self.add_server(self.number(admin))
        self.sql("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) INSERT INTO users (name, role, password_hash, created_unix_s)"
                 " SELECT 'user' || i, 'admin', 'x', 1 FROM n")
        for i in range(MANY // STREAMS):
            browser = self.web.log_in(f"user{i}", "x")
            listeners += [self.listen(browser, f"log:{server}") for _ in range(STREAMS)]
        for listener in listeners:
            listener.until("ready")
        listeners.pop(MANY // 2).close()
        wanted = [f"line {n}" for n in range(1, LINES + 1)]
        for n, text in enumerate(wanted, 1):
            self.log(server, (n, text))
        for listener in listeners:
            self.assertEqual([listener.until("log")[1]["text"] for _ in wanted], wanted)
        self.assertEqual((self.path / "asked").read_text().count("--follow"), 1)


if __name__ == "__main__":
    webworld.main()
