#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the example scripts against a mirror of their upstreams: test-examples.py BUILD_DIR [TEST…]

The upstreams' names mean the mirror there, so that the scripts are run as they are. There is no sandbox: a directory is
the overlay, another one the cache. Needs root, and what the scripts need: curl, jq, unzip, 7z; and openssl for the
mirror."""

import concurrent.futures
import fnmatch
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import alliedmods
import apart
import competitive
import content
from dns import Resolver
from mirror import Mirror

TOP = pathlib.Path(__file__).resolve().parents[2]
HTTPS, DNS = 443, 53
DEADLINE_S = 60
TOGETHER = 4            # scripts at once, of those that wait for each other's programs
MKVPK = pathlib.Path()  # set by main

# Stands before programs that change files. Counts the calls that have to do with the overlay, and kills the whole
# script at one of them; cp in its middle.
KILLER = """#!/bin/sh
for last; do :; done
case $last in
"$OVERLAY"/*) counts=yes ;;
/*) counts=no ;;
*) [ "$PWD" = "$OVERLAY" ] && counts=yes ;;
esac
if [ "$counts" = yes ]; then
    read -r n 2>/dev/null <"$HOME/count"
    n=$((n + 1))
    echo $n >"$HOME/count"
    if [ $n = "$KILL_AT" ] || [ "${0##*/}" = "$KILL_AT" ]; then
        [ "${0##*/}" != cp ] || head -c 100 /dev/zero >"$last"
        kill -KILL 0
    fi
