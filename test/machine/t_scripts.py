# SPDX-License-Identifier: MIT
"""Hostile scripts, in real builds: what they reach, see, keep, leave behind, fill and forge. Nothing that matters.

Each is shown to be an attack where the protection is not. What must not change outside, and what must not
stay behind, is looked at after every build: see scene.py. The build of another overlay runs meanwhile.
"""

import base64
import contextlib
import io
import subprocess
import time
import unicodedata
import zipfile

import attacks
import internet
import product
import scene
import t_attacks
import t_overlays
from harness import check, equal, only, within
from machine import Machine
from product import DATA
from scene import BOTH, BUILD_USER, inside

from server import Authority, Reply, Server

UNIT = "left4me-script@.service"


# -- the network ------------------------------------------------------------------------------------

# By what a script would gain there. All but the last two are addresses of somebody who listens.
PRIVATE = {
    "loopback": ("127.0.0.1", "127.1.2.3", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"),
    "RFC 1918": ("10.77.0.2", "172.16.5.2", "192.168.77.2", "::ffff:10.77.0.2"),
    "carrier NAT": ("100.64.0.2",),
    "metadata": ("169.254.169.254", "fd00:ec2::254", "168.63.129.16"),
    "ULA": ("fd00:77::2", "fec0:77::2"),
    # NAT64 leads to 169.254.169.254 and 10.77.0.2.
    "NAT64": ("64:ff9b::a9fe:a9fe", "64:ff9b:1::a4d:2"),
    "reserved": ("192.0.0.2", "198.18.0.2", "240.0.0.2"),
}
GROUPS = ("224.0.0.1", "239.1.2.3", "ff05::77", "ff02::1")          # they go where the default route leads
BROADCAST = ("10.77.0.255",)
PUBLIC = ("203.0.113.7", "2001:db8:7::7")


def neighbours(here):
    """The network of all these addresses, made once a machine."""
    machine = here.machine
    if not hasattr(here, "lan"):
        here.lan = machine.lan("home", "10.77.0.0/24", "172.16.5.0/24", "192.168.77.0/24", "100.64.0.0/24", "169.254.169.254/16",
                               "192.0.0.2/29", "198.18.0.0/24", "240.0.0.0/24", "fd00:77::/64", "fd00:ec2::254/64", "fec0:77::/64",
                               "64:ff9b::a9fe:a9fe/96", "64:ff9b:1::a4d:2/64")
        for address in (*PUBLIC, "168.63.129.16", "9.9.9.9"):
            machine.outside.add_address(f"{address}/{128 if ':' in address else 32}")
        # The kernel's own link-local addresses are of use only a second later.
        here.lan.run("ip address add fe80::77/64 dev eth0 nodad")
        machine.run("ip address add fe80::1/64 dev home nodad")
    return here.lan


@contextlib.contextmanager
def everywhere(here):
    """Ears at every address that a script must not reach."""
    machine, lan = here.machine, neighbours(here)
    own = [machine.address, machine.address6, "10.77.0.1", "fd00:77::1"]
    there = [address for addresses in PRIVATE.values() for address in addresses
             if address not in (*PRIVATE["loopback"], "168.63.129.16") and not address.startswith("::ffff")]
    with scene.listening((machine, ["127.0.0.1", "127.1.2.3", "::1", *own]), (lan, [*there, *BROADCAST, "fe80::77%eth0"]),
                         (machine.outside, ["168.63.129.16", *(f"{group}%eth0" for group in GROUPS)])) as ears:
        yield ears, own


def flows(hows, addresses):
    return [word for address in addresses for how in hows for word in (how, address, 80)]


@only("trixie")
def test_private_networks(machine):
    """no loopback, no private network, no metadata, no NAT64, no multicast: nobody there hears a packet"""
    here = scene.of(machine)
    with everywhere(here) as (ears, own):
        single = [*(address for addresses in PRIVATE.values() for address in addresses), *own, "fe80::77%home"]
        many = [*(f"{group}%eth0" if ":" in group else group for group in GROUPS), *BROADCAST, "255.255.255.255"]
        words = [*flows(("tcp", "udp", "udp-unconnected"), single), *flows(("udp",), many),
                 *flows(("tcp-multipath", "tcp-fastopen"), ("127.0.0.1", "10.77.0.2"))]
        found = here.outside("flow", *words)
        attacks.must_work(found, "the same outside", *[f"{how} {address}" for address in single for how in ("tcp", "udp")])
        wanted = {name for one in ears for name in one.names} - {f"tcp {address}" for address in (*GROUPS, *BROADCAST)}
        equal(wanted - scene.heard(ears), set(), "who did not hear the same outside, so that the test shows nothing")

        built = here.attack(inside("flow", *words, programs=("inside",)))
        attacks.must_hold(built.found(), "flows", len(words) // 3)
        equal(scene.heard(ears), set(), "who has heard a script")


@only("trixie")
def test_the_public_internet(machine):
    """public addresses are reached, IPv4 and IPv6, TCP and UDP, and answer"""
    here = scene.of(machine)
    neighbours(here)
    with scene.listening((machine.outside, PUBLIC)) as ears:
        built = here.attack(inside("flow", *flows(("tcp", "udp", "udp-unconnected"), PUBLIC), programs=("inside",)))
        attacks.must_work(built.found(), "the internet", *[f"{how} {address}" for address in PUBLIC for how in ("tcp", "udp")])
        equal(scene.heard(ears), {f"{how} {address}" for address in PUBLIC for how in ("tcp", "udp")}, "who was heard there")


@only("trixie")
def test_resolvers(machine):
    """a name is asked of a public server; neither the machine's own resolver nor one of its network hears of it"""
    here = scene.of(machine)
    lan = neighbours(here)
    ask = "timeout 0.3 getent hosts secret.internal"
    with scene.listening((machine, ["127.0.0.53#53"]), (lan, ["10.77.0.2#53"]), (machine.outside, ["9.9.9.9#53"])) as ears:
        stub, private, public = ears
        for address, listener in (("127.0.0.53", stub), ("10.77.0.2", private)):
            machine.run(f"echo nameserver {address} > /etc/resolv.conf; {ask}; rm /etc/resolv.conf", check=False)
            equal(listener.heard(), {f"udp {address}#53"}, "who is asked outside")
        machine.run("echo nameserver 10.77.0.2 > /etc/resolv.conf")
        words = [word for how in ("udp", "tcp") for address in ("127.0.0.53", "10.77.0.2") for word in (how, address, 53)]
        built = here.attack(f"{ask}\n" + inside("flow", *words, programs=("inside",)))
        machine.run("rm /etc/resolv.conf")
        equal((stub.heard(), private.heard()), (set(), set()), "private servers that were asked")
        equal(public.heard(), {"udp 9.9.9.9#53"}, "public servers that were asked")
        attacks.must_hold(built.found(), "asking them directly", 4)


@only("trixie")
def test_packets(machine):
    """a script sends from no address but this machine's, and fills no table of connections"""
    here = scene.of(machine)
    neighbours(here)
    forged = ("forge", PUBLIC[1], "fd00:77::2")
    attacks.must_work(here.outside(*forged), "outside", "a source that is another's", "what looks like a reply")
    attacks.must_work(here.outside("flood", machine.outside.address, 5000), "outside", "flows")
    found = here.attack(inside(*forged, programs=("inside",))
                        + inside("flood", machine.outside.address, 20000, programs=("inside",))).found()
    attacks.must_hold(found, "forged sources and floods", 3)


@only("trixie")
def test_listening(machine):
    """a script listens on no port, TCP or UDP, and nobody outside reaches one that the kernel chose"""
    here = scene.of(machine)
    words = [word for how in ("tcp", "udp", "multipath") for address in ("0.0.0.0", "::", "127.0.0.1") for port in (4444, 0)
             for word in (how, address, port)]
    attacks.must_work(here.outside("listen", *words), "outside", "tcp 0.0.0.0 4444", "udp :: 4444", "tcp :: 0")
    attacks.must_hold(here.attack(inside("listen", *words, programs=("inside",))).found(), "listening", 18)


# -- what a script needs ------------------------------------------------------------------------------

# By the program that is tried: what it prints when it works.
TOOLS = {
    "bash": ("bash -c 'set -m; mapfile -t rows < <(printf \"a\\nb\\n\"); echo ${rows[1]}'", "b"),
    "awk": ("awk 'BEGIN { print 6 * 7 }'", "42"),
    "sed": ("echo abc | sed -E s/b/x/", "axc"),
    "grep": ("printf 'a1\\nb2\\n' | grep -oE '[0-9]$' | paste -sd+", "1+2"),
    "find": ("find some -type f -name '*.txt' -printf '%f %s\\n'", "file.txt 6"),
    "xargs": ("find some -type f -print0 | xargs -0 -r cat", "hello"),
    "tar": ("tar -cf t.tar some && tar -xOf t.tar some/file.txt", "hello"),
    "gzip": ("tar -czf t.tgz some && tar -xzOf t.tgz some/file.txt", "hello"),
    "unzip": ("unzip -qq -o good.zip && cat zipped.txt", "of a zip"),
    "7z": ("7z a -bd t.7z some > log && 7z e -so t.7z some/file.txt 2> log", "hello"),
    "jq": ("""echo '{"a": [1, {"b": "c"}]}' | jq -r '.a[1].b'""", "c"),
    "sha256sum": ("sha256sum some/file.txt | tee sums | cut -c1-8; sha256sum --quiet -c sums", "5891b5b5"),
    "sha1sum": ("sha1sum some/file.txt | cut -c1-8", "f572d396"),
    "md5sum": ("md5sum some/file.txt | cut -c1-8", "b1946ac9"),
    "diff": ("diff <(echo a) <(echo b) | head -n 1", "1c1"),
    "install": ("install -D -m 755 some/file.txt i/n/file && stat -c %a i/n/file", "755"),
    "cp": ("cp -a some copy && mv copy moved && ln -sf file.txt moved/link && readlink moved/link", "file.txt"),
    "mktemp": ("d=$(mktemp -d) && touch $d/x && rm -r $d && echo $d | cut -d. -f1", "/tmp/tmp"),
    "date": ("date -u -d @0 +%F", "1970-01-01"),
    "sort": ("printf '10\\n9\\n1.2\\n' | sort -V | paste -sd,", "1.2,9,10"),
    "split": ("seq 1000 | split -l 500 - part. && ls part.* | wc -l", "2"),
    "dd": ("dd if=/dev/zero bs=1M count=2 status=none | wc -c", "2097152"),
    "timeout": ("timeout 0.01 sleep 60; echo $?", "124"),
    "flock": ("flock lock echo locked", "locked"),
    "getopt": ("getopt -o a: -l all: -- --all x", " --all 'x' --"),
    "python3": ("python3 -c 'import json, ssl, sqlite3, zipfile; print(json.dumps([1]))'", "[1]"),
    "perl": ("perl -e 'print join(\",\", map { $_ * 2 } 1, 2), \"\\n\"'", "2,4"),
    "bzip2": ("bzip2 -c some/file.txt | bzip2 -dc", "hello"),
    "xz": ("xz -c some/file.txt | xz -dc", "hello"),
    "zstd": ("zstd -qc some/file.txt | zstd -qdc", "hello"),
    "git": ("git init -q g && cd g && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && git log --format=%s", "x"),
    "getent": ("getent hosts localhost | tr -s ' ' | cut -d' ' -f2", "localhost"),
    "openssl": ("printf x | openssl dgst -sha256 -r | cut -c1-8", "2d711642"),
}
OPTIONAL = {"python3", "perl", "bzip2", "xz", "zstd", "git", "openssl"}         # no dependency of ours, or none that this machine has
AWAY = "www.example.org"


@only("trixie")
def test_tools(machine):
    """what scripts need works in the sandbox: programs, alternatives, names of hosts, a download by its name over TLS"""
    here = scene.of(machine)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zipped.txt", "of a zip\n")
    missing = set(machine.output("".join(f"command -v {name} > /dev/null || echo {name}\n" for name in TOOLS)).split())
    equal(missing - OPTIONAL, set(), "programs that the machine does not have")
    lines = [f"echo {base64.b64encode(packed.getvalue()).decode()} | base64 -d > good.zip", "mkdir some; echo hello > some/file.txt"]
    lines += [f"( {line} ) > /cache/tool.{name} 2>&1" for name, (line, _) in TOOLS.items() if name not in missing]
    lines += [f"curl -fsS --max-time 30 https://{AWAY}/tool.txt > /cache/tool.curl 2>&1",
              f"getent ahostsv4 {AWAY} | cut -d' ' -f1 | head -n 1 > /cache/tool.name"]
    directory = internet.trust(machine, lambda directory: Authority(directory).ca_path)
    listener = internet.listen(machine, internet.HOST, internet.HTTPS)
    with Server({AWAY: lambda request: Reply(b"downloaded\n")}, Authority(directory), listener=listener), internet.names(machine, {AWAY: [internet.HOST]}):
        here.attack("cd /tmp && mkdir tools && cd tools\n" + "\n".join(lines) + "\nexit 0\n", result="published")
    wanted = {name: text for name, (_, text) in TOOLS.items() if name not in missing} | {"curl": "downloaded", "name": internet.HOST}
    got = {name: machine.read(f"{here.cache}/tool.{name}").rstrip("\n") for name in wanted}
    equal({name: got[name] for name in wanted if got[name] != wanted[name]}, {}, "programs that do not work in the sandbox, and what they say")


# -- files and processes of others --------------------------------------------------------------------

@only("trixie")
def test_secrets(machine):
    """D1: a search of everything, by content and by name, finds no secret of anybody else"""
    here = scene.of(machine)
    word = here.marker[::-1]
    found = here.outside("scan", word, "/", user="root")
    attacks.must_work(found, "the same search by root", *here.secrets)
    found = here.outside("scan", word, "/")
    attacks.must_work(found, "the same search outside the sandbox", *here.PUBLIC)
    equal([path for path in attacks.done(found) if path.startswith(DATA) and path not in here.PUBLIC], [],
          f"secrets that {BUILD_USER} can read below {DATA} outside the sandbox")
    built = here.attack(inside("scan", word, "/"))
    for program in BOTH:
        equal(attacks.done(built.found(program)), [], f"secrets that were found by {program}")
    check(int(built.found()["all of it"][1].split()[0]) > 50, f"the search saw next to nothing: {built.found()}")


@only("trixie")
def test_paths(machine):
    """D1: databases, configurations, sources, generations, caches, scratches and layers of others, by their paths"""
    here = scene.of(machine)
    here.start_beside()
    scratch = f"{DATA}/builds/{here.build}"
    places = [*here.secrets, "/etc/shadow", "/etc/left4me", DATA, f"{DATA}-host", f"{DATA}/overlays", f"{DATA}/sources",
              f"{DATA}/cache", f"{DATA}/builds", f"{scratch}/upper/secret.cfg", f"{scratch}/merged/secret.cfg", f"{scratch}/source/script",
              f"{DATA}/runtime/victim/merged", f"{DATA}/instances/victim/spec.yaml", "/opt", "/home", "/root", "/mnt", "/boot", "/var/log",
              "/run/left4me", "/run/left4me-host/lock", "/etc/systemd"]
    ways = ("", "/proc/1/root", "/proc/1/cwd/../../../../..", "/proc/self/root/../..", "/overlay/../..", "/cache/../..", "/source/../..")
    attacks.must_work(here.outside("read", *places, user="root"), "by root", *places)
    script = "".join(inside("read", *[way + place for place in places], programs=("inside",)) for way in ways)
    built = here.attack(script)
    attacks.must_hold(built.found(), "reading by path", len(places) * len(ways))


@only("trixie")
def test_writing(machine):
    """a script writes to its overlay, its cache and its own temporary files, and nowhere else"""
    here = scene.of(machine)
    own = ("/overlay/x", "/cache/x", "/tmp/x", "/var/tmp/x", "/dev/shm/x")
    others = [f"{DATA}/overlays/{here.neighbour}/state.json", f"{DATA}/cache/script/{here.neighbour}/x", f"{DATA}/builds/x",
              "/source/script", "/source/x", "/x", "/usr/x", "/etc/x", "/etc/passwd", "/etc/resolv.conf", "/run/x", "/sys/x", "/proc/x",
              "/var/x", "/root/x", "/home/x", "/srv/x", "/dev/x", "/proc/1/oom_score_adj", "/proc/1/root/etc/passwd",
              "/usr/bin/bash", "/bin/x", "/lib/x", "/usr/lib/left4me/root/x", "/proc/sys/kernel/core_pattern", "/sys/fs/cgroup/x"]
    found = here.attack(inside("write", *own, *others, programs=("inside",))).found()
    attacks.must_work(found, "what is its own", *own)
    attacks.must_hold({what: row for what, row in found.items() if what not in own}, "what is not", len(others))


# What a script tries with the directories it is given. None of it may lead to what is outside of them.
REPLACED = """
cd /
try() { "$@" && echo "$*" >> /cache/worked; }
for place in /overlay /source /cache; do
    try mv $place $place.old; try rmdir $place; try rm -d $place; try ln -sfT /etc $place; try mount --bind /usr $place
    try mount -t tmpfs none $place; try umount $place; try umount -l $place; try mount -o remount,rw $place; try mkdir $place/../x
done
try mv /source/script /source/old; try rm -f /source/script; try ln -f /cache/x /source/script; try chmod 777 /source /source/script
try sh -c 'echo evil > /source/script'; try sh -c 'echo evil >> /source/source.json'; try touch /source/x; try mkfifo /source/fifo
try truncate -s 0 /source/script; try cp /usr/bin/true /source/script; try chown 0 /source/script; try setsid mv -T /tmp /source
try ln /source/script /overlay/script; try ln /source/script /cache/script; try ln /etc/passwd /overlay/passwd; try ln /usr/bin/bash /cache/bash
try ln /usr/bin/bash /overlay/bash; try ln /cache/worked /overlay/worked; try ln /overlay/left4dead2/cfg/old.cfg /cache/old
"""


@only("trixie")
def test_what_it_is_given(machine):
    """/overlay, /source and /cache stay what they are, and nothing is linked from one into another or from outside"""
    here = scene.of(machine)
    machine.run("set -e; mkdir /tmp/loose; echo > /tmp/loose/x; ln /tmp/loose/x /tmp/loose/y; mount --bind /usr /tmp/loose; umount /tmp/loose; "
                "mv /tmp/loose /tmp/old; rm -r /tmp/old")       # outside all of that works
    built = here.attack(f"{REPLACED}\nexit 0\n", result="published")
    equal(built.read("worked"), "", "what a script could do to its directories")
    check("Nothing changed" in built.done.stdout, f"something was published: {built.done.stdout}")


# A process of the builder's user that lets itself be traced, whatever Yama says, and has something to read where the attack looks.
_TRACEABLE = """
import ctypes, mmap, os, signal
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap(ctypes.c_void_p(0x400000), ctypes.c_size_t(4096), 3, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x100000, -1, ctypes.c_long(0))
libc.prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)        # PR_SET_PTRACER, PR_SET_PTRACER_ANY
print(os.getpid(), flush=True)
while True:
    signal.pause()
"""


@contextlib.contextmanager
def traceable(machine):
    """Its number, as the machine counts."""
    with product.running(machine, ["python3", "-c", _TRACEABLE], user=BUILD_USER) as child:
        yield int(product.read_all_until(child.stdout, b"\n", 30))


@only("trixie")
def test_processes(machine):
    """D2: a script sees its own processes alone, and reaches into none of another build, of a server, of anybody"""
    here = scene.of(machine)
    here.start_beside()
    others = (here.game, here.victim.status()["pid"], here.builder, *here.sleepers)
    found = here.outside("process", here.sleepers[0])
    attacks.must_work(found, "the same user outside", *[f"{here.sleepers[0]} {way}" for way in ("kill", "tgkill", "pidfd", "setpriority")])
    tracing = ("ptrace", "vm_readv", "getfd", "mem", "environ", "maps", "auxv", "prlimit", "affinity")
    with traceable(machine) as target:
        found = here.outside("process", target)
    attacks.must_work(found, "tracing a process of the same user outside", *[f"{target} {way}" for way in tracing])
    built = here.attack(inside("processes") + inside("process", *others))
    for program in BOTH:
        found = built.by_word(program)
        names = {text for _, text in found.get("processes", {}).values()}
        check(program in names or program == "inside32", f"a script does not even see itself: {found}")
        equal(names - {"bash", "left4me-script", *BOTH}, set(), "processes of others that it sees")
        attacks.must_hold(found.get("process", {}), f"reaching into others by {program}", 15 * len(others) if program == "inside" else 0)


@only("trixie")
def test_the_runner(machine):
    """process 1 of a build has the same user, and yet a script does not trace it, read it, slow it down or end it"""
    here = scene.of(machine)
    script = "kill -KILL 1; kill -STOP 1; kill -SEGV 1; kill -ABRT 1\n" + inside("process", 1, programs=("inside",))
    found = here.attack(script).found()
    allowed = {f"1 {way}" for way in ("kill", "tgkill", "sigqueue", "pidfd")}         # it does not hear them
    attacks.must_hold({what: row for what, row in found.items() if what not in allowed}, "process 1", 11)


@only("trixie")
def test_signals(machine):
    """a script that kills everything it can kills itself"""
    here = scene.of(machine)
    here.outside("process", here.sleepers[0])           # it can: see test_processes
    here.attack(f"trap '' TERM HUP INT\nkill -9 {here.sleepers[0]} {here.builder} {here.game}\n"
                f"for n in $(seq 2 400); do kill -9 $n -$n; done\n{attacks.TARGET}/inside said killall\nkill -9 -1\n")
    here.end_beside()


# -- rights -------------------------------------------------------------------------------------------

# Run by a script as by nobody else: the word, its arguments, how many attempts there are at least. Then who
# succeeds outside (`unshare`: root, in namespaces of his own), and in what: that much of it is an attack at all.
RIGHTS = {
    "namespaces": ((), 16, BUILD_USER, ("unshare user", "clone user", "clone3 user")),
    "mounts": ((), 14, "unshare", ("mount tmpfs", "mount proc", "bind", "pivot_root", "fsopen")),
    "kernel": ((), 31, BUILD_USER, ("personality", "io_uring", "add_key", "keyctl")),
    "rights": ((), 5, "root", ("setuid", "setresuid", "setgid", "setgroups")),
    "limits": ((), 15, "root", ("core", "nice", "real time disk", "fifo", "round robin")),
    "cgroup": ((), 4, "root", ("mkdir", "procs")),
    "netlink": ((), 2, "unshare", ("set loopback down", "flush ruleset")),
    "quotas": ((), 5, BUILD_USER, ("inotify",)),
    "families": ((), 13, "root", ("packet", "raw", "raw6")),
    "roots": ((), 3, "root", ("chroot",)),
    "unix": (t_attacks.SOCKETS, len(t_attacks.SOCKETS), BUILD_USER, ("/run/systemd/journal/socket", "/run/dbus/system_bus_socket")),
    "journal": (("forged-by-a-script", "UNIT=left4me-server@victim.service"), 3, BUILD_USER, ("native", "syslog", "stdout")),
}
SETID = ("/overlay", "/cache", "/tmp", "/var/tmp", "/dev/shm")


def tried(here):
    """One script tries all of the table, by both kinds of programs; each test looks at its own part."""
    if not hasattr(here, "tried"):
        built = here.attack("".join(inside(word, *row[0]) for word, row in RIGHTS.items())
                            + "".join(inside("setid", place) for place in SETID))
        here.tried = {program: built.by_word(program) for program in BOTH}
    return here.tried


def control(here, word, arguments, user):
    machine = here.machine
    if user == "unshare":
        done = machine.run(["unshare", "--mount", "--net", "--pid", "--fork", "--propagation", "private", "sh", "-c",
                            f"nft add table inet x; {attacks.TARGET}/inside outside {word}"], check=False)
        return attacks.parse(done.stdout)
    return here.outside(word, *(argument.replace("by-a-script", "outside") for argument in arguments), user=user)


def right(word):
    arguments, least, user, works = RIGHTS[word]

    def test(machine):
        here = scene.of(machine)
        attacks.must_work(control(here, word, arguments, user), f"{word} by {user} outside", *works)
        machine.run("rmdir /sys/fs/cgroup/attack", check=False)
        for program in BOTH:
            found = tried(here)[program].get(word, {})
            if word == "families" and program == "inside32":
                continue        # of 32-bit programs no filter sees the family: docs/threat-model.md, what is left open
            attacks.must_hold(found, f"{word} by {program}", least if program == "inside" else 0)

    test.__doc__ = f"a script gets nowhere by what is called '{word}' in attacks/inside.c"
    return only("trixie")(test)


for _word in RIGHTS:
    globals()[f"test_{_word}"] = right(_word)


@only("trixie")
def test_setid(machine):
    """no set-id file, no device, no file capability, wherever a script may write, by any call"""
    here = scene.of(machine)
    machine.run(f"install -d -o {BUILD_USER} /tmp/loose")
    attacks.must_work(here.outside("setid", "/tmp/loose"), "outside", "chmod", "chmod group", "fchmodat2", "open", "openat2",
                      "mknod file", "io_uring")
    machine.run("rm -r /tmp/loose")
    for program in BOTH:
        attacks.must_hold(tried(here)[program].get("setid", {}), f"set-id files by {program}", 12 if program == "inside" else 0)
    equal(machine.output(f"find {DATA}/builds {here.cache} -perm /6000 -o -type b"), "", "set-id files and devices on disk")


@only("trixie")
def test_journal_entries(machine):
    """nothing that a script says stands in the journal as another's"""
    here = scene.of(machine)
    here.outside("journal", "forged-outside")
    machine.run("until journalctl -q -g ^forged-outside -n 1 | grep -q .; do journalctl --sync; done", timeout=20)
    tried(here)
    equal(machine.output("journalctl -q --no-pager -g ^forged-by-a-script -n 1", check=False), "", "forged entries")


@only("trixie")
def test_abstract_sockets(machine):
    """an abstract socket of the machine has no owner and no mode, and yet a script does not meet it"""
    here = scene.of(machine)
    with product.running(machine, [f"{attacks.TARGET}/inside", "outside", "abstract", "@left4me-meet", "60"], user=BUILD_USER) as child:
        product.read_all_until(child.stdout, b"ready", 10)
        attacks.must_hold(here.attack(inside("unix", "@left4me-meet", programs=("inside",))).found(), "an abstract socket")
        attacks.must_work(here.outside("unix", "@left4me-meet"), "the same outside", "@left4me-meet")


@only("trixie")
def test_limits_of_the_unit(machine):
    """what a machine without controllers cannot show: the unit asks for the limits (the vm's tests show that they bite)"""
    loaded = machine.unit("left4me-script@any.service")
    wanted = {"MemoryMax": 4 << 30, "MemorySwapMax": 512 << 20, "TasksMax": 512, "CPUQuotaPerSecUSec": 2000000, "Slice": "l4d2build.slice",
              "Nice": 10, "OOMScoreAdjust": 500, "OOMPolicy": "kill", "LimitCORE": 0, "TimeoutStartUSec": 3600000000, "User": BUILD_USER,
              "PrivatePIDs": "yes", "NoNewPrivileges": True, "IPAddressAllow": []}
    equal({name: loaded.get(name) for name in wanted}, wanted, "properties of the unit")
    check(loaded["LimitFSIZE"] <= 64 << 30, f"a file may have {loaded['LimitFSIZE']} bytes")


# -- what it leaves to be published -------------------------------------------------------------------

# By what is refused: the script, and the words of the refusal. Two need a sandbox that lets them.
REFUSED = {
    "an absolute link": ("ln -s /etc/shadow out", "is a symbolic link"),
    "a link that leads out": ("ln -s left4dead2/../../../etc out", "is a symbolic link"),
    "a FIFO that writes to the terminal": (r"mkfifo $'e\e[2J\e]0;owned\a'", "'e?[2J?]0;owned?' is a FIFO"),
    "a socket": ("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"out\")'", "is a socket",
                 "RestrictAddressFamilies=AF_UNIX"),
    "set-user-id": ("cp /usr/bin/true out; chmod 4755 out", "is set-user-id", "RestrictSUIDSGID=no"),
    "many names": ("touch out; for n in $(seq 80); do ln out out$n; done", "has more than 60 names"),
}


@only("trixie")
def test_results_that_are_refused(machine):
    """links that lead out, FIFOs, sockets, set-id files: refused by name, and the overlay stays as it is"""
    here = scene.of(machine)
    for about, (script, words, *settings) in REFUSED.items():
        with contextlib.ExitStack() as stack:
            for setting in settings:
                stack.enter_context(product.drop_in(machine, UNIT, f"[Service]\n{setting}\n"))
            done = here.attack(f"{script}\n", result="refused").done
        check(words in done.stderr and "old generation stays" in done.stderr, f"{about}: {words!r} is not in {done.stderr!r}")
        check(not [char for char in done.stderr if char != "\n" and unicodedata.category(char) == "Cc"], f"{about}: {done.stderr!r}")
    here.attack("true")                     # takes away what is left of the last one


# Unpleasant, but of no harm: these are published, as plain files that belong to left4me-content.
UNPLEASANT = """
mkdir -p closed/inner away; echo x > closed/inner/file; chmod 000 closed/inner/file closed/inner closed
chmod 777 . left4dead2; echo x > left4dead2/open; chmod 666 left4dead2/open
ln -s left4dead2 inward; ln -s nowhere dangling; ln -s loop loop
rm left4dead2/cfg/old.cfg; mv more.cfg away/
touch "$(printf 'e\\e[2Jname')" -- "-rf" $'line\nbreak' "$(printf '%0255d' 0)"
python3 - <<'EOF'
import os
for path, name in (("away", "user.overlay.opaque"), ("left4dead2", "user.overlay.redirect"), ("left4dead2/open", "user.overlay.metacopy"),
                   ("left4dead2/open", "user.overlay.origin"), ("left4dead2/open", "user.note"), (".", "user.overlay.opaque")):
    try:
        os.setxattr(path, name, b"/../../../../../etc")
    except OSError:
        pass
EOF
"""


@only("trixie")
def test_results_that_are_tamed(machine):
    """closed directories, open modes, whiteouts, marks of overlayfs, odd names: published as plain files"""
    here = scene.of(machine)
    done = here.attack(f"set -e\n{UNPLEASANT}", result="published").done
    current = product.generations(machine, here.hostile)[0]
    tree = f"{DATA}/overlays/{here.hostile}/{current}"
    listed = set(machine.output(f"find {tree} ! -type l -printf '%u:%g %m %y\\n'").splitlines())
    equal(listed, {"left4me-content:left4me-content 750 d", "left4me-content:left4me-content 640 f"}, "owners, modes and kinds")
    names = machine.output(["find", tree, "-printf", "%P\\0"]).split("\0")
    for name in ("closed/inner/file", "away/more.cfg", "inward", "loop", "-rf", "line\nbreak", "e\x1b[2Jname", "0" * 255):
        check(name in names, f"{name!r} is not there: {names}")
    check("left4dead2/cfg/old.cfg" not in names and "more.cfg" not in names, f"what was removed is there: {names}")
    marks = "import os, sys\nfor at, dirs, files in os.walk(sys.argv[1]):\n    for name in dirs + files + ['.']:\n" \
            "        print(*os.listxattr(os.path.join(at, name), follow_symlinks=False), sep='\\n', end='')"
    equal(machine.output(["python3", "-c", marks, tree]), "", "extended attributes")
    check("e\\x1b[2J" in done.stdout or "\x1b" not in done.stdout, f"control bytes: {done.stdout!r}")
    here.attack("rm -rf -- * .[!.]*; mkdir -p left4dead2/cfg; echo old > left4dead2/cfg/old.cfg; echo more > more.cfg", result="published")


# Each in a file of its own, by attacks/inside.c; those that change nothing do so nowhere.
WAYS = ("write append truncate truncate-by-name map map-read-only map-private reopen copy-range clone splice punch mode times owner "
        "attribute flags link replace rename exchange remove uring").split()
SHARED = f"mkdir -p alter; cd alter; for way in {' '.join(WAYS)}; do echo untouched > $way; done; echo other > source"


@only("trixie")
def test_generations_that_share(machine):
    """a published byte is changed by no way of writing, though generations share files; not under a running server either"""
    here = scene.of(machine)
    machine.run(f"install -d -o {BUILD_USER} /tmp/loose /tmp/other; cd /tmp/loose; ({SHARED}); chown -R {BUILD_USER} .; ln alter/* /tmp/other")
    before = machine.output("cd /tmp/other && sha256sum * && stat -c '%n %a %Y' *").splitlines()
    attacks.must_work(here.outside("alter", "/tmp/loose/alter"), "outside", "write", "map", "link", "rename", "exchange", "uring")
    after = machine.output("cd /tmp/other && sha256sum * && stat -c '%n %a %Y' *").splitlines()
    changed = {line.split()[-1] if len(line.split()[0]) == 64 else line.split()[0] for line in set(before) - set(after)}
    wanted = set(WAYS) - {"map-read-only", "map-private", "clone", "owner", "attribute", "flags", "replace", "remove", "uring"}
    equal(wanted - changed, set(), "ways that should have changed what two names share, or the test shows nothing")
    machine.run("chattr -R -i /tmp/loose /tmp/other; rm -r /tmp/loose /tmp/other", check=False)

    here.attack(SHARED, result="published")
    first = product.generations(machine, here.hostile)[0]
    with product.server(machine, "ground", overlays=[here.hostile]) as server:
        here.attack("echo 1 > one.cfg", result="published")
        second = product.generations(machine, here.hostile)[0]
        trees = [f"{DATA}/overlays/{here.hostile}/{number}/alter" for number in (first, second)]
        seen = f"{server.runtime}/merged/alter"
        same = machine.output(f"stat -c %i {trees[0]}/*").splitlines()
        equal(machine.output(f"stat -c %i {trees[1]}/*").splitlines(), same, "files that the two generations share")
        look = "; ".join(f"cd {tree} && sha256sum * && stat -c '%n %a %U %s %Y' *" for tree in (*trees, seen))
        before = machine.output(look)
        built = here.attack(inside("alter", "/overlay/alter", programs=("inside",)), result="published")
        equal(machine.output(look), before, "what is published, and what the server sees")
        check(len(attacks.done(built.found())) > 15, f"few of them worked in its own tree: {built.found()}")
        third = f"{DATA}/overlays/{here.hostile}/{product.generations(machine, here.hostile)[0]}/alter"
        equal(machine.output(f"cd {third} && cat write append map"), "altered\nd\nuntouched\naltered\nalteuched", "what it has made of it")
        equal(server.status()["restarts"], 0, "restarts of the server")


# -- what it says -----------------------------------------------------------------------------------

FORGED = r"""
printf '<0>forged on standard output\n'
printf '<0>forged on standard error\n' >&2
printf '\e]0;owned\a\e[2Jforged\tterminal \xff\xfe\n'
printf 'forged\0nul\n'
echo done; echo '<5>done'; echo '<3>forged failure'; echo 'error forged'; echo '<3>forged failure' >&2
printf 'forged without an end'
"""


@only("trixie")
def test_forged_lines(machine):
    """lines of a script have the priority of their stream, whatever they begin with; none commands a terminal, or l4d2ctl"""
    here = scene.of(machine)
    since = time.time()
    built = here.attack(FORGED)
    check("forged" not in built.done.stderr, f"l4d2ctl believes it: {built.done.stderr}")
    said = built.done.stdout
    for line in ("  <0>forged on standard output", "! <0>forged on standard error", "  done", "  <5>done", "  <3>forged failure",
                 "! <3>forged failure", "  forged without an end"):
        check(line in said.splitlines(), f"{line!r} is not in {said!r}")
    check(not [char for char in said if char != "\n" and unicodedata.category(char) == "Cc"], f"control bytes: {said!r}")
    rows = [row for row in machine.journal(built.unit, json_fields=True, since=since) if row["_TRANSPORT"] == "stdout"]
    check(len(rows) >= 7, f"few lines are in the journal: {rows}")
    equal({row["PRIORITY"] for row in rows if "forged" in str(row["MESSAGE"])}, {"4", "6"}, "priorities in the journal")
    control = [row["MESSAGE"] for row in rows               # what is no text is told as a list of numbers
               if isinstance(row["MESSAGE"], list) or any(unicodedata.category(char) == "Cc" and char != "\t" for char in row["MESSAGE"])]
    equal(control, [], "control bytes in the journal")


EXITS = {"exit 9": "exit code 9", "exec no-such-command": "exit code 127", "kill -KILL $$": "signal 9"}


@only("trixie")
def test_exits(machine):
    """how a script ended is told in one sentence"""
    here = scene.of(machine)
    for script, words in EXITS.items():
        done = here.attack(script).done
        check(words in product.one_sentence(done, 1), f"{script}: {words!r} is not in {done.stderr!r}")


@only("trixie")
def test_a_line_without_end(machine):
    """an endless line is cut, and neither it nor a flood of lines fills the journal"""
    here = scene.of(machine)
    size = "journalctl --sync --rotate; du -csm /run/log/journal /var/log/journal 2>/dev/null | tail -n 1 | cut -f1"
    before, since = int(machine.output(size)), time.time()
    built = here.attack("head -c 48M /dev/zero | tr '\\0' x; echo; echo the next one")
    check("  the next one" in built.done.stdout.splitlines(), "what comes after a long line is not shown")
    longest = max(len(line) for line in built.done.stdout.splitlines())
    check(1000 < longest < 10000, f"the longest line that is shown has {longest} characters")
    built = here.attack("yes \"$(printf 'flood%.0s' $(seq 1400))\" | head -c 100M")
    check("dropped" in built.done.stdout, f"nobody says that lines were dropped: {built.done.stdout[-500:]}")
    rows = machine.output(["journalctl", "-q", "--no-pager", "-o", "cat", "-u", built.unit, f"--since=@{since:.0f}"])
    within(len(rows) / 1e6, 80, "millions of characters of it in the journal")
    within(int(machine.output(size)) - before, 200, "MiB by which the journal has grown")


# -- how long, and how much ---------------------------------------------------------------------------

# Deaf, of another session, orphaned, with a file of the overlay open and the working directory in it.
STAYS = """
trap '' TERM HUP INT QUIT
hold() { trap '' TERM HUP INT QUIT; cd /overlay; exec 5>>left4dead2/held; while :; do echo x >&5; sleep 0.1; done; }
(setsid bash -c "$(declare -f hold); hold" &) &
(hold &) &
setsid -f bash -c "$(declare -f hold); hold"
until [ -s left4dead2/held ]; do sleep 0.1; done
"""


@only("trixie")
def test_what_it_leaves_running(machine):
    """what a script leaves in the background ends with it: nothing runs on, nothing holds what is published"""
    here = scene.of(machine)
    here.attack(f"{STAYS}exit 0\n", result="published")
    current = product.generations(machine, here.hostile)[0]
    held = f"{DATA}/overlays/{here.hostile}/{current}/left4dead2/held"
    equal(machine.output(f"find -L /proc/[0-9]*/fd -maxdepth 1 -samefile {held} 2>/dev/null", check=False), "", "who has open what was published")
    here.attack("rm left4dead2/held", result="published")
    here.end_beside()


@only("trixie")
def test_time(machine):
    """a script that does not end is ended, with all it has started, however deaf it is"""
    here = scene.of(machine)
    here.start_beside()
    with product.drop_in(machine, here.next_unit(), "[Service]\nTimeoutStartSec=3s\nTimeoutStopSec=1s\n"):
        done = here.attack(f"{STAYS}while :; do sleep 1; done\n").done
        said = product.ctl(machine, "overlay", "log", here.hostile).stdout
    why = "the build was ended: it took longer than the 3 s that it may take"
    product.one_sentence(done, 1, why)
    check(f"! {why}\n" in said, f"its log does not say why it ended: {said[-500:]!r}")
    here.end_beside()


@only("trixie")
def test_shared_memory(machine):
    """a script's memory file systems are its own and of a limited size"""
    here = scene.of(machine)
    built = here.attack("for place in /dev/shm /tmp /var/tmp; do df --output=size -k $place | tail -n 1 >> /cache/sizes; done\n"
                        "head -c 300M /dev/zero > /dev/shm/x; du -m /dev/shm/x > /cache/took; cat /dev/shm/secret /tmp/secret /var/tmp/secret\n")
    check(int(built.read("took").split()[0]) <= 256, f"it took of shared memory: {built.read('took')}")
    for size in built.read("sizes").split():
        check(int(size) < 4 << 20, f"a memory file system of {size} KiB, which is no less than all the memory it may have")


# Leaves in $place what is unpleasant to remove, $depth directories within each other.
RESISTS = f"""
{attacks.TARGET}/inside said traps $place/trap > /dev/null
ln -s /var $place/trap
python3 - $place $depth <<'EOF'
import os, sys
os.chdir(sys.argv[1])
for n in range(int(sys.argv[2])):
    os.mkdir("d")
    os.chdir("d")
EOF
chmod 000 $place/d/d $place/d $place/trap
"""


@only("trixie")
def test_caches_that_resist(machine):
    """a scratch and a cache full of traps are removed by root, and the links in them are not followed"""
    here = scene.of(machine)
    here.attack(f"depth=1500; for place in /overlay /cache; do {RESISTS} done\n")
    before = here.state()
    leaves = f"depth=200 place=/cache\n{RESISTS}date +%N > x\n"
    with t_overlays.overlay(machine, leaves) as number:
        t_overlays.build(machine, number)
        equal(machine.output(f"ls {DATA}/cache/script/{number}").split(), ["d", "trap"], "what the script has left")
        t_overlays.source(machine, number, f"ls -A /cache\n{leaves}")
        said = product.ctl(machine, "overlay", "wipe", number).stdout
        check(not {"  d", "  trap"} & set(said.splitlines()), f"the cache was not wiped: {said}")
    equal(machine.output(f"ls -d {DATA}/*/{number} {DATA}/cache/script/{number} 2>/dev/null", check=False), "", "what is left of the overlay")
    equal(here.state(), before, "all else")


# By what takes the disk: the script. Each would write 400 MB where 16 are allowed.
BOMBS = {
    "one file": "head -c 400M /dev/zero > big",
    "many files": "for n in $(seq 8); do (for m in $(seq 800); do head -c 64K /dev/zero > $n-$m; done) & done; wait",
    "a file without a name": "exec 3> big; rm big; head -c 400M /dev/zero >&3",
    "the cache": "head -c 400M /dev/zero > /cache/big",
    "a memory map": "python3 -c 'import mmap; f = open(\"big\", \"wb+\"); f.truncate(400 << 20); m = mmap.mmap(f.fileno(), 0)\nfor at in "
                    "range(0, 400 << 20, 4096): m[at] = 1'",
    "process 1 told to stop": "kill -STOP 1; kill -TERM 1; head -c 400M /dev/zero > big",
}
DISK, ALLOWED, SPARE = "600M", "16M", 120 << 20         # SPARE: what may be written until a busy machine notices

# Says how much of the disk was free when there was least.
LEAST = """
import os, select, sys
least = 1 << 60
while not select.select([0], [], [], 0.002)[0]:
    disk = os.statvfs(sys.argv[1])
    least = min(least, disk.f_bfree * disk.f_frsize)
print(least)
"""


@contextlib.contextmanager
def least_free(machine, path):
    """A list that gets the number of bytes that were free at least, meanwhile."""
    found = []
    with machine.popen(["python3", "-c", LEAST, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        yield found
        found.append(int(child.communicate("\n", timeout=30)[0]))


@only("trixie")
def test_disk_bombs(machine):
    """a build that grows beyond its limit, or takes the last names of the disk, is ended while it grows; the next one works"""
    with Machine(machine.suite) as other:
        other.small_disk(DATA, DISK)
        other.install(machine.deb_path)
        here = scene.of(other, beside_max="200M")
        product.ctl(other, "overlay", "set", "hostile", "--output-max", ALLOWED)
        free = "stat -f -c '%f %S' " + DATA
        for about, script in BOMBS.items():
            blocks, size = map(int, other.output(f"find {here.cache} -mindepth 1 -delete; sync; {free}").split())
            with least_free(other, DATA) as least:
                done = here.attack(f"{script}\ntouch /cache/went-on\n").done
            within((blocks * size - least[0]) / 1e6, SPARE / 1e6, f"MB that {about} took of the disk")
            check("grown beyond its limit of 16.0 MiB" in done.stderr or about == "process 1 told to stop", f"{about}: {done.stderr}")
        here.end_beside()
        # Alone, since all builds are ended when a disk is nearly full. This one has some 38,000 inodes.
        product.ctl(other, "overlay", "set", "hostile", "--output-max", "256M")
        done = here.attack("for d in $(seq 80); do mkdir $d; (cd $d; touch $(seq 1000)); done", is_alone=True).done
        check("more files" in done.stderr, f"names without end: {done.stderr}")
        here.victim.rcon("sim_write left4dead2/cfg/more.cfg something")
        here.attack("date +%N > small", result="published")
        here.end_beside()


@only("trixie")
def test_sparse_files(machine):
    """a file that takes no disk, but says it has terabytes, does not use up what all overlays may have together"""
    here = scene.of(machine)
    for script in ("truncate -s 15G sparse", "for n in $(seq 40); do truncate -s 15G sparse$n; done"):
        done = here.attack(f"{script}\n", result="refused").done
        check("beyond the limit" in done.stderr, f"it says {done.stderr}")
    here.attack("true")
    here.end_beside()
