# SPDX-License-Identifier: MIT
"""What people have, by the API alone: overlays, files, blueprints and servers, with the worker that does the jobs, the
l4d2ctl that is looked up with, and the game that sees what came of it."""

import hashlib
import contextlib
import io
import json
import time
import zipfile

import page
import product
from harness import Failed, check, equal, until
from product import DATA

WAIT_S = 25                                             # less than a browser waits for an answer
CFG = "left4dead2/cfg/mine.cfg"


def done(browser, method, path, body=None, **fields):
    """Asks for a job, waits for its end, and returns it."""
    at = path + ("&" if "?" in path else "?") + f"wait={WAIT_S}"
    status, said = browser.ask(method, at, body, **fields)
    check(status in (200, 202), f"{method} {path}: {status} {said}")
    job = said["job"]
    for _ in range(600):
        if job["ended_us"]:
            break
        time.sleep(0.2)
        job = browser.get(f"/jobs/{job['id']}")
    if job["state"] != "done":
        raise Failed(f"{method} {path}: {job} {[line['text'] for line in browser.get('/jobs/' + str(job['id']) + '/log')['lines']]}")
    return job


def raw(browser, path):
    """The bytes of an answer."""
    with contextlib.closing(page.Connection(browser.place)) as connection:
        connection.request("GET", "/api/v1" + path, headers={"Cookie": browser.cookie})
        answer = connection.getresponse()
        data = answer.read()
    equal(answer.status, 200, f"status of GET {path} ({data[:300]})")
    return data


def refused(browser, status, method, path, body=None, **fields):
    """A job that the host refuses: the error is answered as its own."""
    return browser.want(status, method, path + f"?wait={WAIT_S}", body, **fields)["error"]["message"]


def upload(browser, at, path, data, chunk=1 << 16):
    number = browser.want(201, "POST", f"{at}/uploads", {"path": path, "size": len(data), "chunk_bytes": chunk})["upload"]
    for offset in range(0, len(data), chunk):
        part = data[offset:offset + chunk]
        browser.want(204, "PUT", f"{at}/uploads/{number}?offset={offset}&sha256={hashlib.sha256(part).hexdigest()}", part)
    return number