fi
exec "/usr/bin/${0##*/}" "$@"
"""
KILLABLE = ("cp", "mv", "rm", "rmdir", "mkdir", "tar")


def digests(directory):
    """{path: digest} of every file below, and {path/: ""} of every directory."""
    found = {}
    for here, directories, files in os.walk(directory):
        top = pathlib.Path(here).relative_to(directory)
        found |= {f"{top / name}/": "" for name in directories}
        for name in files:
            found[str(top / name)] = hashlib.sha256(pathlib.Path(here, name).read_bytes()).hexdigest()
    return found


class World:
    """An overlay, its cache, and the directory for temporary files: what a script sees."""

    def __init__(self, directory, script, ca_path):
        self.directory, self.script, self.ca_path = directory, script, ca_path
        self.overlay, self.cache, self.tmp = (directory / name for name in ("overlay", "cache", "tmp"))
        for each in (self.overlay, self.cache, self.tmp):
            each.mkdir(parents=True, exist_ok=True)

    def copy(self, name):
        other = self.directory.parent / name
        shutil.copytree(self.directory, other)
        return World(other, self.script, self.ca_path)

    def start(self, cwd=None, **settings):
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.tmp, "TMPDIR": self.tmp, "OVERLAY": self.overlay,
                       "CACHE": self.cache, "CURL_CA_BUNDLE": self.ca_path} | settings
        return subprocess.Popen(["bash", TOP / "examples" / f"{self.script}.sh"], cwd=cwd or self.overlay,
                                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def run(self, cwd=None, **settings):
        """(exit code, what it said)"""
        with self.start(cwd, **settings) as process:
            try:
                said = process.communicate(timeout=DEADLINE_S)[0]
            except subprocess.TimeoutExpired:
                kill(process)
                raise
        return process.returncode, said

    def file(self, path):
        return (self.overlay / "left4dead2" / path).read_bytes()

    def has(self, path):
        return (self.overlay / "left4dead2" / path).exists()

    def put(self, path, data=b"mine\n"):
        content.write(self.overlay / "left4dead2", {path: data})


def kill(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


class Case(unittest.TestCase):
    script = None
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.keys = tempfile.mkdtemp(prefix="left4me-examples-")
        cls.addClassCleanup(shutil.rmtree, cls.keys)

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="left4me-examples-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.mirror = Mirror(self.keys, apart.ADDRESS, HTTPS, MKVPK).start()
        self.addCleanup(self.mirror.stop)
        self.server = self.mirror.server
        resolver = Resolver({name: [apart.ADDRESS] for name in self.mirror.hosts}, apart.ADDRESS, DNS).start()
        self.addCleanup(resolver.stop)
        self.world = World(self.dir / "world", self.script, self.mirror.ca_path)
        self.publish()

    def publish(self):
        """What is there at first."""

    def good(self, world=None, **settings):
        code, said = (world or self.world).run(**settings)
        self.assertEqual(code, 0, said)
        return said

    def bad(self, sentence, **settings):
        """It fails, says why in its last line, and the overlay is as it was."""
        before = digests(self.world.overlay)
        code, said = self.world.run(**settings)
        self.assertEqual(code, 1, said)
        last = said.splitlines()[-1]
        self.assertIn(sentence, last)
        self.assertTrue(last.startswith(f"{self.script}: "), last)
        after = digests(self.world.overlay)
        self.assertEqual({path: after.get(path) for path in before}, before)
        # Directories, and the list of what it has put there, may be there already, and empty.
        new = {path for path in set(after) - set(before) if not path.endswith("/")}
        self.assertTrue(all(path.startswith(".") and not (self.world.overlay / path).read_bytes() for path in new), new)
        return said

    def kill_in_the_middle(self, pattern):
        """Kills it when it has written at least one of the two million bytes it downloads."""
        hold = self.server.hold("*", pattern, "GET", after=1500000)
        process = self.world.start()
        hold.wait()
        deadline = time.monotonic() + DEADLINE_S
        while sum(part.stat().st_size for part in self.world.cache.glob("parts/*.part")) < 1000000:
            self.assertLess(time.monotonic(), deadline)
        kill(process)
        self.server.clear()

    def asked(self, pattern="*"):
        return [each.path for each in self.server.requests(pattern=pattern, method="GET")]


class Contract:
    """What holds for all of them. `newer` publishes something new, and `packages` is what a download's path is like."""

    packages = ()

    def downloads(self):
        """Those with a body: an answer of 302 sends somewhere else."""
        return [each.path for each in self.server.requests(method="GET") if each.sent
                and any(fnmatch.fnmatchcase(each.path, pattern) for pattern in self.packages)]

    def test_again(self):
        self.good()
        self.assertTrue(self.downloads())
        first = digests(self.world.overlay)
        self.server.forget()
        self.good()
        self.assertEqual(self.downloads(), [])
        self.assertEqual(digests(self.world.overlay), first)
        # It leaves nothing lying around.
        self.assertEqual(os.listdir(self.world.tmp), [])
        self.assertFalse((self.world.cache / "work").exists())
        self.assertEqual([path for path in digests(self.world.cache) if path.endswith(".part")], [])

    def test_newer(self):
        self.good()
        first = digests(self.world.overlay)
        self.newer()
        self.good()
        self.assertNotEqual(digests(self.world.overlay), first)
        fresh = World(self.dir / "fresh", self.script, self.mirror.ca_path)
        self.good(fresh)
        self.assertEqual(digests(self.world.overlay), digests(fresh.overlay))

    def test_busy(self):
        """a server that is out of order for a moment is asked again"""
        self.server.fault("*", "*", "status", times=1)
        self.server.fault("*", "*", "drop", times=1)
        self.good()

    def test_down(self):
        self.server.fault("*", "*", "drop")
        self.bad("cannot")
        self.server.clear()
        self.good()
        self.newer()
        self.server.fault("*", "*", "drop")
        self.bad("cannot")

    def test_damage(self):
        """what is not what it ought to be is refused, and nothing changes"""
        self.good()
        self.newer()
        for kind in ("corrupt", "truncate"):
            for pattern in self.packages:
                self.server.fault("*", pattern, kind)
            self.bad("stay")
            self.server.clear()
        self.good()

    def test_killed_in_a_request(self):
        """killed when the mirror sees any of its requests, the next run does it all"""
        self.good()
        self.newer()
        wanted, seen = self.world.copy("wanted"), len(self.server.log)
        self.good(wanted)
        for number, request in enumerate(self.server.requests()[seen:]):
            world = self.world.copy(f"killed{number}")
            with self.subTest(request.path):
                hold = self.server.hold(request.host, request.path, after=10)
                process = world.start()
                hold.wait()
                kill(process)
                self.server.clear()
                self.good(world)
                self.assertEqual(digests(world.overlay), digests(wanted.overlay))

    def test_killed_at_work(self):
        """killed when it is about to change something in the overlay, anything, the next run does it all"""
        programs = self.dir / "bin"
        programs.mkdir()
        for name in KILLABLE:
            (programs / name).write_text(KILLER)
            (programs / name).chmod(0o755)

        def killed(world, where):
            """How many such calls there were; `where` is the number of one, or a program, or nowhere."""
            code, said = world.run(world.tmp, PATH=f"{programs}:/usr/bin:/bin", KILL_AT=str(where))
            self.assertEqual(code, 0 if where == "nowhere" else -signal.SIGKILL, said)
            count = world.tmp / "count"
            calls = int(count.read_text())
            count.unlink()
            return calls

        self.good()
        self.newer()
        # Everything has been downloaded, and nothing has been changed, when it is about to write its list.
        first = killed(self.world, "cp")
        wanted = self.world.copy("wanted")
        last = killed(wanted, "nowhere")
        self.assertGreater(last, first + 4)
        self.server.forget()

        def check(number):
            world = self.world.copy(f"killed{number}")
            killed(world, number)
            self.good(world)
            self.assertEqual(digests(world.overlay), digests(wanted.overlay), number)

        with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
            list(pool.map(check, range(first, last + 1)))
        self.assertEqual(self.downloads(), [])


