# SPDX-License-Identifier: MIT
"""attacks: programs that do what somebody would who has taken over a game, a builder or left4me.

    attacks.plant(server)                   before it starts: the programs are in its tree then
    attacks.inside(server, "unix", PATH)    runs one in its sandbox: {what: (verdict, reason)}
    attacks.outside(machine, USER, "unix", PATH)    the same without a sandbox
    attacks.must_hold(found, "…")           fails if any attempt got through
"""

import atexit
import itertools
import os
import pathlib
import re
import secrets
import shutil
import tempfile

import host
import product
from harness import Failed, check

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = product.REPO / "src"
TARGET = "/usr/local/lib/left4me-attacks"           # in a machine, for those outside a sandbox
PROGRAMS = {"inside": [], "inside32": ["-m32"], "caller": [f"-I{SOURCE}"]}

_tokens = itertools.count(1)
_built = None


def build():
    """The directory with the programs, made once a run."""
    global _built
    if not _built:
        _built = pathlib.Path(tempfile.mkdtemp(prefix="left4me-attacks-"))
        atexit.register(shutil.rmtree, _built, ignore_errors=True)
        for name, options in PROGRAMS.items():
            source = HERE / f"{name.removesuffix('32')}.c"
            host.call(["gcc", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-static", *options, source,
                       "-o", _built / name])
            os.chmod(_built / name, 0o755)
        os.chmod(_built, 0o755)
    return _built


def bring(machine):
    """Puts the programs where every user of the machine can run them."""
    machine.push(build(), TARGET)
    machine.run(["chmod", "-R", "a+rX", TARGET])
    return TARGET


def plant(server):
    """Leaves the programs in a stopped server's upper layer, as a game that was taken over would."""
    upper = f"{server.runtime}/upper/attack"
    for name in ("inside", "inside32"):
        server.machine.push(build() / name, f"{upper}/{name}", 0o755)
    server.machine.run(f"chown -R {product.CONTENT_USER}: {upper} && chmod 755 {upper}")


def inside(server, word, *arguments, program="inside", wait=True, timeout=60):
    """Runs an attack as a child of the game. With wait=False returns the token to collect() by."""
    token = f"attack{next(_tokens)}-{secrets.token_hex(3)}"
    words = " ".join(f'"{word}"' for word in ["attack/" + program, token, word, *map(str, arguments)])
    if len(words) > 1000:
        raise Failed("the game's console cuts a line of more than 1,024 bytes")
    server.rcon(f"sim_run {words}")
    return collect(server, token, timeout) if wait else token


def collect(server, token, timeout=60):
    server.machine.wait_for_line(server.unit, f"^{token} end", timeout)
    text = server.machine.output(["journalctl", "-q", "--no-pager", "-o", "cat", "-u", server.unit, "-g", f"^{token} "])
    return parse(text)


def outside(machine, user, word, *arguments, program="inside", check=False, timeout=60):
    done = machine.run([f"{TARGET}/{program}", "outside", word, *map(str, arguments)], user=user, check=check,
                       timeout=timeout)
    return parse(done.stdout)


def parse(text):
    """{what: (verdict, reason)}, in the order they were tried."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"\S+ \S+ (.+?): (done|blocked|note): (.*)", line)
        if match:
            found[match[1]] = (match[2], match[3])
    return found


def done(found):
    return [what for what, (verdict, _) in found.items() if verdict == "done"]


def must_hold(found, about, at_least=1):
    """Every attempt was refused, and there were some."""
    tried = [what for what, (verdict, _) in found.items() if verdict != "note"]
    check(len(tried) >= at_least, f"{about}: only {len(tried)} attempts were made: {found}")
    through = {what: found[what][1] for what in done(found)}
    check(not through, f"{about}: got through: {through}")


def must_work(found, about, *whats):
    """The attack is one: without the protection it succeeds."""
    for what in whats:
        check(found.get(what, ("missing",))[0] == "done",
              f"{about}: {what!r} should have worked, or the test shows nothing: {found.get(what)}")
