# SPDX-License-Identifier: MIT
"""The broker and the log reader through their real sockets, by callers who mean no good.

attacks/caller.c is the caller. The soak of ten million messages runs without sockets, in test/fuzz.
LEFT4ME_FUZZ_MESSAGES says how many go through the broker's socket, and a third of it through the log reader's.
"""

import os
import re
import signal
import subprocess

import attacks
import product
from harness import check, equal, until, within

BROKER, LOG = "/run/left4me/broker.sock", "/run/left4me/log.sock"
MESSAGES = int(os.environ.get("LEFT4ME_FUZZ_MESSAGES", "10000"))
SEED = int(os.environ.get("LEFT4ME_FUZZ_SEED", "20261124"))
JOBS = 8
DONE, INVALID, BUSY = "0", "1", "4"         # enum error_kind


def caller(machine, *words, user="left4me", timeout=600, **options):
    return machine.run([f"{attacks.TARGET}/caller", *map(str, words)], user=user, timeout=timeout, **options)


class Watch:
    """What the init system has and has done; check() says what changed that should not have."""

    def __init__(self, machine):
        self.machine = machine
        attacks.bring(machine)
        self.units, self.specs = self._units(), self._specs()
        self.since = machine.output("date +%s.%N")

    def _units(self):
        listed = self.machine.output("systemctl list-units --plain --no-legend --full | cut -d' ' -f1; "
                                     "systemctl list-unit-files --plain --no-legend | cut -d' ' -f1,2")
        ours = re.compile(r"left4me-(broker|log)\.|^run-|\.device$|\.scope$|system-left4me|^session|\.slice$")
        return {line for line in listed.splitlines() if not ours.search(line)}

    def _specs(self):
        return self.machine.output(f"ls -AR {product.DATA}-host {product.DATA}/instances {product.DATA}/runtime "
                                   f"{product.DATA}/builds /run/left4me-host/mounted /etc/systemd/system "
                                   "/etc/systemd/system.control 2>/dev/null", check=False)

    def check(self):
        equal(self._units() - self.units, set(), "units that were not there before")
        equal(self._specs(), self.specs, "specs and directories")
        said = self.machine.output(["journalctl", "-q", "--no-pager", "-o", "short", f"--since=@{self.since}", "_PID=1"])
        started = {match[1] for match in re.finditer(r"(?:Started|Starting|Finished) (\S+?)[. ]", said)}
        foreign = {name for name in started if not re.match(r"left4me-(broker|log)\.|systemd-tmpfiles-clean|apt|dpkg", name)}
        equal(foreign, set(), "units that were started")
        crashed = [line for line in said.splitlines() if re.search(r"(broker|log)\..*(dumped|killed|SEGV|failed|FAILURE)", line)]
        equal(crashed, [], "programs that did not end well")
        ended = self.machine.output(["journalctl", "-q", "--no-pager", "-o", "cat", f"--since=@{self.since}", "-g", "ended by signal"], check=False)
        equal(ended, "", "requests that did not end well")


def alive(machine, name):
    equal(caller(machine, "verb", "status", name).stdout.split()[0], DONE, "an honest request afterwards")


def test_bad_messages(machine):
    """wrong sizes, verbs, names and numbers: each is refused, none has an effect"""
    with product.server(machine, "honest", start=False):
        watch = Watch(machine)
        lines = caller(machine, "bad").stdout.splitlines()
        check(len(lines) > 85, f"only {len(lines)} bad messages were sent")
        wrong = [line for line in lines if not re.search(rf": (ended|{INVALID} .+)$", line)]
        equal(wrong, [], "bad messages that were not refused as such")
        silent = [line for line in lines if re.search(rf": {INVALID} *$", line)]
        equal(silent, [], "refusals without a sentence")
        lines = caller(machine, "log", "bad").stdout.splitlines()
        equal([line for line in lines if not line.endswith(": ended")], [], "bad messages that the log reader answered")
        watch.check()
        refused = machine.output(["journalctl", "-q", "--no-pager", "-o", "cat", f"--since=@{watch.since}", "-g", "^refused: ",
                                  "-u", "left4me-broker"]).splitlines()
        within(len(refused), 130, "lines in the journal about bad messages")
        check(len(refused) > 80, f"only {len(refused)} of the bad messages are in the journal")
        alive(machine, "honest")