def test_a_life(machine):
    """from nothing to a server that runs what was put together, and back"""
    product.ready(machine)
    alice = page.admin(machine)
    files = done(alice, "POST", "/overlays", {"name": "mine", "type": "files"})["result"]["overlay"]
    at = f"/overlays/{files}/files"
    alice.want(201, "PUT", f"{at}/content?path={CFG}", b"sv_mine 1\n", If_None_Match="*")
    data = bytes(range(256)) * 1000
    alice.want(200, "POST", f"{at}/uploads/{upload(alice, at, 'left4dead2/maps/big.bin', data)}/finish")
    equal(raw(alice, f"{at}/content?path=left4dead2/maps/big.bin"), data, "what was uploaded")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("pack/left4dead2/cfg/other.cfg", "sv_other 1\n")
    done(alice, "POST", f"{at}/extract", {"upload": upload(alice, at, "", packed.getvalue()), "path": "", "strip": True})
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pack/zeros", bytes(80 << 20))
    said = refused(alice, 400, "POST", f"{at}/extract", {"upload": upload(alice, at, "", bomb.getvalue()), "path": ""})
    check("a bomb" in said, f"80 MiB from {len(bomb.getvalue())} bytes: {said}")
    equal([row["name"] for row in alice.get(at)["entries"]], ["left4dead2"], "what is there after the bomb")
    equal(sorted(row["name"] for row in alice.get(f"{at}?path=left4dead2/cfg")["entries"]), ["mine.cfg", "other.cfg"], "the tree")
    with zipfile.ZipFile(io.BytesIO(raw(alice, f"{at}/zip?path=left4dead2/cfg"))) as archive:
        equal(archive.read("cfg/mine.cfg"), b"sv_mine 1\n", "what was packed")
    done(alice, "POST", f"/overlays/{files}/build")

    script = done(alice, "POST", "/overlays", {"name": "made", "type": "script"})["result"]["overlay"]
    alice.want(200, "PUT", f"/overlays/{script}/text", {"text": "#!/bin/bash\necho building\nmkdir -p left4dead2/cfg\necho sv_made 1 > left4dead2/cfg/server.cfg\n"},
               If_None_Match="*")
    done(alice, "POST", f"/overlays/{script}/build")
    check("building" in [line["text"] for line in alice.get(f"/overlays/{script}/log")["lines"]], "the log of the build")

    draft = {"name": "versus", "arguments": ["+map", "c2m1_highway"], "config": "sv_pure 1\n", "limits": {}, "shared": False,
             "overlays": [{"id": files}, {"id": script, "expose_server_cfg": True}]}
    blueprint = alice.want(201, "POST", "/blueprints", draft)
    seen = alice.want(200, "POST", f"/blueprints/{blueprint['id']}/preview")
    equal(seen["problems"], [], "what is wrong with it")
    server = alice.want(201, "POST", "/servers", {"name": "Friday night", "blueprint": blueprint["id"], "hostname": "Friday"})
    me, name = f"/servers/{server['id']}", server["instance"]
    merged, cfg = f"{DATA}/runtime/{name}/merged", f"{DATA}/runtime/{name}/merged/left4dead2/cfg/server.cfg"
    done(alice, "POST", f"{me}/start")
    until("that it runs", lambda: alice.get(me)["state"] == "running")
    equal(product.a2s(machine.outside, server["ports"]["game"])["name"], "Friday", "the name that the game shows")
    equal(machine.read(f"{merged}/{CFG}"), "sv_mine 1\n", "what the game sees")
    seen = alice.want(200, "POST", f"/blueprints/{blueprint['id']}/preview")
    equal(seen["servers"], [{"id": server["id"], "name": "Friday night", "changes": []}], "what would change")
    hidden = machine.read(cfg).replace(alice.get(f"{me}/secret")["rcon_password"], "(the password of the server)")
    equal(seen["server_cfg"], hidden, "the file that was promised")

    until("its log", lambda: alice.get(f"{me}/log")["lines"])
    equal([row["overlay"] for row in alice.get(f"{me}/stack")["stack"]], [None, None, files, script, 1], "its stack")
    equal(alice.get(f"{me}/explain?path={CFG}")["exists"], True, "where a file comes from")

    changed = {**draft, "config": "sv_pure 2\n"}
    seen = alice.want(200, "POST", f"/blueprints/{blueprint['id']}/preview", changed)
    equal(seen["servers"][0]["changes"], ["config"], "what would change")
    alice.want(200, "PUT", f"/blueprints/{blueprint['id']}", changed, If_Match='"1"')
    # What counts is what it runs with, and not what the host has been told since.
    until("that it is pending", lambda: alice.get(me)["pending"] == ["config"])
    for what, wanted in ((changed, ["config"]), (draft, []), ({**draft, "limits": {"tasks": 300}}, ["limits"])):
        seen = alice.want(200, "POST", f"/blueprints/{blueprint['id']}/preview", what)
        equal(seen["servers"][0]["changes"], wanted, f"what would change with {what}")
    done(alice, "POST", f"{me}/restart")
    check("sv_pure 2" in machine.read(cfg), "the new configuration does not count")

    first = alice.get(f"/overlays/{files}/generations")["current"]["generation"]
    alice.want(200, "PUT", f"{at}/content?path={CFG}", b"sv_mine 2\n", If_Match="*")
    done(alice, "POST", f"/overlays/{files}/build")
    equal([row["change"] for row in alice.get(f"/overlays/{files}/diff")["changes"]], ["changed"], "what differs")
    until("that something is pending", lambda: alice.get(me)["pending"] == [f"overlay {files}"])
    done(alice, "POST", f"{me}/restart")
    equal(machine.read(f"{merged}/{CFG}"), "sv_mine 2\n", "what the game sees then")
    done(alice, "POST", f"/overlays/{files}/rollback")
    equal(alice.get(f"/overlays/{files}/generations")["current"]["generation"], first, "the current generation")
    done(alice, "POST", f"{me}/restart")
    equal(machine.read(f"{merged}/{CFG}"), "sv_mine 1\n", "what the game sees at last")

    done(alice, "POST", f"{me}/reset")
    until("that it is stopped", lambda: alice.get(me)["state"] == "stopped")
    done(alice, "DELETE", me)
    alice.refused(404, "not-found", "no such server", "GET", me)
    equal(product.ctl(machine, "status", name, check=False).returncode, 3, "the instance")
    alice.want(204, "DELETE", f"/blueprints/{blueprint['id']}")
    for number in (files, script):
        done(alice, "DELETE", f"/overlays/{number}")


