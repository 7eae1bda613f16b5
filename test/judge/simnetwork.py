# SPDX-License-Identifier: MIT
"""simnetwork: what the emulator says to whoever asks it over the network: foreign clients, queries, RCON."""

import contextlib
import json
import select
import socket
import subprocess
import time

from client import DEADLINE_S, HOST, INFO, OTHER_HOST, PASSWORD, PLAYERS, PORT, RULES, Rcon
from simcase import Case, judge


class ForeignClients(Case):
    def check_gamedig(self, *arguments):
        self.running(*arguments)
        with Rcon() as session:
            session.run("sim_join Ellis; sim_joining Newcomer; sim_bot Coach")
        state = json.loads(judge("a2s", HOST, PORT).stdout)
        self.assertEqual(state["name"], "Judged")
        self.assertEqual(state["map"], "c1m1_hotel")
        self.assertEqual(state["maxplayers"], 8)
        self.assertEqual(len(state["raw"]["rules"]), 150)
        self.assertEqual(state["raw"]["rules"]["mp_gamemode"], "coop")
        self.assertEqual(state["raw"]["rules"]["sv_gravity"], "800")
        names = {player.get("name") for player in state["players"] + state["bots"]}
        self.assertLessEqual({"Ellis", "Coach"}, names)
        self.assertEqual(state["raw"]["numbots"], 1)
        self.assertEqual(state["raw"]["appId"], 550)

    def test_gamedig(self):
        self.check_gamedig()

    def test_gamedig_reordered(self):
        self.check_gamedig("+sim_reorder", "1")

    def test_gamedig_bzip2(self):
        self.check_gamedig("+sim_bzip2", "1")

    def test_gamedig_bzip2_reordered_small(self):
        self.check_gamedig("+sim_bzip2", "1", "+sim_reorder", "1", "+sim_split_size", "600")

    def test_quakestat(self):
        self.running()
        self.run_one("sim_join Ellis")
        result = subprocess.run(["quakestat", "-json", "-a2s", f"{HOST}:{PORT}", "-P"], text=True,
                                capture_output=True, check=True, timeout=60)
        for text in ('"Judged"', "c1m1_hotel", "Ellis"):
            self.assertIn(text, result.stdout)

    def test_npm_rcon(self):
        self.running()
        status = judge("rcon", HOST, PORT, PASSWORD, "status").stdout
        self.assertIn("hostname: Judged\n", status)
        self.assertIn("players : 0 humans, 0 bots (8 max)", status)
        long = judge("rcon", HOST, PORT, PASSWORD, "cvarlist").stdout
        self.assertEqual(long, self.run_one("cvarlist").rstrip("\n"))
        self.assertGreater(len(long), 10000)

    def test_npm_rcon_bad_password(self):
        self.running()
        result = judge("rcon", HOST, PORT, "wrong", "status", check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("Authentication failed", result.stderr)

    def test_npm_rcon_session_death(self):
        self.running()
        result = judge("rcon", HOST, PORT, PASSWORD, f"rcon_password {PASSWORD}", check=False)
        self.assertEqual(result.returncode, 3)


class Queries(Case):
    def test_challenge_on_info(self):
        self.running()
        query = self.query()
        challenge = query.challenge()
        query.send(INFO + bytes(b ^ 1 for b in challenge))
        self.assertEqual(query.receive()[:5], b"\xff\xff\xff\xffA")
        query.send(INFO + challenge)
        self.assertEqual(query.receive()[:6], b"\xff\xff\xff\xffI\x11")

    def test_legacy_challenge_and_players(self):
        self.running()
        query = self.query()
        query.send(b"W")
        challenge = query.receive()[5:]
        query.send(PLAYERS + challenge)
        self.assertEqual(query.receive(), b"\xff\xff\xff\xffD\0")

    def test_challenge_expires(self):
        self.running("+sim_challenge_ms", "20", "+sv_max_queries_sec", "0",
                     "+sv_max_queries_sec_global", "0")
        query = self.query()
        challenge = query.challenge()
        deadline = time.monotonic() + DEADLINE_S
        kind = b"D"
        while kind == b"D":
            self.assertLess(time.monotonic(), deadline)
            query.send(PLAYERS + challenge)
            kind = query.receive()[4:5]
        self.assertEqual(kind, b"A")

    def test_split_rules(self):
        self.running()
        query = self.query()
        rules = query.ask(RULES)
        self.assertGreater(len(query.parts), 2)
        self.assertEqual(rules[:7], b"\xff\xff\xff\xffE" + (150).to_bytes(2, "little"))
        self.assertEqual(rules.count(b"\0") - (rules[6] == 0), 300)

    def test_compressed_and_reordered(self):
        self.running("+sim_bzip2", "1", "+sim_reorder", "1", "+sim_split_size", "700")
        query = self.query()
        packed = query.ask(RULES)
        self.assertTrue(query.is_compressed)
        self.assertEqual(query.parts, sorted(query.parts, reverse=True))
        self.run_one("sim_bzip2 0")
        self.assertEqual(query.ask(RULES), packed)

    def test_players_have_names_and_times(self):
        self.running()
        self.run_one("sim_join Ellis; sim_joining Late")
        answer = self.query().ask(PLAYERS)
        self.assertEqual(answer[4:6], b"D\2")
        self.assertIn(b"\0Ellis\0", answer)
        self.assertNotIn(b"Late", answer)

    def test_split_players(self):
        self.running("+sim_split_size", "100", "+sim_reorder", "1")
        names = [f"with-a-long-name-{n}" for n in range(6)]
        self.run_one("; ".join(f"sim_join {name}" for name in names))
        query = self.query()
        answer = query.ask(PLAYERS)
        self.assertGreater(len(query.parts), 1)
        self.assertEqual(query.parts, sorted(query.parts, reverse=True))
        self.assertEqual([name for name in names if f"\0{name}\0".encode() in answer], names)

    def barrier(self):
        """When this is answered, everything sent to the game port before has been looked at."""
        self.query(source=OTHER_HOST).challenge()

    def test_loopback_gets_no_answer(self):
        self.running()
        near = self.query(host="127.0.0.1")
        near.send(INFO)
        self.barrier()
        self.assertEqual(near.pending(), [])

    def test_answers_from_the_address_that_was_asked(self):
        self.running()
        query = self.query(host=OTHER_HOST, source=HOST, connect=False)
        query.send(INFO)
        self.assertEqual(query.socket.recvfrom(2048)[1], (OTHER_HOST, PORT))

    def test_rate_limit_per_address(self):
        self.running("+sv_max_queries_sec", "1", "+sv_max_queries_window", "5")
        query = self.query()
        for _ in range(30):
            query.send(INFO)
        self.barrier()
        self.assertIn(len(query.pending()), (5, 6))

    def test_garbage_is_ignored(self):
        self.running()
        query = self.query()
        for body in (b"", b"T", b"TSource Engine", b"\0" * 1400, b"U", b"X" * 9, b"V\0"):
            query.send(body)
        query.socket.send(b"\xfe\xff\xff\xffgarbage")
        query.socket.send(b"")
        self.barrier()
        self.assertTrue(all(packet[4:5] == b"A" for packet in query.pending()))

    def test_silence_during_map_change(self):
        server = self.running("+sim_mapchange_ms", "200")
        query = self.query()
        session = self.rcon()
        session.send(1, 2, "changelevel c2m1_highway")
        server.wait("Loading map")
        query.send(INFO)
        server.ready()
        self.assertTrue(session.is_dead())
        self.assertEqual(query.pending(), [])
        self.assertIn(b"\0c2m1_highway\0", query.ask(INFO))

    def test_sockets(self):
        self.running("+clientport", "27105", "+tv_port", "27120")
        ports = {int(line.split()[1].split(":")[1], 16)
                 for line in open("/proc/net/udp").readlines()[1:]}
        self.assertLessEqual({PORT, 27105, 27120}, ports)
        self.assertEqual(len(ports), 4)


class RemoteConsole(Case):
    def test_listens_after_the_password_only(self):
        self.config('hostname "Judged"\n')
        server = self.running(stdin=subprocess.PIPE)
        with self.assertRaises(ConnectionRefusedError):
            Rcon()
        server.process.stdin.write(b"rcon_password secret\n")
        server.process.stdin.flush()
        server.wait("RCON listens")
        self.rcon()

    def test_listens_late(self):
        server = self.running("+sim_delay_listen", "100")
        with self.assertRaises(ConnectionRefusedError):
            Rcon()
        server.wait("RCON listens")
        self.rcon()

    def test_good_and_bad_login(self):
        self.running()
        session = self.rcon(login=None)
        session.send(7, 3, "wrong")
        self.assertEqual(session.receive(), (7, 0, b""))
        self.assertEqual(session.receive(), (-1, 2, b""))
        session.send(8, 3, PASSWORD)
        self.assertEqual(session.receive(), (8, 0, b""))
        self.assertEqual(session.receive(), (8, 2, b""))

    def test_command_before_login(self):
        self.running()
        session = self.rcon(login=None)
        session.send(7, 2, "status")
        self.assertEqual(session.receive(), (-1, 2, b""))

    def test_byte_by_byte(self):
        self.running()
        session = self.rcon(login=None)
        packet = b"\x10\0\0\0\1\0\0\0\3\0\0\0" + PASSWORD.encode() + b"\0\0"
        session.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in packet:
            session.socket.sendall(bytes([byte]))
        self.assertEqual(session.receive(), (1, 0, b""))
        self.assertEqual(session.receive(), (1, 2, b""))

    def test_long_answers_come_in_parts(self):
        self.running()
        session = self.rcon()
        text = session.run("cvarlist")
        self.assertGreater(len(session.bodies), 2)
        self.assertTrue(all(len(body) == 4000 for body in session.bodies[:-1]))
        self.assertIn("total convars/concommands", text)

    def test_pipelined(self):
        self.running()
        session = self.rcon()
        for number in range(10, 20):
            session.send(number, 2, f"echo {number}")
            session.send(100 + number, 0, "")
        for number in range(10, 20):
            self.assertEqual(session.receive(), (number, 0, b"%d \n" % number))
            self.assertEqual(session.receive(), (100 + number, 0, b""))
            self.assertEqual(session.receive(), (100 + number, 0, b"\0\0\0\1\0\0\0\0"))

    def test_wrong_size_of_old_builds(self):
        self.running("+sim_rcon_badsize", "1")
        session = self.rcon()
        session.send(2, 2, "cvarlist")
        session.receive()
        self.assertEqual(int.from_bytes(session.take(4), "little"), 4000 + 10 + 1)

    def test_same_password_ends_all_sessions(self):
        self.running()
        one, other = self.rcon(), self.rcon()
        one.send(2, 2, f"rcon_password {PASSWORD}")
        self.assertTrue(one.is_dead() and other.is_dead())
        self.assertIn("hostname", self.run_one("status"))

    def test_ban_after_failures(self):
        server = self.running()
        for _ in range(5):
            session = self.rcon(login=None)
            session.send(1, 3, "wrong")
            session.receive()
            session.receive()
        server.wait(f"Banning {HOST} for rcon hacking attempts")
        self.assertTrue(self.rcon(login=None).is_dead())
        query = self.query()
        query.send(INFO)
        self.query(host=OTHER_HOST, source=OTHER_HOST).challenge()
        self.assertEqual(query.pending(), [])
        with Rcon(host=OTHER_HOST, source=OTHER_HOST) as session:
            self.assertIn(f"{HOST} : permanent", session.run("listip"))
            session.run(f"removeip {HOST}")
        self.rcon()

    def test_browsers_count_as_failures(self):
        server = self.running("+sv_rcon_minfailures", "2")
        for _ in range(2):
            session = self.rcon(login=None)
            session.socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(session.is_dead())
        server.wait("Banning")

    def test_slow_reader_is_dropped(self):
        self.running()
        session = self.rcon()
        session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        death = select.poll()
        death.register(session.socket, select.POLLRDHUP)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for number in range(1000):
                session.send(number, 2, "cvarlist")
        self.assertTrue(death.poll(1000 * DEADLINE_S))
        self.assertIn("hostname", self.run_one("status"))

    def test_sizes_out_of_bounds(self):
        self.running("+sv_rcon_minfailures", "100", "+sv_rcon_maxfailures", "100")
        for size in (-1, 0, 9, 4097, 2**31 - 1):
            session = self.rcon(login=None)
            session.socket.sendall(size.to_bytes(4, "little", signed=True) + b"\0" * 8)
            self.assertTrue(session.is_dead())
        self.rcon()
