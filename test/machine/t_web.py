# SPDX-License-Identifier: MIT
"""The page as it is installed: reached through its socket, restarted, killed, with a damaged database and
without space; and what its process could do if somebody had taken it over."""

import contextlib
import http.client
import json
import re
import secrets

import attacks
import page
import product
import t_attacks
from harness import check, equal, only, until
from machine import Machine
from page import DATABASE, KEY, SERVICE, SOCKET
from product import DATA

REPLIES_MIN = 50        # that a test of a restart must see, or it shows nothing


@contextlib.contextmanager
def _fresh(machine):
    with Machine(machine.suite, machine.deb_path) as other:
        yield other


def _pid(machine):
    return machine.unit(SERVICE)["MainPID"]


# -- how it is reached ------------------------------------------------------------------------------

def test_it_answers(machine):
    """it starts at the first request, on both loopback addresses, and nobody else reaches it"""
    equal(machine.unit(SOCKET)["ActiveState"], "active", "its socket")
    equal(_pid(machine), 0, "its process before anybody has asked")
    for address in ("127.0.0.1", "::1"):
        said = page.Browser(machine, address=address).get("/health")
        equal(said["status"], "ok", f"health by {address}")
    check(_pid(machine) > 0, "nobody answered")
    for address in (machine.address, machine.address6):
        try:
            page.connect(machine.outside, address).close()
            reason = "nobody"
        except ConnectionRefusedError:
            reason = "refused"
        equal(reason, "refused", f"who connects to {address} from outside")


# A shell with curl and nothing else, as somebody would type it. $1 is the word of a link.
_CURL = r"""set -eu
page=http://127.0.0.1:8080 jar=$(mktemp)
ask() { method=$1 path=$2; shift 2
    curl -sS --fail-with-body -b "$jar" -c "$jar" -X "$method" -H "Origin: $page" "$page/api/v1$path" "$@"; }
json='Content-Type: application/json'
ask POST /join -H "$json" -d "{\"invitation\":\"$1\",\"name\":\"alice\",\"password\":\"correct horse battery\"}"; echo
ask GET /me; echo
ask DELETE /session
ask POST /session -H "$json" -d '{"name":"alice","password":"correct horse battery"}'; echo
ask GET /users; echo
rm "$jar"
"""


def test_first_admin(machine):
    """left4me makes the link of the first admin; curl joins, logs out and in, and is an admin"""
    word = page.invite(machine, "alice", "--admin")
    said = [json.loads(line) for line in machine.output(["bash", "-c", _CURL, "curl", word]).splitlines()]
    equal([row["user"]["name"] for row in (said[0], said[2])], ["alice"] * 2, "who has joined, and has logged in")
    equal((said[1]["name"], said[1]["role"]), ("alice", "admin"), "who it is")
    equal([user["name"] for user in said[3]["users"]], ["alice"], "users")
    listed = json.loads(machine.output("left4me user list --json"))
    equal((listed["name"], listed["role"], listed["password"]), ("alice", "admin", True), "the same in a shell")
    equal(machine.output(f"stat -c '%U %a' {DATA}/db"), "left4me 700", "owner and mode of the database's directory")
    equal(set(machine.output(f"stat -c '%U %a' {DATA}/db/*").splitlines()), {"left4me 600"}, "owner and mode of the database")
    said = machine.run(["left4me", "user", "add", "alice"], check=False)
    equal((said.returncode, said.stderr.count("\n")), (4, 1), f"a name that is taken ({said.stderr})")


@only("trixie")
def test_another_address(machine):
    """the documented change of its address, to both families; what comes through a proxy from outside wants https"""
    places = (("bill", "0.0.0.0:8081", machine.address), ("zoey", f"[{machine.address6}]:8081", machine.address6))
    lines = "".join(f"ListenStream={listens}\n" for _, listens, _ in places)
    with product.drop_in(machine, SOCKET, f"[Socket]\nListenStream=\n{lines}"):
        machine.run(["systemctl", "restart", SOCKET])
        for name, _, address in places:
            _who_comes_from_outside(machine, name, place=machine.outside, address=address, port=8081)
    machine.run(["systemctl", "restart", SOCKET])
    equal(page.Browser(machine).get("/health")["status"], "ok", "health at the usual address")


def _who_comes_from_outside(machine, name, **outside):
    plain = page.Browser(machine, **outside)
    equal(plain.get("/health")["status"], "ok", f"health from outside, by {plain.address}")
    word = page.invite(machine, name)
    body = {"invitation": word, "name": name, "password": page.PASSWORD}
    plain.refused(401, "denied", "from this page", "POST", "/join", body)
    browser = page.Browser(machine, origin="https://page.example", **outside)
    browser.join(word, name)
    check(browser.cookie.startswith("__Host-"), f"its cookie: {browser.cookie}")
    check("; Secure" in browser.answer.getheader("Set-Cookie"), "a cookie that goes by http as well")
    equal(browser.get("/me")["name"], name, "who it is")
    ours = {cidr.partition("/")[0] for cidr in machine.outside.addresses if (":" in cidr) == (":" in plain.address)}
    equal({row["address"] for row in browser.get("/me/sessions")["sessions"]}, ours, "whence the session is said to come")


