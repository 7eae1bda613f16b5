# SPDX-License-Identifier: MIT
"""Nothing is lost: the page and the worker are killed over and over under a load of edits, jobs and streams.

CRASH_SECONDS says how long, CRASH_SEED makes it choose as it did before, as far as the machine lets it. What
came of it is kept in out/crashes.json.
"""

import json
import os
import random
import time

import crashes
import page
import product
from harness import check, equal, only

SECONDS = int(os.environ.get("CRASH_SECONDS", "120"))
RESULT = product.REPO / "out/crashes.json"
KILLS_S = 12                            # there is one of each program at least as often, or it shows little

# Rows as JSON, by SQL on stdin.
_ROWS = f"""import json, sqlite3, sys
db = sqlite3.connect("file:{page.DATABASE}?mode=ro", uri=True, timeout=30)
db.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in db.execute(sys.stdin.read())]))
"""


def rows(machine, sql):
    return json.loads(machine.output(["runuser", "-u", "left4me", "--", "python3", "-c", _ROWS], input=sql))


def steady_server(machine, alice):
    """One that somebody plays on."""
    blueprint = alice.want(201, "POST", "/blueprints", {"name": "steady"})["id"]
    server = alice.want(201, "POST", "/servers", {"name": "steady", "blueprint": blueprint})
    job = alice.want(200, "POST", f"/servers/{server['id']}/start?wait=60")["job"]
    equal(job["state"], "done", f"the start of a server ({job})")
    return {**server, **alice.get(f"/servers/{server['id']}/secret")}


def keep(load, player, verdict):
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"seed": load.seed, "seconds": load.seconds, "when": time.strftime("%FT%TZ", time.gmtime()), "verdict": verdict,
                                  "marks of the player": player.n, **dict(sorted(load.counts.items()))}, indent=1) + "\n")