def test_what_a_game_wrote(machine):
    """is listed, read, kept in the server's own overlay, and dropped; hostile things harm nobody"""
    product.ready(machine)
    alice = page.admin(machine, "bob")
    blueprint = alice.want(201, "POST", "/blueprints", {"name": "plain"})
    server = alice.want(201, "POST", "/servers", {"name": "plain", "blueprint": blueprint["id"]})
    me, name = f"/servers/{server['id']}", server["instance"]
    equal(alice.get(f"{me}/upper"), {"entries": [], "next": None}, "what it has written before it runs")
    done(alice, "POST", f"{me}/start")
    machine.run(f"cd {DATA}/runtime/{name}/merged/left4dead2 && setpriv --reuid {product.GAME_USER} --regid {product.GAME_USER} --clear-groups bash -c "
                "'echo banid > cfg/banned.cfg; mkfifo fifo; ln -s /var/lib/left4me/db/left4me.db link; mkdir -m 0 closed; truncate -s 1T giant; touch $\"a\\nb\"; mkdir many; "
                "cd many; touch {1..1500}'")
    rows = {row["name"]: row["kind"] for row in alice.get(f"{me}/upper?path=left4dead2")["entries"]}
    equal([rows[key] for key in ("fifo", "link", "closed", "giant", "many")], ["other", "link", "dir", "file", "dir"], "what is there")
    equal(raw(alice, f"{me}/upper/content?path=left4dead2/cfg/banned.cfg"), b"banid\n", "a file of it")
    for path in ("fifo", "link", "closed", "giant", "link/left4me.db", "closed/x"):
        status, said = alice.ask("GET", f"{me}/upper/content?path=left4dead2/{path}")
        check(status >= 400 and "error" in said, f"reading {path}: {status}")
    more = alice.get(f"{me}/upper?path=left4dead2/many")
    equal((len(more["entries"]), len(alice.get(f"{me}/upper?path=left4dead2/many&after={more['next']}")["entries"])), (1000, 500), "pages")
    check(any(row["path"] == "left4dead2/cfg/banned.cfg" for row in alice.get(f"{me}/drift")["entries"]), "drift does not tell of it")

    check("stop it first" in refused(alice, 409, "POST", f"{me}/upper/keep", {"path": "left4dead2/cfg/banned.cfg"}), "kept while it runs")
    done(alice, "POST", f"{me}/stop")
    done(alice, "POST", f"{me}/upper/keep", {"path": "left4dead2/cfg/banned.cfg"})
    own = until("its own overlay", lambda: alice.get(me)["overlay"])
    equal(raw(alice, f"/overlays/{own}/files/content?path=left4dead2/cfg/banned.cfg"), b"banid\n", "what was kept")
    done(alice, "DELETE", f"{me}/upper?path=left4dead2/many")
    rows = {row["name"] for row in alice.get(f"{me}/upper?path=left4dead2")["entries"]}
    check("many" not in rows and "fifo" in rows, f"what is left: {rows}")
    done(alice, "POST", f"/overlays/{own}/build")
    done(alice, "POST", f"{me}/start")
    equal(machine.read(f"{DATA}/runtime/{name}/merged/left4dead2/cfg/banned.cfg"), "banid\n", "what the game sees")
    done(alice, "DELETE", me)
    alice.refused(404, "not-found", "no such overlay", "GET", f"/overlays/{own}")


@contextlib.contextmanager
def _listening(browser, topics):
    """The stream of events: what its next event of a kind says, whatever others there are."""
    with contextlib.closing(page.Connection(browser.place)) as connection:
        connection.request("GET", "/api/v1/events?topics=" + topics, headers={"Cookie": browser.cookie})
        answer = connection.getresponse()
        equal(answer.status, 200, f"status of the events of {topics}")

        def next_of(kind):
            event, beats = None, 0
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                event, beats = value if name == "event" else event, beats + (not name and bool(value))
                if name == "data" and event == kind:
                    return json.loads(value)
                check(beats < 4, f"no event '{kind}' came in a minute")
            raise Failed(f"the stream has ended before an event '{kind}'")
        next_of("ready")
        yield next_of


