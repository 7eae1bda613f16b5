#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judges the servers that stand in for others, by curl and by the C library: test-mirror.py [TEST…]"""

import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

import apart
from dns import Resolver
from server import Authority, Reply, Server, listen, redirect

DEADLINE_S = 60
HOST, OTHER = "one.example", "two.example"
BODY = bytes(range(256)) * 400


class Servers(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="left4me-mirror-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.server = Server({HOST: self.one, OTHER: lambda request: Reply(b"two")}, Authority(self.dir)).start()
        self.addCleanup(self.server.stop)

    @staticmethod
    def one(request):
        if request.path == "/file":
            return Reply(BODY, modified=86400)
        if request.path == "/links":
            return Reply(f"{request.url(OTHER, '/a b')} {request.query}".encode())
        if request.path == "/away":
            return redirect(request.url(OTHER, "/"))
        if request.path == "/form":
            return Reply(repr(request.form()).encode())
        return None

    def curl(self, path, *options, host=HOST, server=None, words=()):
        """(exit code, what came)"""
        server = server or self.server
        result = subprocess.run([*words, "curl", "-sS", "--max-time", str(DEADLINE_S), "--cacert", server.ca_path,
                                 "--connect-to", f"::{server.address}:{server.port}", *options,
                                 f"https://{host}{path}"], capture_output=True)
        return result.returncode, result.stdout

    def code(self, path, *options, **more):
        return int(self.curl(path, "-o", "/dev/null", "-w", "%{http_code}", *options, **more)[1])

    def test_by_name(self):
        self.assertEqual(self.curl("/file"), (0, BODY))
        self.assertEqual(self.curl("/", host=OTHER), (0, b"two"))
        self.assertEqual(self.code("/nothing"), 404)
        self.assertEqual(self.code("/"), 404)
        self.assertEqual([(each.method, each.host, each.path, each.status) for each in self.server.log],
                         [("GET", HOST, "/file", 200), ("GET", OTHER, "/", 200), ("GET", HOST, "/nothing", 404),
                          ("GET", HOST, "/", 404)])
        self.assertEqual(len(self.server.requests(OTHER)), 1)
        self.assertEqual(len(self.server.requests(pattern="/n*")), 1)

    def test_by_address(self):
        place = f"{self.server.address}:{self.server.port}"
        self.assertEqual(self.curl(f"/{HOST}/file", host=place), (0, BODY))
        self.assertEqual(self.curl(f"/{HOST}/links?x=1", host=place),
                         (0, f"https://{place}/{OTHER}/a%20b x=1".encode()))
        self.assertEqual(self.curl(f"/{HOST}/away", "-L", host=place), (0, b"two"))
        self.assertEqual(self.code("/nobody.example/", host=place), 404)

    def test_links(self):
        self.assertEqual(self.curl("/links"), (0, f"https://{OTHER}/a%20b ".encode()))
        self.assertEqual(self.curl("/links", host=f"{HOST}:8443"), (0, f"https://{OTHER}:8443/a%20b ".encode()))
        self.assertEqual(self.curl("/away", "-L"), (0, b"two"))

    def test_certificates(self):
        self.assertEqual(self.curl("/file", "--cacert", "/etc/ssl/certs/ca-certificates.crt")[0], 60)
        self.assertEqual(self.server.log, [])
        again = Authority(self.dir)
        self.assertEqual(again.ca_path, self.server.ca_path)
        with Server({HOST: self.one}, again) as other:
            self.assertEqual(self.curl("/file", server=other), (0, BODY))

    def test_without_tls(self):
        with Server({HOST: self.one}) as plain:
            result = subprocess.run(["curl", "-sS", f"http://{plain.address}:{plain.port}/{HOST}/links"],
                                    capture_output=True)
        self.assertEqual(result.stdout.decode(), f"http://{plain.address}:{plain.port}/{OTHER}/a%20b ")

    def test_methods(self):
        self.assertEqual(self.code("/file", "--head"), 200)
        self.assertEqual(self.server.log[0].sent, 0)
        self.assertEqual(self.curl("/form", "-d", "a=1", "-d", "b[0]=x y"), (0, b"[('a', '1'), ('b[0]', 'x y')]"))

    def test_versions_and_ranges(self):
        tag = self.curl("/file", "-o", "/dev/null", "-w", "%header{etag}")[1].decode()
        self.assertEqual(self.code("/file", "-H", f"If-None-Match: {tag}"), 304)
        self.assertEqual(self.code("/file", "-H", 'If-None-Match: "other"'), 200)
        self.assertEqual(self.curl("/file", "-C", "1000"), (0, BODY[1000:]))
        self.assertEqual(self.code("/file", "-H", "Range: bytes=1000-", "-H", f"If-Range: {tag}"), 206)
        self.assertEqual(self.code("/file", "-H", "Range: bytes=1000-", "-H", 'If-Range: "other"'), 200)
        self.assertEqual(self.code("/file", "-H", f"Range: bytes={len(BODY)}-"), 416)
        self.assertEqual(self.curl("/file", "-o", "/dev/null", "-w", "%header{last-modified}")[1],
                         b"Fri, 02 Jan 1970 00:00:00 GMT")

    def test_faults(self):
        self.server.fault(HOST, "/f*", "status", times=1)
        self.server.fault(HOST, "/f*", "drop", times=1)
        self.server.fault(HOST, "/f*", "truncate", times=1)
        self.server.fault(HOST, "/f*", "corrupt", times=1)
        self.server.fault(HOST, "/f*", "slow", times=1, value=len(BODY) * 4)
        self.assertEqual(self.code("/file"), 503)
        self.assertEqual(self.curl("/file")[0], 52)
        self.assertEqual(self.curl("/file"), (18, BODY[:len(BODY) // 2]))
        code, bad = self.curl("/file")
        self.assertEqual((code, [at for at in range(len(BODY)) if bad[at] != BODY[at]]), (0, [len(BODY) // 2]))
        for _ in range(2):
            self.assertEqual(self.curl("/file"), (0, BODY))
        self.server.fault("*", "*", "status", value=429)
        self.assertEqual([self.code("/file"), self.code("/", host=OTHER)], [429, 429])
        self.server.clear()
        self.assertEqual(self.code("/file"), 200)

    def test_hold(self):
        hold = self.server.hold(HOST, "/file", "GET", after=1000)
        self.assertEqual(self.code("/file", "--head"), 200)
        answers = []
        client = threading.Thread(target=lambda: answers.append(self.curl("/file")))
        client.start()
        hold.wait()
        self.assertEqual(self.server.log[-1].sent, 1000)
        self.assertEqual(self.code("/file"), 200)
        self.assertEqual(answers, [])
        hold.release()
        client.join(DEADLINE_S)
        self.assertEqual(answers, [(0, BODY)])

    def test_nothing_is_left(self):
        before = threading.active_count()
        other = Server({HOST: self.one}, Authority(self.dir)).start()
        idle = socket.create_connection((other.address, other.port))        # says nothing at all
        self.addCleanup(idle.close)
        hold = other.hold(HOST, "/file")
        answers = []
        client = threading.Thread(target=lambda: answers.append(self.curl("/file", server=other)))
        client.start()
        hold.wait()
        other.stop()
        client.join(DEADLINE_S)
        self.assertEqual(len(answers), 1)
        self.assertEqual(threading.active_count(), before)

    def test_in_another_namespace(self):
        inside = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && read -r end"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(inside.stdout.close)
        self.addCleanup(inside.wait)
        self.addCleanup(inside.stdin.close)
        self.assertEqual(inside.stdout.readline(), "up\n")
        listener = listen("127.0.0.1", 443, f"/proc/{inside.pid}/ns/net")
        with Server({HOST: self.one}, Authority(self.dir), listener=listener) as server:
            self.assertEqual(self.curl("/file", server=server)[0], 7)
            self.assertEqual(self.curl("/file", server=server, words=("nsenter", "-n", "-t", str(inside.pid))),
                             (0, BODY))


class Names(unittest.TestCase):
    def setUp(self):
        names = {"Map.Example.": ["192.0.2.7", "192.0.2.8", "2001:db8::7"], "four.example": ["192.0.2.4"]}
        # Where the C library asks.
        self.resolver = Resolver(names, apart.ADDRESS, 53).start()
        self.addCleanup(self.resolver.stop)

    @staticmethod
    def lookup(name):
        try:
            return sorted({each[4][0] for each in socket.getaddrinfo(name, None)})
        except socket.gaierror as error:
            return error.errno

    def ask(self, name, kind=1, space=1, flags=0x0100, tail=b""):
        """(flags, number of answers, what follows the question)"""
        question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
        query = struct.pack(">HHHHHH", 0x1234, flags, 1, 0, 0, 0) + question + struct.pack(">HH", kind, space) + tail
        answer = self.send(query)
        number, flags, _, answers, *_ = struct.unpack_from(">HHHHHH", answer)
        self.assertEqual(number, 0x1234)
        return flags, answers, answer[12 + len(question) + 4:]

    def send(self, query):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(DEADLINE_S)
            client.sendto(query, (self.resolver.address, self.resolver.port))
            return client.recv(4096)

    def test_by_the_library(self):
        self.assertEqual(self.lookup("map.example"), ["192.0.2.7", "192.0.2.8", "2001:db8::7"])
        self.assertEqual(self.lookup("FOUR.example."), ["192.0.2.4"])
        self.assertEqual(self.lookup("nobody.example"), socket.EAI_NONAME)
        self.assertIn(("four.example", "AAAA"), self.resolver.log)
        self.resolver.names["nobody.example"] = ["192.0.2.9"]
        self.assertEqual(self.lookup("nobody.example"), ["192.0.2.9"])

    def test_addresses(self):
        flags, answers, rest = self.ask("map.EXAMPLE")
        self.assertEqual((flags, answers), (0x8580, 2))
        self.assertEqual(rest[:12], b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4")
        self.assertIn(socket.inet_pton(socket.AF_INET, "192.0.2.8"), rest)
        flags, answers, rest = self.ask("map.example", 28)
        self.assertEqual((flags, answers), (0x8580, 1))
        self.assertEqual(rest[-16:], socket.inet_pton(socket.AF_INET6, "2001:db8::7"))

    def test_nothing_to_say(self):
        self.assertEqual(self.ask("four.example", 28)[:2], (0x8580, 0))
        self.assertEqual(self.ask("four.example", 16)[:2], (0x8580, 0))
        self.assertEqual(self.ask("nobody.example")[:2], (0x8583, 0))
        self.assertEqual(self.ask("four.example", space=3)[0] & 0xf, 4)
        self.assertEqual(self.ask("four.example", flags=0x2000)[0] & 0xf, 4)

    def test_extended_questions(self):
        option = b"\0\0\x29\x10\0\0\0\0\0\0\0"
        self.assertEqual(self.ask("four.example", tail=option)[:2], (0x8580, 1))

    def test_garbage(self):
        head = struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0)
        for query in (head, head + b"\x3f", head + b"\xc0\x0c\0\1\0\1", head + b"\4four", head + b"\1a\0\0\1"):
            self.assertEqual(self.send(query)[3] & 0xf, 1)
        self.assertIsNone(self.resolver.answer(b"short"))
        self.assertIsNone(self.resolver.answer(head[:2] + b"\x80" + head[3:]))


if __name__ == "__main__":
    apart.main([], sys.argv[1:], [Servers, Names])
