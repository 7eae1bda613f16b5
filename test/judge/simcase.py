# SPDX-License-Identifier: MIT
"""simcase: a game of the emulator, in a tree of its own, and who asks it."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from client import PASSWORD, Query, Rcon, Server

SIM = pathlib.Path()      # of the build, set by test-sim.py
JUDGE = pathlib.Path()    # where node finds its modules, likewise
CONFIG = f'hostname "Judged"\nrcon_password "{PASSWORD}"\n'
MAP = ("+map", "c1m1_hotel")


def judge(*words, check=True):
    result = subprocess.run(["node", JUDGE / "judge.mjs", *map(str, words)], text=True,
                            capture_output=True, timeout=60)
    if check and result.returncode:
        raise AssertionError(f"judge {words}: {result.stderr}")
    return result


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="left4me-sim-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.tree = self.dir / "game"
        subprocess.run([SIM / "mkgame", self.tree], check=True)
        self.game = self.tree / "left4dead2"
        self.config(CONFIG)

    def config(self, text, name="server.cfg"):
        path = self.game / "cfg" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def start(self, *arguments, **options):
        server = Server(self.tree, *(arguments or MAP), **options)
        self.addCleanup(server.__exit__)
        return server

    def running(self, *arguments, **options):
        return self.start(*MAP, *arguments, **options).ready()

    def rcon(self, **options):
        session = Rcon(**options)
        self.addCleanup(session.__exit__)
        return session

    def query(self, **options):
        query = Query(**options)
        self.addCleanup(query.__exit__)
        return query

    def run_one(self, command):
        with Rcon() as session:
            return session.run(command)
