# SPDX-License-Identifier: MIT
"""scene: a machine with something to lose, and hostile scripts that are built in it.

    here = scene.of(machine)                            made once a machine
    built = here.attack(scene.inside("read", "/etc/shadow"))
    attacks.must_hold(built.found(), "reading")

While an attack is built, a server runs and so does the build of another overlay. After it all of the
machine is as it was, or attack() fails: what is published, what belongs to others, processes, mounts,
settings of the kernel; and of the attack nothing is left.
"""

import contextlib
import itertools
import json
import os
import re
import secrets
import shlex
import signal
import subprocess

import attacks
import product
import t_overlays
from harness import Failed, check, equal
from product import DATA

BUILD_USER = "left4me-build"
BOTH = ("inside", "inside32")           # the filters of the two kinds of programs are separate
_SAID = {"inside": "/cache/said", "inside32": "/cache/said32"}


def of(machine, beside_max="20G"):
    """What is in the way of the machine's first attack is made now. `beside_max` is for small disks: builds get what they may write."""
    if not hasattr(machine, "scene"):
        machine.scene = Scene(machine, beside_max)
    return machine.scene


def inside(word, *arguments, programs=BOTH):
    """A line of a script: runs an attack (attacks/inside.c) by both kinds of programs."""
    return "".join(f"{attacks.TARGET}/{program} said {word} {shlex.join(map(str, arguments))} >> {_SAID[program]} 2>&1\n"
                   for program in programs)


class Built:
    """How the build of an attack went."""

    def __init__(self, here, done, number):
        self.here, self.done, self.number = here, done, number
        self.unit = f"left4me-script@{number}.service"

    def read(self, name):
        """A file that the script left in its cache; empty if it did not."""
        return self.here.machine.output(f"cat {self.here.cache}/{name} 2>/dev/null", check=False)

    def found(self, program="inside"):
        """What the lines of inside() said: {what: (verdict, reason)}."""
        return attacks.parse(self._said(program))

    def by_word(self, program="inside"):
        """The same by the word of each line: {word: {what: (verdict, reason)}}. What two lines of a word have in common is told worst."""
        found = {}
        for line in self._said(program).splitlines():
            rows = found.setdefault(line.split()[1], {})
            for what, row in attacks.parse(line).items():
                if rows.get(what, ("",))[0] != "done":
                    rows[what] = row
        return found

    def _said(self, program):
        text = self.read(_SAID[program].rpartition("/")[2])
        # A filter may end programs of 32 bits before they can say anything.
        check(program == "inside32" or text.endswith("said end"), f"the attack did not run to its end: {self.done} {text[-500:]}")
        return text


