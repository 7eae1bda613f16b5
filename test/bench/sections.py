# SPDX-License-Identifier: MIT
"""sections: what is measured. Each takes a Bench and returns rows; they run in the order of SECTIONS.

Everything is measured by a small C program inside the machine (times.c), round by round, so that what is
compared runs side by side under the same load; the first round of each is for warming up.
"""

import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import tempfile
import time

import fetching
import host
import page
import product
import references
import webbench
from table import Row, of_times

NAME, PORT = "one", 27015
DATA = product.DATA
TOOLS = "/root/bench"
CREATED, STARTED = 100, 20
LAYERS = (1, 10, 60, 200)
REFERENCES = (("bare", "hardened, no stack"), ("naked", "not hardened"), ("first", "the first system's way"))
INFO = b"\xff\xff\xff\xffTSource Engine Query\0"


class Bench:
    def __init__(self, machine, build, rounds, is_first_wanted=False):
        self.machine, self.build, self.rounds, self.is_first_wanted = machine, build, rounds, is_first_wanted
        for tool in ("bench-times", "bench-callers"):
            machine.push(build / "test/bench" / tool, f"{TOOLS}/{tool}", 0o755)

    def times(self, rounds, *words, warm_up=True):
        """A list of microseconds for each command after a ":" in `words`; see times.c."""
        said = self.machine.output([f"{TOOLS}/bench-times", rounds + warm_up, *words], timeout=300)
        return [[int(word) for word in line.split()[warm_up:]] for line in said.splitlines()]

    def callers(self, verb, name, requests, parallel):
        """(requests a second, median ms, longest ms)"""
        said = self.machine.output([f"{TOOLS}/bench-callers", verb, name, requests, parallel], timeout=120)
        total, median, longest = map(int, said.split())
        return requests / (total / 1e6), median / 1000, longest / 1000

    def ctl(self, *words, **options):
        return product.ctl(self.machine, *words, **options)


# -- the game ---------------------------------------------------------------------------------------

def install(bench):
    rows = []
    for what, build in (("the game: l4d2ctl install", product.BUILD), ("an update", product.BUILD + 1)):
        product.steamcmd(bench.machine, build)
        started = time.monotonic()
        product.install(bench.machine)
        rows.append(Row(what, (time.monotonic() - started) * 1000))
    product.initialize(bench.machine, NAME, port=PORT)
    bench.ctl("start", NAME)
    return rows


def publish(bench):
    """Outside the machine: the program alone, on this host's disk."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=host.cache()) as scratch:
        said = host.call([bench.build / "test/bench/bench-publish", scratch])
    rows = []
    for line in said.splitlines():
        name, files, ms, disk = re.match(r"(.*?) +(\d+) files .*changed: +([\d.]+) ms, +([\d.]+) MB", line).groups()
        rows += [Row(f"{name}, {files} files", float(ms)), Row("  new bytes on disk", float(disk), "MB")]
    return rows


def pak(bench):
    """Outside the machine, too: archives that are in memory."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=host.cache()) as scratch:
        said = host.call([bench.build / "test/bench/bench-pak", scratch, bench.rounds])
    lines = [(what, *map(int, numbers.split())) for what, numbers in (line.split(": ") for line in said.splitlines())]
    rows = []
    for (what, n_bytes, *ours), (beside, _, *theirs) in zip(lines, lines[1:] + [("", 0)]):
        if what in ("cksum", "md5sum"):
            continue
        is_beside = beside in ("cksum", "md5sum")
        rows.append(of_times(what, ours, theirs if is_beside else None, beside=beside if is_beside else ""))
        if n_bytes:
            rows.append(Row("  a second", n_bytes / statistics.median(ours), "MB"))
    return rows


