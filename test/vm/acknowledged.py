# SPDX-License-Identifier: MIT
"""acknowledged: what the page of the virtual machine said was done, and whether it is so after the power has failed."""

import json
import pathlib

import page
import product
from harness import check, equal

HERE = pathlib.Path(__file__).resolve().parent
PLACE = "/usr/local/lib/left4me-acknowledged"
SCRIPT = "#!/bin/bash\nfor n in 1 2 3 4 5 6; do echo at work; sleep 0.5; done\nmkdir -p left4dead2/cfg\necho built > left4dead2/cfg/word.cfg\n"
N_ROWS = 11                             # of what is looked at, or it shows nothing


def prepare(machine):
    """An admin, two servers that were never started, an overlay made by a script, and one of files."""
    alice = page.admin(machine)
    machine.push(HERE / "writer.py", f"{PLACE}/writer.py", 0o755)
    machine.push(alice.cookie.encode(), f"{PLACE}/cookie")
    blueprint = alice.want(201, "POST", "/blueprints", {"name": "plain"})["id"]
    servers = [alice.want(201, "POST", "/servers", {"name": name, "blueprint": blueprint})["id"] for name in ("started", "starting")]
    overlays = [alice.want(200, "POST", "/overlays?wait=60", {"name": name, "type": kind})["job"]["result"]["overlay"]
                for name, kind in (("a-script", "script"), ("some-files", "files"))]
    alice.want(200, "PUT", f"/overlays/{overlays[0]}/text", {"text": SCRIPT}, If_None_Match="*")
    alice.want(201, "PUT", f"/overlays/{overlays[1]}/files/content?path=old.cfg", b"as it was", If_None_Match="*")
    machine.push(" ".join(map(str, servers + overlays)).encode(), f"{PLACE}/numbers")


def write(vm):
    """What was acknowledged; the power is to fail now."""
    return json.loads(vm.output(f"{PLACE}/writer.py $(cat {PLACE}/cookie) write $(cat {PLACE}/numbers)", timeout=240))


def is_there(vm, said):
    """All of it, and what became of the jobs that were under way."""
    seen = json.loads(vm.output(f"{PLACE}/writer.py $(cat {PLACE}/cookie) look", input=json.dumps(said), timeout=240))
    equal(seen["wrong"], [], "what was acknowledged before the power failed")
    equal(seen["n"], N_ROWS, "things that were looked at")
    equal(product.ctl_json(vm, "status", f"s{said['server']}")["state"], "running", "the server that was started")
    build, start = seen["jobs"]
    for job in seen["jobs"]:
        check(job["state"] in ("done", "failed") and (job["error"] is None) == (job["state"] == "done"), f"a job that the power failed for: {job}")
    if build["state"] == "done":
        current, _ = product.generations(vm, said["script"])
        equal(build["result"]["generation"], current, "the generation of a build")
    state = product.ctl_json(vm, "status", f"s{said['other']}")["state"]
    check(start["state"] == "failed" or state == "running", f"a server whose start is done is {state}: {start}")
    check("whole" in vm.output(["left4me", "log", "check"]), "the log of changes is not whole")
