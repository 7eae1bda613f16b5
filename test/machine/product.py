# SPDX-License-Identifier: MIT
"""product: left4me in a machine, as a person would use it, and its game seen from the network.

    product.ready(machine)                      the game is installed; once a machine
    with product.server(machine, "one") as one: initialized and started, deleted afterwards
        one.a2s()["name"]; one.rcon("status"); one.status()["state"]
"""

import contextlib
import ctypes
import itertools
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import host
from harness import Failed, equal

REPO = pathlib.Path(__file__).resolve().parents[2]
JUDGE = REPO / "test/judge"
sys.path.append(str(JUDGE))
from client import INFO, RULES, Query, Rcon  # noqa: E402

STEAMCMD = "/opt/steamcmd"
BUILD = 9477                        # the game's first build; an update is a higher one
PASSWORD = "test-password"
DATA = "/var/lib/left4me"
GAME_USER, CONTENT_USER, CONTROL_USER = "left4me-game", "left4me-content", "left4me"

# Below the range the kernel hands out, so that nobody else has one by chance.
_ports = itertools.count(20000, 3)


# -- the emulator of the game and of SteamCMD -------------------------------------------------------

def build_dir():
    """Where the emulator is, made up to date."""
    with host.Lock(host.cache() / "build.lock"):
        host.call([REPO / "tools/setup-release", "emulator"])
    return REPO / "build/release"


def steamcmd(machine, build=BUILD, fail=None):
    """A fake SteamCMD at STEAMCMD that installs this build of the emulated game, or fails as told."""
    with tempfile.TemporaryDirectory(prefix="left4me-steamcmd-") as scratch:
        words = [build_dir() / "sim/mksteamcmd", scratch, "--build", build]
        host.call(words + (["--fail", fail] if fail else []))
        os.chmod(scratch, 0o755)
        machine.run(["rm", "-rf", STEAMCMD])
        machine.push(scratch, STEAMCMD)


def ready(machine):
    """Installs the game unless it is there. Safe to call in every test."""
    if machine.run(f"test -s {DATA}/overlays/1/state.json", check=False).returncode != 0:
        steamcmd(machine)
        install(machine)


def install(machine, check=True):
    return ctl(machine, "install", "--steamcmd", STEAMCMD, "--json", check=check, timeout=180)


# Writes struct overlay_spec of base/protocol.h for each number, as the broker does when it makes an overlay of files.
_SPECS = f"""import struct, sys
for number in map(int, sys.argv[1:]):
    with open(f"{DATA}-host/overlays/{{number}}", "wb") as file:
        file.write(struct.pack("<IIII", 0x314d344c, 16, number, 4))
"""


def know_overlays(machine, *numbers):
    """Overlays that a test makes by hand exist for the broker as well."""
    machine.run(["python3", "-c", _SPECS, *map(str, numbers)])


def generations(machine, overlay=1):
    """(the current generation, [all of them])"""
    state = json.loads(machine.read(f"{DATA}/overlays/{overlay}/state.json"))
    return state["current"], [generation["number"] for generation in state["generations"]]


def newest_build(machine):
    """The number of the last build there was, of whatever overlay."""
    return int(machine.output(f"od -An -tu4 {DATA}-host/build-counter"))


# -- l4d2ctl ----------------------------------------------------------------------------------------

def ctl(machine, *words, check=True, **options):
    """l4d2ctl as root; options go to machine.run."""
    return machine.run(["l4d2ctl", *map(str, words)], check=check, **options)


def ctl_json(machine, *words, **options):
    return json.loads(ctl(machine, *words, "--json", **options).stdout)


def one_sentence(done, code, *words):
    """Holds a refusal to its promise: this exit code, one clear line on stderr that has these words."""
    equal(done.returncode, code, f"exit code of {' '.join(done.args)} ({done.stderr.strip()})")
    lines = done.stderr.splitlines()
    if len(lines) != 1 or not lines[0].startswith("l4d2ctl: "):
        raise Failed(f"{' '.join(done.args)}: one sentence was wanted, not {done.stderr!r}")
    for word in words:
        if word not in lines[0]:
            raise Failed(f"{' '.join(done.args)}: {word!r} is not in {lines[0]!r}")
    return lines[0]


