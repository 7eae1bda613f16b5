# SPDX-License-Identifier: MIT
"""The packet filter: it is there, comes back, marks what a game sends and nothing else."""

import contextlib
import json
import re
import subprocess
import time

import attacks
import product
import t_attacks
from harness import check, equal, only, within

EXPEDITED = 0xb8                            # DSCP EF, as the whole byte
HOME, HOME6 = "10.78.0.2", "fd00:78::2"
TABLE = ("inet", "left4me")


@contextlib.contextmanager
def filtered(machine):
    """A neighbour at HOME that listens, and a server that was taken over."""
    home = next((link for link in machine.links if link.name == "nfthome"), None)
    home = home or machine.lan("nfthome", "10.78.0.0/24", "fd00:78::/64")
    child = t_attacks.impostor(home)
    try:
        with t_attacks.taken_over(machine, "filtered") as server:
            yield server, home
    finally:
        child.kill()


def handle(machine):
    """The kernel's number of the table, another one after each load; None when it is not there."""
    tables = [row["table"] for row in json.loads(machine.output("nft -j list tables"))["nftables"] if "table" in row]
    return next((table["handle"] for table in tables if (table["family"], table["name"]) == TABLE), None)


def is_loaded(machine):
    return handle(machine) is not None


def holds(server, about, address=HOME):
    attacks.must_hold(attacks.inside(server, "flow", "tcp", address, 80, "udp", address, 80), about, 2)


def opens(server, about, address=HOME):
    attacks.must_work(attacks.inside(server, "flow", "tcp", address, 80, "udp", address, 80), about,
                      f"tcp {address}", f"udp {address}")


def counted(machine):
    """Packets that the counters of the table have seen."""
    return sum(map(int, re.findall(r"counter packets (\d+)", machine.output("nft list table inet left4me"))))


@only("trixie")
def test_comes_back(machine):
    """a flush of the ruleset, a restart of nftables, a lost table: the filter is back at once (on a busy host: soon)"""
    with filtered(machine) as (server, _):
        check(is_loaded(machine), "the table is not loaded after a boot")
        holds(server, "after a boot")
        machine.run("systemctl start nftables")
        for command in ("nft flush ruleset", "systemctl restart nftables", "nft delete table inet left4me"):
            before = handle(machine)
            machine.run(command)
            started = time.monotonic()
            while handle(machine) in (None, before) and time.monotonic() - started < 10:
                pass                        # asking takes a few milliseconds by itself
            within(time.monotonic() - started, 1, f"seconds until the filter is back after '{command}'")
            holds(server, f"after '{command}'")
        equal((server.status()["restarts"], server.a2s()["map"]), (0, "c1m1_hotel"), "the server meanwhile")


@only("trixie")
def test_follows_the_slice(machine):
    """the match by control group holds after stops and starts of servers, of the slice and of the filter"""
    with filtered(machine) as (server, _):
        for turn in range(2):
            server.stop()                   # the last one: the slice is empty now
            server.start()
            holds(server, f"after stop and start number {turn + 1}")
        machine.run("systemctl restart left4me-nft")
        holds(server, "after a restart of the filter")
        server.ctl("restart")
        holds(server, "after a restart of the server")
        server.stop()
        machine.run("systemctl stop l4d2-game.slice")
        server.start()
        machine.wait_for("left4me-nft.service", "active", 10)
        check(is_loaded(machine), "the filter does not come back with the slice")
        holds(server, "after a stop of the slice")
        machine.run("systemctl stop left4me-nft")
        equal(is_loaded(machine), False, "the table after a stop of the filter")
        opens(server, "without the filter")
        machine.run("systemctl start left4me-nft")
        holds(server, "with the filter again")


@only("trixie")
def test_counters(machine):
    """what is refused is counted, what passes is not"""
    with filtered(machine) as (server, _):
        before = counted(machine)
        server.a2s()
        server.rcon("status")
        equal(counted(machine), before, "packets refused by an ordinary conversation")
        holds(server, "a new flow")
        check(counted(machine) >= before + 2, "refused flows are not counted")
        holds(server, "a new flow", HOME6)
        check(counted(machine) >= before + 4, "refused IPv6 flows are not counted")