class SourceMod(Contract, Case):
    script = "sourcemod"
    packages = ("*.tar.gz",)

    def publish(self):
        self.mirror.alliedmods.publish("metamod", "1.12.0-git1219")
        self.mirror.alliedmods.publish("sourcemod", "1.12.0-git7210", {
            "addons/sourcemod/plugins/old.smx": b"FFPS", "addons/sourcemod/gamedata/old.games/old.txt": b"old"})

    def newer(self):
        self.mirror.alliedmods.publish("metamod", "1.12.0-git1220")
        self.mirror.alliedmods.publish("sourcemod", "1.12.0-git7211", {"addons/sourcemod/plugins/new.smx": b"FFPS"})

    def test_layout(self):
        self.good()
        for version, make in (("1.12.0-git1219", alliedmods.metamod), ("1.12.0-git7210", alliedmods.sourcemod)):
            for path, data in make(version).items():
                if path != "addons/sourcemod/configs/core.cfg":
                    self.assertTrue(self.world.has(path) if path.endswith("/") else self.world.file(path) == data, path)
        core = self.world.file("addons/sourcemod/configs/core.cfg").decode()
        self.assertIn('"DisableAutoUpdate"\t\t\t"yes"', core)
        self.assertEqual(core.replace('"yes"', '"no"', 1).count('"no"'), alliedmods.CORE_CFG.count('"no"'))

    def test_old_files_go_and_others_stay(self):
        self.good()
        self.world.put("addons/sourcemod/plugins/mine.smx")
        self.world.put("addons/sourcemod/gamedata/mine.games/mine.txt")
        self.world.put("cfg/sourcemod/mine.cfg")
        self.newer()
        said = self.good()
        self.assertIn("2 removed", said)
        self.assertFalse(self.world.has("addons/sourcemod/plugins/old.smx"))
        self.assertFalse(self.world.has("addons/sourcemod/gamedata/old.games"))
        self.assertTrue(self.world.has("addons/sourcemod/plugins/new.smx"))
        for path in ("addons/sourcemod/plugins/mine.smx", "addons/sourcemod/gamedata/mine.games/mine.txt",
                     "cfg/sourcemod/mine.cfg"):
            self.assertEqual(self.world.file(path), b"mine\n")

    def test_repairs(self):
        self.good()
        before = digests(self.world.overlay)
        self.world.put("addons/metamod/bin/server.so", b"broken")
        shutil.rmtree(self.world.overlay / "left4dead2/addons/sourcemod/plugins")
        self.assertIn(f"{len(alliedmods.PLUGINS) + len(alliedmods.DISABLED) + 2} new or changed", self.good())
        self.assertEqual(digests(self.world.overlay), before)

    def test_cache(self):
        self.good()
        self.newer()
        self.good()
        names = sorted(os.listdir(self.world.cache))
        self.assertEqual(names, ["mmsource-1.12.0-git1220-linux.tar.gz", "sourcemod-1.12.0-git7211-linux.tar.gz"])
        damaged = self.world.cache / names[1]
        damaged.write_bytes(damaged.read_bytes()[:1000])
        self.server.forget()
        self.good()
        self.assertEqual([pathlib.Path(path).name for path in self.downloads()], [names[1]])

    def test_without_a_loader(self):
        self.mirror.alliedmods.publish("metamod", "1.12.0-git1221", remove=("addons/metamod.vdf",))
        self.good()
        self.assertEqual(self.world.file("addons/metamod.vdf"), alliedmods.metamod("")["addons/metamod.vdf"])

    def test_pinned(self):
        self.newer()
        self.good(MM_PACKAGE="mmsource-1.12.0-git1219-linux.tar.gz", SM_PACKAGE="sourcemod-1.12.0-git7210-linux.tar.gz")
        self.assertEqual(self.asked("*latest*"), [])
        self.assertTrue(self.world.has("addons/sourcemod/plugins/old.smx"))

    def test_branch(self):
        self.mirror.alliedmods.publish("sourcemod", "1.13.0-git7300")
        self.assertIn("sourcemod-1.13.0-git7300", self.good(SM_BRANCH="1.13"))

    def test_by_address(self):
        """with other URLs at its top, it asks nobody else"""
        self.good(MM_URL=f"https://{apart.ADDRESS}/mms.alliedmods.net/mmsdrop",
                  SM_URL=f"https://{apart.ADDRESS}/sm.alliedmods.net/smdrop")
        self.assertEqual({each.headers["Host"] for each in self.server.log}, {apart.ADDRESS})

    def test_strange_answers(self):
        self.good()
        for answer in (b"<html>welcome</html>", b" ", b"../../etc/passwd", b"sourcemod-x-windows.zip"):
            self.mirror.alliedmods._files["sm.alliedmods.net", "/smdrop/1.12/sourcemod-latest-linux"] = answer
            self.bad("is no package of sourcemod for Linux")

    def test_something_else_in_the_package(self):
        self.mirror.alliedmods.publish("sourcemod", "1.12.0-git7212",
                                       remove=("addons/sourcemod/bin/sourcemod.2.l4d2.so",))
        self.bad("there is no addons/sourcemod/bin/sourcemod.2.l4d2.so")

    def test_certificates_are_checked(self):
        self.bad("cannot ask", CURL_CA_BUNDLE="/etc/ssl/certs/ca-certificates.crt")
        self.assertEqual(self.server.log, [])