def ports():
    """Three that no other server of these tests has."""
    first = next(_ports)
    return {"port": first, "tv_port": first + 1, "client_port": first + 2}


def spec(**keys):
    """SPEC.yaml; what is not given gets a port of its own and PASSWORD. A key that is None is left out."""
    if "port" not in keys:
        keys = {**ports(), **keys}
    keys.setdefault("rcon_password", PASSWORD)
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in keys.items() if value is not None)


def initialize(machine, name, check=True, **keys):
    return ctl(machine, "initialize", name, "-f", "-", input=spec(**keys), check=check)


@contextlib.contextmanager
def drop_in(machine, unit, text):
    """Changes a unit or a template for as long as the block lasts: drop_in(machine, "x@.service", "[Service]…")."""
    path = f"/etc/systemd/system/{unit}.d/test.conf"
    machine.push(text.encode(), path)
    machine.run(["systemctl", "daemon-reload"])
    try:
        yield
    finally:
        machine.run(f"rm -r '{path.rpartition('/')[0]}' && systemctl daemon-reload")


@contextlib.contextmanager
def running(machine, argv, **options):
    """A command that is left running, with pipes to read; it does not outlive the block."""
    with machine.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as child:
        try:
            yield child
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)    # who got it in there, and the command itself


def read_all_until(stream, wanted, seconds):
    """Reads an unbuffered pipe until these bytes have come and returns what came, or fails after a while."""
    deadline, seen = time.monotonic() + seconds, b""
    while wanted not in seen:
        if not select.select([stream], [], [], max(deadline - time.monotonic(), 0))[0]:
            raise Failed(f"{wanted!r} did not come within {seconds} s, only {seen[-200:]!r}")
        part = os.read(stream.fileno(), 65536)
        if not part:
            raise Failed(f"{wanted!r} did not come before the end, only {seen[-200:]!r}")
        seen += part
    return seen


def read_until(stream, wanted, seconds):
    """Whether these bytes come in time."""
    try:
        return bool(read_all_until(stream, wanted, seconds))
    except Failed:
        return False


# -- a server ---------------------------------------------------------------------------------------

class Server:
    def __init__(self, machine, name, keys):
        self.machine, self.name = machine, name
        self.keys = {**ports(), **keys} if "port" not in keys else dict(keys)
        self.port = self.keys["port"]
        self.password = self.keys.get("rcon_password", PASSWORD)
        self.unit = f"left4me-server@{name}.service"
        self.mount = f"left4me-mount@{name}.service"
        self.runtime = f"{DATA}/runtime/{name}"
        self.machine_address = machine.address

    def initialize(self, **keys):
        """Again, with these keys changed."""
        self.keys.update(keys)
        return initialize(self.machine, self.name, **self.keys)

    def ctl(self, verb, *words, **options):
        return ctl(self.machine, verb, self.name, *words, **options)

    def json(self, verb, *words):
        return ctl_json(self.machine, verb, self.name, *words)

    def start(self):
        self.ctl("start")

    def stop(self):
        self.ctl("stop")

    def status(self):
        return self.json("status")

    def properties(self):
        return self.machine.unit(self.unit)

    def wait_for(self, state, timeout=30):
        return self.machine.wait_for(self.unit, state, timeout)

    def game_pid(self):
        """The game's process, as the machine numbers it; the unit's main process is its supervisor."""
        group = self.properties()["ControlGroup"]
        words = self.machine.output(f"for p in $(cat /sys/fs/cgroup{group}/cgroup.procs); do "
                                    "echo $p $(cat /proc/$p/comm); done").splitlines()
        found = [int(line.split()[0]) for line in words if line.endswith(" srcds_linux")]
        if not found:
            raise Failed(f"no game runs in {self.unit}: {words}")
        return min(found)

    def rcon(self, command, place=None):
        return rcon(place or self.machine.outside, self.port, self.password, command)

    def a2s(self, place=None):
        return a2s(place or self.machine.outside, self.port)

    def console(self, command):
        """Sends a command that may end the game, or hang it, before it answers."""
        with _network(self.machine.outside.namespace):
            session = Rcon(self.machine_address, self.port, login=self.password)
        with session, contextlib.suppress(OSError):
            session.send(2, 2, command)
            session.socket.settimeout(0.5)
            session.socket.recv(1)


