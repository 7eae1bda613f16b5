# SPDX-License-Identifier: MIT
"""crashes: people who work with the page while it and the worker are killed, and remember what they were told.

    load = crashes.Load(machine, alice, seed)
    load.run(60)            for so many seconds; fails if somebody was told what is not so

Who loses an answer asks again as a good client does: with the same Idempotency-Key, or by looking whether his
change is there.
"""

import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import re
import signal
import socket
import threading
import time

import harness
import page
import product
from harness import Failed, check, equal

PATIENCE_S = 90                                         # until an answer, or the end of a job
PROGRAMS = {"left4me-web": page.SERVICE, "left4me-worker": "left4me-worker.service"}
LOST = (OSError, http.client.HTTPException)             # the connection went, and with it the answer
OVERLOADED = (503,)
QUERY_EVERY = 5                                         # marks
GAVE_UP = "each time the worker ended before it"


class Member:
    """One who does something over and over until it is over, and what it is called in a failure."""

    def __init__(self, load, name):
        self.load, self.name = load, name
        self.random = random.Random(f"{load.seed} {name}")
        self.browser = page.Browser(load.machine)
        self.browser.cookie = load.cookie
        self.n = 0

    def run(self):
        while not self.load.over.is_set():
            self.once()

    def once(self):
        raise NotImplementedError

    def ask(self, method, path, body=None, **fields):
        """(status, what it says, whether an answer was lost before), of the first answer there is."""
        deadline, is_lost = time.monotonic() + PATIENCE_S, False
        while time.monotonic() < deadline:
            try:
                status, said = self.browser.ask(method, path, body, **fields)
            except LOST:
                is_lost = True
                self.load.count("answers lost")
            else:
                if status not in OVERLOADED:
                    self.load.count("answers")
                    return status, said, is_lost
                self.load.count("answers 503")
            time.sleep(0.02)
        raise Failed(f"{self.name}: {method} {path} was not answered within {PATIENCE_S} s")

    def want(self, wanted, method, path, body=None, **fields):
        status, said, _ = self.ask(method, path, body, **fields)
        equal(status, wanted, f"{self.name}: status of {method} {path} ({said})")
        return said

    def make(self, status, path, body=None):
        """Something that is made once, however often it is asked for."""
        self.n += 1
        key = f"{self.load.seed}-{self.name}-{self.n}"
        said = self.want(status, "POST", path, body, Idempotency_Key=key)
        if self.random.random() < 0.5:
            again = self.want(status, "POST", path, body, Idempotency_Key=key)
            equal(identity(again), identity(said), f"{self.name}: the answer to the same request, POST {path}")
        return said

    # -- jobs -----------------------------------------------------------------------------------------

    def job(self, method, path, body=None):
        """Asks for a job, and waits for its end."""
        if method == "POST":
            job = self.make(202, path, body)["job"]
        else:
            status, said, is_lost = self.ask(method, path, body)
            if status == 404 and is_lost:               # it was begun, and is over
                return None
            equal(status, 202, f"{self.name}: status of {method} {path} ({said})")
            job = said["job"]
        self.load.asked(job)
        return self.ended(job["id"])

    def ended(self, number):
        deadline = time.monotonic() + PATIENCE_S
        while (job := self.want(200, "GET", f"/jobs/{number}"))["ended_us"] is None:
            check(time.monotonic() < deadline, f"{self.name}: a job does not end: {job}")
            time.sleep(0.05)
        check(job["state"] in ("done", "failed", "cancelled"), f"{self.name}: a job that has ended: {job}")
        equal(job["error"] is not None, job["state"] == "failed", f"{self.name}: whether there is an error ({job})")
        if job["state"] == "failed" and GAVE_UP in job["error"]["message"]:
            self.load.count("jobs given up")
        self.load.count(f"jobs {job['state']}")
        return job

    def is_done(self, job):
        """False: it was given up, and says so. Nothing else can go wrong here."""
        if job is None or job["state"] == "done":
            return True
        log = [line["text"] for line in self.want(200, "GET", f"/jobs/{job['id']}/log")["lines"]]
        check(job["error"] and GAVE_UP in job["error"]["message"], f"{self.name}: a job that failed: {job} {log}")
        return False