class Tickrate(Contract, Case):
    script = "tickrate-enabler"
    packages = ("*/Tickrate-Enabler-*",)

    def publish(self):
        self.mirror.publish_tickrate("build", "db72da3")

    def newer(self):
        self.mirror.publish_tickrate("1.6", "0123abc")

    def check_library(self, text):
        self.assertTrue(self.world.file("addons/tickrate_enabler/tickrate_enabler.so").endswith(text.encode() + b"\n"))
        self.assertIn(b"addons/tickrate_enabler/", self.world.file("addons/tickrate_enabler.vdf"))

    def test_layout(self):
        self.good()
        self.check_library("tickrate l4d2 oldlinux db72da3")
        self.assertEqual([path for path in digests(self.world.overlay) if path.endswith((".MD", ".dll"))], [])

    def test_platform(self):
        self.good(PLATFORM="linux")
        self.check_library("tickrate l4d2 linux db72da3")

    def test_old_releases(self):
        """a zip archive, and one package for all of Linux"""
        self.mirror.publish_tickrate("old", "aaaaaaa", "zip", ("linux", "win"), has_digests=False)
        self.good()
        self.check_library("tickrate l4d2 linux aaaaaaa")

    def test_everything_on_top(self):
        self.mirror.github.publish(competitive.TICKRATE, "flat", {"Tickrate-Enabler-l4d2-linux-1.zip": content.zipball(
            {"tickrate_enabler.so": content.library("flat"), "tickrate_enabler.vdf": b'"Plugin"\n'})})
        self.good()
        self.assertTrue(self.world.has("addons/tickrate_enabler.so") and self.world.has("addons/tickrate_enabler.vdf"))

    def test_prereleases(self):
        self.mirror.publish_tickrate("next", "bbbbbbb", is_prerelease=True)
        self.good()
        self.check_library("tickrate l4d2 oldlinux db72da3")
        self.mirror.github.remove(competitive.TICKRATE, "build")
        self.good()
        self.check_library("tickrate l4d2 oldlinux bbbbbbb")

    def test_pinned(self):
        self.newer()
        self.good(TAG="build")
        self.check_library("tickrate l4d2 oldlinux db72da3")

    def test_replaced(self):
        """the same name with other bytes is downloaded again, since GitHub says so"""
        self.good()
        assets = competitive.tickrate_assets("fffffff")
        self.mirror.github.publish(competitive.TICKRATE, "build", {
            name.replace("fffffff", "db72da3"): data for name, data in assets.items()})
        self.good()
        self.check_library("tickrate l4d2 oldlinux fffffff")

    def test_nothing_for_us(self):
        self.mirror.github.remove(competitive.TICKRATE, "build")
        self.mirror.publish_tickrate("build", "db72da3", platforms=("win",))
        self.bad("no release of accelerator74/Tickrate-Enabler (newest) has a package for L4D2 on Linux")

    def test_too_many_questions(self):
        self.good()
        self.server.fault("api.github.com", "*", "status", value=403)
        self.bad("60 questions an hour")


