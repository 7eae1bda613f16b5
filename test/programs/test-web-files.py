#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: the files of overlays, and those that a game wrote."""

import contextlib
import fcntl
import hashlib
import json
import os
import selectors
import socket
import stat
import struct
import urllib.parse

import webthings
from webthings import HOSTILE, READY_S, ThingsTest

LARGE = 12 << 20  # bytes: more than the kernel keeps for one who does not read


def quoted(text):
    return urllib.parse.quote(text, safe="")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class FilesTest(ThingsTest):
    def setUp(self):
        super().setUp()
        self.number_of = self.overlay(2, "maps", owner=self.zoey)
        self.tree = self.path / "data/sources/2/tree"
        self.at = "/overlays/2/files"

    def put(self, path, data=b"text", browser=None, number=2, **fields):
        fields = fields or {"If_None_Match": "*"}
        return (browser or self.zoey).ask("PUT", f"/overlays/{number}/files/content?path={quoted(path)}", data, **fields)

    def get(self, path, browser=None):
        return self.raw(browser or self.zoey, "GET", f"{self.at}/content?path={quoted(path)}")

    def begin_request(self, line, length):
        """What is said to one who announces so many bytes, before he sends them."""
        with socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S) as connection:
            connection.sendall(f"{line} HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nCookie: {self.zoey.cookie}\r\n"
                               f"If-None-Match: *\r\nContent-Length: {length}\r\n\r\n".encode())
            return connection.recv(4096)

    def list(self, path="", query="", browser=None):
        return (browser or self.zoey).ask("GET", f"{self.at}?path={quoted(path)}{query}")


class TestRoom(FilesTest):
    def test_who_sends_much(self):
        """takes his share of the room for what is on its way, and leaves others theirs"""
        rest = bytes((16 << 20) - 1)
        with contextlib.ExitStack() as stack:
            chooser = stack.enter_context(selectors.DefaultSelector())
            for _ in range(5):  # two of them have room
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", self.web.port), READY_S))
                connection.sendall(f"PUT /api/v1{self.at}/content?path=a HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nCookie: {self.zoey.cookie}\r\n"
                                   f"If-None-Match: *\r\nContent-Length: {len(rest) + 1}\r\n\r\n".encode())
                with contextlib.suppress(ConnectionError):  # it is told while it still sends
                    connection.sendall(rest)
                chooser.register(connection, selectors.EVENT_READ)
            told = [key.fileobj.recv(4096) for key, _ in chooser.select(READY_S)]
            self.assertTrue(told and all(text.startswith(b"HTTP/1.1 503 ") for text in told), told)
            self.assertEqual(self.put("b", rest, browser=self.admin)[0], 201)
            self.assertEqual(self.zoey.ask("POST", f"{self.at}/mkdir", {"path": "c"})[0], 200)