def test_peers(machine):
    """only root and left4me may call, whatever the mode of the socket is"""
    product.ready(machine)
    attacks.bring(machine)
    users = ("nobody", product.GAME_USER, "left4me-build", "left4me-log", product.CONTENT_USER)
    for user in users:
        for socket in (BROKER, LOG):
            done = caller(machine, "silent", socket, user=user, check=False)
            equal((done.returncode, done.stdout), (1, "EACCES\n"), f"{user} at {socket}")
    with product.server(machine, "asked", start=False):
        for user in ("left4me", "root"):
            equal(caller(machine, "verb", "status", "asked", user=user).stdout.split()[0], DONE, f"asked by {user}")
        # Should somebody open the socket, the kernel still says who is calling.
        machine.run(f"chmod 666 {BROKER} {LOG}")
        try:
            for user in users:
                equal(caller(machine, "verb", "status", "asked", user=user, check=False).stdout, "ended\n", f"asked by {user}")
                done = caller(machine, "log", "bad", user=user, check=False).stdout.splitlines()
                equal({line.rpartition(": ")[2] for line in done} - {"ended", "silence"}, set(), f"the log reader to {user}")
        finally:
            machine.run(f"chmod 660 {BROKER} {LOG}")
        machine.run("runuser -u nobody -- true; test $(journalctl -q -o cat -g 'may not call' --no-pager | wc -l) -ge 5")


