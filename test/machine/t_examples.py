# SPDX-License-Identifier: MIT
"""The example scripts as they are installed, in the sandbox of the real unit: their upstreams are outside, under their own names."""

import contextlib
import fnmatch
import hashlib
import re

import internet
import product
import t_overlays
from harness import check, equal, only

import alliedmods
import competitive
from mirror import Mirror
from server import Authority

EXAMPLES = "/usr/share/left4me/examples"


@contextlib.contextmanager
def upstreams(machine):
    """The Mirror of all of them, empty, for one test."""
    directory = internet.trust(machine, lambda directory: Authority(directory).ca_path)
    listener = internet.listen(machine, internet.HOST, internet.HTTPS)
    mirror = Mirror(directory, mkvpk=product.build_dir() / "sim/mkvpk", listener=listener)
    with mirror, internet.names(machine, {name: [internet.HOST] for name in mirror.hosts}):
        yield mirror


class Example:
    """An overlay that is made by an example, and what its upstream has been asked for."""

    def __init__(self, machine, mirror, script, number, packages):
        self.machine, self.mirror, self.script, self.number = machine, mirror, script, number
        self.packages = packages            # what a download's path is like

    def build(self):
        """What it says, on success."""
        self.mirror.server.forget()
        return t_overlays.build(self.machine, self.number).stdout

    def downloads(self):
        """Of the last build; an answer of 302 sends somewhere else."""
        return [each.path for each in self.mirror.server.requests(method="GET") if each.sent
                and any(fnmatch.fnmatchcase(each.path, pattern) for pattern in self.packages)]

    def generations(self):
        return product.generations(self.machine, self.number)

    def files(self):
        """{path below left4dead2: MD5} of what is current."""
        tree = f"{product.DATA}/overlays/{self.number}/{self.generations()[0]}"
        lines = self.machine.output(f"cd {tree}/left4dead2 && find . -type f -exec md5sum {{}} +").splitlines()
        return {line[34:].removeprefix("./"): line[:32] for line in lines}

    def has(self, path, data):
        wanted = hashlib.md5(data).hexdigest()
        equal(self.files().get(path), wanted, f"the digest of {path} by {self.script}")

    def holds(self, newer):
        """Held to what all of them promise; newer() publishes something upstream. Returns what there is at first, and then."""
        said = self.build()
        check(self.downloads(), f"{self.script} has downloaded nothing: {said}")
        before, first = self.generations(), self.files()
        said = self.build()
        check("Nothing changed" in said, f"{self.script} made something of the same: {said}")
        equal((self.downloads(), self.generations()), ([], before), f"downloads of {self.script} when nothing is new")
        newer()
        self.mirror.server.fault("*", "*", "status", value=404)
        failed = t_overlays.build(self.machine, self.number, check=False)
        self.mirror.server.clear()
        product.one_sentence(failed, 1, "exit code 1")
        check(f"\n! {self.script}: cannot " in failed.stdout, f"{self.script} says {failed.stdout!r}")
        equal(self.generations(), before, f"generations when the upstream of {self.script} is down")
        self.build()
        check(self.downloads() and self.generations()[0] > before[0], f"{self.script} does not take what is new")
        equal(self.machine.output(f"ls {product.DATA}/builds"), "", "scratch that is left")
        return first, self.files()


@contextlib.contextmanager
def example(machine, mirror, script, *packages):
    with t_overlays.overlay(machine, machine.read(f"{EXAMPLES}/{script}.sh")) as number:
        yield Example(machine, mirror, script, number, packages)


def log(server):
    return server.ctl("logs", "--lines", 1000).stdout


@only("trixie")
def test_sourcemod(machine):
    """SourceMod: fetched, updated, and seen by a game with its plug-ins"""
    with upstreams(machine) as mirror, example(machine, mirror, "sourcemod", "*.tar.gz") as made:
        mirror.alliedmods.publish("metamod", "1.12.0-git1219")
        mirror.alliedmods.publish("sourcemod", "1.12.0-git7210", {"addons/sourcemod/plugins/old.smx": b"FFPS"})
        first, then = made.holds(lambda: mirror.alliedmods.publish(
            "sourcemod", "1.12.0-git7211", {"addons/sourcemod/plugins/new.smx": b"FFPS"}))
        plugins = {f"addons/sourcemod/plugins/{name}.smx" for name in ("old", "new")}
        equal((plugins & set(first), plugins & set(then)),
              ({"addons/sourcemod/plugins/old.smx"}, {"addons/sourcemod/plugins/new.smx"}), "plug-ins that came and went")
        for path, data in alliedmods.metamod("1.12.0-git1219").items():
            if not path.endswith("/"):
                made.has(path, data)
        with product.server(machine, "sourcemod", overlays=[made.number]) as server:
            told = server.rcon("sm plugins list")
            check(f"Listing {len(alliedmods.PLUGINS) + 1} plugins" in told and '"new"' in told, f"the game has {told}")
            check("addons/sourcemod is present" in log(server), "the game has not seen SourceMod")