def test_who_plays(machine):
    """is seen by event, also when the worker was killed; who leaves has left; nobody is thrown out by an update"""
    product.ready(machine)
    alice = page.admin(machine, "dave")
    draft = {"name": "played", "arguments": [], "config": "sv_pure 1\n", "limits": {}, "shared": False, "overlays": []}
    blueprint = alice.want(201, "POST", "/blueprints", draft)
    server = alice.want(201, "POST", "/servers", {"name": "played", "blueprint": blueprint["id"]})
    me, number = f"/servers/{server['id']}", server["id"]
    equal(alice.get(f"{me}/players")["known"], False, "whether it is known who plays on one that does not run")
    with _listening(alice, f"players:{number}") as next_of:
        done(alice, "POST", f"{me}/start")
        seen = next_of("players")
        equal((seen["known"], seen["n"], seen["players"]), (True, 0, []), "an empty server")
        password = alice.get(f"{me}/secret")["rcon_password"]
        console = lambda command: product.rcon(machine.outside, server["ports"]["game"], password, command)
        console("sim_join Ellis")
        console("sim_joining Nick")
        machine.run(["systemctl", "kill", "--signal=SIGKILL", "left4me-worker.service"])  # the next one asks at once
        while ((seen := next_of("players"))["n"] or 0) < 2:     # it may not be known for a moment
            pass
        equal((seen["max"], [row["name"] for row in seen["players"]]), (8, ["Ellis"]), "who plays")
        equal(alice.get(me)["players"], {"n": 2, "bots": 0, "max": 8, "map": seen["map"]}, "what a list shows")
        since = seen["players"][0]["since"]
        machine.run(["systemctl", "kill", "--signal=SIGKILL", "left4me-worker.service"])

        alice.want(200, "PUT", f"/blueprints/{blueprint['id']}", {**draft, "config": "sv_pure 2\n"}, If_Match="*")
        until("that something is pending", lambda: alice.get(me)["pending"] == ["config"])
        equal(done(alice, "POST", "/game/rollout", {"policy": "skip"})["result"], {"restarts": [], "left": [number]}, "a server that is played on")
        console("kick Ellis")
        console("kick Nick")
        while (seen := next_of("players"))["n"]:
            pass
        equal(seen["players"], [], "who plays")
        row, = alice.get(f"{me}/players/history")["sessions"]
        equal((row["name"], row["joined"], row["player"]), ("Ellis", since, None), "who has played")
        check(row["left"] >= since, f"the end of his session: {row}")
        equal(len(done(alice, "POST", "/game/rollout", {"policy": "skip"})["result"]["restarts"]), 1, "restarts of one that nobody plays on")
        until("its restart", lambda: alice.get(me)["pending"] == [] and alice.get(me)["state"] == "running")
        # A list that takes several datagrams, of which the last comes first.
        party = [f"Zoey-who-came-as-number-{n}" for n in range(6)]
        console("; ".join(["sim_split_size 100", "sim_reorder 1", *(f"sim_join {name}" for name in party)]))
        machine.run(["systemctl", "kill", "--signal=SIGKILL", "left4me-worker.service"])
        while ((seen := next_of("players"))["n"] or 0) < len(party):
            pass
        equal([row["name"] for row in seen["players"]], party, "a party")
        done(alice, "POST", f"{me}/kill")
        while (seen := next_of("players"))["known"]:
            pass
    equal([bool(row["left"]) for row in alice.get(f"{me}/players/history")["sessions"]], [True] * (1 + len(party)), "sessions that have ended")
    done(alice, "DELETE", me)


def test_the_tree_is_that_of_l4d2ctl(machine):
    """what one of them writes the other changes, with the modes that a build wants"""
    product.ready(machine)
    alice = page.admin(machine, "carol")
    number = done(alice, "POST", "/overlays", {"name": "both", "type": "files"})["result"]["overlay"]
    at, tree = f"/overlays/{number}/files", f"{DATA}/sources/{number}/tree"
    alice.want(201, "PUT", f"{at}/content?path=a/b/c.cfg", b"one", If_None_Match="*")
    equal(machine.output(f"stat -c '%U %a' {tree}/a {tree}/a/b/c.cfg").split("\n"), ["left4me 750", "left4me 640"], "modes")
    product.ctl(machine, "files", "put", number, "a/b/c.cfg", "-f", "-", input="two")
    alice.refused(412, "conflict", "", "PUT", f"{at}/content?path=a/b/c.cfg", b"three", If_Match='"1-2-3"')
    equal(raw(alice, f"{at}/content?path=a/b/c.cfg"), b"two", "what l4d2ctl wrote")
    alice.want(200, "POST", f"{at}/move", {"from": "a/b", "to": "d"})
    equal(product.ctl(machine, "files", "cat", number, "d/c.cfg").stdout, "two", "what the API moved")
    done(alice, "POST", f"/overlays/{number}/build")
    equal(alice.get(f"/overlays/{number}")["host"]["current"]["files"], 1, "files that are published")
    product.ctl(machine, "overlay", "set", number, "--name", "renamed")
    until("its new name", lambda: alice.get(f"/overlays/{number}")["host"]["name"] == "renamed")
    done(alice, "DELETE", f"/overlays/{number}")
    alice.refused(404, "not-found", "", "GET", f"/overlays/{number}")