class Rework(Contract, Case):
    script = "competitive-rework"
    packages = ("*-linux.tar.gz",)

    def publish(self):
        self.mirror.publish_rework("v1.0.0")

    def newer(self):
        self.mirror.publish_rework("v1.1.0")

    def check_layout(self, tag):
        wanted = {path: data for path, data in competitive.rework(tag).items()
                  if path.startswith(("addons/", "cfg/", "scripts/")) or path.endswith(("host.txt", "motd.txt"))}
        wanted = {path: data for path, data in wanted.items()
                  if "/scripting/" not in path and not path.endswith(".dll")}
        found = {path.removeprefix("left4dead2/") for path in digests(self.world.overlay) if not path.endswith("/")}
        self.assertEqual(found, {*wanted, ".competitive-rework-files"})
        core = "addons/sourcemod/configs/core.cfg"
        wanted[core] = wanted[core].replace(b'"no"', b'"yes"')
        for path, data in wanted.items():
            self.assertEqual(self.world.file(path), data, path)

    def test_layout(self):
        self.good()
        self.check_layout("v1.0.0")

    def test_without_a_package(self):
        """a release that has no package is taken from its sources"""
        self.mirror.publish_rework("v2.0.0", has_assets=False)
        self.good()
        self.assertIn("/SirPlease/L4D2-Competitive-Rework/tar.gz/refs/tags/v2.0.0", self.asked())
        self.check_layout("v2.0.0")

    def test_pinned(self):
        self.newer()
        self.good(TAG="v1.0.0")
        self.check_layout("v1.0.0")
        self.server.forget()
        self.good(TAG="v1.0.0")
        self.assertEqual(self.server.log, [])
        package = self.world.cache / "v1.0.0.tar.gz"
        package.write_bytes(package.read_bytes()[:500])
        self.good(TAG="v1.0.0")
        self.assertTrue(self.downloads())

    def test_unknown(self):
        self.good()
        self.bad("cannot ask", TAG="v9")

    def test_back_to_an_older_one(self):
        self.newer()
        self.good()
        self.good(TAG="v1.0.0")
        self.check_layout("v1.0.0")


