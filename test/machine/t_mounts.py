# SPDX-License-Identifier: MIT
"""The stack of a server: mounted when it runs, gone when it does not, whatever happens in between."""

import contextlib
import json
import os
import random
import subprocess
import threading
import time

import product
from bus import Bus
from harness import Failed, check, equal

CYCLES = int(os.environ.get("L4ME_CYCLES", "300"))
STACKS = int(os.environ.get("L4ME_STACKS", "100"))
KILLS = int(os.environ.get("L4ME_KILLS", "12"))
WORKERS = 3
HELPER = "/usr/lib/left4me/left4me-mount"
QUICK = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=50ms\n"
KILL_GAME = ('for p in $(cat "/sys/fs/cgroup/l4d2.slice/l4d2-game.slice/$1/cgroup.procs"); do '
             '[ "$(cat /proc/$p/comm)" != srcds_linux ] || kill -9 $p; done 2>/dev/null')


def _mounts(machine):
    """Mount points of ours in the machine's own namespace; the id maps are made at first need, and stay."""
    points = [line.split()[4] for line in machine.read("/proc/1/mountinfo").splitlines() if "left4me" in line]
    return sorted(point for point in points if not point.startswith("/run/left4me-host/idmap/"))


def _kernel_warnings():
    """What overlayfs complained of; None where the kernel's log is closed to us."""
    done = subprocess.run(["dmesg"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return None if done.returncode else sum("overlayfs" in line and "in-use" in line for line in done.stdout.splitlines())


@contextlib.contextmanager
def _watched(machine):
    """Holds what happens in the block to leaving no trace in the mounts."""
    since, warnings = time.time(), _kernel_warnings()
    before = _mounts(machine)
    yield
    equal(_mounts(machine), before, "mounts afterwards")
    busy = [line for line in machine.journal(since=since).splitlines() if "resource busy" in line or "EBUSY" in line]
    equal(busy, [], "mounts that were busy")
    # A mount that was taken off lazily would still hold its upper layer when the next one comes.
    equal(_kernel_warnings(), warnings, "warnings of overlayfs that an upper layer is in use twice")
    equal(machine.output("systemctl list-units --failed --plain --no-legend 'left4me-*'"), "", "failed units")


def _check_work(machine, server):
    """Nothing is left in the working directory of a stack that is not mounted.

    Overlayfs keeps one whiteout there to make all others from, and drops it when it comes again.
    """
    left = machine.output(f"find {server.runtime}/work -mindepth 1 ! -path '*/work/work' ! -type c")
    equal(left, "", f"orphans in the work directory of {server.name}")
    equal(machine.output(f"ls -A {server.runtime}/merged {server.runtime}/config | grep -v '^/'", check=False).strip(),
          "", "what lies under the mount points")


# -- cycles -----------------------------------------------------------------------------------------

def _kill_game(machine, server):
    machine.run(["/bin/sh", "-c", KILL_GAME, "kill", server.unit])


def _cycle_stop(machine, server, bus):
    server.stop()
    server.start()


def _cycle_restart(machine, server, bus):
    server.ctl("restart")


def _cycle_kill(machine, server, bus):
    run = bus.properties(server.unit)["InvocationID"]
    _kill_game(machine, server)
    if not bus.wait(server.unit, lambda unit: unit["InvocationID"] != run and unit["ActiveState"] == "active", 30):
        raise Failed(f"{server.name} did not come back after kill -9")


def _cycle_kill_and_stop(machine, server, bus):
    _kill_game(machine, server)
    server.stop()
    server.start()


def _cycle_kill_and_restart(machine, server, bus):
    _kill_game(machine, server)
    server.ctl("restart")


_KINDS = (_cycle_stop, _cycle_restart, _cycle_kill, _cycle_kill_and_stop, _cycle_kill_and_restart)


def _parallel(machine, work, count):
    """Runs work(index) in threads of their own; the first failure is ours."""
    failures = []

    def guarded(index):
        try:
            work(index)
        except Exception as reason:                             # handed on to the test below
            failures.append(reason)

    threads = [threading.Thread(target=guarded, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_cycles(machine):
    """cycles of start, stop, kill -9 and restart leak nothing"""
    product.ready(machine)
    with product.drop_in(machine, "left4me-server@.service", QUICK), _watched(machine), contextlib.ExitStack() as stack:
        servers = [stack.enter_context(product.server(machine, f"cycle{index}")) for index in range(WORKERS)]

        def work(index):
            chance = random.Random(index)
            with Bus(machine.leader) as bus:
                for _ in range(CYCLES // WORKERS):
                    chance.choice(_KINDS)(machine, servers[index], bus)

        _parallel(machine, work, WORKERS)
        for server in servers:
            equal(server.a2s()["name"], server.name, "name after all cycles")
            equal(len([path for path in _mounts(machine) if f"/{server.name}/" in path]), 2, "mounts of one that runs")
            server.stop()
            _check_work(machine, server)


# -- stacks -----------------------------------------------------------------------------------------

_PUBLISH = """
set -e
cd /var/lib/left4me/overlays; umask 027
mkdir -p "$1/$2/left4dead2/cfg"
echo "generation $2 of overlay $1" >"$1/$2/left4dead2/marker.txt"
cat >"$1/state.tmp"
chmod 0750 "$1" "$1/$2"
chown -R left4me-content:left4me-content "$1"
mv "$1/state.tmp" "$1/state.json"
"""


def publish(machine, overlay, generation, known=()):
    """A generation of an overlay of ours, as the publisher would leave it."""
    rows = [{"number": number, "created_unix_s": 0, "files": 1, "bytes": 30, "build": number, "added": 1, "changed": 0,
             "removed": 0, "bytes_changed": 30, "note": ""} for number in sorted({generation, *known}, reverse=True)]
    state = json.dumps({"type": "files", "current": generation, "generations": rows})
    machine.run(["/bin/sh", "-c", _PUBLISH, "publish", str(overlay), str(generation)], input=state)
    product.know_overlays(machine, overlay)


def _no_overlay(machine, overlay):
    machine.run(["rm", "-rf", f"{product.DATA}/overlays/{overlay}", f"{product.DATA}-host/overlays/{overlay}"])


def test_restarts_show_the_new_stack(machine):
    """a restart after each change of the stack shows the new one"""
    product.ready(machine)
    with _watched(machine), contextlib.ExitStack() as stack:
        servers = []
        for index, overlay in enumerate((71, 72)):
            stack.callback(_no_overlay, machine, overlay)
            publish(machine, overlay, 1)
            servers.append(stack.enter_context(product.server(machine, f"stack{index}", overlays=[overlay])))

        def work(index):
            server, overlay = servers[index], 71 + index
            for generation in range(2, STACKS // 2 + 2):
                publish(machine, overlay, generation, known=[generation - 1])
                server.ctl("restart")
                said = server.rcon("sim_read left4dead2/marker.txt")
                check(f"generation {generation} of overlay {overlay}" in said, f"after the restart it reads {said!r}")

        _parallel(machine, work, len(servers))
        server = servers[0]
        equal(server.json("explain", "left4dead2/marker.txt")["layers"][0]["generation"], STACKS // 2 + 1, "explain")
        # Two overlays that have the same file: the later one wins; without one the other shows.
        server.initialize(overlays=[71, 72])
        server.ctl("restart")
        check("of overlay 72" in server.rcon("sim_read left4dead2/marker.txt"), "the upper of two overlays does not win")
        server.initialize(overlays=[72, 71])
        server.ctl("restart")
        check("of overlay 71" in server.rcon("sim_read left4dead2/marker.txt"), "their order does not count")
        server.initialize(overlays=[])
        server.ctl("restart")
        check("No such file" in server.rcon("sim_read left4dead2/marker.txt"), "an overlay that was dropped still shows")


def test_tree_is_the_games(machine):
    """the game may write in every directory, and on disk nothing belongs to it"""
    with _watched(machine), product.server(machine, "writer") as server:
        check(" directories, 0 failures" in server.rcon("sim_tree_test"), f"{server.rcon('sim_tree_test')!r}")
        server.rcon("sim_mkdir left4dead2/new; sim_write left4dead2/new/file x; sim_chmod left4dead2/new/file 700; "
                    "sim_append left4dead2/gameinfo.txt x; sim_delete left4dead2/steam.inf; "
                    "sim_rename left4dead2/new left4dead2/newer; sim_touch srcds_linux")
        check("x" in server.rcon("sim_read left4dead2/newer/file"), "a directory could not be renamed")
        server.stop()
        upper = f"{server.runtime}/upper"
        foreign = machine.output(f"find {upper} ! -user {product.CONTENT_USER} "
                                 "! -type c -printf '%u %y %p\\n'")
        equal(foreign, "", "entries in the upper layer that are not left4me-content's")
        equal(machine.output(f"stat -c '%t:%T %u' {upper}/left4dead2/steam.inf").split()[0], "0:0", "a whiteout")
        equal(machine.output(f"find {product.DATA}/overlays -newer {product.DATA}/overlays/1/state.json -type f"), "",
              "published files that were changed")
        _check_work(machine, server)


def test_a_generation_cannot_be_written(machine):
    """what a game writes does not reach the game of the others"""
    with product.server(machine, "one") as one, product.server(machine, "two") as two:
        one.rcon("sim_write left4dead2/gameinfo.txt spoiled; sim_delete left4dead2/steam.inf")
        check("spoiled" not in two.rcon("sim_read left4dead2/gameinfo.txt"), "a game wrote into another one's tree")
        check("PatchVersion" in two.rcon("sim_read left4dead2/steam.inf"), "a game deleted a file of another one")


# -- killed in the middle ---------------------------------------------------------------------------

def _check_healthy(machine, server):
    """A command repairs whatever it was: the server runs on its stack, stops, and leaves nothing."""
    server.ctl("restart")
    equal(server.a2s()["name"], server.name, "name after the repair")
    equal(len([path for path in _mounts(machine) if f"/{server.name}/" in path]), 2, "mounts after the repair")
    server.stop()
    equal([path for path in _mounts(machine) if f"/{server.name}/" in path], [], "mounts after the stop")
    _check_work(machine, server)


def test_broker_killed_while_it_waits(machine):
    """kill -9 of the broker in the middle of a restart: the caller is told, the next command repairs"""
    with product.drop_in(machine, "left4me-server@.service", "[Service]\nTimeoutStopSec=3\n"), \
            product.server(machine, "cut") as server:
        server.console("sim_hang")
        machine.wait_for_line(server.unit, "sim. hangs now")
        child = machine.popen(["l4d2ctl", "restart", "cut"], stderr=subprocess.PIPE, text=True)
        server.wait_for(lambda unit: unit["ActiveState"] == "deactivating")
        machine.run(["pkill", "-9", "-x", "left4me-broker"])
        said = child.communicate(timeout=20)[1]
        equal((child.returncode, said.count("\n")), (69, 1), f"what the caller hears ({said!r})")
        check("the broker ended without an answer" in said, said)
        _check_healthy(machine, server)


def test_broker_killed_at_any_time(machine):
    chance = random.Random(4)
    with product.server(machine, "cut") as server:
        for turn in range(KILLS):
            verb = ("restart", "stop", "start")[turn % 3]
            child = machine.popen(["l4d2ctl", verb, "cut"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(chance.uniform(0, 0.3))
            machine.run(["pkill", "-9", "-x", "left4me-broker"], check=False)
            check(child.wait(60) in (0, 1, 69), f"{verb} ended with {child.returncode}")
        _check_healthy(machine, server)


def _broken_helper(up, down):
    """A mount unit whose helper dies: before or after its work, going up or down."""
    lines = "[Service]\n"
    for key, action, when in (("ExecStart", "server-up", up), ("ExecStopPost", "server-down", down)):
        script = {"before": "kill -9 $$$$", "after": f"{HELPER} {action} %i; kill -9 $$$$", None: None}[when]
        if script:
            lines += f"{key}=\n{key}=/bin/sh -c '{script}'\n"
    return lines


def test_mount_helper_killed(machine):
    """kill -9 of the mount helper, before and after its work, on the way up and down"""
    with product.server(machine, "cut") as server:
        for up, down in (("before", None), ("after", None), ("after", "before"), (None, "before"), (None, "after")):
            server.stop()
            with product.drop_in(machine, "left4me-mount@.service", _broken_helper(up, down)):
                started = server.ctl("start", check=False)
                equal(started.returncode, 1 if up else 0, f"exit code of a start, killed {up}: {started.stderr}")
                if up:
                    check("could not be mounted" in started.stderr.splitlines()[0], started.stderr)
                else:
                    server.ctl("stop", check=False)
            _check_healthy(machine, server)


# Kills the helper at this action a moment after it has appeared, and says so; ends with its input.
_KILL_HELPER = """
import os, pathlib, select, sys, time
wanted = f"{sys.argv[1]}\\0{sys.argv[2]}\\0".encode()
while not select.select([0], [], [], 0)[0]:
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(wanted):
                time.sleep(float(sys.argv[3]))
                os.kill(int(path.parent.name), 9)
                sys.exit("hit")
        except OSError:
            pass
"""


def test_mount_helper_killed_at_any_time(machine):
    """kill -9 a few milliseconds after the helper was seen, on the way up and down"""
    chance, hits = random.Random(5), 0
    with product.server(machine, "cut") as server:
        for turn in range(KILLS):
            action = ("server-down", "server-up")[turn % 2]
            killer = machine.popen(["python3", "-I", "-S", "-c", _KILL_HELPER, HELPER, action,
                                    f"{chance.uniform(0, 0.02):.4f}"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            done = server.ctl("restart", check=False)
            check(done.returncode in (0, 1, 4), f"restart ended with {done.returncode}: {done.stderr}")
            hits += b"hit" in killer.communicate(timeout=30)[1]     # or it came too late
            server.ctl("start", check=False)
        _check_healthy(machine, server)
    check(hits > 0, "no helper was killed")


def _reset_cut_short(machine, server):
    """Kills left4me-tidy while it wipes; False when it was too fast."""
    many = f"{server.runtime}/upper/many"
    machine.run(f"mkdir -p {many} && cd {many} && seq 40000 | xargs touch")
    child = machine.popen(["l4d2ctl", "reset", server.name], stderr=subprocess.PIPE, text=True)
    machine.run(f"while [ $(ls -U {many} 2>&1 | wc -l) = 40000 ]; do :; done; pkill -9 -x left4me-tidy", timeout=30)
    said = child.communicate(timeout=60)[1]
    if child.returncode == 0:
        return False
    equal(child.returncode, 69, f"reset when left4me-tidy was killed ({said})")
    equal(len(said.splitlines()), 1, f"lines of {said!r}")
    return True


def test_tidy_killed(machine):
    """kill -9 of the helper that makes and wipes directories"""
    product.ready(machine)
    machine.run("systemctl start left4me-tidy; pkill -STOP -x left4me-tidy")
    child = machine.popen(["l4d2ctl", "initialize", "kept", "-f", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
    child.stdin.write(product.spec().encode())
    child.stdin.close()
    machine.run("until ss -xlH src /run/left4me-host/tidy.sock | awk '{exit !($3 > 0)}'; do :; done", timeout=30)
    machine.run("pkill -KILL -x left4me-tidy")
    equal((child.wait(30), child.stderr.read()), (0, b""), "a request that was waiting when left4me-tidy was killed")
    product.ctl(machine, "delete", "kept")
    with product.server(machine, "cut", start=False) as server:
        check(any(_reset_cut_short(machine, server) for _ in range(10)), "no reset was cut short")
        server.ctl("reset")
        equal(machine.output(["ls", f"{server.runtime}/upper"]), "", "the upper layer after a reset")
    with product.server(machine, "cut") as server:
        server.rcon("sim_write left4dead2/mine.txt x")
        server.stop()
        # As a wipe that was killed between its steps leaves it.
        machine.run(["rm", "-r", f"{server.runtime}/upper"])
        server.ctl("reset")
        _check_healthy(machine, server)
        machine.run(["rm", "-r", f"{server.runtime}/upper", f"{server.runtime}/work"])
        server.initialize()
        _check_healthy(machine, server)
        # As a removal leaves it that was killed.
        machine.run(["rm", "-r", server.runtime])
        server.ctl("delete")
        server.initialize()
        _check_healthy(machine, server)


def test_a_change_cut_short(machine):
    """an instance whose limits nobody knows is not started by a boot, and an ordinary start makes it whole"""
    with product.server(machine, "cut", limits={"memory": "1G", "cpu": 150, "tasks": 300}) as server:
        server.stop()
        # The mark that the broker sets before it changes the limits, and takes away after.
        machine.run(["dd", f"of={product.DATA}-host/instances/cut", "bs=1", "seek=16", "conv=notrunc", "status=none"],
                    input=b"\1", text=False)
        done = machine.run(["systemctl", "start", server.unit], check=False)
        check(done.returncode != 0, "it was started all the same")
        check("its last change was cut short: 'l4d2ctl start cut' makes it whole" in machine.journal(server.mount),
              "the mount does not say why it refuses")
        server.initialize(limits={"tasks": 400})
        server.start()
        equal(server.a2s()["name"], "cut", "A2S after a start")
        unit = server.properties()
        equal((unit["MemoryMax"], unit["CPUQuotaPerSecUSec"], unit["TasksMax"]), (4 << 30, 2**64 - 1, 400),
              "limits when nobody knew what they were")


def test_log_reader_killed(machine):
    """kill -9 of the log reader: who follows misses nothing and hears nothing twice; without its socket, it is told"""
    with product.server(machine, "cut") as server:
        with product.running(machine, ["l4d2ctl", "logs", "cut", "--follow"]) as child:
            check(product.read_until(child.stdout, b"[sim] ready", 10), "no log to follow")
            for turn in range(3):
                machine.run(["pkill", "-9", "-x", "left4me-log"])
                server.rcon(f"say turn {turn}")
                server.rcon(f"say over {turn}")
                said = product.read_all_until(child.stdout, f"Console: over {turn}".encode(), 10)
                equal(said.count(f"Console: turn {turn}".encode()), 1, f"a line after death number {turn + 1} ({said!r})")
                check(turn == 0 or f"Console: over {turn - 1}".encode() not in said, "a line came twice")
            machine.run(["systemctl", "stop", "left4me-log.socket", "left4me-log.service"])
            said = child.communicate(timeout=10)[1].decode()
            machine.run(["systemctl", "start", "left4me-log.socket"])
            equal(child.returncode, 69, f"exit code when the reader is gone ({said!r})")
        check("[sim] ready" in server.ctl("logs").stdout, "the log cannot be read again")


def test_command_killed(machine):
    """kill -9 of l4d2ctl itself, anywhere"""
    chance = random.Random(6)
    with product.server(machine, "cut") as server:
        for turn in range(KILLS):
            verb = ("restart", "reset", "start", "stop")[turn % 4]
            child = machine.popen(["l4d2ctl", verb, "cut"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(chance.uniform(0, 0.2))
            machine.run(["pkill", "-9", "-x", "l4d2ctl"], check=False)
            child.wait(60)
        _check_healthy(machine, server)
