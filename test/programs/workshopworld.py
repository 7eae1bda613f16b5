# SPDX-License-Identifier: MIT
"""workshopworld: Workshop builds against a mirror of the Workshop that is in this process: it sees every request,
decides how each is answered, and lets go of what it holds when a test says so. Nothing waits for a clock, but for
the one second that libcurl needs to find out that a server has stalled, and the seconds that a limited rate takes.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "mirror"))

import steam
from steam import Item, campaign

SECONDS = 60


class Done:
    """A build that has ended."""

    def __init__(self, process, out, err):
        self.code, self.lines, self.error = process.returncode, out.splitlines(), err.strip()
        said = [line for line in self.lines if line.startswith("result ")]
        self.result = {key: int(value) for key, _, value in (word.partition("=") for word in said[0].split()[1:])} \
            if said else None

    def said(self, *words):
        """The lines that hold all these words."""
        return [line for line in self.lines if all(word in line for word in words)]


class Case(unittest.TestCase):
    program = scratch = ca = certificate = None     # of all: main() sets them

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        (self.dir / "cache/workshop").mkdir(parents=True)
        self.build = 0
        self.mirror = steam.Mirror(self.certificate)
        self.addCleanup(self.mirror.close)
        self.running = []

    def tearDown(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.communicate()

    # -- doing

    def start(self, items, build=None, process=None, **options):
        """Starts a build of the list. Its upper layer is self.upper from then on."""
        if build is None:
            self.build = build = self.build + 1
            (self.dir / f"builds/{build}/source").mkdir(parents=True)
            (self.dir / f"builds/{build}/upper").mkdir()
            text = items if isinstance(items, str) else "\n".join(map(str, items))
            (self.dir / f"builds/{build}/source/items").write_text(text)
        words = {"api": self.mirror.url, "ca": self.ca, "address": "127.0.0.1"} | options
        arguments = [f"{key}={value}" for key, value in words.items()]
        process = subprocess.Popen([self.program, self.dir, str(build), *arguments],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   **(process or {}))
        self.running.append(process)
        return process

    def finish(self, process):
        return Done(process, *process.communicate(timeout=SECONDS))

    def sync(self, items, **options):
        """A build that must succeed."""
        done = self.finish(self.start(items, **options))
        self.assertEqual((done.code, done.error), (0, ""), "\n".join(done.lines))
        return done

    def fail_sync(self, items, **options):
        """A build that must fail in an orderly way; its sentence is in .error."""
        done = self.finish(self.start(items, **options))
        self.assertIn(done.code, (1, 2, 3, 4, 69), f"{done.error} {done.lines}")
        self.assertNotIn("Sanitizer", done.error)
        return done

    def publish(self):
        """What becomes of a build that succeeded: its files get one more link. Then the build is forgotten."""
        generation = self.dir / f"overlays/{self.build}"
        shutil.copytree(self.addons, generation, copy_function=os.link)
        shutil.rmtree(self.dir / f"builds/{self.build}")
        return generation

    # -- looking

    @property
    def addons(self):
        return self.dir / f"builds/{self.build}/upper/left4dead2/addons"

    def item(self, id):
        return json.loads((self.dir / f"cache/workshop/{id}/item.json").read_text())

    def cached(self, id):
        return sorted(path.name for path in (self.dir / f"cache/workshop/{id}").iterdir() if path.name != "item.json")

    def assert_overlay(self, items):
        """The tree holds exactly these, and whole; its modes, links and mark are as publication expects them."""
        upper = self.dir / f"builds/{self.build}/upper"
        self.assertEqual(os.getxattr(upper, "user.overlay.opaque"), b"y")
        self.assertEqual([path.name for path in upper.iterdir()], ["left4dead2"])
        self.assertEqual([path.name for path in (upper / "left4dead2").iterdir()], ["addons"])
        self.assertEqual({path.name for path in self.addons.iterdir()}, {f"{item.id}.vpk" for item in items})
        for item in items:
            path = self.addons / f"{item.id}.vpk"
            stat = path.stat()
            self.assertEqual(path.read_bytes(), item.data)
            self.assertEqual(stat.st_mode & 0o7777, 0o640)
            self.assertGreaterEqual(stat.st_nlink, 2)
            self.assertEqual(os.listxattr(path), [])
        for path in (self.addons, upper / "left4dead2"):
            self.assertEqual(path.stat().st_mode & 0o7777, 0o750)

    def one(self, *answers, size=2000, **says):
        """An item with these answers, and one more that is as it should be."""
        item = Item(7, campaign("seven", size), answers=answers, **says)
        good = Item(8, campaign("eight"))
        self.mirror.put(item, good)
        return item, good

    def assert_left_out(self, done, why, good):
        """Item 7 is not there, and why is said; the other one is."""
        self.assertEqual(len(done.said("warning: 7 ", "left out", why)), 1, "\n".join(done.lines))
        self.assertIn(why, self.item(7)["error"])
        self.assertEqual(done.result["missing"], 1)
        self.assert_overlay([good])


def main():
    Case.program = sys.argv.pop(1)
    with tempfile.TemporaryDirectory(prefix="left4me-workshop-") as scratch:
        Case.scratch = pathlib.Path(scratch)
        Case.ca, Case.certificate = steam.make_certificates(scratch)
        unittest.main()
