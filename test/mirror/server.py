# SPDX-License-Identifier: MIT
"""server: other people's web servers, on an address of ours.

An Authority signs a certificate for the test. A Server listens on one port and answers for many sites,
which are told apart by the name in the request; every request is in its `log`, and faults can be laid on
any path. A site is a function that takes a Request and returns a Reply, or None for "not found".

    with Server({"example.org": lambda request: Reply(b"hello")}, Authority(directory)) as server:
        curl --cacert server.ca_path --connect-to ::127.0.0.1:{server.port} https://example.org/

Who cannot choose what a name means asks by address: https://127.0.0.1:PORT/example.org/path.
"""

import ctypes
import dataclasses
import email.utils
import fnmatch
import hashlib
import http.server
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import urllib.parse

DEADLINE_S = 60             # of a client that says nothing, and of a hold that nobody releases
CHUNK = 16 * 1024           # bytes
CLONE_NEWNET = 0x40000000

EXTENSIONS = """
[req]
distinguished_name = name
prompt = no
[name]
CN = left4me test {section}
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[host]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


class Authority:
    """A certificate authority in a directory, made when it is not there yet."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ca_path = self.directory / "ca.pem"
        self._key = self.directory / "ca.key"
        if not self.ca_path.exists():
            self._make("authority", self.ca_path, self._key)

    def certificate(self, names, addresses=()):
        """(certificate, key): files of a server that has all these names."""
        wanted = ",".join([*(f"DNS:{name}" for name in names), *(f"IP:{each}" for each in addresses)])
        stem = self.directory / f"host-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"
        certificate, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
        if not certificate.exists():
            self._make("host", certificate, key, "-CA", self.ca_path, "-CAkey", self._key, names=wanted)
        return certificate, key

    def _make(self, section, certificate, key, *options, names="DNS:none.invalid"):
        config = self.directory / f"{section}.cnf"
        config.write_text(EXTENSIONS.format(section=section, names=names))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "30", "-config", config, "-extensions", section, *options,
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)


def listen(address, port, netns=None, kind=socket.SOCK_STREAM):
    """A bound socket, in the network namespace `netns` (/proc/PID/ns/net) if one is named.

    A socket stays where it was made, so that a server may run out here and be reached in there."""
    result = []

    def make():
        try:
            if netns:
                with open(netns, "rb") as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), f"entering {netns}")
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, port))
            if kind == socket.SOCK_STREAM:
                made.listen(128)
            result.append(made)
        except OSError as error:
            result.append(error)

    # In a thread of its own, which takes the namespace with it when it ends.
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


@dataclasses.dataclass
class Request:
    """What a client asks. The last two are filled in when it has been answered."""
    method: str
    host: str               # of the site
    path: str               # decoded, without the query
    query: str
    headers: object         # get() does not mind the case
    body: bytes
    base: str               # how URLs of this client begin, with {host} in it
    status: int = 0
    sent: int = 0           # bytes of the body

    def url(self, host, path):
        """How this client reaches a path of any of the sites."""
        return self.base.format(host=host) + urllib.parse.quote(path)

    def form(self):
        """What was posted: [(name, value)]."""
        return urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True)


@dataclasses.dataclass
class Reply:
    body: bytes = b""
    status: int = 200
    kind: str = "application/octet-stream"
    headers: dict = dataclasses.field(default_factory=dict)
    modified: float = None  # unix time; with it come a Last-Modified and an ETag


def redirect(url):
    return Reply(status=302, headers={"Location": url})


class Hold:
    """A request that is kept waiting, so that a test can do something in the middle of it."""

    def __init__(self, host, pattern, method, after):
        self.host, self.pattern, self.method, self.after = host, pattern, method, after
        self.is_taken = False
        self._reached, self._released = threading.Event(), threading.Event()

    def wait(self):
        """Until the request is there, and `after` bytes of its answer have been sent."""
        if not self._reached.wait(DEADLINE_S):
            raise AssertionError(f"nobody asked {self.host} for {self.pattern}")

    def release(self):
        self._released.set()

    def keep(self):
        self._reached.set()
        self._released.wait(DEADLINE_S)


@dataclasses.dataclass
class Fault:
    host: str
    pattern: str
    kind: str
    times: int              # how often it still happens; None: always
    value: int


def _matches(request, host, pattern, method="*"):
    return fnmatch.fnmatchcase(request.host, host) and fnmatch.fnmatchcase(request.path, pattern) and \
        fnmatch.fnmatchcase(request.method, method)