@only("trixie")
def test_forged_sources(machine):
    """a game sends from no address but this machine's, so that nothing of it passes for a reply"""
    with filtered(machine) as (server, home):
        words = ("forge", machine.outside.addresses[1].partition("/")[0], HOME6)
        attacks.must_hold(attacks.inside(server, *words), "forged sources", 2)
        machine.run("systemctl stop left4me-nft")
        attacks.must_work(attacks.inside(server, *words), "without the filter", "a source that is another's",
                          "what looks like a reply")
        machine.run("systemctl start left4me-nft")


@only("trixie")
def test_pace(machine):
    """a game cannot fill the table of connections that all of the machine share, nor use up the pace of another"""
    with filtered(machine) as (server, home), product.server(machine, "beside", start=False) as beside:
        attacks.plant(beside)
        beside.start()
        attacks.must_hold(attacks.inside(server, "flood", machine.outside.address, 20000), "new flows without end")
        attacks.must_work(attacks.inside(beside, "flood", machine.outside.address, 500), "another game", "flows")
        equal(server.a2s()["name"], server.name, "A2S of the one that has used up its pace")


@only("trixie")
def test_builds_answer_nobody(machine):
    """nobody outside reaches a port that the kernel chose for a build that listens, IPv4 and IPv6"""
    attacks.bring(machine)

    def reached(address):
        with product.running(machine, ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "-p", "Slice=l4d2build.slice",
                                       f"{attacks.TARGET}/inside", "outside", "answer", "10"]) as child:
            port = re.search(rb"port: note: (\d+)", product.read_all_until(child.stdout, b"\n", 10))[1].decode()
            return machine.outside.run(["timeout", "5", "bash", "-c", f": > /dev/tcp/{address}/{port}"], check=False).returncode == 0

    for address in (machine.address, machine.address6):
        equal(reached(address), False, f"whether a build was reached at {address}")
    machine.run("systemctl stop left4me-nft")
    try:
        for address in (machine.address, machine.address6):
            equal(reached(address), True, f"whether it was without the filter at {address}")
    finally:
        machine.run("systemctl start left4me-nft")


@only("trixie")
def test_no_server_without_it(machine):
    """where the filter cannot be loaded, a server does not start, and says why; one that runs goes on"""
    with product.server(machine, "before") as before, product.server(machine, "after", start=False) as after:
        rules = "/usr/share/left4me/left4me.nft"
        machine.run(f"mv {rules} {rules}.away; systemctl restart left4me-nft", check=False)
        try:
            product.one_sentence(after.ctl("start", check=False), 1, "the packet filter is not in force", "left4me-nft")
            equal(before.a2s()["name"], "before", "A2S of the server that ran already")
            # As a boot does it: what multi-user.target wants, the init system remembers.
            machine.run(f"systemctl daemon-reload; systemctl start {after.unit}", check=False)
            check("packet filter is not in force" in (after.status()["last_exit"] or {}).get("explain", ""),
                  "status does not say why it is stopped")
            after.stop()
            machine.wait_for(after.mount, "inactive")
        finally:
            machine.run(f"mv {rules}.away {rules}; systemctl reset-failed left4me-nft; systemctl restart left4me-nft")
        after.start()
        equal(after.a2s()["name"], "after", "A2S with the filter again")


@only("trixie")
def test_exceptions(machine):
    """nft.d opens one private address, and a mistake in it leaves the filter in force"""
    with filtered(machine) as (server, home):
        home.add_address("10.78.0.3/32")
        machine.run("ip route add 10.78.0.3 via 10.78.0.2")
        machine.push(f"add element inet left4me allowed4 {{ {HOME} }}\nadd element inet left4me allowed6 {{ {HOME6} }}\n"
                  .encode(), "/etc/left4me/nft.d/test.nft")
        machine.run("systemctl restart left4me-nft")
        opens(server, "an address that is allowed")
        opens(server, "an IPv6 address that is allowed", HOME6)
        holds(server, "its neighbour", "10.78.0.3")
        holds(server, "loopback", "127.0.0.1")

        machine.push(b"add element inet left4me allowed4 { nonsense\n", "/etc/left4me/nft.d/test.nft")
        machine.run("systemctl restart left4me-nft", check=False)
        check(is_loaded(machine), "a mistake in nft.d leaves no filter at all")
        holds(server, "after a mistake in nft.d", "127.0.0.1")
        machine.run("rm /etc/left4me/nft.d/test.nft; systemctl reset-failed left4me-nft; systemctl restart left4me-nft")
        holds(server, "after the exception is gone")


