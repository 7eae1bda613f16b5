# SPDX-License-Identifier: MIT
"""dns: a name server that knows a few names and denies all others.

    with Resolver({"example.org": ["198.51.100.1", "2001:db8::1"]}, "127.0.0.1", 53) as resolver:
        ...
        resolver.log            # [(name, type)] as they were asked

It speaks UDP alone, and of the record types A and AAAA. A name it knows without an address of the type
that is asked for has none; a name it does not know does not exist.
Source: RFC 1035, sections 3.2.2, 3.2.3 and 4.1.
"""

import ipaddress
import select
import socket
import struct
import threading

import server

TYPES = {1: "A", 28: "AAAA"}
IN = 1
TTL_S = 1
NO_ERROR, BAD_FORM, NO_NAME, NOT_DONE = 0, 1, 3, 4
RESPONSE, AUTHORITATIVE, RECURSION_WANTED, RECURSION = 0x8000, 0x0400, 0x0100, 0x0080


class Resolver:
    """Answers on address:port, or on a bound UDP socket, until it is stopped."""

    def __init__(self, names, address="127.0.0.1", port=0, listener=None):
        self.names = names                  # {name: [address]}, may change while it runs
        self.address, self.port = address, port
        self.log = []
        self._listener = listener

    def start(self):
        self._socket = self._listener or server.listen(self.address, self.port, kind=socket.SOCK_DGRAM)
        self.address, self.port = self._socket.getsockname()[:2]
        # What wakes it up to end; a UDP socket cannot be shut down on every system.
        self._wake, self._stop = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def stop(self):
        self._wake.close()
        self._thread.join()
        self._socket.close()
        self._stop.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _serve(self):
        while True:
            ready = select.select([self._socket, self._stop], [], [])[0]
            if self._stop in ready:
                return
            query, peer = self._socket.recvfrom(4096)
            answer = self.answer(query)
            if answer:
                self._socket.sendto(answer, peer)

    def answer(self, query):
        """The datagram to send back, or None if there is nothing to say to this one."""
        if len(query) < 12 or query[2] & 0x80:
            return None
        number, flags, questions = struct.unpack_from(">HHH", query)
        name, end = _name(query)
        if questions != 1 or name is None or len(query) < end + 4:
            return _message(number, flags, BAD_FORM)
        question = query[12:end + 4]
        kind, space = struct.unpack_from(">HH", query, end)
        if flags >> 11 & 0xf or space != IN:
            return _message(number, flags, NOT_DONE, question)
        self.log.append((name, TYPES.get(kind, str(kind))))
        known = {each.lower().rstrip("."): addresses for each, addresses in self.names.items()}
        if name not in known:
            return _message(number, flags, NO_NAME, question)
        addresses = [ipaddress.ip_address(each) for each in known[name]]
        wanted = {"A": 4, "AAAA": 6}.get(TYPES.get(kind))
        records = [each.packed for each in addresses if each.version == wanted]
        return _message(number, flags, NO_ERROR, question, kind, records)


def _name(query):
    """(the name of the first question in lower case, where it ends); (None, 0) if it is none."""
    labels, at = [], 12
    while at < len(query):
        size = query[at]
        at += 1
        if size == 0:
            return b".".join(labels).decode("latin-1").lower(), at
        if size > 63 or at + size > len(query):
            break                           # in a question there is nothing to point back to
        labels.append(query[at:at + size])
        at += size
    return None, 0


def _message(number, flags, code, question=b"", kind=0, records=()):
    # Names are compared without case, but sent back as they came: clients look at it.
    head = struct.pack(">HHHHHH", number, RESPONSE | AUTHORITATIVE | RECURSION | flags & RECURSION_WANTED | code,
                       bool(question), len(records), 0, 0)
    answers = [struct.pack(">HHHIH", 0xc00c, kind, IN, TTL_S, len(data)) + data for data in records]
    return head + question + b"".join(answers)