def explain(bench):
    """Outside the machine as well: sixty layers, fifty thousand files, sixty packs; the least of some rounds."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=host.cache()) as scratch:
        said = host.call([bench.build / "test/bench/bench-explain", scratch])
    rows = []
    for line in said.splitlines():
        name, *numbers = re.match(r"(.*?)  +([\d.]+)(?: +([\d.]+))?$", line).groups()
        unit = "" if name == "paths" else "MB" if name.endswith("MB") else "ms"
        rows.append(Row(name.removesuffix(", MB"), float(numbers[0]), unit,
                        limit=100 if name == "all of these" else None))
    return rows


def workshop(bench):
    """Outside the machine, too. The ratio is one of times: 1.11 of the time is 0.9 of the throughput."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=host.cache()) as scratch:
        found = fetching.measure(scratch, bench.build / "test/programs/workshop-sync", rounds=max(2, bench.rounds // 3))
    first = of_times(f"{found.items} new items, {found.bytes / 1e9:.1f} GB", [1e6 * s for s in found.ours_s],
                     [1e6 * s for s in found.curl_s], beside="curl --parallel", ratio_limit=1.11)
    rows = [first, Row("  throughput", found.bytes / 1e3 / first.ours, "MB/s",
                       found.bytes / 1e3 / first.reference, "curl --parallel")]
    rows += [Row(f"  processor: {who}", 1000 * seconds) for who, seconds in found.busy.items()]
    return rows + [of_times(f"{found.items} items, nothing new", [1e6 * s for s in found.refresh_s]),
                   Row("  requests", found.questions, "", limit=10)]


def files(bench):
    """Likewise: work in the tree of a files overlay."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=host.cache()) as scratch:
        said = host.call([bench.build / "test/bench/bench-files", scratch, bench.rounds,
                          bench.build / "src/files/left4me-unpack"])
    rows = []
    for line in said.splitlines():
        name, size, ours, beside, others = line.split("\t")
        ours, others = ([int(word) for word in words.split()] for words in (ours, others))
        rows.append(of_times(name, ours, others, beside=beside))
        if int(size) > 1 << 20:
            rows.append(Row("  bytes a second", int(size) / statistics.median(ours), "MB/s"))
    return rows


def guard(bench):
    """Outside the machine: a builder's first line, and its way to its limit, on this host's disk."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=host.cache()) as scratch:
        said = host.call([bench.build / "test/bench/bench-guard", scratch, bench.build / "src/build/left4me-script"])
    limits = {"one writer beyond its limit, most": 64, "eight writers beyond their limit, most": 64}
    rows = []
    for line in said.splitlines():
        name, number, unit = re.match(r"(.*): ([\d.-]+) (.*)", line).groups()
        rows.append(Row(name, float(number), unit, limit=limits.get(name)))
    return rows


def build(bench):
    """A script that does nothing: until its first line, beside bubblewrap running the same; and the whole of it."""
    machine, script = bench.machine, "date +%s%N > $CACHE/first\n"
    machine.push("/usr/bin/bwrap", f"{TOOLS}/bwrap", 0o755)
    machine.run(f"mkdir -p {TOOLS}/cache {TOOLS}/overlay")
    machine.push(script.encode(), f"{TOOLS}/script")
    made = product.ctl_json(machine, "overlay", "create", "bench", "--type", "script", "-f", f"{TOOLS}/script")["overlay"]
    wrap = (f"{TOOLS}/bwrap --unshare-all --die-with-parent --new-session --ro-bind /usr /usr --symlink usr/bin /bin "
            f"--symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp --ro-bind {TOOLS}/script /script "
            f"--bind {TOOLS}/overlay /overlay --bind {TOOLS}/cache /cache --chdir /overlay --setenv CACHE /cache bash /script")
    first, bare, whole = [], [], []
    for i in range(bench.rounds + 1):
        for took, command, mark in ((first, f"l4d2ctl overlay build {made}", f"{DATA}/cache/script/{made}/first"),
                                    (bare, wrap, f"{TOOLS}/cache/first")):
            began, until, ended = map(int, machine.output(["bash", "-c", f"b=$(date +%s%N); {command} >/dev/null; e=$(date +%s%N); "
                                                           f"echo $b $(cat {mark}) $e"], timeout=120).split())
            took.append((until - began) / 1000)
            if took is first:
                whole.append((ended - began) / 1000)
    bench.ctl("overlay", "delete", made)
    return [of_times("l4d2ctl overlay build, until the script's first line", first[1:], bare[1:], beside="bwrap"),
            of_times("  until it is published", whole[1:])]


# -- start and stop ---------------------------------------------------------------------------------

def start(bench):
    """`systemctl start` until readiness, `systemctl stop` until the stack is unmounted."""
    units = references.make(bench.machine, NAME)
    bench.ctl("stop", NAME)
    bench.machine.run(["systemctl", "daemon-reload"])       # for quiet: enabling asks for it
    words = []
    for names in units.values():
        words += [":", "systemctl", "start", names[0], ":", "systemctl", "stop", *names, "::", "sleep", "0.05"]
    took = dict(zip(units, _in_twos(bench.times(bench.rounds, *words))))
    ours_start, ours_stop = took["ours"]
    rows = []
    for key, beside in REFERENCES:
        rows.append(of_times("start" if not rows else "", ours_start, took[key][0], beside=beside,
                             ratio_limit=1.4 if key == "bare" else None))
    for i, (key, beside) in enumerate(REFERENCES):
        rows.append(of_times("" if i else "stop and unmount", ours_stop, took[key][1], beside=beside))
    return rows + _anatomy(bench, units)


def _in_twos(lines):
    return list(zip(lines[0::2], lines[1::2]))


def _anatomy(bench, units, rounds=7):
    """Where a start spends its time, by the clock of the init system and of the kernel."""
    server, mount = units["ours"]
    phases = {"  mount unit": [], "  server unit, until the program runs": [], "  the program, until it is ready": []}
    for _ in range(rounds):
        bench.machine.run(["systemctl", "start", server])
        begun, up = (bench.machine.unit(mount)[f"{word}TimestampMonotonic"] for word in ("InactiveExit", "ActiveEnter"))
        state = bench.machine.unit(server)
        ran = _began_us(bench.machine, state["ControlGroup"])
        # The server unit's own time stamp comes late: after the init system has loaded what it has for the cgroup.
        for times, took in zip(phases.values(), (up - begun, ran - up, state["ActiveEnterTimestampMonotonic"] - ran)):
            times.append(took)
        bench.machine.run(["systemctl", "stop", server, mount])
    return [of_times(phase, times) for phase, times in phases.items()]


def _began_us(machine, group):
    """When the game began: the first thing that our program does. Good to 10 ms, the kernel's tick."""
    stat = machine.output(f"grep -l srcds_linux $(sed 's,.*,/proc/&/comm,' /sys/fs/cgroup{group}/cgroup.procs)"
                          " | head -1 | sed 's,comm,stat,' | xargs cat")
    return int(stat.rpartition(")")[2].split()[19]) * 10000


# -- reset, create ----------------------------------------------------------------------------------

FILL = f"""set -e
upper={DATA}/runtime/{NAME}/upper/left4dead2
mkdir -p $upper/logs $upper/addons/sourcemod/data
for i in $(seq 250); do
    echo "L 01/01/2026 - 00:00:00: a line" >$upper/logs/l$i.log
    echo data >$upper/addons/sourcemod/data/d$i
done
chown -R left4me-content:left4me-content {DATA}/runtime/{NAME}/upper/left4dead2
"""


def reset(bench):
    """After the game has exited, with 500 files of its in the upper layer."""
    bench.machine.push(FILL.encode(), f"{TOOLS}/fill", 0o755)
    fill = ["::", "bash", f"{TOOLS}/fill"]
    ctl, broker = bench.times(
        bench.rounds, *fill, ":", "l4d2ctl", "reset", NAME,
        *fill, ":", f"{TOOLS}/bench-callers", "wipe", NAME, "1", "1")
    return [
        of_times("l4d2ctl reset, 500 files", ctl, limit=200),
        of_times("  the broker's verb alone", broker),
    ]


def create(bench):
    """A new server, until it may be started."""
    before = _disk(bench)
    for i in range(1, bench.rounds + 2):
        bench.machine.push(f"port: {20000 + i}\n".encode(), f"{TOOLS}/create-{i}.yaml")
    took, = bench.times(bench.rounds, ":", "l4d2ctl", "initialize", "create{}", "-f", f"{TOOLS}/create-{{}}.yaml")
    made = (_disk(bench) - before) / (bench.rounds + 1)
    bench.times(2, ":", "l4d2ctl", "start", "create{}", "::", "l4d2ctl", "stop", "create{}", warm_up=False)
    started = (_disk(bench) - before - made * (bench.rounds - 1)) / 2
    bench.times(bench.rounds + 1, ":", "l4d2ctl", "delete", "create{}", warm_up=False)
    left = _disk(bench) - before
    return [
        of_times("l4d2ctl initialize", took, limit=100),
        Row("  on disk", made / 1024, "KiB", limit=64),
        Row("  on disk after the first start", started / 1024, "KiB"),
        Row("  on disk after l4d2ctl delete", left / 1024, "KiB"),
    ]


def _disk(bench):
    """Bytes of everything that belongs to servers."""
    said = bench.machine.output(f"du -c --block-size=1 {DATA}/instances {DATA}/runtime {DATA}-host"
                                " /etc/systemd/system.control /etc/systemd/system 2>/dev/null | tail -1")
    return int(said.split()[0])


# -- many -------------------------------------------------------------------------------------------

def many(bench):
    ports = range(21000, 21000 + CREATED)
    for i, port in enumerate(ports, 1):
        bench.machine.push(f"port: {port}\n".encode(), f"{TOOLS}/many-{i}.yaml")
    made, = bench.times(CREATED, ":", "l4d2ctl", "initialize", "many{}", "-f", f"{TOOLS}/many-{{}}.yaml", warm_up=False)
    version, status, listed, true = bench.times(
        3 * bench.rounds, ":", "l4d2ctl", "--version", ":", "l4d2ctl", "status", "many1", ":", "l4d2ctl", "list",
        ":", "/bin/true")
    rows = [
        Row(f"{CREATED} instances created, one after another", sum(made) / 1000),
        of_times("  each", made),
        of_times("l4d2ctl --version", version, true, beside="/bin/true", limit=10),
        of_times("l4d2ctl status NAME", status, true, beside="/bin/true"),
        of_times(f"l4d2ctl list, {CREATED} instances", listed, true, beside="/bin/true"),
    ]
    rows += _start_together(bench, ports[:STARTED])
    gone, = bench.times(CREATED, ":", "l4d2ctl", "delete", "many{}", warm_up=False)
    rows.append(Row(f"{CREATED} instances deleted, {STARTED} of them running", sum(gone) / 1000))
    return rows


def _start_together(bench, ports):
    started = time.monotonic()
    starts = bench.machine.popen(f"for i in $(seq {len(ports)}); do l4d2ctl start many$i & done; wait", stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
    first, last = _until_answered(bench.machine, ports, started)
    if starts.wait(60) != 0:
        raise host.Trouble("not all servers started")
    return [Row(f"{len(ports)} servers started at once, until one answers A2S", first),
            Row("  until all do", last), Row("  until all commands have returned", (time.monotonic() - started) * 1000)]


def _until_answered(machine, ports, started):
    """Milliseconds until the first and until the last of them has told about itself."""
    waiting, first = set(ports), None
    with product._network(machine.outside.namespace):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        while waiting:
            for port in waiting:
                sock.sendto(INFO, (machine.outside.machine_address, port))
            until = time.monotonic() + 0.1
            while waiting and (left := until - time.monotonic()) > 0:
                sock.settimeout(left)
                try:
                    said, (address, port) = sock.recvfrom(4096)
                except (TimeoutError, ConnectionError):
                    continue
                if said[4:5] == b"A":
                    sock.sendto(INFO + said[5:9], (address, port))
                elif port in waiting:
                    waiting.remove(port)
                    first = first or (time.monotonic() - started) * 1000
            if time.monotonic() - started > 120:
                raise host.Trouble(f"{len(waiting)} servers do not answer A2S")
    return first, (time.monotonic() - started) * 1000


# -- the parts --------------------------------------------------------------------------------------

def mount(bench):
    """The helper as its unit runs it, without the unit."""
    extra = range(1000, 1000 + max(LAYERS) - 1)
    numbers = ("created_unix_s", "files", "bytes", "build", "added", "changed", "removed", "bytes_changed")
    rows = [{"number": 1, **dict.fromkeys(numbers, 0), "note": ""}]
    state = json.dumps({"type": "files", "current": 1, "generations": rows})
    bench.machine.run(f"""for id in $(seq {extra[0]} {extra[-1]}); do
            mkdir -p {DATA}/overlays/$id/1/left4dead2 && echo '{state}' >{DATA}/overlays/$id/state.json
            chown -R left4me-content:left4me-content {DATA}/overlays/$id && chmod -R a+rX {DATA}/overlays/$id
        done""")
    product.know_overlays(bench.machine, *extra)
    rows, words = [], []
    for n in LAYERS:
        name = f"layers{n}"
        product.initialize(bench.machine, name, overlays=list(extra[:n - 1]))
        bench.ctl("start", name)                                # makes its spec, and shows that it mounts
        bench.ctl("stop", name)
        for verb in ("server-up", "server-down"):
            words += [":", "/usr/lib/left4me/left4me-mount", verb, name]
    for n, (up, down) in zip(LAYERS, _in_twos(bench.times(bench.rounds, *words))):
        rows += [of_times(f"left4me-mount up, {n} layers", up), of_times("  and down", down)]
    return rows


def broker(bench):
    rows = []
    for callers, requests in ((1, 60), (50, 300)):
        rate, median, _ = bench.callers("status", NAME, requests, callers)
        rows += [Row(f"status, {callers} at a time", rate, "a second"), Row("  one takes", median)]
    return rows


def memory(bench):
    bench.ctl("start", NAME)
    rows = []
    for what, unit in (("left4me-launch", f"left4me-server@{NAME}.service"), ("left4me-nftwatch", "left4me-nft.service")):
        pid = bench.machine.unit(unit)["MainPID"]
        status = dict(line.split(":", 1) for line in bench.machine.read(f"/proc/{pid}/status").splitlines())
        for word, field in ((f"{what}, resident", "VmRSS"), ("  of it its own", "RssAnon")):
            rows.append(Row(word, int(status[field].split()[0]), "KiB"))
    bench.ctl("stop", NAME)
    return rows


# -- the page ---------------------------------------------------------------------------------------

PROGRAMS = ("left4me-web.service", "left4me-worker.service")
SERVERS, FIRST_PORT, IDLE_S = 50, 28000, 20


def answers(bench):
    """Outside the machine: the page's program beside others, by wrk, in turns."""
    return webbench.answers(bench.build)


def events(bench):
    """Likewise: ten thousand who listen to one server's log."""
    return webbench.events(bench.build)


def whole_page(bench):
    """In the machine, with all that belongs to it: a start asked for by the API, and what it costs while nothing happens."""
    alice = page.admin(bench.machine, "bench")
    blueprint = alice.want(201, "POST", "/blueprints", {"name": "bench"})["id"]
    made = [alice.want(201, "POST", "/servers", {"name": f"bench {i}", "blueprint": blueprint, "port": FIRST_PORT + i}) for i in range(SERVERS)]
    rows = _start_by_api(bench, alice, made[0])
    return rows + _state_until_told(bench, alice, made[0]) + _idle(bench.machine)


@contextlib.contextmanager
def _told(alice):
    """What the page tells of servers and jobs from now on, one after the other."""
    def walk(lines):
        while line := lines.readline():
            if line.startswith(b"data: {"):
                yield json.loads(line[6:])
        raise host.Trouble("the page tells nothing any more")

    with contextlib.closing(page.Connection(alice.place)) as connection:
        connection.request("GET", "/api/v1/events?topics=servers,jobs", headers={"Cookie": alice.cookie})
        lines = connection.getresponse()
        while b"event: ready" not in lines.readline():
            pass
        yield walk(lines)


def _until_running(alice, server):
    """Microseconds from the request until the page is told that it runs."""
    with _told(alice) as told:
        started = time.monotonic()
        job = alice.want(202, "POST", f"/servers/{server['id']}/start")["job"]
        for one in told:
            if one.get("instance") == server["instance"] and one["state"] == "running":
                return (time.monotonic() - started) * 1e6
            if one.get("id") == job["id"] and one.get("kind") == job["kind"] and one["state"] == "failed":
                raise host.Trouble(one["error"]["message"])


def _start_by_api(bench, alice, server):
    """The first one makes the unit; then in turns with the init system's own."""
    unit, stop = f"left4me-server@{server['instance']}.service", f"/servers/{server['id']}/stop?wait=60"
    _until_running(alice, server)
    alice.want(200, "POST", stop)
    ours, bare = [], []
    for _ in range(bench.rounds):
        ours.append(_until_running(alice, server))
        alice.want(200, "POST", stop)
        bare += bench.times(1, ":", "systemctl", "start", unit, warm_up=False)[0]
        alice.want(200, "POST", stop)
    return [of_times("POST /servers/ID/start, until the page shows that it runs", ours, bare, beside="systemctl start")]


def _state_until_told(bench, alice, server):
    """From the time at which, as systemd itself says, the unit runs; it is not the page that starts it."""
    unit, late = f"left4me-server@{server['instance']}.service", []

    def until(verb, state):
        bench.machine.run(["systemctl", "--no-block", verb, unit])
        next(one for one in told if one.get("instance") == server["instance"] and one["state"] == state)
        return time.monotonic() * 1e6

    with _told(alice) as told:
        for _ in range(bench.rounds):
            seen = until("start", "running")
            late.append(seen - bench.machine.unit(unit)["StateChangeTimestampMonotonic"])
            until("stop", "stopped")
    return [of_times("a server runs, until the page has told it", late, limit=100), Row("  longest", max(late) / 1000)]


def _idle(machine):
    pids = {name: machine.unit(name)["MainPID"] for name in PROGRAMS}
    before = {name: _wakings(machine, pid) for name, pid in pids.items()}
    time.sleep(IDLE_S)
    rows, sizes = [], {"Rss": 0, "Pss": 0}
    for name, pid in pids.items():
        fields = dict(line.split(":", 1) for line in machine.read(f"/proc/{pid}/smaps_rollup").splitlines() if ":" in line)
        for word in sizes:
            sizes[word] += int(fields[word].split()[0]) / 1024
        what = name.removesuffix(".service")
        rows += [Row(f"{what}, resident", int(fields["Rss"].split()[0]) / 1024, "MiB"),
                 Row("  wakes up", (_wakings(machine, pid) - before[name]) / IDLE_S, "a second")]
    return [Row(f"web and worker with {SERVERS} servers: resident", sizes["Rss"], "MiB", limit=15),
            Row("  with what they share counted once", sizes["Pss"], "MiB"), *rows]


def _wakings(machine, pid):
    """How often any of its threads has begun to run, so far."""
    said = machine.output(f"cat /proc/{pid}/task/*/status")
    return sum(int(n) for n in re.findall(r"^\w*voluntary_ctxt_switches:\s+(\d+)", said, re.M))


def _seconds_of_run(top, **environment):
    """From `make run` until a query from outside is answered."""
    started = time.monotonic()
    host.run(["make", "--no-print-directory", "run", "RUN=--until-ready"], cwd=top, stdout=subprocess.DEVNULL,
             env={**os.environ, **environment})
    return time.monotonic() - started


def make_run(bench):
    """`make run`: again in this checkout, and with --first in a new one that has to download and build everything."""
    _seconds_of_run(product.REPO)               # whatever was not built yet
    rows = [Row("again", _seconds_of_run(product.REPO), "s", limit=20)]
    if bench.is_first_wanted:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=host.cache()) as scratch:
            host.call(["git", "clone", "--quiet", product.REPO, f"{scratch}/left4me"])
            rows.append(Row("the first time", _seconds_of_run(f"{scratch}/left4me", LEFT4ME_CACHE=f"{scratch}/cache"),
                            "s", limit=300))
    return rows


SECTIONS = (
    ("Install, one after the other", install),
    ("A server's start and stop", start),
    ("Reset", reset),
    ("A new server", create),
    ("Many", many),
    ("The mount helper", mount),
    ("The broker", broker),
    ("Publication", publish),
    ("Archives and KeyValues", pak),
    ("A stack explained", explain),
    ("A Workshop overlay", workshop),
    ("Files of an overlay", files),
    ("A build of a script", build),
    ("A builder's start, and its limit", guard),
    ("Memory", memory),
    ("What the page answers", answers),
    ("Those who listen to events", events),
    ("The page and its worker", whole_page),
    ("make run, until a server answers", make_run),
)
