# SPDX-License-Identifier: MIT
"""An update of the game while it runs: what people see of it, and what comes of it when something dies in the middle.

SteamCMD's stand-in waits in the middle of the download until it is told to go on, so nothing here depends on time.
"""

import contextlib
import itertools
import json
import re

import attacks
import product
from harness import check, equal, within

SECONDS = 60                        # for what ought to come, on a busy machine
INSTALL = ("l4d2ctl", "install")
NOT_FOUND, DENIED = "2", "5"        # enum error_kind
# Builds of the game that nobody has installed yet.
_builds = itertools.count(product.BUILD + 1)

_WAITS = "journalctl -q -o cat -n all -f --since=@$1 -t left4me-steamcmd | grep -q -m1 -F '[sim] waits'"


@contextlib.contextmanager
def _held(machine, *words):
    """An `install` whose SteamCMD waits in the middle: the command, its build, the build of the game it fetches."""
    game = next(_builds)
    product.steamcmd(machine, build=game, fail="wait")
    since = machine.output("date +%s.%N")
    with product.running(machine, [*INSTALL, "--steamcmd", product.STEAMCMD, *words]) as child:
        machine.run(["bash", "-c", _WAITS, "-", since])
        try:
            yield child, max(map(int, machine.output(f"ls {product.DATA}-host/builds").split())), game
        finally:
            _go_on(machine)


def _go_on(machine):
    """Opens the gate; harmless when nobody waits."""
    machine.run(f"cd {product.DATA}/cache/steamcmd/steamcmd && test ! -p gate || : <> gate")


def _rest(child):
    """(exit code, what it still says, what it says on stderr)"""
    out, err = child.communicate(timeout=SECONDS)
    return child.returncode, out.decode(), err.decode()


def _check_no_scratch(machine):
    left = machine.output(f"ls {product.DATA}/builds {product.DATA}-host/builds | grep -v :", check=False).split()
    equal(left, [], "scratch that is left")
    equal(machine.output(f"grep -c {product.DATA}/builds /proc/1/mountinfo", check=False), "0", "mounts of builds")


def test_progress(machine):
    """a first install tells how far it is while it runs, and what it brought"""
    with _held(machine) as (child, build, game):
        # It waits, so what is heard of it here has come while it was at work.
        said = product.read_all_until(child.stdout, b" 36 %", SECONDS).decode()
        equal(re.findall(r"step \d of \d", said), ["step 1 of 2"], "steps in the middle")
        _go_on(machine)
        code, after, complaint = _rest(child)
    equal((code, complaint), (0, ""), "exit code and complaints")
    lines = (said + after).splitlines()
    percents = [int(line.split()[0]) for line in lines if re.match(r" *\d+ %  ", line)]
    check(len(percents) >= 10 and percents == sorted(set(percents)), f"progress went {percents}")
    equal(percents[-1], 100, "the last of it")
    check(any(re.match(r" *\d+ %  [0-9.]+ KiB of [0-9.]+ KiB  downloading", line) for line in lines), f"it said {lines}")
    check("steamcmd:" not in said + after, "SteamCMD's own lines are shown unasked")
    check(f"The game is generation {build}, build id {game}: " in after, f"it ended with {lines[-3:]}")
    equal(product.generations(machine), (build, [build]), "generations")
    _check_no_scratch(machine)


def test_interrupted(machine):
    """Ctrl-C in the middle: exit code 1, and nothing has changed; until then, --verbose shows SteamCMD's own lines"""
    product.ready(machine)
    before = product.generations(machine)
    with _held(machine, "--verbose") as (child, build, _):
        product.read_all_until(child.stdout, b"steamcmd: [sim] waits", SECONDS)
        machine.run(["pkill", "-INT", "-x", "l4d2ctl"])
        code, _, said = _rest(child)
    equal((code, said), (1, "l4d2ctl: interrupted: nothing has changed\n"), "exit code and sentence")
    equal(product.generations(machine), before, "generations")
    _check_no_scratch(machine)
    for unit in ("update", "publish", "build-mount"):
        state = machine.unit(f"left4me-{unit}@{build}.service")["ActiveState"]
        check(state in ("inactive", "failed"), f"the {unit} unit is {state}")