class Scene:
    def __init__(self, machine, beside_max):
        self.machine, self.marker = machine, f"mark-{secrets.token_hex(6)}"
        product.ready(machine)
        attacks.bring(machine)
        self.neighbour = self._overlay("neighbour", f"mkdir -p left4dead2/cfg; echo {self.marker} | tee left4dead2/cfg/secret.cfg > "
                                       "/cache/secret\n")
        t_overlays.build(machine, self.neighbour)
        self.hostile = self._overlay("hostile", "mkdir -p left4dead2/cfg; echo old > left4dead2/cfg/old.cfg; echo more > more.cfg\n",
                                     "--output-max", "256M")
        t_overlays.build(machine, self.hostile)
        self.beside = self._overlay("beside", _BESIDE.format(marker=self.marker), "--keep", "1", "--output-max", beside_max)
        self.cache, self.gate = f"{DATA}/cache/script/{self.hostile}", f"{DATA}/cache/script/{self.beside}/gate"
        self._start_victim()
        self._hide_secrets()
        self.child = self.build = None
        self.sleepers = [self._sleeper(user) for user in (BUILD_USER, "left4me", product.CONTENT_USER)]

    def _overlay(self, name, text, *words):
        product.ctl(self.machine, "overlay", "create", name, "--type", "script", "-f", "-", *words, input=text)
        return product.ctl_json(self.machine, "overlay", "show", name)["overlay"]

    def _start_victim(self):
        self.victim = product.Server(self.machine, "victim", {"rcon_password": self.marker, "overlays": [self.neighbour]})
        self.victim.initialize()
        self.victim.start()
        self.victim.rcon(f"sim_write left4dead2/cfg/private.cfg {self.marker}")
        self.game = self.victim.game_pid()

    def _sleeper(self, user):
        name = f"sleeper-{user}"
        self.machine.run(["systemd-run", "-q", f"--unit={name}", f"--uid={user}", "sleep", "infinity"])
        return int(self.machine.output(["systemctl", "show", "-P", "MainPID", name]))

    # -- what there is to lose ----------------------------------------------------------------------

    # Readable by everybody, so that only the view of a script is in the way.
    PUBLIC = ("/etc/left4me/secret.conf", "/etc/secret", "/opt/secret", "/srv/secret", "/home/somebody/secret", "/mnt/secret",
              "/media/secret", "/boot/secret", "/var/lib/secret", "/var/tmp/secret", "/var/log/secret", "/tmp/secret",
              "/dev/shm/secret", "/run/secret", "/run/left4me/secret", f"{DATA}/secret", f"{DATA}-host/secret")

    def _hide_secrets(self):
        """Files with the marker; self.secrets lists them all, by what they are."""
        owned = {f"{DATA}/db/secret": "left4me", f"{DATA}/cache/steamcmd/secret": product.CONTENT_USER,
                 f"{DATA}/cache/workshop/secret": product.CONTENT_USER, "/root/secret": "root"}
        lines = [f"install -D -m 644 /dev/stdin {path} <<< {self.marker}" for path in self.PUBLIC]
        lines += [f"install -o {owner} -g {owner} -m 600 /dev/stdin {path} <<< {self.marker}" for path, owner in owned.items()]
        self.machine.run("set -e\n" + "\n".join(lines))
        generation = product.generations(self.machine, self.neighbour)[0]
        self.secrets = [*self.PUBLIC, *owned, f"{DATA}/instances/victim/rcon_password", f"{DATA}/sources/{self.beside}/script",
                        f"{DATA}/sources/{self.neighbour}/script", f"{DATA}/cache/script/{self.neighbour}/secret",
                        f"{DATA}/overlays/{self.neighbour}/{generation}/left4dead2/cfg/secret.cfg",
                        f"{DATA}/runtime/victim/upper/left4dead2/cfg/private.cfg"]

    def state(self):
        """{what: a digest or a value} of all that no script may change."""
        builders = [self.builder] if self.child else []
        return json.loads(self.machine.output(["python3", "-c", _STATE, DATA, self.hostile, self.beside, self.game, *builders, *self.sleepers]))

    def scratch(self):
        """What is there of builds, other than the one beside."""
        words = self.machine.output(f"""
            ls {DATA}/builds {DATA}-host/builds
            grep -oE ' {DATA}/builds/[0-9]+/[a-z]+' /proc/1/mountinfo
            find /sys/fs/cgroup/l4d2build.slice -mindepth 1 -maxdepth 1 -type d -printf '%f\n'
            systemctl list-units --plain --no-legend --state=failed 'left4me-*' | cut -d' ' -f1""", check=False).split()
        kept = re.compile(rf".*[/@]{self.build}([/.].*)?|{self.build}|{DATA}.*:")
        return [word for word in words if not kept.fullmatch(word)]

    # -- the build beside an attack ------------------------------------------------------------------

    def start_beside(self):
        """Begins the build of another overlay, unless it runs already: it waits at a gate."""
        if self.child:
            return
        self.child = self.machine.popen(["l4d2ctl", "overlay", "build", "beside"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        product.read_all_until(self.child.stdout, b"waiting", 30)
        self.build = int(self.machine.output(f"ls {DATA}/builds"))
        self.builder = int(self.machine.output(f"systemctl show -P MainPID left4me-script@{self.build}"))

    def end_beside(self):
        """Opens the gate: it ends, and is published, as it should."""
        word, child, self.child = secrets.token_hex(8), self.child, None
        with child:
            try:
                check(self.machine.run(f"test -p {self.gate} && echo {word} > {self.gate}", check=False, timeout=10).returncode == 0,
                      "the build beside an attack does not wait any more")
                equal(child.wait(60), 0, "exit code of the build beside an attack")
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
        current = product.generations(self.machine, self.beside)[0]
        equal(self.machine.read(f"{DATA}/overlays/{self.beside}/{current}/word.cfg"), f"{word}\n", "what it has published")

    # -- attacks ------------------------------------------------------------------------------------

    def attack(self, text, result="failed", is_alone=False):
        """Builds the script and returns how it went: its own failure, "published", or "refused" by the publisher.

        What was refused keeps its scratch until the next build.
        """
        if not is_alone:
            self.start_beside()
        self.machine.run(f"find {self.cache} -mindepth 1 -delete")
        t_overlays.source(self.machine, self.hostile, f"{text}\nexit 9\n" if result == "failed" else text)
        published, before = product.generations(self.machine, self.hostile), self.state()
        done = t_overlays.build(self.machine, self.hostile, check=False)
        said = f"({done.stdout[-500:]} {done.stderr})"
        own = f"{DATA}/overlays/{self.hostile}"
        after = self.state()
        changed = {name: (before.get(name), after.get(name)) for name in sorted(before.keys() | after.keys())
                   if before.get(name) != after.get(name) and not (result == "published" and name == own)}
        equal(changed, {}, f"what has changed outside {said}")
        equal(done.returncode, 0 if result == "published" else 1, f"exit code {said}")
        if result != "published":
            equal(product.generations(self.machine, self.hostile), published, f"generations {said}")
        built = Built(self, done, product.newest_build(self.machine))
        if result == "refused":                         # or the next build would begin with another try
            self.machine.run(["systemctl", "reset-failed", f"left4me-publish@{built.number}"], check=False)
        else:
            equal(self.scratch(), [], f"what is left of the build {said}")
        return built

    def next_unit(self):
        """The name of the unit in which the next attack is built."""
        return f"left4me-script@{product.newest_build(self.machine) + 1}.service"

    def outside(self, word, *arguments, user=BUILD_USER, **options):
        """The same attack by the same user without the sandbox, to show that it is one."""
        return attacks.outside(self.machine, user, word, *arguments, **options)


# Opens the gate for reading, waits for a word, publishes it.
_BESIDE = """set -e
[ -p /cache/gate ] || mkfifo /cache/gate
echo {marker} > secret.cfg
echo waiting
read -r word < /cache/gate
echo "$word" > word.cfg
rm secret.cfg
"""

# Prints {what: a digest or a value}. What the build beside an attack changes, as it should, is left out.
_STATE = """
import glob, hashlib, json, os, subprocess, sys
data, hostile, beside, *pids = sys.argv[1:]
found = {}
def name(path, digest, is_top=False):
    st = os.lstat(path)         # the publisher works beside the generations, in the top directory
    digest.update(repr((path, st.st_mode, st.st_uid, st.st_gid, is_top or (st.st_mtime_ns, st.st_size))).encode())
    if os.path.islink(path):
        digest.update(os.readlink(path).encode())
    elif os.path.isfile(path) and path.startswith(data):
        with open(path, "rb") as file:
            digest.update(file.read(1 << 24))
def tree(path, skipped=()):
    digest = hashlib.sha256()
    for at, dirs, files in os.walk(path):
        dirs[:] = sorted(entry for entry in dirs if f"{at}/{entry}" not in skipped)
        name(at, digest, at == path)
        for entry in sorted(files) + [entry for entry in dirs if os.path.islink(f"{at}/{entry}")]:
            name(f"{at}/{entry}", digest)
    found[path] = digest.hexdigest()[:16]
for path in glob.glob(f"{data}/overlays/*") + glob.glob(f"{data}/sources/*") + glob.glob(f"{data}/cache/script/*"):
    if not path.endswith(f"/{beside}") and path not in (f"{data}/cache/script/{hostile}", f"{data}/sources/{hostile}"):
        tree(path)
for path in ("instances", "cache/steamcmd", "cache/workshop"):
    tree(f"{data}/{path}")
with open(f"{data}/db/secret") as file:     # the database beside it is the page's to change
    found[f"{data}/db/secret"] = file.read()
tree(f"{data}/runtime", glob.glob(f"{data}/runtime/*/work"))
for path in ("instances", "overlays"):
    tree(f"{data}-host/{path}")
for path in ("/opt", "/srv", "/root", "/home", "/mnt", "/media", "/boot"):
    tree(path)
tree("/etc", ("/etc/systemd",))
digest = hashlib.sha256()
for path in [data, *glob.glob(f"{data}/*"), f"{data}-host", *glob.glob(f"{data}-host/*/"), *glob.glob("/run/left4me*/")]:
    st = os.stat(path)
    digest.update(repr((path, st.st_uid, st.st_gid, st.st_mode)).encode())
found["directories"] = digest.hexdigest()[:16]
for path in ("/dev/shm", "/dev/mqueue", "/tmp", "/var/tmp"):
    found[path] = sorted(entry for entry in os.listdir(path) if not entry.startswith("systemd-private"))
for pid in pids:
    try:
        with open(f"/proc/{pid}/stat") as file:
            words = file.read().rpartition(")")[2].split()
        found[f"process {pid}"] = [words[1], words[16], words[19]]      # parent, nice, start
    except FileNotFoundError:
        found[f"process {pid}"] = "has ended"
with open("/proc/1/mountinfo") as file:
    found["mounts"] = hashlib.sha256("".join(sorted(line for line in file if f"{data}/builds" not in line)).encode()).hexdigest()
for path in ("kernel/hostname", "kernel/core_pattern", "net/ipv4/ip_forward", "vm/overcommit_memory"):
    with open(f"/proc/sys/{path}") as file:
        found[path] = file.read()
found["groups"] = sorted(path for path in glob.glob("/sys/fs/cgroup/*/") + glob.glob("/sys/fs/cgroup/l4d2.slice/*/"))
def ask(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True).stdout
found["server"] = ask("systemctl", "show", "-P", "ActiveState", "-P", "NRestarts", "-P", "MainPID", "left4me-server@victim")
found["units"] = ask("systemctl", "is-active", "left4me-broker.socket", "left4me-log.socket", "left4me-tidy.socket", "left4me-nft",
                     "left4me-idmap", "systemd-journald", "dbus")
found["filter"] = ask("nft", "-j", "list", "tables")
found["shared memory"] = ask("ipcs", "-a")
with open("/sys/class/net/lo/flags") as file:
    found["loopback"] = file.read()
print(json.dumps(found))
"""


# -- the network ------------------------------------------------------------------------------------

# Listens at each ADDRESS#PORT by TCP and UDP, at groups by UDP; says what it hears, and answers with the same.
_EARS = """
import ipaddress, select, socket, sys
names = {}
def hear(kind, text, device, port):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    scope = socket.if_nametoindex(device) if device else 0
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if device and ipaddress.ip_address(text).is_multicast:
        member = socket.inet_pton(family, text) + (bytes(4) if family == socket.AF_INET else b"") + scope.to_bytes(4, sys.byteorder)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    try:
        sock.bind((text, port, 0, scope) if family == socket.AF_INET6 else (text, port))
    except OSError as reason:
        sys.exit(f"{text}: {reason}")
    if kind == socket.SOCK_STREAM:
        sock.listen(64)
    names[sock] = ("tcp " if kind == socket.SOCK_STREAM else "udp ") + text + ("" if port == 80 else f"#{port}")
for word in sys.argv[1:]:
    rest, _, port = word.rpartition("#")
    text, _, device = rest.partition("%")
    hear(socket.SOCK_DGRAM, text, device, int(port))
    if not ipaddress.ip_address(text).is_multicast and not text.endswith(".255"):
        hear(socket.SOCK_STREAM, text, device, int(port))
print("listening", flush=True)
talks = []
while True:
    for ready in select.select([*names, *talks], [], [])[0]:
        if ready in talks:
            try:
                data = ready.recv(512)
                ready.sendall(data)
            except OSError:
                data = b""
            if not data:
                talks.remove(ready)
                ready.close()
        elif names[ready].startswith("tcp"):
            talks.append(ready.accept()[0])
            print(names[ready], flush=True)
        else:
            data, sender = ready.recvfrom(512)
            print(data.decode() if data.startswith(b"mark ") else names[ready], flush=True)
            try:
                ready.sendto(data, sender)
            except OSError:
                pass
"""


class Ears:
    """Somebody who listens somewhere: place is the machine or a network beside it.

    An address is "10.0.0.1", "10.0.0.1#53" or "ff02::1%eth0"; without a port it is port 80.
    """

    def __init__(self, place, *addresses):
        self.place = product.inside(place) if hasattr(place, "leader") else place
        self.addresses = [address if "#" in address else f"{address}#80" for address in addresses]
        self.child = place.popen(["/usr/bin/python3", "-c", _EARS, *self.addresses], stdout=subprocess.PIPE, text=True)
        equal(self.child.stdout.readline(), "listening\n", "somebody who listens")
        self.names = {f"{kind} {address.partition('#')[0].partition('%')[0]}" for address in addresses for kind in ("tcp", "udp")}
        self.marks = itertools.count()

    def heard(self):
        """What has come since this was asked last: {"tcp 10.0.0.1", "udp 10.0.0.1#53", …}."""
        mark = f"mark {next(self.marks)}"
        address, _, port = self.addresses[0].rpartition("#")
        product.send(self.place, address, int(port), mark.encode())
        found = set()
        for line in self.child.stdout:
            if line == f"{mark}\n":
                return found
            found.add(line.rstrip("\n"))
        raise Failed("nobody listens any more")

    def close(self):
        self.child.kill()
        self.child.wait()


@contextlib.contextmanager
def listening(*pairs):
    """Ears for each (place, addresses)."""
    with contextlib.ExitStack() as stack:
        made = [Ears(place, *addresses) for place, addresses in pairs]
        for ears in made:
            stack.callback(ears.close)
        yield made


def heard(ears):
    return set().union(*(one.heard() for one in ears))
