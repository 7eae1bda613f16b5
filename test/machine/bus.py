# SPDX-License-Identifier: MIT
"""bus: just enough D-Bus to ask a machine's systemd about units and to wait for its signals.

Talks to PID 1's private socket, which needs no bus daemon and gets every signal without asking. Calls
carry strings only; answers may be anything.

A thread reads all that comes. When a connection here is not read, and a thousand signals wait for it, systemd
tells nobody anything any more, and keeps units that are dead until it has told of them.
"""

import queue
import socket
import struct
import subprocess
import threading
import time

UNIT = "org.freedesktop.systemd1.Unit"
SERVICE = "org.freedesktop.systemd1.Service"
_MANAGER = ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
_SIZES = {"y": ("B", 1), "b": ("I", 4), "n": ("h", 2), "q": ("H", 2), "i": ("i", 4), "u": ("I", 4),
          "h": ("I", 4), "x": ("q", 8), "t": ("Q", 8), "d": ("d", 8)}
_CALL, _RETURN, _ERROR, _SIGNAL = 1, 2, 3, 4


class BusError(Exception):
    """systemd's own words."""


# systemd hangs up on a peer whose process it cannot see, so somebody in its process namespace connects.
_CONNECT = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
socket.send_fds(socket.socket(fileno=0), [b"!"], [peer.fileno()])
"""


def connect(leader, path="/run/systemd/private"):
    """A socket of the machine, connected by a process that lives in there."""
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        subprocess.run(["nsenter", f"--target={leader}", "--pid", "/usr/bin/python3", "-I", "-S", "-c", _CONNECT,
                        f"/proc/{leader}/root{path}"], stdin=theirs, check=True, stderr=subprocess.PIPE)
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        return socket.socket(fileno=fds[0])


class Bus:
    def __init__(self, leader=None, timeout=10):
        self.socket = connect(leader) if leader else socket.socket(socket.AF_UNIX)
        self.timeout = timeout
        self.serial = 0
        self.answers = queue.SimpleQueue()              # (kind, fields, body); None: no more will come
        self.has_moved = threading.Event()              # a signal came, or the end
        self.reader = threading.Thread(target=self._read, daemon=True)
        try:
            self.socket.settimeout(timeout)
            if not leader:
                self.socket.connect("/run/systemd/private")         # our own systemd
            self.begun = self._authenticate()
            self.socket.settimeout(None)
            self.reader.start()
        except BaseException:
            self.socket.close()
            raise

    def close(self):
        """Its reader finds the end and is waited for."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:                                 # systemd was faster
            pass
        self.reader.join()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, path, interface, member, *strings):
        """The values of the answer."""
        self.serial += 1
        self.socket.sendall(_encode(self.serial, path, interface, member, strings))
        while True:
            try:
                answer = self.answers.get(timeout=self.timeout)
            except queue.Empty:
                raise BusError(f"systemd does not answer to {member}") from None
            if answer is None:
                self.answers.put(None)
                raise BusError("systemd closed the connection")
            kind, fields, body = answer
            if fields.get(5) == self.serial:
                if kind == _ERROR:
                    raise BusError(body[0] if body else fields.get(4))
                return body

    def manager(self, member, *strings):
        return self.call(*_MANAGER, member, *strings)

    def unit_path(self, unit):
        return self.manager("LoadUnit", unit)[0]

    def properties(self, unit):
        """What systemd knows of a unit, its service properties included."""
        path = self.unit_path(unit)
        found = self._all(path, UNIT)
        if unit.endswith(".service"):
            found.update(self._all(path, SERVICE))
        return found

    def _all(self, path, interface):
        return self.call(path, "org.freedesktop.DBus.Properties", "GetAll", interface)[0]

    def wait(self, unit, until, timeout):
        """Waits until `until(properties)` holds; asks again whenever systemd says that something moved."""
        deadline = time.monotonic() + timeout
        while True:
            self.has_moved.clear()
            properties = self.properties(unit)
            if until(properties):
                return properties
            if not self.has_moved.wait(max(0, deadline - time.monotonic())):
                return None

    # -- what comes -----------------------------------------------------------------------------------

    def _authenticate(self):
        """What of the first message came along."""
        self.socket.sendall(b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n")       # "30" is user 0 in hexadecimal
        buffer = b""
        while b"\r\n" not in buffer:
            if not (got := self.socket.recv(65536)):
                raise BusError("systemd closed the connection")
            buffer += got
        line, _, buffer = buffer.partition(b"\r\n")
        if not line.startswith(b"OK"):
            raise BusError(f"systemd refuses us: {line.decode()}")
        return buffer

    def _read(self):
        """The thread: keeps answers, and of signals that there was one."""
        buffer = self.begun
        try:
            while True:
                at = 0
                while (length := _length(buffer, at)) is not None and len(buffer) >= at + length:
                    self._take(buffer[at:at + length])
                    at += length
                if not (got := self.socket.recv(1 << 18)):
                    return
                buffer = buffer[at:] + got
        except OSError:
            pass                                        # the connection has ended
        finally:
            self.answers.put(None)
            self.has_moved.set()

    def _take(self, message):
        if message[1] == _SIGNAL:
            self.has_moved.set()
            return
        reader = _Reader(message, 12)
        fields = dict(reader.value("a(yv)"))
        reader.align(8)
        self.answers.put((message[1], fields, [reader.value(kind) for kind in _split(fields.get(8, ""))]))


def _length(buffer, at):
    """Of the message that begins there; None: more must come before one can tell."""
    if len(buffer) < at + 16:
        return None
    body, _serial, fields = struct.unpack_from("<III", buffer, at + 4)
    return -(-(16 + fields) // 8) * 8 + body


def _string(text):
    data = text.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def _pad(data, to):
    return data + b"\0" * (-len(data) % to)


def _encode(serial, path, interface, member, strings):
    body = b""
    for text in strings:
        body = _pad(body, 4) + _string(text)
    fields = b""
    for code, kind, text in ((1, "o", path), (2, "s", interface), (3, "s", member)):
        fields = _pad(fields, 8) + bytes((code, 1)) + kind.encode() + b"\0" + _string(text)
    if strings:
        fields = _pad(fields, 8) + bytes((8, 1)) + b"g\0" + bytes((len(strings),)) + b"s" * len(strings) + b"\0"
    return _pad(b"l" + bytes((_CALL, 0, 1)) + struct.pack("<III", len(body), serial, len(fields)) + fields, 8) + body


def _split(signature):
    """The single complete types of a signature."""
    while signature:
        length = _one(signature)
        yield signature[:length]
        signature = signature[length:]


def _one(signature):
    if signature[0] == "a":
        return 1 + _one(signature[1:])
    if signature[0] in "({":
        depth = 0
        for index, letter in enumerate(signature):
            depth += (letter in "({") - (letter in ")}")
            if depth == 0:
                return index + 1
    return 1


class _Reader:
    def __init__(self, data, at):
        self.data, self.at = data, at

    def align(self, to):
        self.at += -self.at % to

    def _number(self, letter):
        code, size = _SIZES[letter]
        self.align(size)
        number, = struct.unpack_from("<" + code, self.data, self.at)
        self.at += size
        return number

    def _text(self, length):
        text = self.data[self.at:self.at + length].decode(errors="replace")
        self.at += length + 1
        return text

    def value(self, kind):
        letter = kind[0]
        if letter in _SIZES:
            number = self._number(letter)
            return bool(number) if letter == "b" else number
        if letter in "so":
            return self._text(self._number("u"))
        if letter == "g":
            return self._text(self._number("y"))
        if letter == "v":
            return self.value(self.value("g"))
        if letter == "a":
            return self._array(kind[1:])
        self.align(8)                                                   # a struct or a dictionary entry
        return tuple(self.value(part) for part in _split(kind[1:-1]))

    def _array(self, kind):
        length = self._number("u")
        self.align(8 if kind[0] in "({xtd" else _SIZES.get(kind[0], ("", 1 if kind[0] in "gv" else 4))[1])
        end = self.at + length
        values = []
        while self.at < end:
            values.append(self.value(kind))
        return dict(values) if kind[0] == "{" else values