def test_second_install_attaches(machine):
    """who asks for an update while one runs sees that one, may leave it, and gets the same generation"""
    product.ready(machine)
    with _held(machine) as (child, build, game), product.running(machine, INSTALL) as second:
        attached = f"l4d2ctl: update {build} of 'game' runs already: no other one is begun\n".encode()
        equal(product.read_all_until(second.stderr, b"\n", SECONDS), attached, "what the second says")
        product.one_sentence(product.ctl(machine, "install", "--hold", check=False), 4, "a build of 'game' is running: wait for it or cancel it")
        with product.running(machine, INSTALL) as third:
            equal(product.read_all_until(third.stderr, b"\n", SECONDS), attached, "what the third says")
            machine.run(["pkill", "-INT", "-n", "-x", "l4d2ctl"])
            code, _, said = _rest(third)
        equal((code, said), (1, "l4d2ctl: the update goes on without being watched\n"), "Ctrl-C of who only watched")
        _go_on(machine)
        for who, one in (("the first", child), ("the second", second)):
            code, out, said = _rest(one)
            equal((code, said), (0, ""), f"exit code and complaints of {who}")
            check(f"The game is generation {build}, build id {game}: " in out, f"{who} ended with {out[-300:]!r}")
    equal(product.generations(machine)[0], build, "the current generation")
    _check_no_scratch(machine)


BIG, BIG_MIB = "left4dead2/maps/big.bsp", 64


def _update(machine, *words):
    """Installs a build of the game that nobody has: its number, the build's. A large file in it is the same in all of them."""
    game = next(_builds)
    product.steamcmd(machine, build=game)
    depot = f"{product.STEAMCMD}/depot/common"
    machine.run(f"yes 'the same in every build' | head -c {BIG_MIB}M > {depot}/{BIG} && touch -d @1577836800 {depot}/{BIG} && chmod -R o+rX {depot}")
    done = product.ctl(machine, "install", "--steamcmd", product.STEAMCMD, "--json", *words, timeout=180)
    return game, json.loads(done.stdout)["generation"]


def _tree(machine, generation):
    """{path: (inode, blocks in bytes, digest)} of its files."""
    root = f"{product.DATA}/overlays/1/{generation}"
    rows = [line.split(" ", 2) for line in machine.output(f"cd {root} && find . -type f -printf '%i %b %p\\n'").splitlines()]
    sums = {line[66:]: line[:64] for line in machine.output(f"cd {root} && find . -type f -exec sha256sum {{}} +").splitlines()}
    return {path: (int(inode), 512 * int(blocks), sums[path]) for inode, blocks, path in rows}


def test_held_update(machine):
    """an update that is held reaches one server, then all, then none; and costs the disk of what has changed"""
    product.ready(machine)
    old_game, old = _update(machine)
    with product.server(machine, "canary") as canary, product.server(machine, "stays") as stays:
        def seen():
            return [re.search(r"^PatchVersion=.*$", server.rcon("sim_read left4dead2/steam.inf"), re.M | re.I).group() + " " +
                    re.search(r"^version : .*$", server.rcon("status"), re.M).group().split()[3] for server in (canary, stays)]

        before, pid = seen(), stays.game_pid()
        equal([words.split()[-1] for words in before], [str(old_game)] * 2, "the game of both")
        new_game, new = _update(machine, "--hold")
        current, known = product.generations(machine)
        equal((current, known[:2]), (old, [new, old]), "generations after an update that is held")
        equal(stays.status()["pending"], [], "what waits to be applied")
        canary.ctl("restart", "--with", f"1={new}")
        after = seen()
        equal([words.split()[-1] for words in after], [str(new_game), str(old_game)], "the game of the canary and of the other one")
        check(after[0] != before[0] and after[1] == before[1], f"they read {after} in a file that has changed")
        stays.ctl("restart")
        equal(seen(), after, "after a restart of the other one")
        check(stays.game_pid() != pid, "the restart began no new game")
        product.ctl(machine, "overlay", "select", "game", new)
        equal(seen(), after, "before anybody is restarted")
        stays.ctl("restart")
        equal(seen(), [after[0]] * 2, "after the new one was chosen")
        product.ctl(machine, "overlay", "rollback", "game")
        equal(product.generations(machine)[0], old, "the current generation after going back")
        for server in (canary, stays):
            server.ctl("restart")
        equal(seen(), before, "after going back")

        was, now = _tree(machine, old), _tree(machine, new)
        changed = {path for path in now if path not in was or was[path][2] != now[path][2]}
        check(changed and len(changed) * 4 < len(now), f"of {len(now)} files {len(changed)} have changed, which shows nothing")
        equal({path for path in now if path not in was or was[path][0] != now[path][0]}, changed, "files of their own in the new generation")
        both, one = (int(machine.output(f"cd {product.DATA}/overlays/1 && du -scB1 {trees} | tail -n 1").split()[0])
                     for trees in (f"{old} {new}", old))
        directories = machine.output(f"find {product.DATA}/overlays/1/{new} -type d -printf '%b\\n'").split()
        equal(both - one, sum(now[path][1] for path in changed) + 512 * sum(map(int, directories)), "what the new one takes beside the old one")
        within((both - one) / (1 << 20), BIG_MIB / 8, f"MiB of it, the whole having {one >> 20}")


