#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: the stream of events."""

import socket

import webworld
from eventworld import EventTest, Listener
from webworld import READY_S, Browser

WATCH = 3                                               # what the worker is told while somebody looks at who plays


class TestChanges(EventTest):
    def test_a_change(self):
        admin = self.user("bill", "admin")
        listener = self.listen(admin, "jobs")
        self.assertIn(b"\r\nContent-Type: text/event-stream\r\n", listener.head)
        self.assertIn(b"\r\nX-Accel-Buffering: no", listener.head)
        self.assertIn(b"\r\nCache-Control: no-store\r\n", listener.head)
        event, data, place = listener.next()
        self.assertEqual((event, data), ("ready", {}))
        self.assertRegex(place, r"^c\d+$")
        job = self.add_job()
        self.worker.ring()
        event, data, place = listener.next()
        self.assertEqual((event, data), ("job", admin.ask("GET", f"/jobs/{job}")[1]))
        # Somebody who rings for nothing tells nothing, and a change that nobody rings for is told as well.
        self.worker.ring()
        self.sql("UPDATE jobs SET progress = 5 WHERE id = ?", job)
        self.note("job", job)
        self.assertEqual(listener.next()[1]["progress"], 5)

    def test_what_one_sees(self):
        admin, zoey, louis = self.user("bill", "admin"), self.user("zoey"), self.user("louis")
        listeners = [self.listen(browser, "jobs") for browser in (admin, zoey, louis)]
        for listener in listeners:
            self.assertEqual(listener.next()[0], "ready")
        of_zoey, of_louis = self.add_job(self.number(zoey)), self.add_job(self.number(louis))
        self.worker.ring()
        self.assertEqual([listeners[0].next()[1]["id"] for _ in range(2)], [of_zoey, of_louis])
        self.assertEqual(listeners[1].next()[1]["id"], of_zoey)
        self.assertEqual(listeners[2].next()[1]["id"], of_louis)
        last = self.add_job(self.number(zoey))
        self.worker.ring()
        self.assertEqual(listeners[1].next()[1]["id"], last)
        self.assertEqual(self.listen(zoey, "jobs", "c0").next()[1]["id"], of_zoey)

    def test_going_on(self):
        """nothing is missing and nothing is twice, whoever serves"""
        admin = self.user("bill", "admin")
        listener = self.listen(admin, "jobs,users")
        listener.next()
        first = self.add_job()
        self.assertEqual(listener.next()[1]["id"], first)
        listener.close()
        second, third = self.add_job(), self.add_job()
        self.web.stop()
        self.web.start()
        again = self.listen(admin, "jobs,users", listener.id)
        self.assertEqual([again.next()[1]["id"] for _ in range(2)], [second, third])
        fourth = self.add_job()
        self.assertEqual(again.next()[1]["id"], fourth)
        self.assertEqual([self.listen(admin, "jobs", path=f"&last={listener.id}").next()[1]["id"]], [second])
        # Of a thing only its newest state is told.
        self.note("job", second)
        once = self.listen(admin, "jobs", listener.id)
        self.assertEqual([once.next()[1]["id"] for _ in range(3)], [third, fourth, second])
        # A place that is not there yet, as of a database that was put back: it begins with the present.
        self.assertEqual(self.listen(admin, "jobs", "c999999").next()[0], "ready")

    def test_deleted(self):
        admin = self.user("bill", "admin")
        listener = self.listen(admin, "users")
        listener.next()
        self.note("user", 77, 1)
        self.assertEqual(listener.next()[:2], ("user", {"id": 77, "deleted": True}))

    def test_players(self):
        """of the server that was asked for, as long as one sees it"""
        admin, zoey, louis = self.user("bill", "admin"), self.user("zoey"), self.user("louis")
        server, other = self.add_server(self.number(zoey)), self.add_server(self.number(zoey))
        for user, status in ((zoey, 200), (louis, 404), (admin, 200)):
            self.assertEqual(Listener(user, f"players:{server}").status, status)
        listener = self.listen(zoey, f"players:{server},servers")
        while self.worker.hear() != WATCH:
            pass
        listener.next()
        for number in (other, server):
            self.sql("INSERT INTO live_players VALUES (?, 1, 0, 8, 'c1m1', 1)", number)
            self.sql("INSERT INTO player_sessions (server, name, joined_unix_s) VALUES (?, 'Ellis', 5)", number)
            self.note("players", number)
        self.note("server", server)
        self.worker.ring()
        event, data, place = listener.next()
        self.assertEqual((event, data), ("players", zoey.ask("GET", f"/servers/{server}/players")[1]))
        self.assertEqual(data["players"], [{"name": "Ellis", "score": 0, "since": 5}])
        self.assertEqual(listener.until("server", id=server)[1]["players"], {"n": 1, "bots": 0, "max": 8, "map": "c1m1"})
        self.sql("UPDATE player_sessions SET left_unix_s = 9")
        self.note("players", server)
        again = self.listen(zoey, f"players:{server}", place)  # what came while he was away
        self.assertEqual(again.next()[1]["players"], [])
        guest = self.listen(louis, "servers")
        guest.next()
        self.sql("INSERT INTO server_grants VALUES (?, ?, 1)", server, self.number(louis))
        guest = self.listen(louis, f"players:{server}")
        guest.next()
        self.sql("DELETE FROM server_grants")
        self.note("server", server)
        self.worker.ring()
        self.assertIsNone(guest.next())

    def test_own_requests(self):
        """what is done here is told at once, also without a worker"""
        admin, zoey = self.user("bill", "admin"), self.user("zoey")
        listener = self.listen(admin, "users")
        listener.next()
        zoey_id = self.number(zoey)
        admin.ask("PATCH", f"/users/{zoey_id}", {"role": "admin"})
        self.assertEqual(listener.until("user", id=zoey_id)[1]["role"], "admin")


