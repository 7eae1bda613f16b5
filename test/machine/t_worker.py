# SPDX-License-Identifier: MIT
"""The worker as it is installed: jobs that it does by the real l4d2ctl, servers that it watches, and what is
left of its work when it is killed. What the page would write into the database is written by hand."""

import contextlib
import json

import product
from harness import check, equal, until
from product import DATA

SERVICE, SOCKET = "left4me-worker.service", "left4me-worker.socket"
DATABASE = f"{DATA}/db/left4me.db"

# SQL on stdin, as left4me; rows as JSON. Then the bell.
_SQL = f"""import json, socket, sqlite3, struct, sys
db = sqlite3.connect("{DATABASE}", timeout=30)
db.row_factory = sqlite3.Row
with db:
    rows = [db.execute(sql).fetchall() for sql in json.load(sys.stdin)]
print(json.dumps([dict(row) for row in rows[-1]]))
hand = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
hand.connect("/run/left4me/worker.sock")
hand.send(struct.pack("=II", 0x6c346262, 1))
"""

_BLUEPRINT = ("INSERT OR IGNORE INTO users (id, name, role, created_unix_s) VALUES (1, 'bill', 'admin', 0)",
              "INSERT OR IGNORE INTO blueprints (id, name, owner, config, created_unix_s, changed_unix_s) VALUES (1, 'plain', 1, 'sv_pure 1', 0, 0)")


class Page:
    """What the page does: rows and a ring."""

    def __init__(self, machine):
        self.machine = machine

    def sql(self, *statements):
        return json.loads(self.machine.output(["runuser", "-u", "left4me", "--", "python3", "-c", _SQL], input=json.dumps(statements)))

    def server(self, name):
        """Its number, its port."""
        ports = product.ports()
        number = self.sql(*_BLUEPRINT, "INSERT INTO servers (instance, name, owner, blueprint, rcon_sealed, created_unix_s, changed_unix_s) "
                          f"VALUES ('x', '{name}', 1, 1, x'', 0, 0) RETURNING id")[0]["id"]
        self.sql(f"UPDATE servers SET instance = 's{number}' WHERE id = {number}",
                 f"INSERT INTO server_ports VALUES ({ports['port']}, {number}, 'game'), ({ports['client_port']}, {number}, 'client'), "
                 f"({ports['tv_port']}, {number}, 'tv')",
                 f"INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('server', {number}, 0)")
        return number, ports["port"]

    def ask(self, kind, server=None, overlay=None, **parameters):
        return self.sql(f"INSERT INTO jobs (kind, server, overlay, parameters, asked_by, asked_by_name, created_us) VALUES "
                        f"('{kind}', {server or 'NULL'}, {overlay or 'NULL'}, '{json.dumps(parameters)}', 1, 'bill', 1) RETURNING id")[0]["id"]

    def job(self, job):
        return self.sql(f"SELECT * FROM jobs WHERE id = {job}")[0]

    def lines(self, job):
        return [row["text"] for row in self.sql(f"SELECT text FROM job_lines WHERE job = {job} ORDER BY number")]

    def done(self, job, state="done"):
        row = until(f"the end of job {job}", lambda: (row := self.job(job)) and row["ended_us"] and row)
        equal(row["state"], state, f"state of job {job} ({row} {self.lines(job)})")
        return row

    def live(self, server):
        rows = self.sql(f"SELECT * FROM live_states WHERE server = {server}")
        return rows[0] if rows else {"state": "unknown", "status": None}

    def is_live(self, server, state):
        return until(f"server {server} as {state}", lambda: (row := self.live(server)) and row["state"] == state and row)


@contextlib.contextmanager
def _page(machine):
    """The worker runs without a key: what is sealed in the rows is the page's business."""
    product.ready(machine)
    with product.drop_in(machine, SERVICE, "[Service]\nLoadCredential=\n"):
        machine.run(["systemctl", "restart", SOCKET, SERVICE])
        yield Page(machine)
    machine.run(["systemctl", "stop", SERVICE])


def test_a_server(machine):
    """from its row to a game that answers, and back; what the init system says is in the database at once"""
    with _page(machine) as page:
        number, port = page.server("Friday night")
        page.is_live(number, "stopped")
        row = page.done(page.ask("server.start", number))
        equal(json.loads(row["result"])["state"], "running", "result of the start")
        equal(product.a2s(machine.outside, port)["name"], "Friday night", "name that the game shows")
        live = page.is_live(number, "running")
        since = machine.unit(f"left4me-server@s{number}.service")["StateChangeTimestamp"]
        equal(live["changed_us"], since, "since when it runs")
        until("its status", lambda: (row := page.live(number)) and row["status"] and json.loads(row["status"])["port"] == port)

        page.sql("UPDATE blueprints SET config = 'sv_pure 2'", "INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('blueprint', 1, 0)")
        until("what is pending", lambda: json.loads(page.live(number)["status"])["pending"])
        page.done(page.ask("server.restart", number))
        until("nothing pending", lambda: not json.loads(page.live(number)["status"])["pending"])

        machine.run(["systemctl", "kill", "--signal=SIGKILL", f"left4me-server@s{number}.service"])
        until("a crash", lambda: page.live(number)["state"] != "running" or
                  json.loads(page.live(number)["status"])["restarts"] > 0)
        page.is_live(number, "running")
        page.done(page.ask("server.kill", number))
        until("its end", lambda: page.live(number)["state"] in ("stopped", "failed"))
        said = page.done(page.ask("server.keep", number, path="left4dead2/none"), "failed")
        equal(f"l4d2ctl: {said['error_message']}", product.ctl(machine, "keep", f"s{number}", "left4dead2/none", check=False).stderr.strip(),
              "the error on the page and in a shell")
        page.done(page.ask("server.delete", number))
        equal(page.sql(f"SELECT * FROM servers WHERE id = {number}"), [], "its row")
        equal(product.ctl(machine, "status", f"s{number}", check=False).returncode, 3, "the instance")