class TestFiles(FilesTest):
    def test_a_file_of_its_own(self):
        """put, listed, read, moved, removed; each change is recorded"""
        status, said = self.put("left4dead2/cfg/server.cfg", b"sv_cheats 0\n")
        self.assertEqual((status, said["name"], said["path"], said["kind"], said["size"], said["program"], said["warning"]),
                         (201, "server.cfg", "left4dead2/cfg/server.cfg", "file", 12, False, None))
        etag = self.zoey.answer.getheader("ETag")
        self.assertEqual(etag, f"\"{said['etag']}\"")
        self.assertEqual((self.tree / "left4dead2/cfg/server.cfg").read_bytes(), b"sv_cheats 0\n")
        self.assertEqual(stat.S_IMODE((self.tree / "left4dead2/cfg/server.cfg").stat().st_mode), 0o640)
        status, fields, data = self.get("left4dead2/cfg/server.cfg")
        self.assertEqual((status, data, fields["etag"], fields["content-type"]), (200, b"sv_cheats 0\n", etag, "application/octet-stream"))
        self.assertEqual(fields["content-disposition"], "attachment; filename=\"server.cfg\"; filename*=UTF-8''server.cfg")
        self.assertEqual(fields["x-content-type-options"], "nosniff")
        status, said = self.list("left4dead2")
        self.assertEqual(([(row["name"], row["kind"]) for row in said["entries"]], said["next"]), ([("cfg", "dir")], None))
        self.assertEqual((said["used_bytes"], said["used_entries"]), (12, 3))
        self.assertEqual(self.zoey.ask("POST", f"{self.at}/mkdir", {"path": "left4dead2/maps/a"})[0], 200)
        self.assertEqual(self.zoey.ask("POST", f"{self.at}/move", {"from": "left4dead2/cfg/server.cfg", "to": "left4dead2/maps/b"})[1],
                         {"path": "left4dead2/maps/b", "warning": None})
        self.assertEqual([row["name"] for row in self.list("left4dead2/maps")[1]["entries"]], ["a", "b"])
        self.error(self.zoey.ask("DELETE", f"{self.at}?path=left4dead2"), 409, "exists", "not empty")
        self.assertEqual(self.zoey.ask("DELETE", f"{self.at}?path=left4dead2&all=1")[0], 204)
        self.assertEqual(self.list()[1]["entries"], [])
        events = self.admin.ask("GET", "/audit")[1]["events"]
        self.assertEqual([(event["action"], event["subject"], event["after"]) for event in events[:4]], [
            ("files.remove", "overlay 2", {"path": "left4dead2"}),
            ("files.move", "overlay 2", {"from": "left4dead2/cfg/server.cfg", "to": "left4dead2/maps/b"}),
            ("files.mkdir", "overlay 2", {"path": "left4dead2/maps/a"}),
            ("files.put", "overlay 2", {"path": "left4dead2/cfg/server.cfg", "size": 12})])

    def test_two_editors(self):
        """who saves over what he has not seen is told so, and nothing is lost"""
        self.error(self.put("a.cfg", b"1", If_Modified="x"), 428, "invalid", "If-Match")
        self.error(self.put("a.cfg", b"1", If_Match="\"1-2-3\""), 412, "conflict")
        first = self.put("a.cfg", b"one")[1]["etag"]
        self.error(self.put("a.cfg", b"two"), 412, "conflict", "exists already")
        status, said = self.put("a.cfg", b"two", If_Match=f"\"{first}\"")
        self.assertEqual(status, 200)
        self.error(self.put("a.cfg", b"three", If_Match=f"\"{first}\""), 412, "conflict", "changed by somebody else")
        for etag in (first, "\"\"", "W/\"a\"", "\"" + "x" * 65 + "\"", f"\"{first}\", \"b\""):
            self.error(self.put("a.cfg", b"three", If_Match=etag), 412, "conflict")
        self.assertEqual(self.get("a.cfg")[2], b"two")
        self.assertEqual(self.put("a.cfg", b"four", If_Match="*")[0], 200)
        self.error(self.put("b.cfg", b"four", If_Match="*"), 412, "conflict", "there is no 'b.cfg'")
        self.assertEqual(self.get("b.cfg")[0], 404)
        self.zoey.ask("DELETE", f"{self.at}?path=a.cfg")
        self.error(self.put("a.cfg", b"five", If_Match=f"\"{said['etag']}\""), 412, "conflict", "was removed")
        self.assertEqual(len(self.audited("files.put")), 3)

    def test_a_program(self):
        self.assertEqual(self.put("run.sh", b"#!")[1]["program"], False)
        status, said = self.zoey.ask("PUT", f"{self.at}/content?path=run.sh&program=1", b"#!", If_Match="*")
        self.assertEqual((status, said["program"]), (200, True))
        self.assertEqual(self.put("run.sh", b"#!!", If_Match="*")[1]["program"], True)
        self.assertEqual(self.zoey.ask("PUT", f"{self.at}/content?path=run.sh&program=0", b"#!", If_Match="*")[1]["program"], False)

    def test_an_empty_one(self):
        self.assertEqual(self.put("empty", b"")[1]["size"], 0)
        self.assertEqual(self.get("empty")[2], b"")

    def test_a_name_that_windows_has_trouble_with(self):
        self.assertIn("Windows", self.put("maps/CON")[1]["warning"])

    def test_pages(self):
        for i in range(25):
            self.put(f"d/{i:02}")
        (self.tree / os.fsdecode(b"d/\xff\xfe")).write_bytes(b"")  # by hand, and no UTF-8
        (self.tree / os.fsdecode(b"d/\xff\xff")).write_bytes(b"")
        seen, after = [], None
        for _ in range(14):
            said = self.list("d", f"&limit=2&after={after}" if after else "&limit=2")[1]
            seen += [row["name"] for row in said["entries"]]
            after = said["next"]
            if not after:
                break
        self.assertEqual(seen, [f"{i:02}" for i in range(25)] + ["\ufffd\ufffd", "\ufffd\ufffd"])
        for query in ("after=0", "after=xy", "after=00", "after=" + "aa" * 256, "limit=0", "limit=1001", "limit=x"):
            self.error(self.list("d", "&" + query), 400, "invalid", field=query.partition("=")[0])

    def test_a_large_file(self):
        """sent as it is read, to one who reads slowly as well as to one who asks for the head alone, or leaves"""
        data = os.urandom(LARGE)
        self.put("first")
        (self.tree / "large.vpk").write_bytes(data)
        status, fields, got = self.get("large.vpk")
        self.assertEqual((status, sha256(got), fields["transfer-encoding"]), (200, sha256(data), "chunked"))
        self.assertTrue(fields["etag"])
        self.assertEqual(self.raw(self.zoey, "HEAD", f"{self.at}/content?path=large.vpk")[2], b"")
        ask = f"GET /api/v1{self.at}/content?path=large.vpk HTTP/1.0\r\nHost: a\r\nCookie: {self.zoey.cookie}\r\n\r\n".encode()
        slow = socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S)
        gone = socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S)
        for connection in (slow, gone):
            connection.sendall(ask)
        self.assertTrue(gone.recv(100))
        gone.close()
        self.assertEqual(self.get("first")[2], b"text")
        text = b"".join(iter(lambda: slow.recv(65536), b""))
        slow.close()
        self.assertEqual(sha256(text.partition(b"\r\n\r\n")[2]), sha256(data))

    def test_a_file_that_becomes_shorter(self):
        """what was promised cannot be sent: the connection breaks, and nobody takes it for the whole"""
        self.put("first")
        path = self.tree / "shrinks"
        with open(path, "wb") as file:
            file.truncate(64 << 20)
        connection = socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S)
        connection.sendall(f"GET /api/v1{self.at}/content?path=shrinks HTTP/1.1\r\nHost: a\r\nCookie: {self.zoey.cookie}\r\n\r\n".encode())
        self.assertTrue(connection.recv(100))
        os.truncate(path, 1 << 20)
        rest = b""
        with connection:
            while part := connection.recv(1 << 20):
                rest = (rest + part)[-100:]
        self.assertFalse(rest.endswith(b"0\r\n\r\n"))

    def test_limits(self):
        self.assertIn(b" 413 ", self.begin_request(f"PUT /api/v1{self.at}/content?path=big", (16 << 20) + 1))
        self.overlay(9, "small", owner=self.zoey)
        source = self.path / "data/sources/9/source.json"
        source.write_text(json.dumps({**json.loads(source.read_text()), "output_max_bytes": 1 << 20}))
        self.error(self.put("big", b"x" * (2 << 20), number=9), 507, "no-space")
        self.assertEqual(self.put("fits", b"x" * (1 << 19), number=9)[0], 201)

    def test_what_is_not_of_files(self):
        self.overlay(3, "plugins", "script", owner=self.zoey)
        self.error(self.zoey.ask("GET", "/overlays/3/files"), 400, "invalid", "not an overlay of files")
        self.error(self.put("a", number=3), 400, "invalid", "not an overlay of files")
        self.rows("INSERT INTO overlays (id, name, type, owner, created_unix_s, changed_unix_s) VALUES (4, 'gone', 'files', ?, 1, 1)",
                  self.number(self.zoey))
        self.error(self.zoey.ask("GET", "/overlays/4/files"), 404, "not-found", "overlay 4 does not exist")