def test_publish_is_refused(machine):
    """only a publication that failed can be asked for: not one of a build at work, and not one that succeeded"""
    product.ready(machine)
    attacks.bring(machine)
    before = product.generations(machine)

    def publish(build):
        said = machine.run([f"{attacks.TARGET}/caller", "verb", "publish", str(build)], user="left4me", check=False).stdout
        return said.partition(" ")[0], said.partition(" ")[2].strip()

    with _held(machine) as (child, build, _):
        equal(publish(build), (DENIED, f"build {build} has no failed publication that could be tried again"), "while it runs")
        equal(product.generations(machine), before, "generations")
        _go_on(machine)
        equal(_rest(child)[0], 0, "exit code of the install that went on")
    equal(product.generations(machine)[0], build, "the current generation")
    for number in (build, before[0], 1000000):
        equal(publish(number)[0], NOT_FOUND, f"publishing build {number}, which is not there")
    equal(product.generations(machine)[0], build, "the current generation")


def test_command_killed(machine):
    """kill -9 of l4d2ctl in the middle: the update goes on and is published, and the next install says so"""
    product.ready(machine)
    with _held(machine) as (child, build, game):
        machine.run(["pkill", "-9", "-x", "l4d2ctl"])
        child.wait(SECONDS)
        _go_on(machine)
        check(machine.wait_for_line(f"left4me-publish@{build}", "published generation", SECONDS), "it is not published")
        machine.wait_for(f"left4me-publish@{build}.service", "inactive")
    equal(product.generations(machine)[0], build, "the current generation")
    said = product.ctl(machine, "install", timeout=SECONDS).stdout
    check(f"Nothing changed. The game is generation {build}, build id {game}: " in said, f"the next install says {said!r}")
    _check_no_scratch(machine)


def test_services_killed(machine):
    """kill -9 of the broker and of the log reader in the middle: the install is told to its end"""
    product.ready(machine)
    with _held(machine) as (child, build, game):
        said = product.read_all_until(child.stdout, b" % ", SECONDS).decode()
        machine.run(["pkill", "-9", "-x", "left4me-broker"])
        machine.run(["pkill", "-9", "-x", "left4me-log"])
        _go_on(machine)
        code, after, complaint = _rest(child)
    equal((code, complaint), (0, ""), f"exit code and complaints ({after!r})")
    equal(re.findall(r"step \d of \d", said + after), ["step 1 of 2", "step 2 of 2"], "steps it told")
    check(f"The game is generation {build}, build id {game}: " in after, f"it ended with {after[-300:]!r}")
    _check_no_scratch(machine)


def test_publication_is_tried_again(machine):
    """what was downloaded and could not be published is published by the next install, without SteamCMD"""
    product.ready(machine)
    before, game, overlay = product.generations(machine), next(_builds), f"{product.DATA}/overlays/1"
    product.steamcmd(machine, build=game)
    mode = machine.output(["stat", "-c", "%a", overlay])
    machine.run(["chmod", "555", overlay])
    try:
        first = product.ctl(machine, "install", "--steamcmd", product.STEAMCMD, check=False, timeout=SECONDS)
        product.one_sentence(first, 1, "the update was not published and the old generation stays", "Permission denied")
        again = product.ctl(machine, "install", check=False, timeout=SECONDS)
        product.one_sentence(again, 1, "the old generation stays")
        check("It failed again; another one begins." in again.stdout, f"the second said {again.stdout!r}")
    finally:
        machine.run(["chmod", mode, overlay])
    equal(product.generations(machine), before, "generations after two failures")
    product.steamcmd(machine, build=game, fail="no-subscription")
    said = product.ctl(machine, "install", timeout=SECONDS).stdout
    check("was made but not published: that is tried again." in said, f"the third said {said!r}")
    check(re.search(rf"^The game is generation \d+, build id {game}: ", said, re.M), f"the third said {said!r}")
    check(product.generations(machine)[0] > before[0], "there is no new generation")
    _check_no_scratch(machine)
