# SPDX-License-Identifier: MIT
"""The whole life of a server by the example that knows curl and jq alone, held to what is on the machine at each of its steps."""

import json
import subprocess

import page
import product
import t_workshop
from harness import check, equal, only
from page import DATABASE
from product import DATA

LIFE = "/usr/share/doc/left4me/examples/life.sh"
ADDRESS = "http://127.0.0.1:8080"
SERVER = f"{DATA}/runtime/s1/merged/left4dead2/cfg"
TABLES = ("servers", "blueprints", "blueprint_overlays", "overlays", "server_grants", "live_states")

_ROWS = f"""import json, sqlite3, sys
db = sqlite3.connect("{DATABASE}")
print(json.dumps([db.execute(f"SELECT count(*) FROM {{table}}").fetchone()[0] for table in sys.argv[1:]]))
"""


def _left(machine):
    """What there is of servers and overlays: rows, units, directories."""
    rows = json.loads(machine.output(["python3", "-c", _ROWS, *TABLES]))
    units = machine.output("systemctl list-units --all --plain --no-legend '*@s1.*' '*-s1-*'; "
                           "find /etc/systemd /run/systemd -name '*@s1.*'")
    trees = machine.output(f"cd / && find {DATA}/overlays {DATA}/sources {DATA}/instances {DATA}/runtime {DATA}/builds "
                           f"{DATA}-host -maxdepth 2 -not -name '*-counter' | sort")
    return {"rows": rows, "units": units.split("\n"), "trees": trees.split("\n")}


def _file(machine, name):
    return machine.read(f"{SERVER}/{name}").strip()


def _runs(machine):
    port = product.ctl_json(machine, "status", "s1")["port"]
    equal(product.a2s(machine.outside, port)["name"], "Friday", "the name that the game shows")
    equal(_file(machine, "mine.cfg"), "echo mine is old", "what it sees")


def _changed(machine):
    equal(_file(machine, "mine.cfg"), "echo mine is old", "what it sees before the restart")
    check("the plan is old" in _file(machine, "server.cfg"), "it sees the new configuration before the restart")


def _restarted(machine):
    equal(_file(machine, "mine.cfg"), "echo mine is new", "what it sees after the restart")
    check("the plan is new" in _file(machine, "server.cfg"), "it does not see the new configuration")


def _rolled_back(machine):
    equal(_file(machine, "mine.cfg"), "echo mine is old", "what it sees after the rollback")
    check("the plan is new" in _file(machine, "server.cfg"), "the configuration was rolled back as well")


def _reset(machine):
    equal(machine.output(f"find {DATA}/runtime/s1/upper -mindepth 1 | wc -l"), "0", "what is left of what its game wrote")
    equal(machine.unit("left4me-server@s1.service")["ActiveState"], "inactive", "its unit")


# What it says it has done, and what is then so.
STEPS = {"people": None, "overlays": None, "server": _runs, "grant": _runs, "change": _changed, "restart": _restarted,
         "rollback": _rolled_back, "reset": _reset, "end": None}


def _live(machine, word, item, look=None):
    """(what it says it has done, its exit code, what it says on stderr)"""
    said = []
    with machine.popen([LIFE, "--step", ADDRESS, word, str(item)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as life:
        for line in life.stdout:
            said.append(line.partition(":")[0])
            if look:
                look(said[-1])
            life.stdin.write("\n")
            life.stdin.flush()
        return said, life.wait(60), life.stderr.read().strip()


@only("trixie")
def test_curl_alone(machine):
    """first admin, invitation, three types of overlays, blueprint, server, log, change, restart, rollback, reset, delete"""
    product.ready(machine)
    word = page.invite(machine, "alice", "--admin")
    before = _left(machine)
    with t_workshop.workshop(machine) as steam_side:
        number, = t_workshop.ids(1)
        steam_side.put(*t_workshop.items_of(number))
        said, code, trouble = _live(machine, word, number, lambda step: STEPS[step] and STEPS[step](machine))
    equal((code, trouble, said), (0, "", list(STEPS)), "how it ended")
    equal(_left(machine), before, "what is left")
    equal(machine.run("pgrep curl", check=False).stdout, "", "programs that are left")


def _forget(machine):
    """Nobody has joined any more."""
    machine.run(f"systemctl stop {page.SOCKET} {page.SERVICE} left4me-worker.service; rm -f {DATABASE}*; systemctl start left4me-worker.service {page.SOCKET}")


@only("trixie")
def test_what_is_wrong_ends_it(machine):
    """a link that is none, an add-on that there is not: it says what, fails, and goes no further"""
    product.ready(machine)
    _forget(machine)
    word = page.invite(machine, "alice", "--admin")
    with t_workshop.workshop(machine):
        for link, done, wrong in (("i_nothing", [], "POST /join: "), (word, ["people"], "/build?wait=60: "), (word, [], "somebody has joined already")):
            said, code, trouble = _live(machine, link, *t_workshop.ids(1))
            equal((code, said), (1, done), f"how it ended ({trouble})")
            check(wrong in trouble.splitlines()[-1], f"why: {trouble}")