@only("trixie")
def test_nothing_is_lost(machine):
    """what was acknowledged is there, once; jobs tell the truth; streams miss nothing; who plays notices nothing"""
    seed = os.environ.get("CRASH_SEED") or f"{random.randrange(1 << 32):08x}"
    print(f"     CRASH_SEED={seed} CRASH_SECONDS={SECONDS}", flush=True)
    product.ready(machine)
    with page.settings(machine, requests=0):
        alice = page.admin(machine)
        server = steady_server(machine, alice)
        unit, before = f"left4me-server@{server['instance']}.service", left_over(machine)
        was = {name: machine.unit(unit)[name] for name in ("InvocationID", "MainPID", "NRestarts")}
        load = crashes.Load(machine, alice, seed)
        verdict = "failed"
        with crashes.Player(load, server) as player:
            try:
                with crashes.Listener(load, "listener", "servers,blueprints,overlays,jobs") as everything, \
                        crashes.Listener(load, "reader", f"log:{server['id']}") as log:
                    first = player.n + 1
                    load.run(SECONDS)
                    is_there(machine, alice, load)
                    has_heard(alice, load, everything)
                    crashes.until("the marks in the log", lambda: log.failure or log.marks and log.marks[-1] >= player.n - 5)
                marks = [number for number in log.marks if number > first]
                equal(marks, list(range(first + 1, log.marks[-1] + 1)), "the lines of a log")
                equal({name: machine.unit(unit)[name] for name in was}, was, "the server that somebody plays on")
                crashes.until(f"that no more is there than {before}", lambda: left_over(machine) == before and not is_asking(machine))
                verdict = "passed"
            finally:
                keep(load, player, verdict)
                print(f"     {RESULT.read_text()}".replace("\n", "\n     "), flush=True)
    for program in crashes.PROGRAMS:
        check(load.counts[f"kills of {program}"] >= load.seconds // KILLS_S, f"too few kills show nothing: {load.counts}")


def is_there(machine, alice, load):
    """Each acknowledged write, once, as it was acknowledged; each acknowledged job, with an end."""
    crashes.until("the end of all jobs", lambda: not rows(machine, "SELECT id FROM jobs WHERE state IN ('queued', 'running')"))
    found = rows(machine, "SELECT id, name, config, arguments, revision FROM blueprints WHERE name LIKE 'editor%' ORDER BY id")
    wanted = [{"id": thing["id"], "name": thing["name"], "config": thing["config"], "arguments": json.dumps(thing["arguments"], separators=(",", ":")),
               "revision": thing["revision"]} for editor in load.editors for thing in editor.things.values()]
    equal(found, sorted(wanted, key=lambda row: row["id"]), "the blueprints in the database")
    jobs = {row["id"]: row for row in rows(machine, "SELECT * FROM jobs")}
    for number, kind in load.jobs.items():
        check(number in jobs, f"job {number} ({kind}) was acknowledged, and is not there")
        row = jobs[number]
        equal(row["kind"], kind, f"kind of job {number}")
        check(row["ended_us"] and (row["state"] == "failed") == (row["error_message"] is not None), f"the end of a job: {row}")
    equal(rows(machine, "PRAGMA integrity_check"), [{"integrity_check": "ok"}], "the database")
    check("whole" in machine.output(["left4me", "log", "check"]), "the log of changes is not whole")
    equal(alice.get("/health")["status"], "ok", "health")


def has_heard(alice, load, listener):
    """The newest state of each thing."""
    def has(event, number, wanted):
        return listener.failure or listener.things.get((event, number)) == wanted
    for editor in load.editors:
        for number in editor.things:
            wanted = alice.get(f"/blueprints/{number}")
            crashes.until(f"blueprint {number} in the stream", lambda number=number, wanted=wanted: has("blueprint", number, wanted))
        for number in editor.gone:
            crashes.until(f"the end of blueprint {number} in the stream", lambda number=number: has("blueprint", number, {"id": number, "deleted": True}))
    for number in load.jobs:
        wanted = alice.get(f"/jobs/{number}")
        crashes.until(f"job {number} in the stream", lambda number=number, wanted=wanted: has("job", number, wanted))


def left_over(machine):
    """Units, scratch and instances that there are."""
    return machine.output(
        "systemctl list-units --all --plain --no-legend 'left4me-server@*' 'left4me-mount@*' 'left4me-build-mount@*' 'left4me-script@*' "
        "'left4me-publish@*' 'left4me-tidy@*' | awk '{print $1, $3, $4}'; systemctl list-units --failed --plain --no-legend; "
        f"ls {product.DATA}/instances {product.DATA}/runtime {product.DATA}/builds").splitlines()


def is_asking(machine):
    """Whether somebody asks the host still."""
    return machine.run(["pgrep", "l4d2ctl"], check=False).returncode == 0


# Keeps all others from writing until its input ends.
_HOLD = f"""import sqlite3, sys
db = sqlite3.connect("{page.DATABASE}", timeout=30, isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@only("trixie")
def test_a_locked_database(machine):
    """who writes is told so while another program holds it, who reads is served, what is under way waits; then all is as before"""
    product.ready(machine)
    alice = page.admin(machine, "locked")
    number = alice.want(200, "POST", "/overlays?wait=60", {"name": "locked", "type": "script"})["job"]["result"]["overlay"]
    alice.want(200, "PUT", f"/overlays/{number}/text", {"text": "echo begun\nsleep 1\necho built > word.cfg\n"}, If_None_Match="*")
    job = alice.want(202, "POST", f"/overlays/{number}/build")["job"]["id"]
    crashes.until("the build", lambda: "begun" in [line["text"] for line in alice.get(f"/jobs/{job}/log")["lines"]])
    with product.running(machine, ["runuser", "-u", "left4me", "--", "python3", "-c", _HOLD], stdin=-1) as holder:
        equal(holder.stdout.readline(), b"held\n", "another program")
        for are_killed in (True, False):
            alice.refused(503, "busy", "locked by another program", "POST", "/blueprints", {"name": "late"}, Idempotency_Key="late")
            equal(alice.get("/me")["name"], "locked", "who it is")
            machine.wait_for_line("left4me-worker.service", "is kept until it can be written")
            if are_killed:              # and started while it is locked
                machine.run(["systemctl", "kill", "--signal=SIGKILL", "--kill-whom=main", *crashes.PROGRAMS.values()])
                machine.wait_for("left4me-worker.service")
        equal(alice.get(f"/jobs/{job}")["state"], "running", "the job meanwhile")
        holder.stdin.close()
        equal(holder.wait(30), 0, "the other program")
    made = [alice.want(201, "POST", "/blueprints", {"name": "late"}, Idempotency_Key="late") for _ in range(2)]
    equal(made[0], made[1], "what was made then")
    crashes.until("the end of the job", lambda: alice.get(f"/jobs/{job}")["state"] == "done")
    equal(rows(machine, "SELECT count(*) AS n FROM blueprints WHERE name = 'late'"), [{"n": 1}], "blueprints of that name")