class L4d2Center(Contract, Case):
    script = "l4d2center-maps"
    packages = ("*.7z", "*.zip")

    def publish(self):
        self.center = self.mirror.l4d2center
        for name in ("widebox1", "Dead Series", "carriedoff"):
            self.center.publish(name)

    def newer(self):
        """One is changed, one removed, one is new."""
        self.center.publish("widebox1", "2")
        self.center.remove("carriedoff")
        self.center.publish("citynight")

    def maps(self):
        return sorted(path.name for path in (self.world.overlay / "left4dead2/addons").iterdir())

    def test_maps(self):
        packed = self.center.publish("widebox1", "3", form="zip", tree={"readme.txt": b"hello", "b/other.vpk": b"VPK"})
        self.good()
        self.assertEqual(self.maps(), ["Dead Series.vpk", "carriedoff.vpk", "widebox1.vpk"])
        self.assertEqual(self.world.file("addons/widebox1.vpk"), packed)

    def test_only_what_changed(self):
        self.good()
        self.world.put("addons/mine.vpk")
        self.newer()
        self.server.forget()
        said = self.good()
        self.assertEqual(sorted(self.downloads()), ["/maps/servers/citynight.7z", "/maps/servers/widebox1.7z"])
        self.assertEqual(self.maps(), ["Dead Series.vpk", "citynight.vpk", "mine.vpk", "widebox1.vpk"])
        self.assertIn("carriedoff.vpk: removed", said)

    def test_unix_lines(self):
        self.center.end_of_line = "\n"
        self.good()
        self.assertEqual(len(self.maps()), 3)

    def test_missing_or_shorter(self):
        self.good()
        self.good()             # the second forgets the copies of the first
        before = digests(self.world.overlay)
        (self.world.overlay / "left4dead2/addons/widebox1.vpk").unlink()
        self.world.put("addons/carriedoff.vpk", b"short")
        self.server.forget()
        self.good()
        self.assertEqual(len(self.downloads()), 2)
        self.assertEqual(digests(self.world.overlay), before)

    def test_same_file_from_elsewhere(self):
        self.good()
        (self.world.overlay / ".l4d2center-maps").unlink()
        self.server.forget()
        self.good()
        self.assertEqual(self.downloads(), [])

    def test_wrong_md5(self):
        self.good()
        self.center.publish("widebox1", "2", says=(100000, "0" * 32))
        said = self.bad("1 maps could not be fetched; all maps stay as they were: widebox1.vpk")
        self.assertIn("widebox1.vpk: no VPK in", said)

    def test_gone(self):
        self.good()
        self.newer()
        self.server.fault("*", "*/citynight.7z", "status", value=404)
        self.bad("1 maps could not be fetched; all maps stay as they were: citynight.vpk")
        # What was fetched is not fetched again.
        self.server.clear()
        self.server.forget()
        self.good()
        self.assertEqual(self.downloads(), ["/maps/servers/citynight.7z"])

    def test_skip_broken(self):
        self.good()
        before = self.world.file("addons/widebox1.vpk")
        self.newer()
        self.server.fault("*", "*/widebox1.7z", "status", value=404)
        said = self.good(SKIP_BROKEN="yes")
        self.assertIn("could not be fetched, stay as they were: widebox1.vpk", said)
        self.assertEqual(self.maps(), ["Dead Series.vpk", "citynight.vpk", "widebox1.vpk"])
        self.assertEqual(self.world.file("addons/widebox1.vpk"), before)
        self.server.clear()
        self.good()
        self.assertNotEqual(self.world.file("addons/widebox1.vpk"), before)

    def test_strange_indexes(self):
        self.good()
        link = "https://l4d2center.com/maps/servers/x.7z"
        for row in ("x.vpk;1;" + "0" * 32, f"../x.vpk;1;{'0' * 32};{link}", f"x.vpk;1;{'g' * 32};{link}",
                    f"x.vpk;;{'0' * 32};{link}", f"x.vpk;1;{'0' * 31};{link}", f"widebox1.vpk;1;{'0' * 32};{link}",
                    f".vpk;1;{'0' * 32};{link}", f"x.vpk;1;{'0' * 32};file:///etc/passwd", "<html>"):
            self.center.header = f"Name;Size;MD5;Download link\r\n{row}"
            self.bad("is not NAME;SIZE;MD5;LINK")
        for name in ("widebox1", "Dead Series", "carriedoff"):
            self.center.remove(name)
        self.center.header = "Name;Size;MD5;Download link"
        self.bad("there is no map in")

    def test_resumed(self):
        """what was downloaded before it was killed is not downloaded again"""
        self.center.publish("large", size=2000000)
        self.kill_in_the_middle("*/large.7z")
        self.server.forget()
        self.good()
        request, = self.server.requests(pattern="*/large.7z")
        self.assertEqual(request.status, 206)
        self.assertLess(request.sent, 1100000)

    def test_resumed_with_another_half(self):
        self.center.publish("large", size=2000000)
        self.kill_in_the_middle("*/large.7z")
        packed = self.center.publish("large", size=2000000, tree={"a.txt": content.noise("other", 50000)})
        self.good()
        self.assertEqual(self.world.file("addons/large.vpk"), packed)

    def test_several_at_once(self):
        holds = [self.server.hold("*", pattern) for pattern in ("*/widebox1.7z", "*/Dead Series.7z")]
        process = self.world.start(PARALLEL="2")
        for hold in holds:
            hold.wait()
        self.assertEqual(self.asked("*carriedoff*"), [])
        self.server.clear()
        said = process.communicate(timeout=DEADLINE_S)[0]
        self.assertEqual(process.returncode, 0, said)
        self.assertEqual(len(self.maps()), 3)

    def test_copies(self):
        self.good()
        self.assertEqual(len(os.listdir(self.world.cache / "maps")), 3)
        self.good()
        self.assertEqual(len(os.listdir(self.world.cache / "maps")), 0)
        wiped = World(self.dir / "wiped", self.script, self.mirror.ca_path)
        self.good(wiped, KEEP_COPIES="yes")
        self.good(wiped, KEEP_COPIES="yes")
        shutil.rmtree(wiped.overlay)
        wiped.overlay.mkdir()
        self.server.forget()
        self.good(wiped, KEEP_COPIES="yes")
        self.assertEqual(self.downloads(), [])
        self.assertEqual(digests(wiped.overlay), digests(self.world.overlay))


