#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""steam: a stand-in for Steam's Web API and for the servers that hand out Workshop items, with TLS.

As a module it lives in the process of a test, which sees every request and decides how each is answered;
nothing here waits for a clock, but for what the test lets go. As a program it hands out a directory:

    steam.py DIRECTORY [--address 127.0.0.1] [--port 0] [--files URL]

DIRECTORY/ID.vpk are items, DIRECTORY/ID.json may say more about one (what the Web API would), and
DIRECTORY/ID.collection lists numbers. The certificate of its own authority is written to DIRECTORY/ca.pem.
"""

import argparse
import hashlib
import http.server
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import urllib.parse
import zlib

GAME = 550
COLLECTIONS_APP = 766
CHUNK = 1 << 20


# -- add-ons ----------------------------------------------------------------------------------------

def vpk(files, version=1):
    """The bytes of an archive of {path: bytes}."""
    tree, data = {}, b""
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        stem, _, extension = name.rpartition(".")
        entry = struct.pack("<IHHIIH", zlib.crc32(content), 0, 0x7FFF, len(data), len(content), 0xFFFF)
        tree.setdefault(extension, {}).setdefault(folder or " ", []).append(stem.encode() + b"\0" + entry)
        data += content
    listed = b""
    for extension, folders in tree.items():
        listed += extension.encode() + b"\0"
        for folder, entries in folders.items():
            listed += folder.encode() + b"\0" + b"".join(entries) + b"\0"
        listed += b"\0"
    listed += b"\0"
    if version == 1:
        return struct.pack("<III", 0x55AA1234, 1, len(listed)) + listed + data
    head = struct.pack("<IIIIIII", 0x55AA1234, 2, len(listed), len(data), 0, 48, 0)
    sums = hashlib.md5(listed).digest() + hashlib.md5(b"").digest()
    return head + listed + data + sums + hashlib.md5(head + listed + data + sums).digest()


def campaign(name, size=2000):
    """A small campaign of two maps."""
    return vpk({
        f"maps/{name}_1.bsp": (name.encode() + b"1") * (size // (len(name) + 1)), f"maps/{name}_2.bsp": b"VBSP",
        f"missions/{name}.txt": f'"mission" {{ "Name" "{name}" }}'.encode(), "models/props/a.mdl": b"IDST", "scripts/vscripts/a.nut": b"// a",
        "addoninfo.txt": b'"AddonInfo" { }',
    })


# -- certificates -----------------------------------------------------------------------------------

def make_certificates(directory, names=("IP:127.0.0.1", "IP:127.0.0.2", "IP:127.0.0.3", "DNS:localhost")):
    """(certificate of the authority, certificate and key of the server), made by openssl."""
    directory = pathlib.Path(directory)
    ca, key, server = (directory / name for name in ("ca.pem", "ca.key", "server.pem"))

    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new_key, "-keyout", key, "-out", ca, "-days", 3650, "-subj", "/CN=left4me test authority")
    openssl("req", *new_key, "-keyout", directory / "server.key", "-out", directory / "server.csr", "-subj", "/CN=mirror")
    (directory / "server.ext").write_text(f"subjectAltName={','.join(names)}\n")
    openssl("x509", "-req", "-in", directory / "server.csr", "-CA", ca, "-CAkey", key, "-CAcreateserial",
            "-days", 3650, "-extfile", directory / "server.ext", "-out", server)
    server.write_text(server.read_text() + (directory / "server.key").read_text())
    return ca, server


# -- what is handed out -----------------------------------------------------------------------------

class Item:
    """One item of the Workshop. `says` overrides what the Web API tells about it. `answers` are functions of a
    handler and the item, one for each request for its file that comes; then it is served as it should be."""

    def __init__(self, id, data=b"", updated=1600000000, title=None, path=None, answers=(), **says):
        self.id, self.data, self.path, self.updated = id, data, path, updated
        self.title = f"Item {id}" if title is None else title
        self.answers, self.says = list(answers), says

    @property
    def size(self):
        return os.stat(self.path).st_size if self.path else len(self.data)

    @property
    def etag(self):
        return f'"{self.updated}-{self.size}"'

    def details(self, files_url):
        """As GetPublishedFileDetails tells it."""
        return {
            "publishedfileid": str(self.id), "result": 1, "creator": "76561198000000001", "creator_app_id": GAME,
            "consumer_app_id": GAME, "filename": f"myl4d2addons/{self.id}.vpk", "file_size": str(self.size),
            "file_url": f"{files_url}/ugc/{self.id}/", "hcontent_file": "1", "title": self.title,
            "preview_url": f"{files_url}/preview/{self.id}/", "hcontent_preview": "2",
            "description": f"What {self.id} is.", "time_created": 1500000000, "time_updated": self.updated,
            "visibility": 0, "banned": 0, "ban_reason": "", "tags": [{"tag": "Campaigns"}, {"tag": "Co-op"}],
        } | self.says


# Answers to a request for a file. Each takes the handler and the item.

def status(code, **headers):
    """An error, and why not a Retry-After with it."""
    def answer(handler, item):
        handler.reply(code, b"no", {name.replace("_", "-"): str(value) for name, value in headers.items()})
    return answer


def cut(n, tell_length=True):
    """The first `n` bytes of what was asked for, then nobody is there any more."""
    def answer(handler, item):
        start, code = handler.range_of(item)
        handler.head(code, item, start, None if tell_length else "chunked")
        body = item.data[start:start + n]
        if not tell_length:
            body = b"%x\r\n%s\r\n" % (len(body), body)
            body += b"0\r\n\r\n"            # it even says that this was all
        handler.send(body)
        handler.hang_up()
    return answer


def hold(n, event, go_on=False):
    """The first `n` bytes; then it waits until the event is set."""
    def answer(handler, item):
        start, code = handler.range_of(item)
        handler.head(code, item, start)
        handler.send(item.data[start:start + n])
        handler.mirror.note(f"held {item.id}")
        event.wait()
        if go_on:
            handler.send(item.data[start + n:])
        else:
            handler.hang_up()
    return answer


def endless(handler, item):
    """A body that never ends, and does not say how long it is."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    chunk = b"%x\r\n%s\r\n" % (65536, bytes(65536))
    while handler.send(chunk):
        pass