@only("trixie")
def test_a_file_that_flushes(machine):
    """a file in nft.d that flushes the rules is told of, and does not keep the machine busy"""
    product.ready(machine)
    since = time.time()
    machine.push(b"flush ruleset\n", "/etc/left4me/nft.d/test.nft")
    try:
        machine.run("systemctl restart left4me-nft")
        machine.wait_for_line("left4me-nft", "deleted again and again", 60)
        check(machine.run("test -e /run/left4me-nft/loaded", check=False).returncode != 0, "it is marked as in force")
    finally:
        machine.run("rm /etc/left4me/nft.d/test.nft; systemctl restart left4me-nft")
    loads = machine.journal("left4me-nft", since=since).count("is loaded again")
    check(3 <= loads <= 12, f"it was loaded again {loads} times")
    check(is_loaded(machine), "the filter is not back")


# Counts what leaves with the priority that the filter gives.
WATCHER = """table inet watcher {
    chain sent {
        type filter hook postrouting priority 300;
        meta priority 0:6 counter
    }
}
"""


@only("trixie")
def test_priority(machine):
    """datagrams of a game leave with a priority of their own, what the machine sends does not"""
    with filtered(machine) as (server, _):
        machine.run(["nft", "-f", "-"], input=WATCHER)

        def first():
            return int(re.search(r"counter packets (\d+)", machine.output("nft list table inet watcher"))[1])

        before = first()
        server.a2s()
        answered = first()
        check(answered > before, "the answer to a player has no priority")
        machine.run(f"echo other > /dev/udp/{machine.outside.address}/80")
        equal(first(), answered, "packets with priority after the machine itself has sent one")
        machine.run("nft delete table inet watcher")


# Says where it listens, then the DSCP byte of each datagram and answers nothing.
LISTEN = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
sock = socket.socket(family, socket.SOCK_DGRAM)
if family == socket.AF_INET:
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
else:
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
sock.bind((sys.argv[1], 80))
print("listening", flush=True)
while True:
    data, control, _, _ = sock.recvmsg(100, 100)
    print(data.decode(errors="replace").strip(), control[0][2][0], flush=True)
"""

# Asks for A2S_INFO and prints the DSCP byte of the answer.
ASK = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
sock.settimeout(5)
sock.sendto(b"\\xff\\xff\\xff\\xffTSource Engine Query\\0", (sys.argv[1], int(sys.argv[2])))
print(sock.recvmsg(2000, 100)[1][0][2][0])
"""


@only("trixie")
def test_marks(machine):
    """datagrams of a game carry DSCP EF, to players and to the internet, IPv4 and IPv6; nobody else's do"""
    with filtered(machine) as (server, home):
        for place in (machine.outside, home):
            said = place.run(["/usr/bin/python3", "-c", ASK, place.machine_address, str(server.port)]).stdout
            equal(int(said), EXPEDITED, f"DSCP of an answer to {place.name}")
        for address in (machine.outside.address, "2001:db8::1"):
            child = machine.outside.popen(["/usr/bin/python3", "-c", LISTEN, address], stdout=subprocess.PIPE, text=True)
            equal(child.stdout.readline(), "listening\n", "the listener")
            attacks.inside(server, "flow", "udp", address, 80, wait=False)
            equal(child.stdout.readline(), f"ping {EXPEDITED}\n", f"what a game sends to {address}")
            send = f"echo other > /dev/udp/{address}/80"
            machine.run(send)
            equal(child.stdout.readline(), "other 0\n", f"what the machine itself sends to {address}")
            machine.unit_run(send, f"User={product.GAME_USER}")
            equal(child.stdout.readline(), "other 0\n", f"what the same user sends from elsewhere to {address}")
            machine.unit_run(send, "Slice=l4d2build.slice")
            equal(child.stdout.readline(), "other 0\n", f"what a build sends to {address}")
            machine.run("systemctl restart left4me-nft")
            attacks.inside(server, "flow", "udp", address, 80, wait=False)
            equal(child.stdout.readline(), f"ping {EXPEDITED}\n", f"what a game sends after a restart of the filter")
            child.kill()
