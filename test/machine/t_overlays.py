# SPDX-License-Identifier: MIT
"""Overlays by l4d2ctl: what a script makes is published, seen by a game, changed, rolled back, collected, dropped."""

import contextlib
import json
import itertools
import re
import socket

import product
from harness import check, equal, within

SCRIPT = """set -eu
mkdir -p left4dead2/cfg left4dead2/addons
echo 'sv_test {number}' > left4dead2/cfg/made.cfg
echo of the script on standard output
echo of the script on standard error >&2
"""
CANCELLED = "the build was cancelled: nothing has changed"
_names = (f"made{number}" for number in itertools.count(1))


@contextlib.contextmanager
def overlay(machine, text, type="script", **settings):
    """The number of an overlay of its own, deleted afterwards."""
    words = [word for key, value in settings.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    name = next(_names)
    made = json.loads(product.ctl(machine, "overlay", "create", name, "--type", type, "--json", *words,
                                  *(("-f", "-") if text is not None else ()), input=text).stdout)
    try:
        yield made["overlay"]
    finally:
        product.ctl(machine, "overlay", "cancel", made["overlay"], check=False)
        product.ctl(machine, "overlay", "delete", made["overlay"], check=False)


def source(machine, number, text):
    product.ctl(machine, "overlay", "source", number, "-f", "-", input=text)


def build(machine, number, *words, **options):
    return product.ctl(machine, "overlay", "build", number, *words, timeout=120, **options)


def test_a_script_is_built(machine):
    """a script's files are published; its log has both streams; a second build of the same makes nothing"""
    with overlay(machine, SCRIPT.format(number=1)) as number:
        said = build(machine, number)
        for line in ("  of the script on standard output", "! of the script on standard error"):
            check(line in said.stdout.splitlines(), f"{line!r} is not in {said.stdout!r}")
        first, all_of_them = product.generations(machine, number)
        equal(all_of_them, [first], "generations")
        tree = f"{product.DATA}/overlays/{number}/{first}"
        equal(machine.read(f"{tree}/left4dead2/cfg/made.cfg"), "sv_test 1\n", "what was published")
        equal(machine.output(f"stat -c '%U %a' {tree}/left4dead2/cfg/made.cfg {tree}"), "left4me-content 640\nleft4me-content 750",
              "whose it is")
        check("Nothing changed" in build(machine, number).stdout, "a second build of the same made something")
        equal(product.generations(machine, number), (first, [first]), "generations after it")
        equal(machine.output(f"ls {product.DATA}/builds"), "", "scratch that is left")


# Takes a file from whoever sends one to the abstract name, and writes to it when it is published.
TAKER = """perl -MSocket -e '
for my $type (SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM, SOCK_RAW) {
    socketpair(my $ours, my $theirs, AF_UNIX, $type, 0) or print("$type: refused\\n"), next;
    connect($ours, pack("x16"));                            # from its twin
    bind($ours, pack("Sx", AF_UNIX) . "left4me-taker-$type") or next;
    getpeername($ours) or print "$type: anybody can send\\n";
}
socket(my $any, AF_UNIX, SOCK_DGRAM, 0) and print "any: made\\n";
'
"""


def test_two_builds_do_not_meet(machine):
    """a script can make no socket by which another build could give it files"""
    with overlay(machine, TAKER) as number:
        said = [line.strip() for line in build(machine, number).stdout.splitlines()]
        for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
            check(f"{int(kind)}: refused" in said, f"{kind!r} was made: {said!r}")
        check(not any("anybody" in line or "any:" in line for line in said), f"a socket can be reached: {said!r}")


def test_a_server_keeps_what_it_was_started_with(machine):
    """a running server keeps its generation; status says what a restart changes; a rollback goes back"""
    with overlay(machine, SCRIPT.format(number=1)) as number:
        build(machine, number)
        old = product.generations(machine, number)[0]
        with product.server(machine, "ground", overlays=[number]) as server:
            seen = f"{server.runtime}/merged/left4dead2/cfg/made.cfg"
            equal(machine.read(seen), "sv_test 1\n", "what the server sees")
            source(machine, number, SCRIPT.format(number=2))
            build(machine, number)
            new = product.generations(machine, number)[0]
            equal(machine.read(seen), "sv_test 1\n", "what the running server sees after a build")
            equal(server.status()["pending"], [f"overlay {number}"], "what waits to be applied")
            server.ctl("restart")
            equal(machine.read(seen), "sv_test 2\n", "after a restart")
            product.ctl(machine, "overlay", "rollback", number)
            equal(product.generations(machine, number), (old, [new, old]), "after a rollback")
            server.ctl("restart")
            equal(machine.read(seen), "sv_test 1\n", "after the rollback and a restart")
            product.one_sentence(product.ctl(machine, "overlay", "delete", number, check=False), 4, "'ground'")


EXPOSING = """mkdir -p left4dead2/cfg
printf '%b' 'sv_gravity {number}\\nsv_maxspeed {number}\\nhostname {number}\\n{more}' > left4dead2/cfg/server.cfg
"""


def test_an_overlays_server_cfg(machine):
    """of overlays that a server names, server.cfg is run: the higher one later, the server's own lines last"""
    with overlay(machine, EXPOSING.format(number=701, more="")) as low, \
            overlay(machine, EXPOSING.format(number=702, more="")) as high, overlay(machine, "echo x > y\n") as bare:
        for number in (low, high, bare):
            build(machine, number)
        with product.server(machine, "runs", overlays=[low, high, bare], hostname="Own",
                            server_cfg_of=[bare, high, low], config=["sv_maxspeed 300"]) as server:
            def said():
                rules = product.a2s_rules(machine.outside, server.port)
                return server.a2s()["name"], rules["sv_gravity"], rules["sv_maxspeed"]

            equal(said(), ("Own", "702", "300"), "what three server.cfg have set")
            log = server.ctl("logs", "--lines", 1000).stdout
            executed = re.findall(r"execing (server\S*)", log)
            equal(executed[:3], ["server.cfg", f"server_overlay_{low}.cfg", f"server_overlay_{high}.cfg"], "what was run")
            cfg = machine.read(f"{server.runtime}/merged/left4dead2/cfg/server.cfg")
            check(f"// Overlay {bare} has no " in cfg, f"nothing is said of the one without: {cfg!r}")
            old = product.generations(machine, high)[0]

            source(machine, high, EXPOSING.format(number=703, more="// caf\\0303\\0251\\n"))
            build(machine, high)
            equal((said()[1], server.status()["pending"]), ("702", [f"overlay {high}", "config"]), "before the restart")
            server.ctl("restart")
            equal(said(), ("Own", "703", "300"), "after the restart")
            found = [(finding["code"], finding["line"]) for finding in server.json("explain")["findings"]
                     if finding["path"] == f"left4dead2/cfg/server_overlay_{high}.cfg"]
            equal(found, [("config-not-ascii", 4)], "what explain finds in the copy")
            server.ctl("restart", "--with", f"{high}={old}")
            equal(said()[1], "702", "with the generation that was named")
            # A crash runs what it ran before.
            machine.run(["kill", "-9", str(server.game_pid())])
            server.wait_for(lambda unit: unit["NRestarts"] == 1 and unit["ActiveState"] == "active")
            equal(said()[1], "702", "after a crash")

            source(machine, high, "rm left4dead2/cfg/server.cfg\nmkdir left4dead2/cfg/server.cfg\necho x > left4dead2/cfg/server.cfg/y\n")
            build(machine, high)
            product.one_sentence(server.ctl("restart", check=False), 4, f"overlay {high} ", "server_cfg_of")
            equal(said()[1], "702", "after a restart that was refused")


def test_failures_change_nothing(machine):
    """a script that fails, or is cancelled, leaves the overlay as it was"""
    with overlay(machine, SCRIPT.format(number=1)) as number:
        build(machine, number)
        before = product.generations(machine, number)
        source(machine, number, "echo x > y; echo no good >&2; exit 3\n")
        failed = build(machine, number, check=False)
        equal(failed.returncode, 1, "exit code of a build that fails")
        check("ended with exit code 3" in failed.stderr, f"it says {failed.stderr!r}")
        failed = build(machine, number, "--json", check=False)
        *lines, last = map(json.loads, failed.stdout.splitlines())
        equal([(line["stream"], line["text"]) for line in lines],
              [("stderr", "no good"), ("stderr", "the script ended with exit code 3")], "its log in JSON")
        equal(last, {"error": {"kind": "failed", "message": "the script ended with exit code 3", "exit_code": 3}}, "its error in JSON")
        check("! no good\n" in product.ctl(machine, "overlay", "log", number).stdout, "the log of the failed build is not shown")
        source(machine, number, "kill -9 $$\n")
        error = json.loads(build(machine, number, "--json", check=False).stdout.splitlines()[-1])["error"]
        equal(set(error), {"kind", "message"}, "what is told of a script that has no exit code")
        source(machine, number, "echo x > y; echo waiting; sleep infinity\n")
        with product.running(machine, ["l4d2ctl", "overlay", "build", str(number)]) as child:
            product.read_all_until(child.stdout, b"waiting", 60)
            product.ctl(machine, "overlay", "cancel", number)
            equal(child.wait(60), 1, "exit code of a build that is cancelled")
            equal(child.stderr.read().decode(), f"l4d2ctl: {CANCELLED}\n", "what it says")
        equal(product.ctl(machine, "overlay", "log", number).stdout, f"  waiting\n! {CANCELLED}\n", "the log of the cancelled build")
        equal(product.generations(machine, number), before, "generations after it all")
        equal(machine.output(f"ls {product.DATA}/builds"), "", "scratch that is left")


def test_a_canary_goes_first(machine):
    """a generation that is held is tried by one server, then chosen for all, then rolled back"""
    with overlay(machine, SCRIPT.format(number=1)) as number:
        build(machine, number)
        old = product.generations(machine, number)[0]
        with product.server(machine, "bird", overlays=[number]) as bird, product.server(machine, "other", overlays=[number]) as other:
            def seen():
                return [machine.read(f"{server.runtime}/merged/left4dead2/cfg/made.cfg") for server in (bird, other)]

            source(machine, number, SCRIPT.format(number=2))
            build(machine, number, "--hold")
            current, (new, _) = product.generations(machine, number)
            equal(current, old, "the current generation after a build that is held")
            product.one_sentence(bird.ctl("start", "--with", f"{number}={new}", check=False), 4, "restart")
            product.one_sentence(bird.ctl("restart", "--with", f"{number}={new + 1}", check=False), 3, f"generation {new + 1}")
            bird.ctl("restart", "--with", f"{number}={new}")
            other.ctl("restart")
            equal(seen(), ["sv_test 2\n", "sv_test 1\n"], "what the two see")
            equal(bird.status()["pending"], [f"overlay {number}"], "what the canary would change")
            product.ctl(machine, "overlay", "select", number, new)
            other.ctl("restart")
            equal(seen(), ["sv_test 2\n", "sv_test 2\n"], "what the two see after all")
            product.ctl(machine, "overlay", "rollback", number)
            equal(product.generations(machine, number)[0], old, "the current generation after a rollback")


def test_old_generations_go(machine):
    """kept are the newest, the current one and those that a server has; the rest is dropped"""
    with overlay(machine, SCRIPT.format(number=0), keep=2) as number:
        build(machine, number)
        first = product.generations(machine, number)[0]
        with product.server(machine, "holder", overlays=[number]) as holder:
            for version in range(1, 5):
                source(machine, number, SCRIPT.format(number=version))
                build(machine, number)
            current, kept = product.generations(machine, number)
            equal((len(kept), kept[-1]), (3, first), "generations while a server has the first one")
            holder.stop()
            product.ctl(machine, "overlay", "gc", number)
            check(first in product.generations(machine, number)[1], "what a stopped server has applied was dropped")
            holder.ctl("delete")
        product.ctl(machine, "overlay", "gc", number)
        equal(product.generations(machine, number), (current, kept[:2]), "generations when nobody has the first one")
        equal(machine.output(f"ls {product.DATA}/overlays/{number}").split(),
              sorted(f"{generation}{suffix}" for generation in kept[:2] for suffix in ("", ".index")) + ["state.json"],
              "what is on disk")


def test_a_wipe_starts_from_nothing(machine):
    """a build lies over the last generation and keeps its cache; a wipe has neither"""
    text = """echo sees $(ls left4dead2 2>&1; ls "$CACHE")
              mkdir -p left4dead2; touch "$CACHE/kept" left4dead2/of-a-build\n"""
    nothing = "  sees ls: cannot access 'left4dead2': No such file or directory"
    with overlay(machine, text) as number:
        equal(build(machine, number).stdout.splitlines()[0], nothing, "what the first build sees")
        equal(build(machine, number).stdout.splitlines()[0], "  sees of-a-build kept", "what the second one sees")
        equal(product.ctl(machine, "overlay", "wipe", number).stdout.splitlines()[0], nothing, "what a wipe sees")


def test_a_stopped_servers_layer(machine):
    """what a game wrote is dropped file by file, only while it is stopped, and nothing outside is touched"""
    with product.server(machine, "editor") as server:
        wrote = ("mkdir -p logs/deep && echo a > logs/one && echo b > logs/deep/two && echo changed >> cfg/valve.rc && "
                 "rm -f steam.inf && ln -s /etc logs/out")
        machine.run(f"cd {server.runtime}/merged/left4dead2 && "
                    f"setpriv --reuid {product.GAME_USER} --regid {product.GAME_USER} --clear-groups bash -c '{wrote}'")
        product.one_sentence(server.ctl("drop", "left4dead2/logs/one", check=False), 4, "stop")
        server.stop()
        for bad in ("../upper", "/etc/passwd", "left4dead2/../../x", "left4dead2//logs"):
            equal(server.ctl("drop", bad, check=False).returncode, 2, f"exit code of dropping {bad}")
        changes = {entry["path"]: entry["change"] for entry in server.json("drift")["entries"]}
        check("left4dead2/logs/one" in changes, f"drift tells {changes}")
        server.ctl("drop", "left4dead2/logs")
        server.ctl("drop", "left4dead2/logs/not/there")
        for path in [path for path, change in changes.items() if path.endswith((".rc", ".inf"))]:
            server.ctl("drop", path)
        left = [entry["path"] for entry in server.json("drift")["entries"]]
        check(not [path for path in left if "logs" in path or path.endswith((".rc", ".inf"))], f"what is left: {left}")
        check(machine.output("ls -d /etc/passwd") == "/etc/passwd", "a link was followed")
        server.start()


def test_the_daily_refresh(machine):
    """the timer's service builds what is marked for it, once each, and tells what fails"""
    counts = 'echo $(($(cat "$CACHE/n" 2>/dev/null || echo 0) + 1)) | tee "$CACHE/n" > n\n'
    with overlay(machine, counts, refresh="daily") as daily, overlay(machine, counts) as never, \
            overlay(machine, "exit 5\n", refresh="daily") as failing:
        result = machine.run(["systemctl", "start", "left4me-refresh.service"], check=False, timeout=120)
        check(result.returncode != 0, "a refresh with a build that fails succeeded")
        current = product.generations(machine, daily)[0]
        equal(machine.read(f"{product.DATA}/overlays/{daily}/{current}/n"), "1\n", "how often it was built")
        for number in (never, failing):
            equal(machine.output(f"ls {product.DATA}/overlays/{number}", check=False), "", f"what overlay {number} has")
        log = machine.journal("left4me-refresh.service")
        check(re.search(r"\b1 of \d+ overlays was not built", log), f"the log says {log}")
        done = product.ctl(machine, "overlay", "refresh", "--json", check=False, timeout=120)
        said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
        error = next(line["error"] for line in said if "error" in line and line["overlay"] == failing)
        check(f": {error['message']}\n" in done.stderr, f"{done.stderr!r} is not {error}")
        equal(machine.output("systemctl is-enabled left4me-refresh.timer"), "enabled", "the timer")
        check("left4me-refresh.service" in machine.output("systemctl list-timers --all --no-pager"), "the timer is not known")


WAITS = """echo new > new; test -p /cache/gate || mkfifo /cache/gate
           echo waiting; read -r _ < /cache/gate || :\n"""


@contextlib.contextmanager
def waiting_build(machine, number, *words, text=WAITS):
    """A build of WAITS that waits for go(): the command that watches it, and the number of the build."""
    source(machine, number, text)
    with product.running(machine, ["l4d2ctl", "overlay", *(words or ("build",)), str(number)]) as child:
        product.read_all_until(child.stdout, b"waiting", 60)
        builds = machine.output(f"grep -l . {product.DATA}-host/builds/*").split()
        yield child, max(int(path.rpartition("/")[2]) for path in builds)


def go(machine, number):
    """Lets it end; returns when it has heard."""
    machine.run(f": > {product.DATA}/cache/script/{number}/gate")


def test_a_log_comes_line_by_line(machine):
    """what a build says is told while it runs, also in JSON and to a pipe"""
    with overlay(machine, WAITS) as number, waiting_build(machine, number, "build", "--json") as (child, running):
        with product.running(machine, ["l4d2ctl", "overlay", "log", str(number), "--follow", "--json"]) as follower:
            said = product.read_all_until(follower.stdout, b"\n", 60)
            equal(json.loads(said.splitlines()[0])["text"], "waiting", "the first line in JSON")
        go(machine, number)
        out, _ = child.communicate(timeout=60)
        equal((child.returncode, json.loads(out.splitlines()[-1])["build"]), (0, running), "exit code, and the result")


def rest(child):
    """(exit code, what it says on stderr from here on) of a command that is about to end."""
    complaint = child.communicate(timeout=60)[1]
    return child.returncode, complaint.decode()


def test_a_second_build(machine):
    """a second build of an overlay watches the first one and says so, as long as it makes what was asked for"""
    with overlay(machine, WAITS) as number:
        name = product.ctl_json(machine, "overlay", "show", number)["name"]
        with waiting_build(machine, number) as (child, running):
            for words in (("wipe",), ("wipe", "--detach"), ("build", "--hold"), ("wipe", "--hold"), ("gc",)):
                done = product.ctl(machine, "overlay", *words, number, check=False)
                product.one_sentence(done, 4, f"a build of '{name}' is running: wait for it or cancel it")
            attached = f"l4d2ctl: build {running} of '{name}' runs already: no other one is begun\n"
            left = product.ctl(machine, "overlay", "build", number, "--detach")
            equal(left.stderr, attached, "what a build that does not wait says")
            equal(product.ctl_json(machine, "overlay", "build", number, "--detach"), {"overlay": number, "build": running, "attached": True},
                  "its answer in JSON")
            words = ["l4d2ctl", "overlay", "build", str(number)]
            with product.running(machine, words) as second, product.running(machine, [*words, "--json"]) as third:
                equal(product.read_all_until(second.stderr, b"\n", 60).decode(), attached, "what the second one says")
                product.read_all_until(third.stdout, b"waiting", 60)
                with product.running(machine, words) as fourth:
                    product.read_all_until(fourth.stderr, b"\n", 60)
                    machine.run(["pkill", "-INT", "-n", "-x", "l4d2ctl"])
                    equal(rest(fourth), (1, "l4d2ctl: the build goes on without being watched\n"), "Ctrl-C of who only watches")
                go(machine, number)
                equal([rest(one) for one in (child, second)], [(0, "")] * 2, "exit codes and complaints")
                out, complaint = third.communicate(timeout=60)
        equal(complaint, b"", "complaints with --json")
        equal(json.loads(out.splitlines()[-1]), {"overlay": number, "build": running, "attached": True, "changed": True, "generation": running},
              "the result in JSON")
        equal(product.generations(machine, number), (running, [running]), "generations")
        source(machine, number, SCRIPT.format(number=1))
        said = json.loads(build(machine, number, "--json").stdout.splitlines()[-1])
        equal((said["attached"], said["changed"]), (False, True), "the result of one that nobody else has begun")


def test_who_watches_what(machine):
    """a build that is held is for those who say so; one from nothing is as good as another, and a wipe watches it"""
    with overlay(machine, WAITS) as number:
        with waiting_build(machine, number, "build", "--hold") as (child, running):
            product.one_sentence(product.ctl(machine, "overlay", "build", number, check=False), 4, "wait for it or cancel it")
            said = product.ctl_json(machine, "overlay", "build", "--hold", "--detach", number)
            equal((said["build"], said["attached"]), (running, True), "a second one that is held")
            product.ctl(machine, "overlay", "cancel", number)
            equal(rest(child), (1, f"l4d2ctl: {CANCELLED}\n"), "what is said of the first one")
        with waiting_build(machine, number, "wipe") as (child, running):
            for verb in ("build", "wipe"):
                said = product.ctl_json(machine, "overlay", verb, "--detach", number)
                equal((said["build"], said["attached"]), (running, True), f"a {verb} while a wipe runs")
            go(machine, number)
            equal(rest(child), (0, ""), "exit code and complaints of the wipe")
        equal(product.generations(machine, number), (running, [running]), "generations")


# A publisher that says when it is there, and waits.
GATED = "[Service]\nExecStartPre=+/bin/sh -c 'echo there > /run/test-there; read -r _ < /run/test-gate'\n"


def test_a_choice_is_not_watched(machine):
    """what has no builder, as a choice of a generation, is over before it could be watched: a build is refused meanwhile"""
    with overlay(machine, SCRIPT.format(number=1)) as number:
        build(machine, number)
        old = product.generations(machine, number)[0]
        source(machine, number, SCRIPT.format(number=2))
        build(machine, number)
        machine.run("mkfifo /run/test-there /run/test-gate")
        with product.drop_in(machine, "left4me-publish@.service", GATED), \
                product.running(machine, ["l4d2ctl", "overlay", "select", str(number), str(old)]) as choice:
            machine.run("read -r _ < /run/test-there")
            for words in (("build",), ("wipe",), ("gc",)):
                product.one_sentence(product.ctl(machine, "overlay", *words, number, check=False), 4, "is running: wait for it or cancel it")
            machine.run("echo > /run/test-gate")
            equal(rest(choice), (0, ""), "exit code and complaints of the choice")
        machine.run("rm /run/test-there /run/test-gate")
        equal(product.generations(machine, number)[0], old, "the current generation")


# Each start of it leaves a line in the cache.
COUNTS = "echo began >> /cache/began; date +%s.%N > date\n"


def test_a_refresh_begins_nothing_twice(machine):
    """a refresh that meets a build watches it, and passes over what was built meanwhile; two at once build everything once"""
    def began():
        return [len(machine.read(f"{product.DATA}/cache/script/{number}/began").splitlines()) for number in (slow, quick)]

    refresh = ["l4d2ctl", "overlay", "refresh"]
    with overlay(machine, COUNTS + WAITS, refresh="daily") as slow, overlay(machine, COUNTS, refresh="daily") as quick:
        with product.running(machine, refresh) as first:
            product.read_all_until(first.stdout, b"waiting", 60)
            with product.running(machine, refresh) as second:
                product.read_all_until(second.stderr, b" runs already: ", 60)
                go(machine, slow)
                equal([child.wait(60) for child in (first, second)], [0, 0], "exit codes of two at once")
        equal(began(), [1, 1], "how often each was built by two at once")
        with product.running(machine, refresh) as child:
            product.read_all_until(child.stdout, b"waiting", 60)
            build(machine, quick)
            go(machine, slow)
            code, complaint = rest(child)
        current = product.generations(machine, quick)[0]
        check(code == 0 and f"l4d2ctl: build {current} of " in complaint and " came first: " in complaint, f"it ends with {code} {complaint!r}")
        equal(began(), [2, 2], "how often each was built, one of them by somebody else")
        with waiting_build(machine, slow, text=COUNTS + WAITS) as (child, running):
            machine.run(["systemctl", "start", "--no-block", "left4me-refresh.service"])
            check(machine.wait_for_line("left4me-refresh.service", f"build {running} of .* runs already"), "the timer's service does not watch")
            go(machine, slow)
            equal(rest(child), (0, ""), "exit code and complaints of the build")
            machine.wait_for("left4me-refresh.service", lambda unit: unit["ActiveState"] in ("inactive", "failed"), 60)
        equal(machine.unit("left4me-refresh.service")["Result"], "success", "the result of the timer's service")
        equal(began(), [3, 3], "how often each was built, one of them in the timer's way")


def test_a_refresh_tells_how_others_ended(machine):
    """of a build that somebody else began and that is over, a refresh says what it became: a generation, nothing, or an error"""
    def met(text):
        """What the refresh says of `quick`, which is built meanwhile from this text."""
        source(machine, quick, text)
        with product.running(machine, ["l4d2ctl", "overlay", "refresh", "--json"]) as child:
            said = product.read_all_until(child.stdout, b'"waiting"', 60)
            build(machine, quick, check=False)
            go(machine, slow)
            code, rest_of_it = child.wait(60), child.stdout.read()
        lines = [json.loads(line) for line in (said + rest_of_it).decode().splitlines()]
        check(all(line["overlay"] in (slow, quick) for line in lines[:len(lines) - code]), f"a line is of no overlay: {lines}")
        return code, next(line for line in lines if line.get("overlay") == quick and "text" not in line)

    with overlay(machine, COUNTS + WAITS, refresh="daily") as slow, overlay(machine, "echo x > y\n", refresh="daily") as quick:
        build(machine, quick)
        code, result = met("echo x > y\n")
        equal((code, result["changed"], result["attached"]), (0, False, True), "what is said of one that changed nothing")
        code, result = met("echo new > y\n")
        equal((code, result["changed"], result["generation"]), (0, True, product.generations(machine, quick)[0]), "of one that did")
        code, result = met("exit 3\n")
        equal((code, result["error"]["message"]), (1, "the script ended with exit code 3"), "of one that failed")


# A chain of processes, a session each, with a child beside each: deaf to whatever can be ignored. All say when they are there.
DEEP = """mkfifo /tmp/up; exec 9<> /tmp/up
dig() {
    trap '' TERM HUP INT QUIT ABRT ALRM USR1 USR2 PIPE
    printf x >&9
    sleep infinity &
    if [ "$1" -gt 1 ]; then setsid bash -c "$(declare -f dig); dig $(($1 - 1))" & fi
    while :; do wait; done
}
dig DEPTH & read -r -N DEPTH _ <&9; echo waiting; trap '' TERM HUP INT QUIT; while :; do wait; done
"""
DEPTH = 40
CANCELS_AT_MOST_S, TRIES = 1, 3

# Cancels, and says how long it took until the group (a file cgroup.events) was empty, by the kernel's word.
CANCEL = """
import os, select, subprocess, sys, time
group, *words = sys.argv[1:]
def is_populated():
    try:
        return "populated 1" in os.pread(events, 4096, 0).decode()
    except OSError:             # the group itself is gone
        return False
events = os.open(group + "/cgroup.events", os.O_RDONLY)
poll = select.poll()
poll.register(events, select.POLLPRI)
assert is_populated()
start = time.monotonic()
child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
while is_populated():
    if not poll.poll(30000):
        sys.exit("it is not empty after 30 s")
took = time.monotonic() - start
assert child.wait() == 0
print(took)
"""


def test_a_deep_tree_is_cancelled(machine):
    """of a tree of processes that hear no signal nothing is left a second after a build is cancelled"""
    with overlay(machine, DEEP.replace("DEPTH", str(DEPTH))) as number:
        took = []
        while len(took) < TRIES and min(took, default=CANCELS_AT_MOST_S) >= CANCELS_AT_MOST_S:
            with product.running(machine, ["l4d2ctl", "overlay", "build", str(number)]) as child:
                product.read_all_until(child.stdout, b"waiting", 120)
                unit = f"left4me-script@{machine.output(f'ls {product.DATA}/builds')}.service"
                group = f"/sys/fs/cgroup{machine.unit(unit)['ControlGroup']}"
                there = machine.output(f"cat {group}/cgroup.procs").splitlines()
                check(len(there) >= 2 * DEPTH, f"of the tree only {len(there)} processes are there")
                took.append(float(machine.output(["python3", "-c", CANCEL, group, "l4d2ctl", "overlay", "cancel", str(number)])))
                equal(rest(child), (1, f"l4d2ctl: {CANCELLED}\n"), "what is said of the build")
        within(min(took), CANCELS_AT_MOST_S, f"seconds until nothing of the tree was left, the best of {took}")
        equal(machine.output(f"ls {product.DATA}/builds"), "", "scratch that is left")


def test_a_server_is_not_disturbed(machine):
    """a server goes on as it was, on the very overlays whose builds fail and are cancelled"""
    with overlay(machine, SCRIPT.format(number=1)) as number, overlay(machine, None, type="files") as files:
        product.ctl(machine, "files", "put", files, "left4dead2/cfg/ours.cfg", "-f", "-", input="sv_ours 1\n")
        for one in (number, files):
            build(machine, one)
        before = [product.generations(machine, one) for one in (number, files)]
        with product.server(machine, "calm", overlays=[number, files]) as server:
            def seen():
                said = [line for line in server.rcon("sim_read left4dead2/cfg/made.cfg; sim_read left4dead2/cfg/ours.cfg").splitlines()
                        if "sv_" in line]
                cfg = machine.output(f"cd {server.runtime}/merged/left4dead2 && ls -lR . | grep -c . && sha256sum cfg/*.cfg gameinfo.txt steam.inf")
                status = server.status()
                return (said, cfg, server.game_pid(), status["pid"], status["run"], status["restarts"], status["mounted"], status["pending"],
                        server.a2s()["name"])

            calm = seen()
            equal(len(calm[0]), 2, f"what the game reads of the overlays: {calm[0]}")
            source(machine, number, "rm -r left4dead2; mkdir left4dead2; echo 2 > left4dead2/new.cfg; exit 3\n")
            product.one_sentence(build(machine, number, check=False), 1, "exit code 3")
            equal(seen(), calm, "the server after a script that failed")
            with waiting_build(machine, number, text="rm -r left4dead2\n" + WAITS) as (child, _):
                equal(seen(), calm, "the server while a script is built")
                product.ctl(machine, "overlay", "cancel", number)
                equal(rest(child), (1, f"l4d2ctl: {CANCELLED}\n"), "what is said of the build")
            equal(seen(), calm, "the server after a script that was cancelled")
            product.ctl(machine, "files", "put", files, "left4dead2/cfg/ours.cfg", "-f", "-", input="sv_ours 2\n")
            machine.run(["chmod", "000", f"{product.DATA}/sources/{files}/tree/left4dead2/cfg/ours.cfg"])
            product.one_sentence(build(machine, files, check=False), 1, "ours.cfg")
            equal(seen(), calm, "the server after a tree of files that could not be read")
            equal([product.generations(machine, one) for one in (number, files)], before, "generations")


def test_line_ends(machine):
    """a script that was saved under Windows runs: its line ends are those of this world, its other bytes as they were"""
    text = "set -eu\r\nmkdir -p left4dead2/cfg\r\nfor word in Grüße 日本; do\r\n  echo \"$word\" >> left4dead2/cfg/made.cfg\r\ndone\r\n"
    with overlay(machine, text) as number:
        stored = machine.run(["cat", f"{product.DATA}/sources/{number}/script"], text=False).stdout
        equal(stored, text.replace("\r\n", "\n").encode(), "what is stored")
        build(machine, number)
        made = f"{product.DATA}/overlays/{number}/{product.generations(machine, number)[0]}/left4dead2/cfg/made.cfg"
        equal(machine.read(made, text=False), "Grüße\n日本\n".encode(), "what it has made")


def test_everything_is_collected(machine):
    """gc without a name looks at all overlays and says what that gave back"""
    script = "head -c {size} /dev/urandom > big\n"
    with overlay(machine, script.format(size="1M"), keep=3) as one, overlay(machine, script.format(size="2M"), keep=3) as other:
        for _ in range(3):
            for number in (one, other):
                build(machine, number)
        product.ctl(machine, "overlay", "set", one, "--keep", 2)
        product.ctl(machine, "overlay", "set", other, "--keep", 2)
        # The newest is current, and the one before it stays until the next publication.
        done = product.ctl_json(machine, "overlay", "gc")
        equal(done, {"name": "all overlays", "action": "gc", "state": "idle", "changed": True, "dropped": 2, "freed_bytes": 3 << 20}, "in JSON")
        equal([len(product.generations(machine, number)[1]) for number in (one, other)], [2, 2], "generations of each")
        equal(product.ctl(machine, "overlay", "gc").stdout, "all overlays: 0 generations dropped, 0 B freed\n", "the second time")
        build(machine, one)
        equal(product.ctl(machine, "overlay", "gc", one).stdout.partition(": ")[2], "0 generations dropped, 0 B freed\n", "of one overlay")


def test_a_build_that_nobody_watches(machine):
    """a build that was left alone and is cancelled leaves nothing on the disk, and takes nothing of the budget"""
    with overlay(machine, WAITS) as number:
        left = product.ctl_json(machine, "overlay", "build", number, "--detach")["build"]
        machine.wait_for_line(f"left4me-script@{left}", "waiting")
        product.ctl(machine, "overlay", "cancel", number)
        equal(machine.output(f"ls {product.DATA}/builds; ls {product.DATA}-host/builds"), "", "what is left of the build")
        equal(machine.output(f"ls {product.DATA}/overlays/{number}"), "", "what is published")


def test_whoever_watches_may_die(machine):
    """a build whose watcher is killed goes on and is published; its scratch goes with the next build"""
    with overlay(machine, SCRIPT.format(number=1)) as number:
        build(machine, number)
        with waiting_build(machine, number) as (child, running):
            child.kill()
            child.wait(60)
            go(machine, number)
            machine.wait_for(f"left4me-publish@{running}.service", lambda unit: unit["ActiveState"] == "inactive" and
                             product.generations(machine, number)[0] == running, 60)
        equal(product.generations(machine, number)[0], running, "the current generation")
        source(machine, number, "echo new > new\n")
        check("Nothing changed" in build(machine, number).stdout, "the next build is not of the same")
        equal(machine.output(f"ls {product.DATA}/builds"), "", "scratch that is left")


def test_what_nobody_waits_for(machine):
    """the scratch of a build that failed unwatched goes with the build of another overlay, ten seconds later"""
    with overlay(machine, "exit 3\n") as number, overlay(machine, SCRIPT.format(number=1)) as other:
        left = product.ctl_json(machine, "overlay", "build", number, "--detach")["build"]
        machine.wait_for(f"left4me-script@{left}.service", "failed")
        equal(machine.output(f"ls {product.DATA}/builds"), str(left), "the scratch of what failed")
        for _ in range(60):         # of about a second
            build(machine, other)
            if not machine.output(f"ls {product.DATA}/builds"):
                break
        equal(machine.output(f"ls {product.DATA}/builds {product.DATA}-host/builds | grep {left}", check=False), "", "what is left of it")
        said = product.ctl(machine, "overlay", "log", number).stdout
        check("ended with exit code 3" in said, f"its log is not there any more: {said!r}")


def test_a_builder_that_is_killed(machine):
    """a builder that is killed from outside changes nothing, says so, and the next build works"""
    with overlay(machine, SCRIPT.format(number=1)) as number:
        build(machine, number)
        before = product.generations(machine, number)
        with waiting_build(machine, number) as (child, running):
            machine.run(["systemctl", "kill", "--signal=KILL", f"left4me-script@{running}.service"])
            equal(child.wait(60), 1, "exit code of the watcher")
            equal(child.stderr.read().decode(), "l4d2ctl: the build was killed from outside by signal 9 (SIGKILL)\n", "what it says")
        equal(product.generations(machine, number), before, "generations after it")
        equal(machine.output(f"ls {product.DATA}/builds"), "", "scratch that is left")
        with waiting_build(machine, number) as (child, running):
            go(machine, number)
            equal(child.wait(60), 0, "exit code of the next one")
        equal(product.generations(machine, number)[0], running, "the current generation")


def test_a_publication_that_is_killed(machine):
    """a publisher that is killed leaves the old state; the next build takes the result up and publishes it"""
    with overlay(machine, SCRIPT.format(number=1)) as number:
        build(machine, number)
        before = product.generations(machine, number)
        source(machine, number, SCRIPT.format(number=2))
        with product.drop_in(machine, "left4me-publish@.service", "[Service]\nExecStartPre=/bin/sh -c 'kill -9 $$'\n"):
            failed = build(machine, number, check=False)
            equal(failed.returncode, 1, "exit code of a build whose publication is killed")
            check("was not published" in failed.stderr, f"it says {failed.stderr!r}")
            equal(product.generations(machine, number), before, "generations after it")
        again = build(machine, number)
        check("that is tried again" in again.stdout, f"the next build says {again.stdout!r}")
        new = product.generations(machine, number)[0]
        equal(machine.read(f"{product.DATA}/overlays/{number}/{new}/left4dead2/cfg/made.cfg"), "sv_test 2\n", "what is published")


def test_a_publication_that_nobody_wants(machine):
    """what could not be published, and would become current, is not taken up by a build that is to be held"""
    with overlay(machine, SCRIPT.format(number=1)) as number:
        build(machine, number)
        before = product.generations(machine, number)[0]
        source(machine, number, SCRIPT.format(number=2))
        with product.drop_in(machine, "left4me-publish@.service", "[Service]\nExecStartPre=/bin/sh -c 'kill -9 $$'\n"):
            equal(build(machine, number, check=False).returncode, 1, "exit code of a build whose publication is killed")
        source(machine, number, SCRIPT.format(number=3))
        said = build(machine, number, "--hold").stdout
        check("tried again" not in said, f"the build that is held says {said!r}")
        current, (new, old) = product.generations(machine, number)
        equal((current, old), (before, before), "the current generation, and the one before the new one")
        equal(machine.read(f"{product.DATA}/overlays/{number}/{new}/left4dead2/cfg/made.cfg"), "sv_test 3\n", "what is held")


def test_what_changed(machine):
    """diff lists what changed between two generations; explain says what is in one and what is wrong with it"""
    first = """mkdir -p left4dead2/cfg addons; echo 1 > left4dead2/cfg/kept.cfg; echo 1 > left4dead2/cfg/changed.cfg
               echo 1 > left4dead2/cfg/gone.cfg; printf 'hostname caf\\303\\251\\n' > left4dead2/cfg/server.cfg; touch addons/lost.vpk\n"""
    with overlay(machine, first) as number:
        product.one_sentence(product.ctl(machine, "overlay", "diff", number, check=False), 3, "no generation yet")
        build(machine, number)
        product.one_sentence(product.ctl(machine, "overlay", "diff", number, check=False), 3, "before the current one")
        source(machine, number, "cd left4dead2/cfg; echo 2 > changed.cfg; rm gone.cfg; echo 1 > new.cfg\n")
        build(machine, number)
        said = product.ctl_json(machine, "overlay", "diff", number)
        equal({row["path"]: row["change"] for row in said["changes"]},
              {"left4dead2/cfg/changed.cfg": "changed", "left4dead2/cfg/gone.cfg": "removed", "left4dead2/cfg/new.cfg": "added"},
              "what changed")
        back = product.ctl(machine, "overlay", "diff", number, said["to"], said["from"]).stdout
        check("removed  left4dead2/cfg/new.cfg\n" in back and "1 added, 1 changed, 1 removed" in back, f"the other way round: {back!r}")
        found = product.ctl(machine, "overlay", "explain", number).stdout
        check("left4dead2/cfg/server.cfg" in found and "warning  addons, in overlay" in found, f"explain says {found!r}")


# -- the budget -------------------------------------------------------------------------------------

SETTINGS = "/etc/left4me/left4me.conf"
MIB = 1 << 20


@contextlib.contextmanager
def budget(machine, more):
    """All overlays together may have `more` bytes than they have; yields what the budget is in MiB."""
    used = sum(row["disk_bytes"] for row in product.ctl_json(machine, "overlay", "list")["overlays"])
    before = machine.read(SETTINGS)
    machine.push(before.replace("#budget = 0\n", f"budget = {used + more}\n").encode(), SETTINGS)
    try:
        yield (used + more) // MIB
    finally:
        machine.push(before.encode(), SETTINGS)


def writes(megabytes, name="big"):
    return f"head -c {megabytes}M /dev/urandom > {name}\n"


def refused(machine, number, *words):
    """A build that is ended or not begun, with this sentence; the overlay stays as it is."""
    state = f"{product.DATA}/overlays/{number}/state.json"
    look = f"cat {state}; ls {product.DATA}/builds"
    before = machine.output(look, check=False)
    product.one_sentence(build(machine, number, check=False), 1, *words)
    equal(machine.output(look, check=False), before, "the overlay and all scratches after a build that had no room")


def test_the_budget(machine):
    """all overlays share one budget: what fits is built, what does not is ended or not begun, and what is dropped makes room"""
    product.ready(machine)
    with overlay(machine, writes(8)) as one, overlay(machine, writes(40)) as two, overlay(machine, writes(4)) as three, \
            overlay(machine, None, type="files") as files, budget(machine, 48 * MIB + MIB // 2) as limit:
        used_up = f"all overlays together have used up their {limit} MiB: delete one, or let 'l4d2ctl overlay gc' drop old generations"
        build(machine, one)
        source(machine, two, writes(41))
        refused(machine, two, "the output has grown beyond its limit of 40.5 MiB")
        source(machine, two, writes(32))
        build(machine, two)
        source(machine, one, writes(8))
        build(machine, one)             # its first generation stays
        equal(len(product.generations(machine, one)[1]), 2, "generations of the first overlay")
        product.ctl(machine, "files", "put", files, "left4dead2/cfg/a.cfg", "-f", "-", input="a")
        for number in (three, files, one):
            refused(machine, number, used_up)
        product.ctl(machine, "overlay", "set", one, "--keep", 1)
        refused(machine, three, used_up)
        product.ctl(machine, "overlay", "gc")
        equal(len(product.generations(machine, one)[1]), 1, "generations of it after 'overlay gc'")
        build(machine, three)
        build(machine, files)
        source(machine, three, writes(30, "more"))
        refused(machine, three, "the output has grown beyond its limit of")
        product.ctl(machine, "overlay", "delete", two)
        build(machine, three)
        equal(product.ctl_json(machine, "overlay", "show", three)["current"]["bytes"], 34 * MIB, "bytes of what had no room before")


def test_what_runs_counts(machine):
    """what builds that run may still write is not granted to another one, and is there again when they end"""
    product.ready(machine)
    with overlay(machine, WAITS) as one, overlay(machine, writes(4)) as two, overlay(machine, writes(4)) as three, \
            budget(machine, 16 * MIB) as limit:
        with waiting_build(machine, one) as (child, _):
            refused(machine, two, f"builds that run may use up what is left of the {limit} MiB of all overlays together: wait for one, or cancel it")
            go(machine, one)
            equal(child.wait(60), 0, "exit code of the one that ran")
        build(machine, two)
        product.ctl(machine, "overlay", "set", one, "--output-max", "4M")
        with waiting_build(machine, one) as (child, _):
            source(machine, three, writes(6))
            refused(machine, three, "the output has grown beyond its limit of 4.0 MiB")       # half of what is left
            product.ctl(machine, "overlay", "cancel", one)
            equal(child.wait(60), 1, "exit code of the one that was cancelled")
        build(machine, three)
