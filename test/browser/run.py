#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run: boots a machine, and lets a browser on this host do with its page what people do.

The machine is as somebody has it who has just installed the package: he has put SteamCMD into a place, and has
asked in a shell for the link of the first admin. The Workshop is outside of it, under its own name. What the
browser does is in walk.mjs; it leaves pictures of all that it has seen, in both themes, in the directory --out.
"""

import argparse
import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "machine"))
import forward  # noqa: E402
import harness  # noqa: E402
import host  # noqa: E402
import internet  # noqa: E402
import page  # noqa: E402
import product  # noqa: E402
import t_workshop  # noqa: E402
from machine import Machine  # noqa: E402
from steam import Item, campaign  # noqa: E402

WEB = "/usr/share/left4me/web"
ITEM = 121088
STEAMCMD_LINK = "/etc/left4me/steamcmd"


def main():
    parser = argparse.ArgumentParser(description="Walks through the page of a machine with a browser.")
    parser.add_argument("--deb", required=True, help="package file to install")
    parser.add_argument("--modules", required=True, type=pathlib.Path, help="directory with node_modules")
    parser.add_argument("--out", type=pathlib.Path, default=product.REPO / "out/browser", help="where the pictures go")
    parser.add_argument("--web", type=pathlib.Path, help="a page, as tools/build-ui makes it, instead of the package's")
    parser.add_argument("--walk", action="append", default=[], metavar="WIDTH-THEME", help="only these walks")
    options = parser.parse_args()
    host.exit_on_signals()
    tally = harness.Tally()
    try:
        return _run(options)
    except (host.Trouble, OSError) as trouble:
        tally.fail("machine", trouble)
    except KeyboardInterrupt:
        tally.fail("machine", RuntimeError("interrupted"))
    return tally.close()


def _run(options):
    started = time.monotonic()
    with Machine(deb=options.deb) as machine, t_workshop.workshop(machine) as steam_side:
        steam_side.put(Item(ITEM, campaign("highway")))
        product.steamcmd(machine)
        machine.run(["ln", "-sfn", product.STEAMCMD, STEAMCMD_LINK])
        if options.web:
            machine.push(options.web, WEB)
        listener = forward.reserve(0)
        with forward.Forward(machine, listener, page.PORT):
            print(f"machine {machine.id}: ready in {time.monotonic() - started:.1f} s", flush=True)
            since = time.time()
            code = _walk(options, machine, f"http://{forward.HOST}:{listener.getsockname()[1]}")
            if code:
                print("\n".join(f"       | {line}" for line in machine.journal(lines=40, since=since).splitlines()))
    return code


def _walk(options, machine, url):
    """The browser and its walks, beside the modules that it is driven with; the exit code."""
    shutil.rmtree(options.out, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="left4me-browser-") as scratch:
        for path in HERE.glob("*.mjs"):
            shutil.copy(path, scratch)
        (pathlib.Path(scratch) / "node_modules").symlink_to(options.modules / "node_modules")
        words = ["node", f"{scratch}/run.mjs", "--url", url, "--link", f"/join#{page.invite(machine, 'walker-1', '--admin')}",
                 "--out", options.out, "--ui", product.REPO / "ui", "--item", ITEM]
        words += [word for walk in options.walk for word in ("--walk", walk)]
        with contextlib.suppress(subprocess.CalledProcessError):
            host.run(words)
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
