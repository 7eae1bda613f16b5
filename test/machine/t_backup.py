# SPDX-License-Identifier: MIT
"""A machine is lost, and a new one made of its backup: the same people, overlays and servers."""

import json

import page
import product
from harness import check, equal
from machine import Machine
from page import KEY
from product import DATA

FILE = "/root/left4me.backup"
UNITS = ["left4me-web.socket", "left4me-web.service", "left4me-worker.socket", "left4me-worker.service"]
SCRIPT = "mkdir -p left4dead2/cfg && echo built > left4dead2/cfg/built.txt\n"


def _left4me(machine, *words, check=True):
    done = machine.run(["left4me", "--json", *words], check=check, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _refused(machine, code, part, *words):
    done = machine.run(["left4me", *words], check=False, timeout=120)
    equal(done.returncode, code, f"exit code of left4me {' '.join(words)} ({done.stderr})")
    check(part in done.stderr, f"{part!r} is not in {done.stderr!r}")


def _owner(machine, path):
    return machine.output(["stat", "-c", "%U:%G %a", path])


def _fill(machine):
    """Somebody with a token, two overlays, and a server that has written something. Returns the word of the token."""
    product.ready(machine)
    page.admin(machine)
    token = _left4me(machine, "token", "create", "ci", "--user", "alice", "--scope", "admin")[0]["token"]
    machine.run("mkdir -p /root/scripts && cat > /root/scripts/plugins.sh", input=SCRIPT)
    equal([row["state"] for row in _left4me(machine, "seed-scripts", "/root/scripts")], ["created"], "what became of a script")
    equal([row["state"] for row in _left4me(machine, "seed-scripts", "/root/scripts")], ["unchanged"], "the second time")
    product.ctl(machine, "overlay", "create", "gone", "--type", "files")
    product.ctl(machine, "overlay", "delete", "gone")
    product.ctl(machine, "overlay", "create", "maps", "--type", "files")
    product.ctl(machine, "files", "mkdir", "maps", "left4dead2/cfg")
    product.ctl(machine, "files", "put", "maps", "left4dead2/cfg/put.txt", "-f", "-", input="put\n")
    for name in ("plugins", "maps"):
        product.ctl(machine, "overlay", "build", name, timeout=120)
    return token


def _numbers(machine):
    return {row["name"]: row["overlay"] for row in product.ctl_json(machine, "overlay", "list")["overlays"]}


def test_a_new_machine(machine):
    """people, tokens, overlays with their numbers, secrets and what a server wrote come to a machine that has nothing"""
    token = _fill(machine)
    numbers = _numbers(machine)
    with product.server(machine, "one", overlays=[numbers["plugins"], numbers["maps"]]) as old:
        old.rcon("sim_write left4dead2/mine.txt kept")
        adopted = _left4me(machine, "adopt", "one")[0]
        equal(adopted["wanted"], True, "whether a server that runs is wanted")
        _refused(machine, 4, "is running: stop it first", "backup", FILE, "--upper", "one")
        old.stop()
        _left4me(machine, "backup", FILE, "--upper", "one")
        equal(_owner(machine, FILE), "root:root 600", "the backup's owner and mode")
        _refused(machine, 4, "left4me-web.socket is active", "restore", FILE, "--replace")
        backup = machine.read(FILE, text=False)
        with Machine(machine.suite, machine.deb_path) as other:
            _restore(other, backup, numbers)
            _use(other, old, token)


def _restore(other, backup, numbers):
    other.run(f"cat > {FILE}", input=backup, text=False)
    equal(_left4me(other, "restore", "--check", FILE)[0]["version"] != "", True, "a version")
    other.run(["systemctl", "stop", *UNITS])
    old_key = other.read(KEY, text=False)
    said = _left4me(other, "restore", FILE, "--build", "--start")[0]
    equal((said["overlays"], said["servers"], said["ran"]), (2, 1, ["one"]), "what was restored")
    check(other.read(KEY, text=False) != old_key, "the key is not that of the backup")
    equal(_owner(other, KEY), "root:root 600", "the key's owner and mode")
    equal(_owner(other, page.DATABASE), "left4me:left4me 600", "the database's owner and mode")
    equal(other.output(f"ls {DATA}/db | grep -c restore", check=False), "0", "what is left of the restore")
    equal(_numbers(other), numbers, "the numbers of the overlays")
    upper = f"{DATA}/runtime/one/upper/left4dead2/mine.txt"
    equal(_owner(other, upper), "left4me-content:left4me-content 640", "owner and mode of what a game wrote")
    _refused(other, 4, "--replace", "restore", FILE)
    product.ready(other)


def _use(other, old, token):
    other.run(["systemctl", "start", "left4me-worker.socket", "left4me-worker.service", "left4me-web.socket"])
    start = max(row["id"] for row in _left4me(other, "job", "list") if row["kind"] == "server.start")
    lines = _left4me(other, "job", "show", str(start), "--follow", check=False)
    equal(lines[-1].get("state"), "done", f"how the start ended ({lines[-2:]})")
    browser = page.Browser(other)
    browser.login("alice")
    equal(browser.get("/me")["name"], "alice", "who has logged in with the old password")
    said = page.Browser(other).want(200, "GET", "/jobs", Authorization=f"Bearer {token}")
    check(said["jobs"], "a token finds no jobs")
    for path, text in (("mine.txt", "kept"), ("cfg/built.txt", "built"), ("cfg/put.txt", "put")):
        said = product.rcon(other.outside, old.port, old.password, f"sim_read left4dead2/{path}")
        check(text in said, f"{path} says {said!r}")
    equal(_left4me(other, "log", "check")[0].keys(), {"hash"}, "the log of changes")
    doctor = {row["check"]: row["verdict"] for row in _left4me(other, "doctor", check=False) if "check" in row}
    equal([doctor[name] for name in ("key", "database", "worker", "page")], ["ok"] * 4, "what the doctor finds")