def test_fuzz(machine):
    """mutated messages through the sockets: no crash, no effect, none without an answer or an end"""
    with product.server(machine, "honest", start=False):
        watch = Watch(machine)
        said = caller(machine, "fuzz", SEED, MESSAGES, JOBS, timeout=120 + MESSAGES).stdout
        sums = dict(zip(said.split()[0::2], map(int, said.split()[1::2])))
        equal(sum(sums.values()), MESSAGES // JOBS * JOBS, f"messages accounted for ({said.strip()})")
        equal((sums["silent"], sums["unconnected"]), (0, 0), f"messages without an answer, refused connections ({said.strip()})")
        check(sums["refused"] > MESSAGES // 4, f"too few got as far as being refused ({said.strip()})")
        said = caller(machine, "log", "fuzz", SEED, MESSAGES // 3, JOBS, timeout=120 + MESSAGES).stdout
        check("unconnected 0" in said, f"the log reader refused connections: {said}")
        # A message that still is an honest one has its effect; its name may be another by then.
        made = set(machine.output(f"ls {product.DATA}/instances {product.DATA}/runtime {product.DATA}-host/instances").split())
        for name in {"fuzzed"} | {name for name in made if "/" not in name} - {"honest"}:
            caller(machine, "verb", "remove", name)
        watch.check()
        alive(machine, "honest")


def test_many_callers(machine):
    """300 callers at the same time are all answered"""
    with product.server(machine, "honest", start=False):
        watch = Watch(machine)
        said = caller(machine, "parallel", 300, "honest").stdout
        connected, answered, took = map(int, re.findall(r"\d+", said))
        equal((connected, answered), (300, 300), "callers connected and answered")
        within(took, 30000, "milliseconds for 300 callers")
        watch.check()
        equal(machine.unit("left4me-broker.socket")["ActiveState"], "active", "the socket afterwards")


def test_queued_start(machine):
    """while a start waits for its mount, nobody else gets at the directories"""
    hold = "[Service]\nExecStartPre=/bin/sh -c 'until [ -e /run/go ]; do :; done'\n"
    with product.server(machine, "queued", start=False) as server, product.drop_in(machine, "left4me-mount@.service", hold):
        attacks.bring(machine)
        child = machine.popen(["l4d2ctl", "start", server.name], stdout=subprocess.DEVNULL)
        machine.wait_for(f"left4me-mount@{server.name}.service", lambda unit: unit["ActiveState"] == "activating", 30)
        equal(server.properties()["ActiveState"], "inactive", "the server that waits")
        for verb in ("wipe", "remove", "create"):
            equal(caller(machine, "verb", verb, server.name, check=False).stdout.split()[0], BUSY, f"{verb} meanwhile")
        machine.run("touch /run/go")
        equal(child.wait(60), 0, "the start")


def test_kill(machine):
    """a kill does not ask the game: disabled, ended, not started again, unmounted; twice is once"""
    quick = "[Service]\nRestartSec=50ms\n"
    with product.drop_in(machine, "left4me-server@.service", quick), product.server(machine, "hangs") as server:
        attacks.bring(machine)
        server.console("sim_hang")
        machine.wait_for_line(server.unit, "sim. hangs now")
        equal(caller(machine, "verb", "kill", "hangs").stdout.split()[0], DONE, "the kill")
        server.wait_for(lambda unit: unit["ActiveState"] in ("inactive", "failed"))
        # It stays mounted for as long as somebody means to start it again.
        machine.wait_for(server.mount, "inactive")
        unit, status = server.properties(), server.status()
        check(unit["ActiveState"] in ("inactive", "failed"), f"it is {unit['ActiveState']} ({unit['SubState']})")
        equal((unit["NRestarts"], unit["Result"], status["enabled"], status["pid"]), (0, "signal", False, None),
              "restarts, result, enabled and process")
        equal(status["last_exit"]["signal"], signal.SIGKILL, "what it died of")
        equal(machine.output(f"grep -c -F {server.runtime} /proc/1/mountinfo", check=False), "0", "mounts")
        caller(machine, "verb", "kill", "hangs", check=False)
        equal(server.properties()["ActiveState"], unit["ActiveState"], "state after a second kill")
        server.start()
        equal(server.a2s()["name"], "hangs", "A2S after a start")


def test_silent_peer(machine):
    """who says nothing is hung up on after five seconds, and disturbs nobody"""
    with product.server(machine, "honest", start=False):
        attacks.bring(machine)
        for socket in (BROKER, LOG):
            quiet = [machine.popen([f"{attacks.TARGET}/caller", "silent", socket], user="left4me", text=True,
                                   stdout=subprocess.PIPE) for _ in range(20)]
            for child in quiet:
                equal(child.stdout.readline(), "connected\n", "a silent caller")
            alive(machine, "honest")
            for child in quiet:
                said = child.communicate(timeout=30)[0].split()
                equal(said[0], "ended", "what a silent caller hears")
                check(4500 <= int(said[1]) <= 12000, f"a silent caller was kept {said[1]} ms")


def test_what_is_read(machine):
    """what may take minutes keeps no connection to the init system, which would tell nobody anything while it is not read"""
    with product.server(machine, "long", start=False):
        attacks.bring(machine)
        broker, tidy = (machine.unit(f"left4me-{name}.service")["MainPID"] for name in ("broker", "tidy"))

        def sockets():
            return machine.output(f"grep -oE '/run/left4me-host/tidy.sock|/run/systemd/private' /proc/{broker}/net/unix", check=False)

        check(broker and tidy, f"the broker is {broker}, left4me-tidy is {tidy}")
        machine.run(f"kill -STOP {tidy}")
        try:
            child = machine.popen([f"{attacks.TARGET}/caller", "verb", "wipe", "long"], user="left4me", text=True,
                                  stdout=subprocess.PIPE)
            until("that left4me-tidy is asked", lambda: "tidy" in sockets())
            check("private" not in sockets(), "the broker keeps a connection to the init system that it does not read")
        finally:
            machine.run(f"kill -CONT {tidy}")
        equal(child.communicate(timeout=60)[0].split()[0], DONE, "the wipe")


def test_one_request_each(machine):
    """a second message in a connection is not heard, and descriptors that come along are dropped"""
    with product.server(machine, "honest", start=False):
        watch = Watch(machine)
        # In either order: a socket closed with something unread tells the peer that first.
        said = sorted(line.split()[0] for line in caller(machine, "twice", "honest").stdout.splitlines())
        equal(said, [DONE, "ended"], "two messages in one connection")
        for socket in (BROKER, LOG):
            said = caller(machine, "fds", socket, "honest").stdout.split("\n")
            equal(said[1], "closed", f"200 descriptors passed to {socket} ({said[0]})")
        watch.check()