class Cedapug(Contract, Case):
    script = "cedapug-maps"
    packages = ("*.zip",)

    def publish(self):
        self.pug = self.mirror.cedapug
        self.pug.publish("CityBlock")
        self.pug.publish("LongRoad", parts=2)
        self.pug.publish("OldTown")

    def newer(self):
        """One is changed and has a part less, one is removed, one is new."""
        self.pug.publish("LongRoad", "2")
        self.pug.remove("OldTown")
        self.pug.publish("New Harbour")

    def maps(self):
        return sorted(path.name for path in (self.world.overlay / "left4dead2/addons").iterdir())

    def test_maps(self):
        files = self.pug.publish("CityBlock", "2", tree={"readme.txt": b"hello", "folder/": b""})
        self.good()
        self.assertEqual(self.maps(), ["CityBlock.vpk", "LongRoad_part1.vpk", "LongRoad_part2.vpk", "OldTown.vpk"])
        self.assertEqual(self.world.file("addons/CityBlock.vpk"), files["CityBlock.vpk"])

    def test_only_what_changed(self):
        self.good()
        self.world.put("addons/mine.vpk")
        self.newer()
        self.server.forget()
        said = self.good()
        self.assertEqual(sorted(self.downloads()), ["/maps/LongRoad.zip", "/maps/New Harbour.zip"])
        self.assertEqual(self.maps(), ["CityBlock.vpk", "LongRoad.vpk", "New Harbour.vpk", "mine.vpk"])
        for name in ("LongRoad_part1", "LongRoad_part2", "OldTown"):
            self.assertIn(f"{name}.vpk: removed", said)

    def test_links(self):
        for form in ("absolute", "root", "relative", "bare"):
            with self.subTest(form):
                self.pug.form = form
                self.good()
                self.assertEqual(len(self.maps()), 4)

    def test_entries_of_other_forms(self):
        self.pug.publish("Hidden")
        self.pug.publish("Listed")
        self.pug.more = ["no link in this", {"name": "x.zip", "n": [1, None, {"u": "/maps/Listed.zip"}]},
                         {"html": '<a href="/maps/Hidden.zip">Hidden.zip</a>'}, ["/maps/AllMapsInOneZipFile.zip"]]
        self.good()
        self.assertIn("Hidden.vpk", self.maps())
        self.assertIn("Listed.vpk", self.maps())
        self.assertEqual(self.asked("*AllMaps*"), [])

    def test_strange_pages(self):
        self.good()
        for page in ("<html>%s %d</html>", "renderCustomMapDownloads(maps) %s %d", "renderCustomMapDownloads([{%s %d",
                     "renderCustomMapDownloads([{'link': 'maps/x.zip'}]) %s %d"):
            self.pug.page = page
            self.bad("has another form than this script knows")
        for name in ("CityBlock", "LongRoad", "OldTown"):
            self.pug.remove(name)
        self.pug.page = "renderCustomMapDownloads(%s) %d"
        self.bad("there is no map in")

    def test_links_elsewhere(self):
        self.good()
        self.pug.publish("Plain")
        self.pug.more = ["file:///etc/a.zip"]
        self.bad("has another form than this script knows")
        self.pug.more = ["http://cedapug.com/maps/Plain.zip"]
        self.good()
        self.assertIn("Plain.vpk", self.maps())

    def test_no_vpk(self):
        self.good()
        self.pug._archives["OldTown.zip"] = (content.zipball({"readme.txt": b"soon"}), 99999)
        self.bad("1 maps could not be fetched; all maps stay as they were: OldTown.zip")

    def test_skip_broken(self):
        self.good()
        self.newer()
        self.server.fault("*", "*/LongRoad.zip", "status", value=404)
        self.good(SKIP_BROKEN="yes")
        self.assertEqual(self.maps(), ["CityBlock.vpk", "LongRoad_part1.vpk", "LongRoad_part2.vpk", "New Harbour.vpk"])

    def test_missing(self):
        self.good()
        self.good()             # the second forgets the copies of the first
        before = digests(self.world.overlay)
        (self.world.overlay / "left4dead2/addons/LongRoad_part2.vpk").unlink()
        self.server.forget()
        self.good()
        self.assertEqual(self.downloads(), ["/maps/LongRoad.zip"])
        self.assertEqual(digests(self.world.overlay), before)

    def test_same_name_twice(self):
        self.pug._archives["Twin.zip"] = (self.pug._archives["OldTown.zip"][0], 100)
        self.assertIn("is left out", self.good())
        self.assertEqual(len(self.maps()), 4)

    def test_resumed(self):
        self.pug.publish("Large", size=2000000)
        self.kill_in_the_middle("*/Large.zip")
        self.server.forget()
        self.good()
        request, = self.server.requests(pattern="*/Large.zip", method="GET")
        self.assertEqual(request.status, 206)
        self.assertLess(request.sent, 1100000)

    def test_resumed_with_a_newer_one(self):
        self.pug.publish("Large", size=2000000)
        self.kill_in_the_middle("*/Large.zip")
        files = self.pug.publish("Large", "2", size=2000000)
        self.good()
        self.assertEqual(self.world.file("addons/Large.vpk"), files["Large.vpk"])


def main():
    global MKVPK
    if len(sys.argv) < 2:
        sys.exit("usage: test-examples.py BUILD_DIR [TEST...]")
    MKVPK = pathlib.Path(sys.argv[1]).resolve() / "sim/mkvpk"
    apart.main(sys.argv[1:2], sys.argv[2:], [SourceMod, Tickrate, Rework, L4d2Center, Cedapug])


if __name__ == "__main__":
    main()