class TestMany(FilesTest):
    SETTINGS = "requests = 0\nconnections = 0\n"
    TASKS = 16  # of one user, as in src/web/beside.c

    def begin_put(self, name):
        connection = socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S)
        self.addCleanup(connection.close)
        connection.sendall(f"PUT /api/v1{self.at}/content?path={name} HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nCookie: {self.zoey.cookie}\r\n"
                           f"If-None-Match: *\r\nContent-Length: 1\r\n\r\nx".encode())
        return connection

    def test_a_disk_that_stands(self):
        """holds up those alone who wait for it; who comes with too much is told so, and who leaves makes room"""
        self.put("first")
        self.overlay(9, "elsewhere", owner=self.louis)
        with open(self.path / "data/sources/2/.work/lock", "rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            waiting = [self.begin_put(f"file{i}") for i in range(self.TASKS)]
            said = self.begin_put("more").recv(4096)
            self.assertIn(b" 503 ", said)
            self.assertIn(b"try again soon", said)
            self.assertIn(b"Retry-After: 1", said)
            self.assertEqual(self.zoey.ask("GET", "/me")[0], 200)
            self.assertEqual(self.put("other", browser=self.louis, number=9)[0], 201)
            waiting[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            waiting.pop().close()
            self.assertEqual(self.zoey.ask("GET", "/me")[0], 200)
            waiting.append(self.begin_put("later"))
        for connection in waiting:
            self.assertIn(b" 201 Created", connection.recv(4096))
        self.assertEqual(len(self.audited("files.put")), self.TASKS + 2)

    def test_who_reads_slowly(self):
        """of many files leaves others room to read theirs"""
        self.put("first")
        with open(self.tree / "large", "wb") as file:
            file.truncate(LARGE)
        line = f"GET /api/v1{self.at}/content?path=large HTTP/1.1\r\nHost: a\r\n"
        def begin(browser):
            connection = socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S)
            self.addCleanup(connection.close)
            connection.sendall(f"{line}Cookie: {browser.cookie}\r\n\r\n".encode())
            return connection.recv(100)
        self.rows("UPDATE overlays SET is_shared = 1 WHERE id = 2")
        for _ in range(8):  # as in src/web/download.h
            self.assertIn(b" 200 ", begin(self.zoey))
        self.assertIn(b" 503 ", begin(self.zoey))
        self.assertIn(b" 200 ", begin(self.admin))


class TestHostilePaths(FilesTest):
    BAD = ["..", "../a", "a/..", "a/../b", "/a", "a/", "a//b", ".", "./a", "a/./b", "a\x00b", "a\nb", "\x7f", "\x1b[31m", "a/" * 40 + "b",
           "x" * 256, ".left4me", "a/.left4me-secret", "a" * 1025]

    def test_what_may_not_be_made(self):
        self.put("kept")
        for path in self.BAD:
            with self.subTest(path=path):
                self.assertEqual(self.put(path)[0], 400)
                self.assertEqual(self.zoey.ask("POST", f"{self.at}/mkdir", {"path": path})[0], 400)
                self.assertEqual(self.zoey.ask("POST", f"{self.at}/move", {"from": "kept", "to": path})[0], 400)
                self.assertEqual(self.zoey.ask("POST", f"{self.at}/uploads", {"path": path, "size": 1})[0], 400)
        self.assertEqual([row["name"] for row in self.list()[1]["entries"]], ["kept"])
        self.assertEqual(sorted(path.name for path in (self.path / "data/sources").iterdir()), ["2"])

    def test_what_leads_out(self):
        secret = self.path / "data/secret"
        secret.write_text("secret")
        self.put("kept")
        for raw in ("../../secret", "..%2f..%2fsecret", "%2e%2e/%2e%2e/secret", "%2Fetc%2Fpasswd", str(secret), "kept%00", "%00",
                    "..%c0%af..%c0%afsecret", "%c0%ae%c0%ae/secret", "%ff", "%ed%a0%80", "%", "%2", "kept%0d%0aX:%20y", "..%ef%bc%8fsecret/..", ".%2e/secret"):
            with self.subTest(raw=raw):
                for method, path in (("GET", "/content"), ("DELETE", ""), ("GET", "/zip"), ("PUT", "/content")):
                    status, fields, said = self.raw(self.zoey, method, f"{self.at}{path}?path={raw}", b"x" if method == "PUT" else None, If_None_Match="*")
                    self.assertEqual(status, 400, said)
                    self.assertNotIn(b"secret\n", said)
                    self.assertNotIn("x", fields)
        # Decoded once, these are names like any other.
        for raw in ("%252e%252e%252fsecret", "%252e%252e", "..%5c..%5csecret"):
            self.assertEqual(self.raw(self.zoey, "GET", f"{self.at}/content?path={raw}")[0], 404)
        self.assertEqual(secret.read_text(), "secret")

    def test_long_names(self):
        """what is said of a name that is too long for a sentence is JSON all the same, wherever it is cut"""
        for character in ("é", "日", "😀"):
            for n in range(4):
                path = "a" * n + character * (250 // len(character.encode()))
                with self.subTest(path=path):
                    for method, at in (("GET", "/content"), ("GET", ""), ("DELETE", "")):
                        said = self.zoey.ask(method, f"{self.at}{at}?path={quoted(path)}")
                        self.error(said, 404, "not-found", path[:20])
                    self.error(self.zoey.ask("POST", f"{self.at}/move", {"from": path, "to": "b"}), 404, "not-found", path[:20])

    def test_links_and_others(self):
        """what somebody has put there by hand is told, and neither followed nor opened"""
        self.put("dir/kept")
        secret = self.path / "data/secret"
        secret.write_text("secret")
        (self.tree / "link").symlink_to(secret)
        (self.tree / "dirlink").symlink_to(self.path / "data")
        os.mkfifo(self.tree / "fifo")
        self.assertEqual({row["name"]: row["kind"] for row in self.list()[1]["entries"]},
                         {"dir": "dir", "link": "link", "dirlink": "link", "fifo": "other"})
        for path in ("link", "dirlink/secret", "fifo", "dir"):
            with self.subTest(path=path):
                status, _, said = self.get(path)
                self.assertIn(status, (400, 403, 404, 500), said)
                self.assertNotEqual(self.put(path, b"x", If_Match="*")[0], 200)
        self.assertIn(self.list("dirlink")[0], (400, 403, 404, 500))
        self.assertEqual(secret.read_text(), "secret")

    def test_hostile_names(self):
        for name in HOSTILE:
            if "/" in name:
                continue
            with self.subTest(name=name):
                status, said = self.put(name, name.encode())
                self.assertEqual((status, said["name"]), (201, name), said)
                status, fields, data = self.get(name)
                self.assertEqual((status, data), (200, name.encode()))
                plain = fields["content-disposition"].split("\"")[1]
                self.assertRegex(plain, r"^[A-Za-z0-9._-]+$")
                self.assertEqual(urllib.parse.unquote(fields["content-disposition"].partition("''")[2]), name)
        self.assertEqual({row["name"] for row in self.list()[1]["entries"]}, {name for name in HOSTILE if "/" not in name})

    def test_who_may(self):
        """the owner and admins all; who does not see it is told that it is not there; who sees it shared looks alone"""
        self.put("a", b"text")
        asks = [("GET", "?path=", None), ("GET", "/content?path=a", None), ("PUT", "/content?path=b", b"x"), ("POST", "/mkdir", {"path": "c"}),
                ("POST", "/move", {"from": "a", "to": "d"}), ("DELETE", "?path=nothing", None), ("GET", "/uploads", None),
                ("POST", "/uploads", {"path": "e", "size": 1}), ("GET", "/uploads/" + "0" * 32, None), ("PUT", "/uploads/" + "0" * 32, b"x"),
                ("DELETE", "/uploads/" + "0" * 32, None), ("POST", "/uploads/" + "0" * 32 + "/finish", None),
                ("POST", "/extract", {"upload": "0" * 32, "path": ""})]

        def statuses(browser):
            said = []
            for method, path, body in asks:
                text = json.dumps(body) if isinstance(body, dict) else body
                said.append(self.raw(browser, method, self.at + path, text, If_None_Match="*", Content_Type="application/json")[0])
            return said
        self.assertEqual(set(statuses(self.louis)), {404})
        self.rows("UPDATE overlays SET is_shared = 1 WHERE id = 2")
        self.assertEqual(statuses(self.louis), [200, 200] + [403] * 11)
        self.assertNotIn(403, statuses(self.admin))
        self.error(webthings.webworld.Browser(self.web).ask("GET", self.at), 401, "denied")


class TestUploads(FilesTest):
    CHUNK = 65536

    def begin(self, path="maps/big.vpk", size=CHUNK * 2 + 100, **fields):
        return self.zoey.ask("POST", f"{self.at}/uploads", {"path": path, "size": size, "chunk_bytes": self.CHUNK, **fields})

    def chunk(self, upload, data, i, digest=None):
        part = data[i * self.CHUNK:(i + 1) * self.CHUNK]
        return self.zoey.ask("PUT", f"{self.at}/uploads/{upload}?offset={i * self.CHUNK}&sha256={digest or sha256(part)}", part)

    def test_in_any_order(self):
        data = os.urandom(self.CHUNK * 2 + 100)
        status, said = self.begin(sha256=sha256(data))
        upload = said["upload"]
        self.assertEqual((status, said), (201, {"upload": upload, "path": "maps/big.vpk", "size": len(data), "chunk_bytes": self.CHUNK, "chunks": 3}))
        self.assertEqual(self.chunk(upload, data, 2)[0], 204)
        self.assertEqual(self.chunk(upload, data, 0)[0], 204)
        self.error(self.chunk(upload, data, 1, "0" * 64), 400, "invalid", "came damaged")
        self.web.process.kill()  # nothing is lost
        self.web.process.wait()
        self.web.start()
        status, said = self.zoey.ask("GET", f"{self.at}/uploads/{upload}")
        self.assertEqual((said["chunks"], said["chunks_there"], said["there"]), (3, 2, [[0, 0], [2, 2]]))
        self.assertEqual([row["upload"] for row in self.zoey.ask("GET", f"{self.at}/uploads")[1]["uploads"]], [upload])
        self.error(self.zoey.ask("POST", f"{self.at}/uploads/{upload}/finish"), 409, "busy", "missing")
        self.assertEqual(self.chunk(upload, data, 1)[0], 204)
        self.assertEqual(self.zoey.ask("GET", f"{self.at}/uploads/{upload}")[1]["there"], [[0, 2]])
        status, said = self.zoey.ask("POST", f"{self.at}/uploads/{upload}/finish")
        self.assertEqual((status, said["path"], said["name"], said["size"]), (200, "maps/big.vpk", "big.vpk", len(data)))
        self.assertEqual((self.tree / "maps/big.vpk").read_bytes(), data)
        self.error(self.zoey.ask("GET", f"{self.at}/uploads/{upload}"), 404, "not-found")
        self.assertEqual(self.audited("files.put")[0]["after"], {"path": "maps/big.vpk", "size": len(data)})

    def test_what_is_refused(self):
        data = os.urandom(self.CHUNK * 2 + 100)
        for fields, field in (({"size": -1}, "size"), ({"size": "1"}, "size"), ({"chunk_bytes": 1}, "chunk_bytes"), ({"sha256": "x"}, "sha256"),
                              ({"sha256": "g" * 64}, "sha256"), ({"replace": 1}, "replace"), ({"path": 5}, "path"), ({"path": "a/../b"}, "path")):
            with self.subTest(fields=fields):
                self.error(self.begin(**fields), 400, "invalid", field=field)
        self.error(self.begin(size=1 << 53), 400, "invalid", "more than 32768 chunks")
        self.error(self.begin(size=100 << 30, chunk_bytes=16 << 20), 507, "no-space")
        self.error(self.begin(unknown=1), 400, "invalid", "not known")
        upload = self.begin()[1]["upload"]
        for query, field in (("offset=x&sha256=" + "0" * 64, "offset"), ("offset=0&sha256=0", "sha256"), ("offset=0", "sha256"), ("sha256=" + "A" * 64, "sha256")):
            self.error(self.zoey.ask("PUT", f"{self.at}/uploads/{upload}?{query}", data[:10]), 400, "invalid", field=field)
        self.error(self.zoey.ask("PUT", f"{self.at}/uploads/{upload}?offset=5&sha256={sha256(data[:5])}", data[:5]), 400, "invalid", "no chunk begins")
        self.error(self.zoey.ask("PUT", f"{self.at}/uploads/{upload}?offset=0&sha256={sha256(data[:5])}", data[:5]), 400, "invalid", "instead of")
        self.assertIn(b" 413 ", self.begin_request(f"PUT /api/v1{self.at}/uploads/{upload}?offset=0", (16 << 20) + 1))
        for other in ("0" * 32, "f" * 32):
            self.error(self.zoey.ask("GET", f"{self.at}/uploads/{other}"), 404, "not-found")
        for other in ("0" * 31, "0" * 33, "G" * 32, "..", upload.upper()):
            self.assertIn(self.zoey.ask("GET", f"{self.at}/uploads/{other}")[0], (400, 404))
        self.assertEqual(self.zoey.ask("DELETE", f"{self.at}/uploads/{upload}")[0], 204)
        self.assertEqual(self.zoey.ask("GET", f"{self.at}/uploads")[1]["uploads"], [])

    def test_over_what_is_there(self):
        etag = self.put("maps/big.vpk", b"old")[1]["etag"]
        self.error(self.begin(), 409, "exists")
        self.error(self.begin(replace=True, etag="1-2-3"), 412, "conflict")
        upload = self.begin(size=3, replace=True, etag=etag)[1]["upload"]
        self.assertEqual(self.zoey.ask("PUT", f"{self.at}/uploads/{upload}?offset=0&sha256={sha256(b'new')}", b"new")[0], 204)
        self.assertEqual(self.zoey.ask("POST", f"{self.at}/uploads/{upload}/finish")[0], 200)
        self.assertEqual((self.tree / "maps/big.vpk").read_bytes(), b"new")

    def test_asked_again(self):
        """the same key makes one upload"""
        first = self.zoey.ask("POST", f"{self.at}/uploads", {"path": "a", "size": 5}, Idempotency_Key="one")
        self.assertEqual(self.zoey.ask("POST", f"{self.at}/uploads", {"path": "a", "size": 5}, Idempotency_Key="one"), first)
        self.error(self.zoey.ask("POST", f"{self.at}/uploads", {"path": "b", "size": 5}, Idempotency_Key="one"), 409, "exists")

    def test_archives(self):
        """a job unpacks them"""
        upload = self.begin(path="")[1]["upload"]
        status, said = self.zoey.ask("POST", f"{self.at}/extract", {"upload": upload, "path": "left4dead2", "strip": True})
        self.assertEqual((status, said["job"]["kind"], said["job"]["overlay"]), (202, "overlay.extract", 2))
        self.assertEqual(self.jobs(), [("overlay.extract", None, 2, {"upload": upload, "path": "left4dead2", "strip": True})])
        for body, field in (({"upload": "x", "path": ""}, "upload"), ({"upload": "x" * 32, "path": ""}, "upload"), ({"upload": upload, "path": ".."}, "path"),
                            ({"upload": upload, "path": "", "strip": 1}, "strip")):
            self.error(self.zoey.ask("POST", f"{self.at}/extract", body), 400, "invalid", field=field)


class TestZips(FilesTest):
    def test_passed_on(self):
        self.put("a")
        self.host("""echo "$*" >words; printf 'PK\\003\\004'; head -c 3000000 /dev/zero""")
        status, fields, data = self.raw(self.zoey, "GET", f"{self.at}/zip?path=left4dead2%2Fmy%20maps")
        self.assertEqual((status, len(data), data[:4], fields["content-type"]), (200, 3000004, b"PK\3\4", "application/zip"))
        self.assertEqual(fields["content-disposition"], "attachment; filename=\"my_maps.zip\"; filename*=UTF-8''my%20maps.zip")
        self.assertEqual((self.path / "words").read_text(), "files zip --json -- 2 left4dead2/my maps\n")
        self.assertIn("maps.zip", self.raw(self.zoey, "GET", f"{self.at}/zip")[1]["content-disposition"])
        self.assertEqual((self.path / "words").read_text(), "files zip --json -- 2\n")
        self.assertEqual(self.raw(self.zoey, "GET", f"{self.at}/zip?path=-rf")[0], 200)
        self.assertEqual((self.path / "words").read_text(), "files zip --json -- 2 -rf\n")

    def test_failures(self):
        self.host("""echo '{"error": {"kind": "not-found", "message": "there is no such directory"}}'; exit 3""")
        self.error(self.zoey.ask("GET", f"{self.at}/zip?path=a"), 404, "not-found", "no such directory")
        self.host("exit 0")
        self.error(self.zoey.ask("GET", f"{self.at}/zip"), 500, "failed", "no answer")
        self.host("printf PK; head -c 100000 /dev/zero; exit 1")  # it must not look whole
        with self.assertRaises(webthings.http.client.IncompleteRead):
            self.raw(self.zoey, "GET", f"{self.at}/zip")

    def test_who_leaves(self):
        """what is packed for nobody is ended"""
        os.mkfifo(self.path / "ended")
        self.host("""trap 'echo >ended; exit 1' INT TERM; printf PK; while :; do head -c 100000 /dev/zero || exit 1; done""")
        connection = socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S)
        connection.sendall(f"GET /api/v1{self.at}/zip HTTP/1.1\r\nHost: a\r\nCookie: {self.zoey.cookie}\r\n\r\n".encode())
        self.assertTrue(connection.recv(100))
        connection.close()
        self.assertEqual((self.path / "ended").read_text(), "\n")

    def test_so_many_at_once(self):
        """of one user, logs among them: there is room left for others"""
        os.mkfifo(self.path / "gate")
        os.mkfifo(self.path / "begun")
        self.host("""echo >begun; read -r line <gate; printf PK""")
        begun = os.fdopen(os.open(self.path / "begun", os.O_RDWR))
        connections = []

        def begin(browser, path):
            connections.append(socket.create_connection(("127.0.0.1", self.web.port), timeout=READY_S))
            connections[-1].sendall(f"GET /api/v1/overlays/2/{path} HTTP/1.1\r\nHost: a\r\nCookie: {browser.cookie}\r\n\r\n".encode())
            begun.readline()
        for path in ("files/zip", "log", "log", "generations"):
            begin(self.zoey, path)
        for path in ("files/zip", "log"):
            self.error(self.zoey.ask("GET", f"/overlays/2/{path}"), 503, "unavailable", "try again")
        begin(self.admin, "log")
        for connection in connections:  # a reset: who only closes his side may still be reading
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        begun.close()


class TestUpper(ThingsTest):
    """What a game wrote, which may be anything."""

    def setUp(self):
        super().setUp()
        self.of = self.server(self.zoey)
        self.at = f"/servers/{self.of['id']}/upper"
        self.upper = self.path / "data/runtime" / self.of["instance"] / "upper"

    def test_before_it_was_started(self):
        self.assertEqual(self.zoey.ask("GET", self.at), (200, {"entries": [], "next": None}))
        self.error(self.zoey.ask("GET", f"{self.at}?path=left4dead2"), 404, "not-found")
        self.error(self.zoey.ask("GET", f"{self.at}/content?path=a"), 404, "not-found")

    def test_files(self):
        (self.upper / "left4dead2/cfg").mkdir(parents=True)
        (self.upper / "left4dead2/cfg/banned_user.cfg").write_text("banid 0\n")
        said = self.zoey.ask("GET", f"{self.at}?path=left4dead2/cfg")[1]
        self.assertEqual([(row["name"], row["kind"], row["size"]) for row in said["entries"]], [("banned_user.cfg", "file", 8)])
        status, fields, data = self.raw(self.zoey, "GET", f"{self.at}/content?path=left4dead2/cfg/banned_user.cfg")
        self.assertEqual((status, data, fields["content-type"]), (200, b"banid 0\n", "application/octet-stream"))
        self.assertTrue(fields["content-disposition"].startswith("attachment"))

    def test_what_a_game_puts_there(self):
        """nothing hangs, nothing leads out, nothing is too large, and others are served meanwhile"""
        self.upper.mkdir(parents=True)
        secret = self.path / "secret"
        secret.write_text("secret")
        os.mkfifo(self.upper / "fifo")
        (self.upper / "link").symlink_to(secret)
        (self.upper / "dirlink").symlink_to(self.path)
        (self.upper / "closed").mkdir(mode=0o000)
        with open(self.upper / "giant", "wb") as file:
            file.truncate(1 << 40)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.relpath(self.upper / "socket"))
        os.mknod(self.upper / "gone", stat.S_IFCHR, os.makedev(0, 0))
        for name in (b"\xff\xfe", b"a\nb", b"\x1b[31m", "\u202egnp.exe".encode(), b"<img src=x>", b"x" * 255):
            (self.upper / os.fsdecode(name)).write_bytes(b"x")
        kinds = {row["name"]: row["kind"] for row in self.zoey.ask("GET", self.at)[1]["entries"]}
        self.assertEqual({name: kinds[name] for name in ("fifo", "link", "dirlink", "closed", "giant", "socket", "gone")},
                         {"fifo": "other", "link": "link", "dirlink": "link", "closed": "dir", "giant": "file", "socket": "other", "gone": "removed"})
        self.assertEqual(len(kinds), 13)
        for path in ("fifo", "link", "dirlink/secret", "socket", "gone", "closed", "giant"):
            with self.subTest(path=path):
                status, _, said = self.raw(self.zoey, "GET", f"{self.at}/content?path={path}")
                self.assertGreaterEqual(status, 400, said)
                self.assertNotIn(b"secret\n", said)
        self.error(self.zoey.ask("GET", f"{self.at}/content?path=giant"), 400, "invalid", "larger than 1 GiB")
        self.error(self.zoey.ask("GET", f"{self.at}/content?path=fifo"), 400, "invalid", "not a regular file")
        for path in ("..", "a/../b", "/etc/passwd", "a//b", "."):
            for ask in (("GET", f"{self.at}?path={path}"), ("GET", f"{self.at}/content?path={path}"), ("DELETE", f"{self.at}?path={path}"),
                        ("POST", f"{self.at}/keep", {"path": path})):
                self.error(self.zoey.ask(*ask), 400, "invalid", field="path")

    def test_dropped_and_kept(self):
        """by jobs, which the host refuses while it runs"""
        self.overlay(5, "bans", owner=self.zoey)
        self.overlay(6, "plugins", "script", owner=self.zoey)
        self.overlay(7, "of louis", owner=self.louis)
        self.overlay(8, "of all", owner=self.louis, shared=True)
        number = self.of["id"]
        self.assertEqual(self.zoey.ask("DELETE", f"{self.at}?path=left4dead2/a")[1]["job"]["kind"], "server.drop")
        self.assertEqual(self.zoey.ask("POST", f"{self.at}/keep", {"path": "left4dead2/b"})[0], 202)
        self.assertEqual(self.zoey.ask("POST", f"{self.at}/keep", {"path": "left4dead2/b", "to": 5})[0], 202)
        self.assertEqual(self.jobs(), [("server.drop", number, None, {"path": "left4dead2/a"}), ("server.keep", number, None, {"path": "left4dead2/b"}),
                                       ("server.keep", number, None, {"path": "left4dead2/b", "to": 5})])
        self.error(self.zoey.ask("DELETE", self.at), 400, "invalid", field="path")
        self.error(self.zoey.ask("POST", f"{self.at}/keep", {"path": "a", "to": 6}), 400, "invalid", "not an overlay of files", "to")
        self.error(self.zoey.ask("POST", f"{self.at}/keep", {"path": "a", "to": 7}), 400, "invalid", "no such overlay", "to")
        self.error(self.zoey.ask("POST", f"{self.at}/keep", {"path": "a", "to": 8}), 403, "denied")

    def test_who_may(self):
        self.error(self.louis.ask("GET", self.at), 404, "not-found")
        self.grant(self.zoey, self.of, ("louis", ["view", "operate", "console"]))
        self.error(self.louis.ask("GET", self.at), 403, "denied")
        self.grant(self.zoey, self.of, ("louis", ["files"]))
        self.assertEqual(self.louis.ask("GET", self.at)[0], 200)


if __name__ == "__main__":
    webthings.main()
