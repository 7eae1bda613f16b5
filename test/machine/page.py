# SPDX-License-Identifier: MIT
"""page: the page of a machine, as a browser or a program asks it, and the sandbox that it runs in.

    alice = page.admin(machine)                 a browser that is logged in
    alice.ask("GET", "/me")                     (status, what the body says)
    page.inside(machine, ["id"])                what a command prints within left4me-web.service
"""

import concurrent.futures
import contextlib
import http.client
import json
import re
import socket
import threading

import product
from harness import Failed, check, equal

HOST, PORT = "127.0.0.1", 8080
SERVICE, SOCKET = "left4me-web.service", "left4me-web.socket"
DATABASE = f"{product.DATA}/db/left4me.db"
KEY = "/etc/credstore/left4me.key"
SETTINGS = "/etc/left4me/left4me.conf"
PASSWORD = "correct horse battery"
_SAID = "/run/page-said"            # see inside()


def connect(place, address=HOST, port=PORT, timeout=30):
    """A connection from there; `place` is product.inside(machine), or a network beside it."""
    with product.network(place):
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        sock.settimeout(timeout)
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


class Connection(http.client.HTTPConnection):
    """http.client within another network."""

    def __init__(self, place, address=HOST, port=PORT, timeout=30):
        super().__init__(address, port, timeout=timeout)
        self.place = place

    def connect(self):
        self.sock = connect(self.place, self.host, self.port, self.timeout)


class Browser:
    """One that keeps a cookie, and says where its requests come from."""

    def __init__(self, machine, place=None, address=HOST, port=PORT, origin=None):
        self.machine, self.place = machine, place or product.inside(machine)
        self.address, self.port, self.cookie, self.answer = address, port, None, None
        host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        self.origin = origin or f"http://{host}"

    def ask(self, method, path, body=None, **fields):
        """(status, what the answer says); `fields` are of the request, "_" for "-"."""
        headers = {"Host": self.origin.partition("//")[2], "Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        headers.update((name.replace("_", "-"), value) for name, value in fields.items())
        if self.cookie:
            headers["Cookie"] = self.cookie
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        with contextlib.closing(Connection(self.place, self.address, self.port)) as connection:
            connection.request(method, "/api/v1" + path, body, headers)
            self.answer = connection.getresponse()
            text = self.answer.read()
        if cookie := self.answer.getheader("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        return self.answer.status, json.loads(text) if text else None

    def get(self, path):
        """What is there, or a failure."""
        return self.want(200, "GET", path)

    def want(self, status, method, path, body=None, **fields):
        got, said = self.ask(method, path, body, **fields)
        equal(got, status, f"status of {method} {path} ({said})")
        return said

    def refused(self, status, kind, part, method, path, body=None, **fields):
        """Holds an error to its form: one sentence, which has this part."""
        said = self.want(status, method, path, body, **fields)
        equal(set(said["error"]), {"kind", "message", "field"}, f"what an error says ({said})")
        equal(said["error"]["kind"], kind, f"kind of the error ({said})")
        if part not in said["error"]["message"]:
            raise Failed(f"{method} {path}: {part!r} is not in {said['error']['message']!r}")
        return said["error"]["message"]

    def join(self, word, name, password=PASSWORD):
        return self.want(200, "POST", "/join", {"invitation": word, "name": name, "password": password})

    def login(self, name, password=PASSWORD):
        return self.want(200, "POST", "/session", {"name": name, "password": password})


def invite(machine, name, *words):
    """The word of a link that the operator makes in a shell."""
    return json.loads(machine.output(["left4me", "user", "add", "--json", name, *words]))["invitation"]


def admin(machine, name="alice", **options):
    """A browser of an admin who has just joined."""
    browser = Browser(machine, **options)
    browser.join(invite(machine, name, "--admin"), name)
    return browser


@contextlib.contextmanager
def settings(machine, **keys):
    """The page with other settings of [web] for as long as the block lasts: settings(machine, requests=0)."""
    before = text = machine.read(SETTINGS)
    for name, value in keys.items():
        text, n = re.subn(rf"^#?{name} =.*$", f"{name} = {value}", text, flags=re.M)
        equal(n, 1, f"lines of {SETTINGS} that speak of {name}")
    try:
        machine.push(text.encode(), SETTINGS)
        machine.run(["systemctl", "try-restart", SERVICE])
        yield
    finally:
        machine.push(before.encode(), SETTINGS)
        machine.run(["systemctl", "try-restart", SERVICE])


class Askers:
    """Ask over and over, each time by a new connection, or by one that is kept; what went wrong is remembered."""

    def __init__(self, machine, n=4, pause=0):
        self.place, self.over = product.inside(machine), threading.Event()
        self.n, self.pause, self.answers, self.failures, self.pool = n, pause, 0, [], None

    def _new(self):
        with contextlib.closing(Connection(self.place)) as connection:
            connection.request("GET", "/api/v1/health")
            return connection.getresponse().read()

    def _loop(self, ask):
        while not self.over.wait(self.pause):
            try:
                equal(json.loads(ask())["status"], "ok", "what it says")
                self.answers += 1
            except Exception as reason:         # the test looks at the list
                self.failures.append(f"{type(reason).__name__}: {reason}")

    def _keep(self):
        """A client that keeps its connection, and opens a new one when it was closed between two requests."""
        connection = Connection(self.place)

        def ask():
            try:
                connection.request("GET", "/api/v1/health")
                answer = connection.getresponse()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
                connection.request("GET", "/api/v1/health")
                answer = connection.getresponse()
            return answer.read()

        with contextlib.closing(connection):
            self._loop(ask)

    def __enter__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(self.n + 1)
        for _ in range(self.n):
            self.pool.submit(self._loop, self._new)
        self.pool.submit(self._keep)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.pool.shutdown()

    def await_more(self, n):
        """Waits until so many more answers have come."""
        wanted, patience = self.answers + n, threading.Event()
        for _ in range(3000):
            if self.answers >= wanted:
                return
            patience.wait(0.01)
        check(False, f"no answers come any more: {self.failures[-3:]}")


# -- the sandbox ------------------------------------------------------------------------------------

def inside(machine, *commands):
    """What commands (lists of words) print, one after the other, when they run as the page itself does: in its
    unit, in its place. The page runs again at the next request."""
    lines = "".join(f"ExecStart={' '.join(_quoted(word) for word in command)}\n" for command in commands)
    # Into a file: in the journal, what the init system says of the unit comes in between.
    options = f"Type=oneshot\nRestart=no\nStandardOutput=append:{_SAID}\nExecStart=\n"
    with product.drop_in(machine, SERVICE, f"[Service]\n{options}{lines}"):
        machine.run(["systemctl", "stop", SERVICE])
        done = machine.run(["systemctl", "start", SERVICE], check=False, timeout=120)
        said = machine.output(f"cat {_SAID} && rm {_SAID}", check=False)
        machine.run(["systemctl", "reset-failed", SERVICE], check=False)
    if done.returncode:
        raise Failed(f"{commands} within the page's unit: {done.stderr.strip()} {said[-800:]}")
    return said


def _quoted(word):
    """One word of ExecStart=, taken as it is."""
    text = str(word).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + text.replace("%", "%%").replace("$", "$$") + '"'