def endless_headers(handler, item):
    handler.send_response(200)
    handler.flush_headers()
    while handler.send(b"X-Endless: " + b"x" * 4000 + b"\r\n"):
        pass


def redirect(url, body=None):
    def answer(handler, item):
        if body is None:
            handler.reply(302, b"", {"Location": url})
            return
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while handler.send(b"%x\r\n%s\r\n" % (len(body), body)):
            pass
    return answer


def other(data, etag='"other"', code=None, honour_range=True):
    """Other bytes than the item has."""
    def answer(handler, item):
        liar = Item(item.id, data, item.updated)
        start, real_code = handler.range_of(liar, check_etag=False) if honour_range else (0, 200)
        handler.head(code or real_code, liar, start, etag=etag)
        handler.send(data[start:])
    return answer


def zipped(handler, item):
    """Compressed, though nobody said that would be understood."""
    handler.reply(200, zlib.compress(item.data), {"Content-Encoding": "deflate", "ETag": item.etag})


def without_validator(n):
    """Cut after `n` bytes, with nothing by which one could go on."""
    def answer(handler, item):
        handler.head(200, item, 0, etag=None)
        handler.send(item.data[:n])
        handler.hang_up()
    return answer


# -- the server -------------------------------------------------------------------------------------

class Request:
    def __init__(self, handler, body):
        self.method, self.path, self.headers, self.body = handler.command, handler.path, dict(handler.headers), body
        self.address = handler.server.server_address

    @property
    def range(self):
        return self.headers.get("Range")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "mirror"

    @property
    def mirror(self):
        return self.server.mirror

    def log_message(self, *words):
        pass

    def send(self, data):
        """False: the other side has gone."""
        try:
            view = memoryview(data)
            for at in range(0, len(view), CHUNK):
                self.connection.sendall(view[at:at + CHUNK])
            return True
        except OSError:
            self.close_connection = True
            return False

    def hang_up(self):
        self.close_connection = True
        try:
            self.connection.unwrap().shutdown(socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass

    def reply(self, code, body, headers=None):
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.send(body)

    def range_of(self, item, check_etag=True):
        """(first byte, status) of what was asked for."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        same = not check_etag or self.headers.get("If-Range") in (None, item.etag)
        if found and same and int(found[1]) < item.size:
            return int(found[1]), 206
        return (0, 416) if found and same else (0, 200)

    def head(self, code, item, start, length=None, etag=""):
        self.send_response(code)
        if etag is not None:
            self.send_header("ETag", etag or item.etag)
        if code == 206:
            self.send_header("Content-Range", f"bytes {start}-{item.size - 1}/{item.size}")
        if length == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(item.size - start))
        self.end_headers()

    def serve(self, item):
        start, code = self.range_of(item)
        if code == 416:
            self.reply(416, b"", {"Content-Range": f"bytes */{item.size}"})
            return
        self.head(code, item, start)
        if not item.path:
            self.send(item.data[start:])
            return
        with open(item.path, "rb") as file:
            file.seek(start)
            while (piece := file.read(CHUNK)) and self.send(piece):
                pass

    def do_GET(self):
        self.mirror.add(Request(self, b""))
        found = re.fullmatch(r"/ugc/(\d+)/(.*)", self.path)
        item = self.mirror.items.get(int(found[1])) if found else None
        if item is None:
            self.reply(404, b"not here")
        elif answer := self.mirror.next_answer(item):
            answer(self, item)
        else:
            self.serve(item)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.mirror.add(Request(self, body))
        if self.mirror.api_answers:
            self.mirror.api_answers.pop(0)(self, None)
            return
        form = urllib.parse.parse_qs(body.decode())
        ids = [int(form[f"publishedfileids[{i}]"][0]) for i in range(
            int(form.get("itemcount", form.get("collectioncount"))[0]))]
        if self.path == "/ISteamRemoteStorage/GetPublishedFileDetails/v1/":
            rows = {"publishedfiledetails": [self.mirror.details(id) for id in ids]}
        elif self.path == "/ISteamRemoteStorage/GetCollectionDetails/v1/":
            rows = {"collectiondetails": [self.mirror.collection(id) for id in ids]}
        else:
            self.reply(404, b"not here")
            return
        answer = json.dumps({"response": {"result": 1, "resultcount": len(ids)} | rows})
        self.reply(200, answer.encode(), {"Content-Type": "application/json; charset=UTF-8"})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, mirror, address, port, context):
        self.mirror, self.context = mirror, context
        super().__init__((address, port), Handler)

    def finish_request(self, request, client_address):
        """In the thread of the connection: a client that is slow with its handshake holds up nobody."""
        try:
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError:
            pass

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)

    def process_request(self, request, client_address):
        self.mirror.count_connection(self.server_address[0])
        super().process_request(request, client_address)


class Mirror:
    """Items and collections ({id: [(child, filetype)]}) at `addresses`, all on one port."""

    def __init__(self, certificate, addresses=("127.0.0.1",), port=0, files_url=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.items, self.collections, self.titles = {}, {}, {}
        self.api_answers = []               # as an item's answers, for the Web API
        self.requests, self.notes, self.connections = [], [], {}
        self._changed = threading.Condition()
        self.servers = []
        for address in addresses:
            self.servers.append(Server(self, address, port, context))
            port = self.servers[0].server_address[1]
        self.port = port
        self.url = f"https://{addresses[0]}:{port}"
        self.files_url = files_url or self.url
        self._threads = [threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
                         for server in self.servers]
        for thread in self._threads:
            thread.start()

    def close(self):
        for server, thread in zip(self.servers, self._threads):
            server.shutdown()
            thread.join()
            server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def add(self, request):
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def note(self, text):
        with self._changed:
            self.notes.append(text)
            self._changed.notify_all()

    def count_connection(self, address):
        with self._changed:
            self.connections[address] = self.connections.get(address, 0) + 1

    def wait_for(self, is_so, what, timeout=60):
        """Until is_so(mirror) after a request or a note."""
        with self._changed:
            if not self._changed.wait_for(lambda: is_so(self), timeout):
                raise TimeoutError(f"this did not happen: {what}; requests: {[r.path for r in self.requests]}")

    def next_answer(self, item):
        with self._changed:
            return item.answers.pop(0) if item.answers else None

    def put(self, *items):
        for item in items:
            self.items[item.id] = item

    def of_api(self):
        return [request for request in self.requests if request.method == "POST"]

    def of_files(self, id=None):
        return [request for request in self.requests
                if request.method == "GET" and (id is None or request.path.startswith(f"/ugc/{id}/"))]

    def details(self, id):
        if id in self.items:
            return self.items[id].details(self.files_url)
        if id in self.collections:
            return {"publishedfileid": str(id), "result": 1, "creator_app_id": COLLECTIONS_APP, "consumer_app_id": GAME,
                    "filename": "", "file_size": "0", "file_url": "", "title": self.titles.get(id, f"Collection {id}"),
                    "time_updated": 1500000000, "visibility": 0, "banned": 0, "tags": []}
        return {"publishedfileid": str(id), "result": 9}

    def collection(self, id):
        if id not in self.collections:
            return {"publishedfileid": str(id), "result": 9}
        children = [{"publishedfileid": str(child), "sortorder": place, "filetype": filetype}
                    for place, (child, filetype) in enumerate(self.collections[id], 1)]
        return {"publishedfileid": str(id), "result": 1, "children": children}


# -- a directory ------------------------------------------------------------------------------------

def load(mirror, directory):
    for path in directory.glob("*.vpk"):
        more = path.with_suffix(".json")
        says = json.loads(more.read_text()) if more.exists() else {}
        mirror.put(Item(int(path.stem), path=path, updated=int(path.stat().st_mtime), **says))
    for path in directory.glob("*.collection"):
        mirror.collections[int(path.stem)] = [(int(word), 0) for word in path.read_text().split()]


def main():
    parser = argparse.ArgumentParser(description="Hands out a directory as the Steam Workshop would.")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--files", metavar="URL", help="where the files are, if another server hands them out")
    parser.add_argument("--name", action="append", default=[], help="DNS:NAME or IP:ADDRESS for its certificate")
    options = parser.parse_args()
    names = options.name or [f"IP:{options.address}"]
    certificate = make_certificates(options.directory, names)[1]
    with Mirror(certificate, (options.address,), options.port, options.files) as mirror:
        load(mirror, options.directory)
        print(f"{mirror.url} {len(mirror.items)} items", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