@contextlib.contextmanager
def server(machine, name, start=True, **keys):
    """A server of its own for a test; gone at the end of the block."""
    ready(machine)
    made = Server(machine, name, keys)
    made.initialize()
    try:
        if start:
            made.start()
        yield made
    except BaseException:
        with contextlib.suppress(host.Trouble, OSError):    # what went wrong first is what to tell
            made.ctl("delete", check=False)
        raise
    made.ctl("delete", check=False)


# -- the network ------------------------------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def _network(namespace):
    """This thread in another network; sockets made here stay there."""
    if not namespace:
        yield
        return
    with open(f"/proc/self/task/{threading.get_native_id()}/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        _setns(there)
        try:
            yield
        finally:
            _setns(home)


def network(place):
    """The same for machine.outside and other places: what listens out there is made in such a block."""
    return _network(place.namespace)


def _setns(file):
    if _libc.setns(file.fileno(), _CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "entering a network namespace")


def inside(machine):
    """The machine's own network as a place to ask from."""
    return _Inside(machine)


class _Inside:
    def __init__(self, machine):
        self.namespace, self.machine_address = machine.name, machine.address


def rcon(place, port, password, command):
    """The answer to one command; `place` is machine.outside, a machine.lan(…) or inside(machine)."""
    with _network(place.namespace):
        session = Rcon(place.machine_address, port, login=password)
    with session:
        return session.run(command)


def query(place, port):
    """A socket for raw queries, see test/judge/client.py; use it in a `with` block."""
    with _network(place.namespace):
        return Query(place.machine_address, port)


def send(place, address, port, data):
    """A datagram from there."""
    with _network(place.namespace), socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(data, (address, port))


def a2s(place, port):
    """What A2S_INFO says: name, map, players, max_players, bots, port."""
    with query(place, port) as asked:
        return _info(asked.ask(INFO))


def a2s_rules(place, port):
    with query(place, port) as asked:
        words = asked.ask(RULES)[7:].decode(errors="replace").split("\0")
    return dict(zip(words[0::2], words[1::2]))


def _info(answer):
    if answer[:5] != b"\xff\xff\xff\xffI":
        raise Failed(f"this is no answer to A2S_INFO: {answer[:20]!r}")
    texts = answer[6:].split(b"\0", 4)
    app, players, max_players, bots = struct.unpack_from("<HBBB", texts[4])
    rest = texts[4][9:].partition(b"\0")[2]
    port = struct.unpack_from("<H", rest, 1)[0] if rest and rest[0] & 0x80 else None
    return {"name": texts[0].decode(), "map": texts[1].decode(), "folder": texts[2].decode(), "app": app,
            "players": players, "max_players": max_players, "bots": bots, "port": port}


# -- judges -----------------------------------------------------------------------------------------

def _judges():
    """The directory where node finds its modules."""
    with host.Lock(host.cache() / "judges.lock"):
        target = pathlib.Path(host.call([REPO / "tools/judges"]).strip())
        shutil.copy(JUDGE / "judge.mjs", target)
    return target


def judge(place, *words):
    """A foreign client in node: judge(machine.outside, "a2s", PORT) or ("rcon", PORT, PASSWORD, COMMAND)."""
    verb, *rest = map(str, words)
    said = place.run(["node", _judges() / "judge.mjs", verb, place.machine_address, *rest]).stdout
    return json.loads(said) if verb == "a2s" else said


def quakestat(place, port):
    """What Debian's qstat says of a server."""
    host.need_commands("quakestat")
    said = place.run(["quakestat", "-json", "-a2s", f"{place.machine_address}:{port}", "-P"]).stdout
    return json.loads(said)[0]