# -- restarted, killed ------------------------------------------------------------------------------

def test_a_restart_refuses_nobody(machine):
    """whoever asks while it is restarted gets an answer, by the old process or the new one"""
    with page.settings(machine, requests=0), page.Askers(machine) as askers:
        pids = set()
        for _ in range(3):
            askers.await_more(20)
            machine.run(["systemctl", "restart", SERVICE])
            pids.add(_pid(machine))
        askers.await_more(20)
    check(askers.answers > REPLIES_MIN, f"only {askers.answers} answers")
    equal(askers.failures, [], "requests that failed")
    equal(len(pids), 3, "processes")


def test_it_is_killed(machine):
    """the next request is answered, and nothing that was acknowledged is lost"""
    browser = page.admin(machine, "kill")
    for number in range(3):
        name = f"victim{number}"
        browser.want(201, "POST", "/invitations", {"role": "user", "name": name})
        before = _pid(machine)
        machine.run(["kill", "-9", str(before)])
        names = [row["name"] for row in browser.get("/invitations")["invitations"]]
        check(name in names, f"{name} is not among {names}")
        check(_pid(machine) not in (0, before), "it was not killed")
    equal(machine.output(["left4me", "log", "check"]).split(".")[0], "The log of changes is whole", "log of changes")


# -- a database that is damaged, a disk that is full -------------------------------------------------

@only("trixie")
def test_a_damaged_database(machine):
    """it does not start, says why, and is given up; repaired, it comes back"""
    unit = machine.unit(SERVICE)
    equal((unit["StartLimitBurst"], unit["StartLimitIntervalUSec"]), (40, 30_000_000), "how often in how long is too often")
    # However long a start takes on a machine that has other work.
    with product.drop_in(machine, SERVICE, "[Unit]\nStartLimitBurst=10\nStartLimitIntervalSec=1h\n"):
        _damage(machine)
        _is_given_up(machine)
        # As docs/operations.md has it.
        machine.run(f"rm -r {DATA}/db && mv /root/db.kept {DATA}/db && systemctl reset-failed '{SERVICE}' '{SOCKET}' "
                    f"&& systemctl start {SOCKET} left4me-worker.service")
        equal(page.Browser(machine).get("/health")["status"], "ok", "health after the repair")


def _damage(machine):
    page.Browser(machine).get("/health")
    machine.run(f"systemctl stop {SERVICE} left4me-worker.service; cp -a {DATA}/db /root/db.kept; "
                f"rm -f {DATABASE}-wal {DATABASE}-shm; head -c 65536 /dev/urandom > {DATABASE}; "
                f"systemctl reset-failed {SERVICE}")
    with contextlib.suppress(OSError, http.client.HTTPException):
        page.Browser(machine).ask("GET", "/health")


def _is_given_up(machine):
    machine.wait_for(SOCKET, lambda unit: unit["ActiveState"] == "failed", 60)
    unit = machine.unit(SERVICE)
    equal((unit["ActiveState"], unit["NRestarts"] <= 10), ("failed", True), f"the unit, started again {unit['NRestarts']} times")
    lines = re.findall(r"left4me-web.*is damaged: restore a backup.*", machine.journal(SERVICE))
    check(lines, f"no clear sentence in the journal: {machine.journal(SERVICE, lines=5)}")
    try:
        page.connect(product.inside(machine)).close()
        reason = "nobody"
    except ConnectionRefusedError:
        reason = "refused"
    equal(reason, "refused", "who connects to a page that was given up")
    said = machine.run(["left4me", "user", "list"], check=False)
    check(said.returncode == 1 and "is damaged: restore a backup" in said.stderr, f"left4me says: {said.stderr}")


