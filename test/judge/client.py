# SPDX-License-Identifier: MIT
"""Raw A2S and RCON, and a server under test, for what no foreign client can ask."""

import bz2
import re
import resource
import select
import socket
import struct
import subprocess
import threading
import time
import zlib

HOST = "192.0.2.1"
OTHER_HOST = "192.0.2.2"
PORT = 27015
PASSWORD = "secret"
DEADLINE_S = 10

INFO = b"TSource Engine Query\0"
PLAYERS = b"U"
RULES = b"V"
NO_CHALLENGE = b"\xff\xff\xff\xff"


class Server:
    """One emulator in `tree`. Its console is read as it comes, so that it never blocks."""

    def __init__(self, tree, *arguments, env=None, stdin=subprocess.DEVNULL,
                 options=("-strictportbind", "-ip", "0.0.0.0")):
        self.lines = []
        self.seen = 0
        self.is_over = False
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            ["./srcds_linux", "-game", "left4dead2", "-console", *options, *arguments],
            cwd=tree, env=env, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        if self.process.stdin:
            self.process.stdin.close()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed.notify()
        with self.changed:
            self.is_over = True
            self.changed.notify()

    def find(self, pattern):
        while self.seen < len(self.lines):
            self.seen += 1
            if re.search(pattern, self.lines[self.seen - 1]):
                return self.lines[self.seen - 1]
        return None

    def wait(self, pattern):
        """The next line that matches, after the last one waited for."""
        deadline = time.monotonic() + DEADLINE_S
        with self.changed:
            while (line := self.find(pattern)) is None:
                if self.is_over or not self.changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no {pattern!r} in:\n" + "\n".join(self.lines))
        return line

    def ready(self):
        self.wait(r"^\[sim\] ready: map")
        return self

    def end(self, number=None):
        """Sends a signal, waits for the end, returns the exit status."""
        if number:
            self.process.send_signal(number)
        status = self.process.wait(DEADLINE_S)
        self.reader.join()
        return status


class Query:
    """A UDP socket that asks one server."""

    def __init__(self, host=HOST, port=PORT, source=None, connect=True):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE_S)
        if source:
            self.socket.bind((source, 0))
        self.peer = (host, port)
        if connect:
            self.socket.connect(self.peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, body):
        self.socket.sendto(b"\xff\xff\xff\xff" + body, self.peer)

    def receive(self):
        return self.socket.recv(65536)

    def pending(self):
        """Datagrams that have arrived already."""
        packets = []
        while select.select([self.socket], [], [], 0)[0]:
            packets.append(self.receive())
        return packets

    def challenge(self, body=INFO):
        self.send(body + (b"" if body == INFO else NO_CHALLENGE))
        answer = self.receive()
        assert answer[:5] == b"\xff\xff\xff\xffA" and len(answer) == 9, answer
        return answer[5:]

    def ask(self, body):
        """One answer, put together; `self.parts` keeps the order the parts came in."""
        self.send(body + self.challenge(body))
        return self.collect()

    def collect(self):
        packet, parts, total = self.receive(), {}, 1
        self.parts, self.is_compressed = [], False
        while packet[:4] == b"\xfe\xff\xff\xff":
            number, total, index, size = struct.unpack_from("<IBBH", packet, 4)
            assert len(packet) <= size, (len(packet), size)
            self.is_compressed = bool(number >> 31)
            self.parts.append(index)
            parts[index] = packet[12:]
            if len(parts) == total:
                break
            packet = self.receive()
        if not parts:
            return packet
        answer = b"".join(parts[index] for index in range(total))
        if not self.is_compressed:
            return answer
        length, crc = struct.unpack_from("<II", answer)
        answer = bz2.decompress(answer[8:])
        assert (len(answer), zlib.crc32(answer)) == (length, crc)
        return answer


class Rcon:
    """A TCP session, packet by packet."""

    def __init__(self, host=HOST, port=PORT, source=None, login=PASSWORD):
        self.socket = socket.create_connection(
            (host, port), DEADLINE_S, (source, 0) if source else None)
        if login is not None:
            self.send(1, 3, login)
            assert self.receive() == (1, 0, b"")
            assert self.receive() == (1, 2, b"")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, number, kind, body):
        body = body.encode() if isinstance(body, str) else body
        self.socket.sendall(struct.pack("<iii", len(body) + 10, number, kind) + body + b"\0\0")

    def take(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def receive(self):
        size = struct.unpack("<i", self.take(4))[0]
        number, kind = struct.unpack("<ii", self.take(8))
        body = self.take(size - 8)
        assert body[-2:] == b"\0\0", body
        return number, kind, body[:-2]

    def run(self, command):
        """The whole answer, its end found by the mirrored packet."""
        self.send(2, 2, command)
        self.send(3, 0, "")
        self.bodies = []
        while True:
            number, _, body = self.receive()
            if number == 3:
                assert body == b"", body
                assert self.receive() == (3, 0, b"\0\0\0\1\0\0\0\0")
                return b"".join(self.bodies).decode()
            self.bodies.append(body)

    def is_dead(self):
        """Waits until the server ends the session."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True