class TestJobLogs(EventTest):
    def test_lines(self):
        admin = self.user("bill", "admin")
        job = self.add_job(state="running")
        self.add_lines(job, 1, 3)
        listener = self.listen(admin, f"job:{job}")
        event, _, place = listener.next()
        self.assertEqual((event, place.partition(".")[2]), ("ready", f"j{job}-3"))
        self.add_lines(job, 4, 2)
        self.worker.ring()
        self.assertEqual(listener.next()[:2], ("line", {"job": job, "number": 4, "time_us": 1004, "stream": "output", "text": "line 4"}))
        event, data, place = listener.next()
        self.assertEqual((data["number"], place.partition(".")[2]), (5, f"j{job}-5"))
        # Its end comes behind its last line.
        self.add_lines(job, 6, 1000)
        self.sql("UPDATE jobs SET state = 'done', lease_by = NULL, ended_us = 5 WHERE id = ?", job)
        self.note("job", job)
        self.worker.ring()
        self.assertEqual([listener.next()[1]["number"] for _ in range(1000)], list(range(6, 1006)))
        event, data, _ = listener.next()
        self.assertEqual((event, data["id"], data["state"]), ("job", job, "done"))

    def test_going_on(self):
        admin = self.user("bill", "admin")
        job, other = self.add_job(state="running"), self.add_job(state="running")
        self.add_lines(job, 1, 2000)
        self.add_lines(other, 1, 5)
        for last, first in ((f"j{job}-0", 1), (f"j{job}-1500", 1501), (f"c0.j{other}-5.j{job}-1999", 2000)):
            listener = self.listen(admin, f"job:{job},job:{other}", last)
            numbers = []
            while not numbers or numbers[-1] < 2000:
                event, data, _ = listener.next()
                if event == "line" and data["job"] == job:
                    numbers.append(data["number"])
            self.assertEqual(numbers, list(range(first, 2001)))
        # Of the past as much as was asked for.
        listener = self.listen(admin, f"job:{job}", path="&lines=10")
        self.assertEqual(listener.next()[0], "ready")
        self.assertEqual([listener.next()[1]["number"] for _ in range(10)], list(range(1991, 2001)))

    def test_one_who_reads_slowly(self):
        """he has all of it in the end, and the others have it meanwhile"""
        admin = self.user("bill", "admin")
        job = self.add_job(state="running")
        slow, quick = self.listen(admin, f"job:{job}", rcvbuf=4096), self.listen(admin, f"job:{job}")
        for first in range(1, 20001, 2000):
            self.add_lines(job, first, 2000)
            self.worker.ring()
            while quick.until("line")[1]["number"] < first + 1999:
                pass
        self.assertEqual(slow.next()[0], "ready")
        self.assertEqual([slow.until("line")[1]["number"] for _ in range(20000)], list(range(1, 20001)))
        self.add_lines(job, 20001, 1)
        self.worker.ring()
        for listener in (slow, quick):
            self.assertEqual(listener.until("line")[1]["number"], 20001)