def identity(said):
    """Of an answer what must be the same each time; a job goes on."""
    return said["job"]["id"] if "job" in said else said


# -- who edits ----------------------------------------------------------------------------------------

class Editor(Member):
    """Makes blueprints, edits them and deletes them."""

    def __init__(self, load, name):
        super().__init__(load, name)
        self.things = {}                                # by number, as they were acknowledged
        self.gone = set()

    def once(self):
        choice = self.random.random()
        if choice < 0.3 or not self.things:
            self.create()
        elif choice < 0.85:
            self.edit(self.random.choice(sorted(self.things)))
        else:
            self.remove(self.random.choice(sorted(self.things)))

    def create(self):
        made = self.make(201, "/blueprints", {"name": f"{self.name} {self.n}", "config": f"sv_made {self.n}\n"})
        check(made["id"] not in self.things and made["id"] not in self.gone, f"{self.name}: another blueprint with number {made['id']}")
        self.things[made["id"]] = made

    def edit(self, number):
        self.n += 1
        old = self.things[number]
        body = {**{key: old[key] for key in ("name", "overlays", "limits", "shared")}, "config": f"sv_edited {self.n}\n", "arguments": ["+map", f"c{self.n}m1"]}
        status, said, is_lost = self.ask("PUT", f"/blueprints/{number}", body, If_Match=f'"{old["revision"]}"')
        if status == 412 and is_lost:                   # it was there, and the answer was lost
            said = self.want(200, "GET", f"/blueprints/{number}")
        else:
            equal(status, 200, f"{self.name}: status of an edit ({said})")
        equal((said["config"], said["revision"]), (body["config"], old["revision"] + 1), f"{self.name}: an edit")
        self.things[number] = said

    def remove(self, number):
        status, said, is_lost = self.ask("DELETE", f"/blueprints/{number}")
        check(status == 204 or (status == 404 and is_lost), f"{self.name}: status of a deletion: {status} {said}")
        del self.things[number]
        self.gone.add(number)


# -- who runs servers -----------------------------------------------------------------------------------

class Operator(Member):
    """Makes a server, starts it, stops it and deletes it; what its jobs say is what the host shows."""

    def state(self, instance):
        """What the init system says; None: it knows of no such server."""
        done = product.ctl(self.load.machine, "status", instance, "--json", check=False)
        return json.loads(done.stdout)["state"] if done.returncode == 0 else None

    def once(self):
        server = self.make(201, "/servers", {"name": f"{self.name} {self.n}", "blueprint": self.load.blueprint})
        me, instance = f"/servers/{server['id']}", server["instance"]
        for word in self.random.choices(("start", "restart", "stop", "reset", "kill"), (4, 2, 3, 1, 1), k=4):
            if self.is_done(self.job("POST", f"{me}/{word}")):
                self.matches(instance, word)
            wanted = "running" if word in ("start", "restart") else "stopped"
            equal(self.want(200, "GET", me)["wanted"], wanted, f"{self.name}: what is wanted after a {word}")
        while not self.is_done(self.job("DELETE", me)):
            pass
        equal(self.ask("GET", me)[0], 404, f"{self.name}: status of a server that was deleted")
        equal(self.state(instance), None, f"{self.name}: state of a server that was deleted")
        self.load.count("servers")

    def matches(self, instance, word):
        state = self.state(instance)
        if word in ("start", "restart"):
            equal(state, "running", f"{self.name}: state after a {word} that is done")
        else:                                           # who was never started is not known to the host
            check(state in (None, "stopped", "failed"), f"{self.name}: state after a {word} that is done: {state}")


# -- who builds ---------------------------------------------------------------------------------------