# Whether a datagram leaves, for each address.
_REACH = """import socket, sys
for address in sys.argv[1:]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.sendto(b"x", (address, 9))
            print("reach:", address, "yes")
        except OSError as error:
            print("reach:", address, "no")
"""


def test_whom_it_reaches(machine):
    """servers of this machine, by whatever address of it, and nobody else"""
    machine.push(_REACH.encode(), "/run/reach.py")
    own, other = machine.address, machine.outside.address
    with product.drop_in(machine, SERVICE, "[Service]\nType=oneshot\nRestart=no\nLoadCredential=\nExecStart=\n"
                         f"ExecStart=/usr/bin/python3 /run/reach.py 127.0.0.1 {own} {other}\n"):
        machine.run(["systemctl", "stop", SERVICE])
        machine.run(["systemctl", "start", SERVICE])
        machine.run(["journalctl", "--sync"])
        said = machine.output(["journalctl", "-q", "--no-pager", "-o", "cat", "-u", SERVICE, "-b"])
    equal([line for line in said.splitlines() if line.startswith("reach:")],
          ["reach: 127.0.0.1 yes", f"reach: {own} yes", f"reach: {other} no"], "whom a datagram reaches")


def test_builds_outlive_it(machine):
    """a build goes on when the worker is stopped, restarted or killed, and its job with it; and it can be cancelled"""
    with _page(machine) as page:
        row = page.done(page.ask("overlay.create", name="slow", type="script", text="#!/bin/bash\necho begun\nsleep 8\necho done > x\n"))
        number = json.loads(row["result"])["overlay"]
        equal(page.sql(f"SELECT name, owner FROM overlays WHERE id = {number}"), [{"name": "slow", "owner": 1}], "its row")
        for words in (["systemctl", "restart", SERVICE], ["systemctl", "kill", "--signal=SIGKILL", "--kill-whom=main", SERVICE]):
            job = page.ask("overlay.build", overlay=number)
            until("the build", lambda job=job: "begun" in page.lines(job))
            build = product.newest_build(machine)
            machine.run(words)
            row = page.done(job)
            equal(json.loads(row["result"])["build"], build, f"the build after {' '.join(words)}")
        job = page.ask("overlay.build", overlay=number)
        until("the build", lambda: "begun" in page.lines(job))
        machine.run(["systemctl", "restart", SERVICE])
        until("the next worker", lambda: any("started again" in line for line in page.lines(job)))
        unit = f"left4me-script@{product.newest_build(machine)}.service"
        equal(machine.unit(unit)["ActiveState"], "activating", "the builder")
        page.sql(f"UPDATE jobs SET is_cancelled = 1 WHERE id = {job}")
        page.done(job, "cancelled")
        check(machine.unit(unit)["ActiveState"] in ("inactive", "failed"), "the builder goes on")
        page.done(page.ask("overlay.delete", overlay=number))


def test_an_update(machine):
    """the game's, with its progress and its log"""
    with _page(machine) as page:
        product.steamcmd(machine, build=product.BUILD + 1)
        job = page.ask("game.install", overlay=1)
        row = page.done(job)
        equal(json.loads(row["result"])["changed"], True, "whether there is something new")
        check(row["progress"] is not None and len(page.lines(job)) > 3, f"progress {row['progress']}, log {page.lines(job)}")


def test_what_is_seen(machine):
    """overlays that are made and removed in a shell"""
    with _page(machine) as page:
        number = json.loads(product.ctl(machine, "overlay", "create", "by-hand", "--type", "files", "--json").stdout)["overlay"]
        machine.run(["systemctl", "restart", SERVICE])
        until("its row", lambda: page.sql(f"SELECT * FROM overlays WHERE id = {number}"))
        product.ctl(machine, "overlay", "delete", number)


def test_archives(machine):
    """are unpacked within its sandbox, whose filter must let the unpacker take all else from itself"""
    with _page(machine) as page:
        number = json.loads(page.done(page.ask("overlay.create", name="archives", type="files"))["result"])["overlay"]
    machine.run("mkdir -p /root/a && echo hello > /root/a/hello.txt && tar -C /root/a -cf /run/some.tar . && chmod 644 /run/some.tar")
    run = f"[Service]\nType=oneshot\nRestart=no\nExecStart=\nLoadCredential=\nExecStart=l4d2ctl files extract {number} -f /run/some.tar\n"
    with product.drop_in(machine, SERVICE, run):
        machine.run(["systemctl", "restart", SERVICE])
    equal(product.ctl(machine, "files", "cat", number, "hello.txt").stdout, "hello\n", "what was unpacked")