class TestWhoMay(EventTest):
    def test_who_may_begin(self):
        admin, zoey, louis = self.user("bill", "admin"), self.user("zoey"), self.user("louis")
        server = self.add_server(self.number(zoey))
        job = self.add_job(self.number(zoey), server)
        for topics in (f"log:{server}", f"job:{job}"):
            self.assertEqual([Listener(browser, topics).status for browser in (admin, zoey, louis, Browser(self.web))], [200, 200, 404, 401])
        for topics in ("users", "machine"):
            self.assertEqual([Listener(browser, topics).status for browser in (admin, zoey, Browser(self.web))], [200, 403, 401])
        for topics in ("", "x", "jobs,", "log:x", ",".join(f"job:{n}" for n in range(1, 10))):
            listener = Listener(admin, topics)
            self.assertEqual(listener.status, 400, topics)
            self.assertIn(b'"field":"topics"', listener.bytes)
        for last in ("x", "c", "l1-2", "c1.", "c" + "1" * 1000):
            self.assertEqual(Listener(admin, "jobs", last).status, 400, last)
        self.assertEqual(Listener(admin, "jobs", path="&last=x").status, 400)
        self.assertEqual(Listener(admin, "jobs", path="&lines=1001").status, 400)

    def test_what_ends_it(self):
        """whoever may not listen any more does not"""
        admin, zoey = self.user("bill", "admin"), self.user("zoey")
        number = self.number(zoey)

        def logged_out():
            zoey.ask("DELETE", "/session")

        def ended_by_another():
            other = Browser(self.web)
            other.login("zoey")
            for row in other.ask("GET", "/me/sessions")[1]["sessions"]:
                if not row["current"]:
                    other.ask("DELETE", f"/me/sessions/{row['id']}")

        def new_password():
            zoey.ask("PUT", "/me/password", {"old_password": webworld.PASSWORD, "password": webworld.PASSWORD})

        def another_role():
            admin.ask("PATCH", f"/users/{number}", {"role": "admin"})
            admin.ask("PATCH", f"/users/{number}", {"role": "user"})

        def by_command():
            self.web.command("user", "deactivate", "zoey")
            self.worker.ring()

        for way in (logged_out, ended_by_another, new_password, another_role, by_command):
            with self.subTest(way=way.__name__):
                self.assertEqual(zoey.login("zoey")[0], 200)
                listener, stays = self.listen(zoey, "jobs"), self.listen(admin, "jobs")
                listener.next()
                way()
                while listener.next():
                    pass
                self.assertTrue(listener.is_over)
                job = self.add_job()
                self.worker.ring()
                self.assertEqual(stays.until("job")[1]["id"], job)

    def test_a_grant_that_goes(self):
        owner, zoey = self.user("louis"), self.user("zoey")
        server = self.add_server(self.number(owner))
        self.sql("INSERT INTO server_grants VALUES (?, ?, 1)", server, self.number(zoey))
        listeners = [self.listen(zoey, f"log:{server}"), self.listen(owner, f"log:{server}")]
        for listener in listeners:
            self.assertEqual(listener.next()[0], "ready")
        self.sql("DELETE FROM server_grants")
        self.note("server", server)
        self.worker.ring()
        self.assertIsNone(listeners[0].next())
        self.log(server, (5, "private"))
        self.assertEqual(listeners[1].until("log")[1]["text"], "private")

    def test_a_server_that_goes(self):
        """whoever hears its log is told that it is gone, before the stream ends"""
        admin = self.user("bill", "admin")
        server = self.add_server(self.number(admin))
        listener = self.listen(admin, f"servers,log:{server}")
        self.assertEqual(listener.next()[0], "ready")
        self.log(server, (5, "its last line"))
        listener.until("log", text="its last line")
        self.sql("DELETE FROM server_ports")
        self.sql("DELETE FROM servers")
        self.note("server", server, 1)
        admin.ask("POST", "/me/tokens", {"name": "one", "scope": "read"})     # who asks looks at once, as who has deleted it does
        self.assertEqual(listener.next()[:2], ("server", {"id": server, "deleted": True}))
        self.assertIsNone(listener.next())

    def test_what_is_lost(self):
        """who does not see a thing any more is told that it is gone, and nobody else; also if he was away"""
        owner, zoey, louis = self.user("bill", "admin"), self.user("zoey"), self.user("louis")
        server = self.add_server(self.number(owner))
        self.sql("INSERT INTO overlays (id, name, type, owner, is_shared, created_unix_s, changed_unix_s) VALUES (5, 'maps', 'files', ?, 1, 1, 1)", self.number(owner))
        blueprint = owner.ask("POST", "/blueprints", {"name": "shared", "shared": True})[1]["id"]
        draft = {"name": "shared", "arguments": [], "config": "", "overlays": [], "limits": {}}
        steps = [("PUT", f"/servers/{server}/grants", {"grants": [{"user": "zoey", "may": ["view"]}]}, None),
                 ("PUT", f"/servers/{server}/grants", {"grants": [{"user": "zoey", "may": ["operate"]}]}, None),
                 ("PUT", f"/servers/{server}/grants", {"grants": []}, [("server", server, "zoey")]),
                 ("PUT", f"/blueprints/{blueprint}", {**draft, "shared": False}, [("blueprint", blueprint, "zoey"), ("blueprint", blueprint, "louis")]),
                 ("PATCH", "/overlays/5", {"shared": False}, [("overlay", 5, "zoey"), ("overlay", 5, "louis")])]
        listeners = {name: self.listen(browser, "servers,blueprints,overlays") for name, browser in (("bill", owner), ("zoey", zoey), ("louis", louis))}
        for listener in listeners.values():
            listener.next()
        begun = listeners["zoey"].id
        self.host("""echo '{"overlays": []}'""")
        for method, path, body, lost in steps:
            self.assertEqual(owner.ask(method, path, body, If_Match="*")[0], 200, path)
            for event, thing, name in lost or []:
                self.assertEqual(listeners[name].until(event, deleted=True)[1], {"id": thing, "deleted": True})
        # The one who was told of nothing but that hears the end as the next thing.
        self.note("blueprint", 77, 1)
        heard = []
        while (event := listeners["louis"].next())[1].get("id") != 77:
            heard.append(event[:2])
        self.assertEqual(heard, [])
        again = self.listen(zoey, "servers,blueprints,overlays", begun)
        heard = {}
        while (event := again.next())[1].get("id") != 77:
            heard[event[0]] = event[1]
        self.assertEqual(heard, {"server": {"id": server, "deleted": True}, "blueprint": {"id": blueprint, "deleted": True}, "overlay": {"id": 5, "deleted": True}})

    def test_of_one_account(self):
        zoey, louis = self.user("zoey"), self.user("louis")
        listeners = [self.listen(zoey, "jobs") for _ in range(20)]
        one_more = Listener(zoey, "servers")
        self.assertEqual(one_more.status, 429)
        self.assertIn(b"there are 20 streams of this account already", one_more.bytes)
        self.assertEqual(Listener(louis, "jobs").status, 200)
        listeners[0].close()
        for _ in range(READY_S * 100):
            if Listener(zoey, "jobs").status == 200:
                return
        self.fail("it is not known that one has left")