class Builder(Member):
    """Makes overlays from scripts, hears each line of what they print, and finds in them what he wrote."""

    def once(self):
        name = f"{self.name}-{self.n}"
        job = self.job("POST", "/overlays", {"name": name, "type": "script"})
        if not self.is_done(job):
            return self.not_twice(name)
        number = job["result"]["overlay"]
        self.not_twice(name)
        for _ in range(self.random.randint(1, 3)):
            self.write_and_build(number)
        while not self.is_done(self.job("DELETE", f"/overlays/{number}")):
            pass
        equal(self.ask("GET", f"/overlays/{number}")[0], 404, f"{self.name}: status of an overlay that was deleted")
        equal(product.ctl(self.load.machine, "overlay", "show", number, check=False).returncode, 3, f"{self.name}: that overlay on the host")
        return self.load.count("overlays")

    def not_twice(self, name):
        found = [row for row in product.ctl_json(self.load.machine, "overlay", "list")["overlays"] if row["name"] == name]
        check(len(found) <= 1, f"{self.name}: overlays of one name: {found}")

    def write(self, number, word):
        """As one who edits does: what he replaces is what he has seen."""
        at = f"/overlays/{number}/text"
        self.want(200, "GET", at)
        seen = self.browser.answer.getheader("ETag")
        text = f"#!/bin/bash\nfor n in {{1..20}}; do echo {word} $n; sleep 0.05; done\nmkdir -p left4dead2/cfg\necho {word} > left4dead2/cfg/word.cfg\n"
        status, said, is_lost = self.ask("PUT", at, {"text": text}, **({"If_Match": seen} if seen else {"If_None_Match": "*"}))
        check(status == 200 or (status == 412 and is_lost), f"{self.name}: status of an edit of a script: {status} {said}")
        equal(self.want(200, "GET", at)["text"], text, f"{self.name}: the script")

    def write_and_build(self, number):
        self.n += 1
        word = f"word-{self.load.seed}-{self.n}"
        self.write(number, word)
        job = self.make(202, f"/overlays/{number}/build")["job"]
        self.load.asked(job)
        with Listener(self.load, f"{self.name} hears {job['id']}", f"job:{job['id']}", path="&lines=1000") as listener:
            if self.is_done(self.ended(job["id"])):
                self.is_built(number, job["id"], word)
            self.hears_all(listener, job["id"])

    def is_built(self, number, job, word):
        """A job that was begun again when its build was over has built it again, found nothing new, and says what it has changed."""
        result = self.want(200, "GET", f"/jobs/{job}")["result"]
        log = [line["text"] for line in self.want(200, "GET", f"/jobs/{job}/log?limit=1000")["lines"]]
        current, _ = product.generations(self.load.machine, number)
        check(result["changed"], f"{self.name}: a build without a change: {result} {log}")
        equal(result["generation"], current, f"{self.name}: generation of a build")
        equal(self.load.machine.read(f"{product.DATA}/overlays/{number}/{current}/left4dead2/cfg/word.cfg"), f"{word}\n", f"{self.name}: what was built")

    def hears_all(self, listener, job):
        wanted = [(row["number"], row["text"]) for row in self.want(200, "GET", f"/jobs/{job}/log?limit=1000")["lines"]]
        until(f"{self.name}: all lines of job {job}", lambda: len(listener.lines) >= len(wanted) or listener.failure)
        equal(listener.lines, wanted, f"{self.name}: lines of job {job}")
        self.load.count("lines of jobs", len(wanted))


# -- who listens --------------------------------------------------------------------------------------

class Listener:
    """A stream of events that goes on where it was broken off, each time; nothing is lost, nothing comes twice."""

    def __init__(self, load, name, topics, path=""):
        self.load, self.name, self.topics, self.path = load, name, topics, path
        self.position, self.change, self.failure = None, -1, None
        self.things, self.lines, self.marks = {}, [], []
        self.over, self.socket = threading.Event(), None
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        until(f"{self.name}: a stream", lambda: self.position or self.failure)
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        if self.failure and not kind:
            raise self.failure

    def run(self):
        while not self.over.is_set() and not self.failure:
            try:
                self.listen()
            except LOST:
                pass                                    # it goes on where it was
            except Exception as reason:                 # who started it looks at it
                self.failure = reason
            self.over.wait(0.02)

    def listen(self):
        headers = {"Host": f"{page.HOST}:{page.PORT}", "Cookie": self.load.cookie}
        headers |= {"Last-Event-ID": self.position} if self.position else {}
        path = "" if self.position else self.path
        with contextlib.closing(page.Connection(product.inside(self.load.machine))) as connection:
            connection.connect()
            self.socket = connection.sock
            connection.request("GET", f"/api/v1/events?topics={self.topics}{path}", headers=headers)
            answer = connection.getresponse()
            if answer.status in OVERLOADED:
                return
            equal(answer.status, 200, f"{self.name}: status of a stream ({self.position})")
            self.load.count("streams begun")
            fields = {}
            while (line := answer.readline()) and not self.over.is_set():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                    continue
                if "event" in fields:                   # what was broken off in the middle was not heard
                    self.take(fields["event"], json.loads(fields["data"]), fields.get("id"))
                fields = {}

    def take(self, event, data, position):
        self.position = position or self.position
        check(event != "missed", f"{self.name}: it was told that it missed something: {data}")
        if event == "ready":
            return
        if event == "line":
            self.lines.append((data["number"], data["text"]))
        elif event == "log":
            self.marks += [int(number) for number in re.findall(r"^mark (\d+)$", data["text"])]
        else:
            change = int(re.match(r"c(\d+)", position)[1])
            check(change > self.change, f"{self.name}: change {change} came after {self.change}: {event} {data}")
            self.change = change
            self.things[event, data["id"]] = data
        self.load.count("events")