class Server:
    """One listening port, and the sites it answers for: {name: function}."""

    def __init__(self, sites, authority=None, address="127.0.0.1", port=0, listener=None):
        self.sites = sites
        self.address, self.port = address, port
        self.authority = authority          # None: without TLS
        self.log = []
        self._listener = listener
        self._lock = threading.Lock()
        self._faults, self._holds = [], []

    @property
    def ca_path(self):
        return self.authority.ca_path

    @property
    def hosts(self):
        return sorted(self.sites)

    def start(self):
        listener = self._listener or listen(self.address, self.port)
        self.address, self.port = listener.getsockname()[:2]
        self._http = _Http(self, listener)
        # A program that dies without stopping it is not to wait for it.
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self):
        """Ends its connections as well; no thread is left."""
        self._http.shutdown()
        self._thread.join()
        self.clear()
        self._http.end()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # --- what has been asked, and what goes wrong ---

    def requests(self, host="*", pattern="*", method="*"):
        """Those in the log that match. Names and paths may have * and ?."""
        with self._lock:
            return [each for each in self.log if _matches(each, host, pattern, method)]

    def forget(self):
        """Empties the log."""
        with self._lock:
            self.log.clear()

    def fault(self, host, pattern, kind, times=None, value=None):
        """Lays a fault on what matches, `times` times or until clear() takes it away.

        status: answers with the status `value`, 503 unless told
        drop: ends the connection without an answer
        truncate: promises the whole body and sends half of it
        corrupt: changes a byte in the middle of it
        slow: sends `value` bytes a second
        """
        assert kind in ("status", "drop", "truncate", "corrupt", "slow"), kind
        with self._lock:
            self._faults.append(Fault(host, pattern, kind, times, value))

    def hold(self, host, pattern, method="*", after=0):
        """The next request that matches is held when `after` bytes of the body have been sent."""
        with self._lock:
            self._holds.append(Hold(host, pattern, method, after))
            return self._holds[-1]

    def clear(self):
        """Takes all faults away, and lets go whoever is held."""
        with self._lock:
            holds, self._holds = self._holds, []
            self._faults.clear()
        for hold in holds:
            hold.release()

    # --- for the handler ---

    def note(self, request):
        """(fault, hold) for this request, which is in the log from now on."""
        with self._lock:
            self.log.append(request)
            hold = next((each for each in self._holds if not each.is_taken
                         and _matches(request, each.host, each.pattern, each.method)), None)
            if hold:
                hold.is_taken = True
            fault = next((each for each in self._faults if each.times != 0
                          and _matches(request, each.host, each.pattern)), None)
            if fault and fault.times:
                fault.times -= 1
            return fault, hold

    def place(self, name, target):
        """(site, path, base of URLs) that a Host header and a request target mean."""
        scheme, bare = "https" if self.authority else "http", re.sub(r":\d+$", "", name).lower()
        if bare in self.sites:
            return bare, target, f"{scheme}://{{host}}{name[len(bare):]}"
        host, _, rest = target.lstrip("/").partition("/")
        return host, "/" + rest, f"{scheme}://{name}/{{host}}"


class _Http(http.server.ThreadingHTTPServer):
    daemon_threads = False          # so that closing waits for them

    def __init__(self, server, listener):
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.mirror = listener, server
        self._connections, self._lock = set(), threading.Lock()
        self._tls = None
        if server.authority:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            names = ["localhost", *server.hosts]
            self._tls.load_cert_chain(*server.authority.certificate(names, [server.address]))

    def finish_request(self, request, client_address):
        """In the thread of the connection, as a client may be slow to greet."""
        request.settimeout(DEADLINE_S)
        with self._lock:
            self._connections.add(request)
        try:
            if self._tls:
                connection = self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                with self._lock:
                    self._connections.discard(request)
                    self._connections.add(connection)
                request = connection
                connection.do_handshake()
            super().finish_request(request, client_address)
        except OSError:
            pass                    # the client went away, or does not trust us
        finally:
            _shut(request)
            request.close()
            with self._lock:
                self._connections.discard(request)

    def end(self):
        with self._lock:
            for connection in self._connections:
                _shut(connection)
        self.server_close()


def _shut(connection):
    """Ends it for both sides at once, without waiting for the other."""
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        pass


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def setup(self):
        super().setup()
        self.mirror = self.server.mirror

    def do_GET(self):
        self.close_connection = not self._serve() or self.close_connection

    do_HEAD = do_POST = do_GET

    def _serve(self):
        """Whether the connection is still of use."""
        request = self._request()
        fault, hold = self.mirror.note(request)
        kind = fault.kind if fault else ""
        if kind == "drop":
            return False
        if kind == "status":
            reply = Reply(b"out of order\n", fault.value or 503, "text/plain", {"Retry-After": "1"})
        else:
            site = self.mirror.sites.get(request.host)
            reply = site(request) if site else None
            reply = reply or Reply(b"not found\n", 404, "text/plain")
        status, body, headers = self._frame(request, reply)
        if kind == "corrupt" and body:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 0xff]) + body[middle + 1:]
        request.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if request.method == "HEAD":
            body = b""
        if kind == "truncate":
            body = body[:len(body) // 2]
        self._send(request, body, hold, fault.value if kind == "slow" else None)
        return kind != "truncate"

    def _request(self):
        target, _, query = self.path.partition("?")
        host, path, base = self.mirror.place(self.headers.get("Host", ""), urllib.parse.unquote(target))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return Request(self.command, host, path, query, self.headers, body, base)

    def _frame(self, request, reply):
        """(status, body, headers), with what the client has asked about ranges and versions."""
        status, body = reply.status, reply.body
        headers = {"Content-Type": reply.kind, **reply.headers}
        if reply.modified is not None:
            tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
            headers |= {"ETag": tag, "Last-Modified": email.utils.formatdate(reply.modified, usegmt=True),
                        "Accept-Ranges": "bytes"}
            if request.headers.get("If-None-Match") == tag:
                status, body = 304, b""
            begin = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range") or "")
            if begin and status == 200 and request.headers.get("If-Range") in (None, tag):
                first, size = int(begin[1]), len(body)
                status, body = (206, body[first:]) if first < size else (416, b"")
                headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}" if body else f"bytes */{size}"
        headers["Content-Length"] = str(len(body))
        return status, body, headers

    def _send(self, request, body, hold, speed):
        step = max(1, speed // 10) if speed else CHUNK
        pause = threading.Event()
        stop = min(hold.after, len(body)) if hold else None
        at = 0
        while True:
            if at == stop:
                self.wfile.flush()
                hold.keep()
                stop = None
            if at == len(body):
                break
            end = min(at + step, len(body) if stop is None else stop)
            self.wfile.write(body[at:end])
            request.sent, at = end, end
            if speed:
                self.wfile.flush()
                pause.wait(0.1)     # a slow line, which is what the test wants to see
        self.wfile.flush()

    def log_message(self, *_):
        pass                        # the log is the mirror's
