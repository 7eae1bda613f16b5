#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""writer: runs inside the virtual machine and asks its page. `writer.py COOKIE write SERVER OTHER SCRIPT FILES` says as JSON
what was acknowledged; `writer.py COOKIE look` reads that, and says as JSON what is not so, and what became of the jobs."""

import contextlib
import http.client
import json
import sys
import time

WAIT_S = 50
WORD = "acknowledged before the power failed"


class Page:
    def __init__(self, cookie):
        self.cookie, self.answer = cookie, None

    def ask(self, method, path, body=None, **fields):
        headers = {"Origin": "http://127.0.0.1:8080", "Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in fields.items()}}
        if body is not None and not isinstance(body, bytes):
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", 8080, timeout=120)) as connection:
            connection.request(method, "/api/v1" + path, body, headers)
            self.answer = connection.getresponse()
            data = self.answer.read()
        if self.answer.status >= 400:
            raise SystemExit(f"{method} {path}: {self.answer.status} {data.decode()}")
        return json.loads(data) if self.answer.getheader("Content-Type") == "application/json" else data

    def job(self, path, body=None):
        """One that is waited for."""
        job = ended(self, self.ask("POST", f"{path}?wait={WAIT_S}", body)["job"]["id"])
        if job["state"] != "done":
            raise SystemExit(f"POST {path}: {job}")
        return job


def edited(old):
    return {**{key: old[key] for key in ("name", "arguments", "overlays", "limits", "shared")}, "config": f"sv_edited {old['id']}\n"}


def write(page, server, other, script, files):
    """All of it within the few seconds for which a disk may keep what it was not told to write."""
    said = {"server": server, "other": other, "script": script, "files": files}
    said["overlay"] = page.job("/overlays", {"name": "made-before", "type": "files"})["result"]["overlay"]
    said["started"] = page.job(f"/servers/{server}/start")["id"]
    made = [page.ask("POST", "/blueprints", {"name": f"before {n}", "config": "sv_made 1\n"}, Idempotency_Key=f"before-{n}") for n in range(4)]
    page.ask("DELETE", f"/blueprints/{made[3]['id']}")
    said["gone"] = made.pop()["id"]
    said["blueprints"] = [page.ask("PUT", f"/blueprints/{old['id']}", edited(old), If_Match='"1"') for old in made]
    # These two are under way when the power fails.
    said["jobs"] = [page.ask("POST", path)["job"]["id"] for path in (f"/overlays/{script}/build", f"/servers/{other}/start")]
    page.ask("GET", f"/overlays/{script}/text")
    said["text"] = f"#!/bin/bash\necho {WORD}\n"
    page.ask("PUT", f"/overlays/{script}/text", {"text": said["text"]}, If_Match=page.answer.getheader("ETag"))
    page.ask("POST", f"/overlays/{files}/files/mkdir", {"path": "new"})
    page.ask("PUT", f"/overlays/{files}/files/content?path=new/first.cfg", WORD.encode(), If_None_Match="*")
    page.ask("POST", f"/overlays/{files}/files/move", {"from": "new/first.cfg", "to": "moved.cfg"})
    page.ask("PUT", f"/overlays/{files}/files/content?path=old.cfg", WORD.encode(), If_Match="*")
    return said


def ended(page, number):
    while (job := page.ask("GET", f"/jobs/{number}"))["ended_us"] is None:
        time.sleep(0.5)
    return job


def look(page, said):
    seen = {row["id"]: row for row in page.ask("GET", "/blueprints")["blueprints"]}
    rows = [(f"blueprint {was['id']}", was, seen.get(was["id"])) for was in said["blueprints"]]
    rows += [("the blueprint that was deleted", None, seen.get(said["gone"])),
             ("the script", said["text"], page.ask("GET", f"/overlays/{said['script']}/text")["text"]),
             ("the overlay", "made-before", page.ask("GET", f"/overlays/{said['overlay']}")["name"]),
             ("names", ["moved.cfg", "new", "old.cfg"], sorted(row["name"] for row in page.ask("GET", f"/overlays/{said['files']}/files")["entries"])),
             ("the start", "done", page.ask("GET", f"/jobs/{said['started']}")["state"]),
             ("what is wanted", "running", page.ask("GET", f"/servers/{said['server']}")["wanted"])]
    rows += [(f"the file {name}", WORD, page.ask("GET", f"/overlays/{said['files']}/files/content?path={name}").decode()) for name in ("moved.cfg", "old.cfg")]
    return {"wrong": [row for row in rows if row[1] != row[2]], "n": len(rows), "jobs": [ended(page, number) for number in said["jobs"]]}


def main():
    cookie, verb, *numbers = sys.argv[1:]
    page = Page(cookie)
    print(json.dumps(write(page, *map(int, numbers)) if verb == "write" else look(page, json.load(sys.stdin))))


if __name__ == "__main__":
    main()