def until(what, look):
    return harness.until(what, look, PATIENCE_S)


# -- who plays ----------------------------------------------------------------------------------------

class Player:
    """Plays on a server: a connection that is never closed, queries that are all answered."""

    def __init__(self, load, server):
        self.load, self.n, self.over, self.failure = load, 0, threading.Event(), None
        port, password = server["ports"]["game"], server["rcon_password"]
        place = load.machine.outside
        with product.network(place):
            self.console = product.Rcon(place.machine_address, port, login=password)
            self.query = product.Query(place.machine_address, port)
        self.console.run("sim_join somebody")
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.thread.join()
        with self.console, self.query:
            pass
        if self.failure and not kind:
            raise Failed(f"whoever played has noticed: {type(self.failure).__name__}: {self.failure}")

    def run(self):
        try:
            while not self.over.wait(0.2):
                self.n += 1
                self.console.run(f"echo mark {self.n}")
                if self.n % QUERY_EVERY == 0:           # more are not answered
                    equal(product._info(self.query.ask(product.INFO))["players"], 1, "players")
        except Exception as reason:                     # whoever started it looks at it
            self.failure = reason


# -- all of them ----------------------------------------------------------------------------------------

class Load:
    """Who works, who listens, who plays, and who kills; and what they were told."""

    def __init__(self, machine, browser, seed):
        self.machine, self.browser, self.cookie, self.seed = machine, browser, browser.cookie, seed
        self.over, self.lock = threading.Event(), threading.Lock()
        self.counts, self.jobs, self.seconds = {}, {}, 0
        self.blueprint = browser.want(201, "POST", "/blueprints", {"name": "of the servers"})["id"]
        self.editors = [Editor(self, f"editor{n}") for n in range(2)]
        self.members = [*self.editors, Operator(self, "operator0"), Operator(self, "operator1"), Builder(self, "builder0")]

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + n

    def asked(self, job):
        """A job that was acknowledged."""
        with self.lock:
            self.jobs[job["id"]] = job["kind"]

    def kill(self, program):
        """Unless it is just gone."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for pid, (name, group) in self.machine.pids().items():
                if group.endswith(PROGRAMS[program]) and name == program:
                    os.kill(pid, signal.SIGKILL)
                    self.count(f"kills of {program}")

    def _kill_until(self, end):
        """Now one, now the other, sometimes both at once."""
        chance = random.Random(f"{self.seed} kills")
        while time.monotonic() < end and not self.over.is_set():
            self.over.wait(chance.uniform(0.2, 2.5))
            for program in chance.choice((["left4me-web"], ["left4me-worker"], list(PROGRAMS))):
                self.kill(program)

    def _guarded(self, member):
        try:
            member.run()
        except BaseException:
            self.over.set()
            raise

    def run(self, seconds):
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(self.members)) as pool:
            running = [pool.submit(self._guarded, member) for member in self.members]
            try:
                self._kill_until(started + seconds)
            finally:
                self.over.set()
            for one in running:
                one.result()
        self.seconds = round(time.monotonic() - started, 1)