@only("trixie")
def test_tickrate_enabler(machine):
    """Tickrate Enabler: fetched from a release and updated by the next one"""
    with upstreams(machine) as mirror, example(machine, mirror, "tickrate-enabler", "*.tar.gz") as made:
        mirror.publish_tickrate("build", "db72da3")
        first, then = made.holds(lambda: mirror.publish_tickrate("build2", "aaaaaaa"))
        equal(set(first), {"addons/tickrate_enabler.vdf", "addons/tickrate_enabler/tickrate_enabler.so"}, "its files")
        equal([path for path in then if then[path] != first[path]], ["addons/tickrate_enabler/tickrate_enabler.so"],
              "what has changed")


@only("trixie")
def test_competitive_rework(machine):
    """Competitive Rework: a release, then the next; the game has its plug-ins and its configuration"""
    with upstreams(machine) as mirror, example(machine, mirror, "competitive-rework", "*-linux.tar.gz") as made:
        mirror.publish_rework("v1.0.0")
        first, then = made.holds(lambda: mirror.publish_rework("v1.1.0"))
        equal(set(first), set(then), "its files")
        made.has("cfg/cfgogl/zonemod/zonemod.cfg", competitive.rework("v1.1.0")["cfg/cfgogl/zonemod/zonemod.cfg"])
        with product.server(machine, "rework", overlays=[made.number]) as server:
            check('"confoglcompmod"' in server.rcon("sm plugins list"), "the game has not its plug-in")


def _sees_maps(machine, made, *maps):
    with product.server(machine, "maps", overlays=[made.number]) as server:
        equal(sorted(re.findall(r"addon loaded: (.+?) \(", log(server))), sorted(maps), "add-ons that the game has")


@only("trixie")
def test_l4d2center_maps(machine):
    """maps of l4d2center: fetched, one changed, one removed and one new; the game has them"""
    with upstreams(machine) as mirror, example(machine, mirror, "l4d2center-maps", "*.7z") as made:
        for name in ("widebox1", "Dead Series", "carriedoff"):
            mirror.l4d2center.publish(name)

        def newer():
            mirror.l4d2center.publish("widebox1", "2")
            mirror.l4d2center.remove("carriedoff")
            mirror.l4d2center.publish("citynight")

        first, then = made.holds(newer)
        equal(set(first), {f"addons/{name}.vpk" for name in ("widebox1", "Dead Series", "carriedoff")}, "maps at first")
        equal(sorted(made.downloads()), ["/maps/servers/citynight.7z", "/maps/servers/widebox1.7z"], "what was fetched then")
        check(first["addons/widebox1.vpk"] != then["addons/widebox1.vpk"], "the map that has changed is as it was")
        _sees_maps(machine, made, "Dead Series.vpk", "citynight.vpk", "widebox1.vpk")


@only("trixie")
def test_cedapug_maps(machine):
    """maps of cedapug: fetched, one changed, one removed and one new; the game has them"""
    with upstreams(machine) as mirror, example(machine, mirror, "cedapug-maps", "*.zip") as made:
        mirror.cedapug.publish("CityBlock")
        mirror.cedapug.publish("LongRoad", parts=2)

        def newer():
            mirror.cedapug.publish("LongRoad", "2")
            mirror.cedapug.publish("New Harbour")

        first, then = made.holds(newer)
        equal(set(first), {f"addons/{name}.vpk" for name in ("CityBlock", "LongRoad_part1", "LongRoad_part2")}, "maps at first")
        equal(sorted(made.downloads()), ["/maps/LongRoad.zip", "/maps/New Harbour.zip"], "what was fetched then")
        _sees_maps(machine, made, "CityBlock.vpk", "LongRoad.vpk", "New Harbour.vpk")
