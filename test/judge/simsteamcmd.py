# SPDX-License-Identifier: MIT
"""simsteamcmd: the stand-in for SteamCMD."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import simcase
from simcase import Case


class SteamCmd(Case):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="left4me-sim-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.install = self.dir / "install"

    def make(self, *arguments):
        subprocess.run([simcase.SIM / "mksteamcmd", self.dir / "steamcmd", *arguments], check=True)

    def steamcmd(self, platform, *options):
        result = subprocess.run(
            [self.dir / "steamcmd/steamcmd.sh", "+@ShutdownOnFailedCommand", "1",
             "+@NoPromptForPassword", "1", "+@sSteamCmdForcePlatformType", platform,
             "+force_install_dir", self.install, "+login", "anonymous",
             "+app_update", "222860", *options, "+quit"], text=True, capture_output=True)
        return result.returncode, result.stdout

    def test_recipe(self):
        self.make()
        code, text = self.steamcmd("linux")
        self.assertEqual(code, 8)
        self.assertIn("ERROR! Failed to install app '222860' (Missing configuration)", text)
        code, text = self.steamcmd("windows")
        self.assertEqual(code, 0)
        self.assertRegex(text, r"Update state \(0x61\) downloading, progress: \d+\.\d\d \(\d+ / ")
        self.assertTrue((self.install / "srcds.exe").exists())
        code, text = self.steamcmd("linux", "validate")
        self.assertIn("Success! App '222860' fully installed.", text)
        self.assertTrue(os.access(self.install / "srcds_linux", os.X_OK))
        self.assertFalse((self.install / "srcds.exe").exists())

    def test_update_touches_what_changed(self):
        self.make()
        self.steamcmd("windows")
        self.steamcmd("linux")
        before = {path: path.stat().st_ino for path in self.install.rglob("*") if path.is_file()}
        self.make("--build", "9500")
        self.assertEqual(self.steamcmd("linux", "validate")[0], 0)
        changed = {path.name for path, inode in before.items()
                   if not path.exists() or path.stat().st_ino != inode}
        self.assertLessEqual({"steam.inf", "c1m1_hotel.bsp", "added_in_9477.txt"}, changed)
        self.assertNotIn("c1m2_streets.bsp", changed)
        self.assertIn('"9500"', (self.install / "steamapps/appmanifest_222860.acf").read_text())

    def test_faults(self):
        for state in ("0x202", "0x602", "0x606", "0x626", "0x6A6"):
            self.make("--fail", state)
            code, text = self.steamcmd("windows")
            self.assertEqual(code, 8)
            self.assertIn(f"Error! App '222860' state is {state} after update job.", text)
        self.make("--fail", "missing-configuration:2")
        self.assertEqual([self.steamcmd("windows")[0] for _ in range(3)], [8, 8, 0])
        self.make("--fail", "no-subscription")
        self.assertIn("(No subscription)", self.steamcmd("windows")[1])