@only("trixie")
def test_a_full_disk(machine):
    """what cannot be written is refused in a sentence, reading goes on, and with space so does writing"""
    with _fresh(machine) as other:
        other.run("systemctl stop left4me-worker.service")
        other.small_disk(f"{DATA}/db", "16M")
        other.run(f"rmdir {DATA}/db/lost+found; chown left4me: {DATA}/db; chmod 700 {DATA}/db; systemctl start left4me-worker.service")
        browser = page.admin(other, "full")
        filled = other.run(f"head -c 1G /dev/zero > {DATA}/db/filler", check=False)
        check("No space left" in filled.stderr, f"the disk is not full: {filled.stderr}")
        refused = [browser.ask("POST", "/invitations", {"role": "user", "name": f"guest{n}"}) for n in range(40)]
        # What still fits into the log of writes is written.
        messages = {said["error"]["message"] for status, said in refused if status == 507}
        check(messages, f"nothing was refused: {refused[-1]}")
        check(all("space" in message for message in messages), f"how it is refused: {messages}")
        n_made = sum(status == 201 for status, _ in refused)
        equal(n_made + sum(status == 507 for status, _ in refused), len(refused), f"statuses ({refused})")
        equal(browser.get("/me")["name"], "full", "who it is, on a full disk")
        equal(len(browser.get("/invitations")["invitations"]), n_made, "invitations that there are")
        other.run(f"rm {DATA}/db/filler")
        browser.want(201, "POST", "/invitations", {"role": "user", "name": "late"})
        equal(len(browser.get("/invitations")["invitations"]), n_made + 1, "invitations with space")


# -- the key ----------------------------------------------------------------------------------------

def test_the_key(machine):
    """made once, root's alone, and handed to the page as it is"""
    equal(machine.output(f"stat -c '%U:%G %a %s' {KEY}"), "root:root 600 32", "owner, mode and size of the key")
    own = machine.output(f"sha256sum < {KEY}")
    handed = page.inside(machine, ["/usr/bin/bash", "-c", 'sha256sum < "$CREDENTIALS_DIRECTORY/left4me.key"'])
    check(own in handed.splitlines(), f"the page was handed another one: {handed}")
    machine.install(machine.deb_path)
    equal(machine.output(f"sha256sum < {KEY}"), own, "the key after the package was installed again")


# -- what it could do if somebody had taken it over ---------------------------------------------------

def _attack(machine, *words, program="inside"):
    """{what: (verdict, reason)} of an attack in the page's own unit."""
    said = page.inside(machine, [f"{attacks.TARGET}/{program}", "said", *words])
    check("said end" in said, f"the attack did not run to its end: {said[-500:]}")
    return attacks.parse(said)


# Tries to make a file in every directory that can be seen, and prints those where it could.
_WALK = """
import os
for path, names, _ in os.walk("/"):
    names[:] = [name for name in names if os.path.join(path, name) not in ("/proc", "/sys")]
    probe = os.path.join(path, ".probe")
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except OSError:
        continue
    os.unlink(probe)
    print("writes", path)
print("the walk has ended")
"""


@only("trixie")
def test_what_it_writes(machine):
    """the database, the working trees of overlays, and scratch of its own; nothing else anywhere"""
    product.ready(machine)
    product.ctl(machine, "overlay", "create", "tree", "--type", "files")
    number = product.ctl_json(machine, "overlay", "show", "tree")["overlay"]
    product.ctl(machine, "files", "put", "tree", "cfg/own.cfg", "-f", "-", input="sv_own 1\n")
    with product.server(machine, "seen"):
        said = page.inside(machine, ["/usr/bin/python3", "-c", _WALK]).splitlines()
    check("the walk has ended" in said, f"the walk did not end: {said[-3:]}")
    found = sorted(line.partition(" ")[2] for line in said if line.startswith("writes "))
    own = [path for path in found if not path.startswith((f"{DATA}/sources/", f"{DATA}/db"))]
    equal(own, ["/dev/mqueue", "/tmp", "/var/tmp"], "directories it writes to besides")
    check({f"{DATA}/db", f"{DATA}/sources/{number}/tree/cfg"} <= set(found), f"what it should write to: {found}")
    product.ctl(machine, "overlay", "delete", "tree")


@only("trixie")
def test_what_it_reads(machine):
    """no secret of the machine, no key file, nothing outside its frame"""
    marker = f"mark-{secrets.token_hex(6)}"
    attacks.bring(machine)
    with product.server(machine, "victim", rcon_password=marker), t_attacks.secrets_of_others(machine, marker) as public:
        paths = [path for path in public if path != "/etc/left4me/secret.conf"]
        paths += [KEY, "/etc/credstore", "/etc/shadow", "/etc/ssl", "/etc/systemd", "/etc/left4me/steamcmd", "/home", "/root", "/opt",
                  "/var/log", "/boot", f"{DATA}/cache/steamcmd", f"{DATA}/cache/script/1", f"{DATA}/builds/1",
                  f"{DATA}/runtime/victim/merged/left4dead2/cfg/server.cfg", "/proc/1/root/etc/shadow", "/proc/1/environ",
                  "/run/credentials/@system", "/run/dbus", "/run/systemd/private", "/run/udev"]
        attacks.must_hold(_attack(machine, "read", *paths), "reading by path", len(paths) - 3)
        found = _attack(machine, "roots")
        attacks.must_hold({what: row for what, row in found.items() if what != "open /.."}, "other roots", 2)
        found = attacks.done(_attack(machine, "scan", marker[::-1], "/"))
        # The specifications and secrets of servers are left4me's own.
        foreign = [path for path in found if not path.startswith((f"{DATA}/db/", f"{DATA}/instances/", "all of it"))
                   and path != "/etc/left4me/secret.conf"]
        equal(foreign, [], "secrets that a search of everything found")