class TestMany(EventTest):
    SETTINGS = "connections = 0\nrequests = 0\n"

    def test_a_heartbeat(self):
        """one who is told nothing is told that; so are all of more than are looked at in one go"""
        users = [self.user(f"user{i}") for i in range(14)]
        listeners = [self.listen(user, "jobs") for user in users for _ in range(20)]
        for listener in listeners:
            listener.next()
            while not listener.comments:
                listener.receive()
                listener.take()


class TestStreams(EventTest):
    def test_the_head_alone(self):
        browser = self.user()
        with socket.create_connection(("127.0.0.1", self.web.port), READY_S) as connection:
            connection.sendall(f"HEAD /api/v1/events?topics=jobs HTTP/1.1\r\nHost: a\r\nCookie: {browser.cookie}\r\n\r\n".encode())
            answer = b""
            while more := connection.recv(65536):
                answer += more
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertTrue(answer.endswith(b"\r\n\r\n"))

    def test_it_is_stopped(self):
        """all streams end, and go on with the next process"""
        admin = self.user("bill", "admin")
        listener = self.listen(admin, "jobs")
        listener.next()
        self.web.stop()
        self.assertIsNone(listener.next())
        job = self.add_job()
        self.web.start()
        self.assertEqual(self.listen(admin, "jobs", listener.id).next()[1]["id"], job)


if __name__ == "__main__":
    webworld.main()