@only("trixie")
def test_whom_it_reaches(machine):
    """neither the broker nor the bus, nor any network; the log reader, and whoever does its jobs"""
    attacks.bring(machine)
    closed = [path for path in t_attacks.SOCKETS if path not in ("/run/left4me/log.sock", "/run/left4me/doctor.sock")]
    found = _attack(machine, "unix", *closed)
    attacks.must_hold(found, "sockets", len(closed))
    attacks.must_work(_attack(machine, "unix", "/run/left4me/log.sock"), "the log reader", "/run/left4me/log.sock")
    words = [word for address in ("127.0.0.1", "::1", machine.address, machine.outside.address, "169.254.169.254")
             for how in ("tcp", "udp") for word in (how, address, 8080)]
    attacks.must_hold(_attack(machine, "flow", *words), "connections", 10)
    attacks.must_hold(_attack(machine, "listen", "tcp", "0.0.0.0", 4444, "udp", "0.0.0.0", 4444), "listening", 2)
    attacks.must_hold(_attack(machine, "families"), "address families", 13)
    attacks.must_hold(_attack(machine, "journal", "forged", f"UNIT={SERVICE}"), "the journal", 3)
    check("broker" in machine.output("ls /run/left4me"), "there is no broker, so the test shows nothing")


@only("trixie")
def test_what_it_may(machine):
    """no namespaces, mounts, modules, set-id files, control groups; no other process is seen"""
    attacks.bring(machine)
    for word, least in (("namespaces", 16), ("mounts", 14), ("kernel", 31), ("setid", 12), ("rights", 5), ("cgroup", 4), ("netlink", 2)):
        attacks.must_hold(_attack(machine, word), word, least)
    with t_attacks.sleeper(machine, product.CONTENT_USER) as other, t_attacks.sleeper(machine, "left4me") as alike:
        # That a number is in use is all there is to learn of a process; but one of left4me can be ended.
        known = {"pidfd"}
        for pid, allowed in ((1, known), (other, known), (alike, known | {"kill", "tgkill", "sigqueue", "prlimit"})):
            found = {what.partition(" ")[2] for what in attacks.done(_attack(machine, "process", pid))}
            check(found <= allowed, f"reaching into process {pid}: got through: {found - allowed}")


# -- what it runs -----------------------------------------------------------------------------------

@only("trixie")
def test_what_it_asks_l4d2ctl(machine):
    """within its sandbox l4d2ctl reads all that the page shows, with the same words as outside"""
    product.ready(machine)
    product.ctl(machine, "overlay", "create", "script", "--type", "script", "-f", "-", input="mkdir cfg; echo 1 > cfg/a.cfg\n")
    product.ctl(machine, "overlay", "build", "script")
    product.ctl(machine, "overlay", "build", "script")
    number = product.ctl_json(machine, "overlay", "show", "script")["overlay"]
    with product.server(machine, "shown", overlays=[number]) as server:
        server.rcon("sim_write left4dead2/mine.txt kept")
        commands = [["overlay", "list"], ["overlay", "show", "script"], ["overlay", "show", "1"], ["explain", "shown"],
                    ["explain", "shown", "cfg/server.cfg"], ["drift", "shown"], ["files", "list", "@shown"],
                    ["logs", "shown", "-n", "5"], ["overlay", "log", "script"]]
        wanted = [product.ctl(machine, *words, "--json", check=False).stdout.strip() for words in commands]
        for words, want in zip(commands, wanted):
            said = page.inside(machine, ["/usr/bin/bash", "-c", f"l4d2ctl {' '.join(words)} --json 2>/dev/null; true"])
            check(want and want in said, f"l4d2ctl {' '.join(words)} says {said[-600:]!r}, outside {want[-600:]!r}")
    product.ctl(machine, "overlay", "delete", "script")


@only("trixie")
def test_it_knows_its_machine(machine):
    """the health that it shows is what the doctor finds in a shell, and nothing stays behind of the question"""
    product.ready(machine)
    outside = product.ctl_json(machine, "doctor", check=False)
    shown = page.admin(machine, "doctors-friend").get("/machine")
    differ = [row for row in zip(shown["checks"], outside["checks"]) if row[0] != row[1] and row[0]["check"] != "disk space"]
    equal((differ, shown["healthy"]), ([], outside["healthy"]), "what the page finds")
    until("that nothing of it is left", lambda: not machine.output(
        "systemctl list-units --all --plain --no-legend 'left4me-doctor@*.service'"))
