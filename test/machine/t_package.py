# SPDX-License-Identifier: MIT
"""The Debian package: installed, upgraded under a running server, removed, installed again, purged."""

import contextlib
import pathlib
import subprocess
import tempfile
import threading

import host
import page
import product
from harness import check, equal
from machine import Machine

NEXT = "99.0"


def _next_version(deb, directory):
    """The same package with a higher version."""
    tree, target = pathlib.Path(directory) / "tree", pathlib.Path(directory) / "next.deb"
    host.call(["dpkg-deb", "-R", deb, tree])
    control = tree / "DEBIAN/control"
    lines = [f"Version: {NEXT}" if line.startswith("Version:") else line for line in control.read_text().splitlines()]
    control.write_text("\n".join(lines) + "\n")
    host.call(["dpkg-deb", "-b", "--root-owner-group", tree, target])
    return target


class _Players:
    """Asks A2S ten times a second and counts the answers; a question that stays without one is remembered."""

    def __init__(self, machine, server):
        self.place, self.server = machine.outside, server
        self.answers, self.failures, self.over = 0, [], threading.Event()
        self.thread = threading.Thread(target=self._ask)

    def _ask(self):
        while not self.over.wait(0.1):
            try:
                equal(self.server.a2s(self.place)["name"], self.server.name, "name")
                self.answers += 1
            except Exception as reason:                     # counted; the test looks at the list
                self.failures.append(reason)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@contextlib.contextmanager
def _following(machine, server):
    """Follows a log; what is yielded makes sure that it still does."""
    with machine.popen(["l4d2ctl", "logs", server.name, "--follow"], stdout=subprocess.PIPE) as child:
        try:
            product.read_all_until(child.stdout, b"[sim] ready", 10)

            def heard():
                server.rcon("say still there")
                product.read_all_until(child.stdout, b"still there", 10)

            yield heard
        finally:
            child.kill()


def _apt(machine, verb, check_it=True):
    return machine.run(["apt-get", "-y", "-q", verb, "left4me"], timeout=120, check=check_it,
                       env={"DEBIAN_FRONTEND": "noninteractive"})


def _processes(machine):
    """Those of our users, and those of root that are ours."""
    return machine.output("ps -eo user:20=,comm= | grep -E '^left4me|left4me-|srcds'", check=False)


def _users_of(machine):
    return [line for line in machine.read("/etc/passwd").splitlines() if line.startswith("left4me")]


@contextlib.contextmanager
def _fresh(machine):
    """A machine of its own, so that the others keep their game."""
    with Machine(machine.suite, machine.deb_path) as other:
        yield other


def test_install_leaves_a_healthy_machine(machine):
    with _fresh(machine) as other:
        equal(other.output("systemctl list-units --failed --plain --no-legend"), "", "failed units")
        equal([other.unit(f"left4me-{name}.socket")["ActiveState"] for name in ("broker", "log", "tidy", "web", "worker")], ["active"] * 5,
              "sockets")
        equal(other.unit("left4me-worker.service")["ActiveState"], "active", "worker")
        equal(other.unit("left4me-nft.service")["ActiveState"], "active", "packet filter")
        equal(len(_users_of(other)), 5, "users")
        equal(sorted(_processes(other).split()), ["left4me", "left4me-nftwatc", "left4me-worker", "root"], "processes of ours without a server")
        product.ctl(other, "--version")


def test_upgrade_restarts_no_server(machine):
    """an upgrade under a running server: the same process, every question answered, by the page as well"""
    with _fresh(machine) as other, tempfile.TemporaryDirectory() as scratch, \
            product.server(other, "played", config=["sv_max_queries_sec 0", "sv_max_queries_sec_global 0"]) as server:
        server.rcon("sim_write left4dead2/mine.txt kept")
        before = server.status()
        alice = page.admin(other)
        pids = [other.unit(f"left4me-{name}.service")["MainPID"] for name in ("web", "worker")]
        with page.Askers(other, n=1, pause=0.05) as askers, _Players(other, server) as players, _following(other, server) as heard:
            other.install(_next_version(machine.deb_path, scratch))
            heard()
        check(players.answers > 5, f"only {players.answers} questions were answered")
        equal(players.failures, [], "questions without an answer")
        check(askers.answers > 5, f"the page answered only {askers.answers} requests")
        equal(askers.failures, [], "requests that the page did not answer")
        equal(alice.get("/me")["name"], "alice", "who is logged in after the upgrade")
        after = [other.unit(f"left4me-{name}.service")["MainPID"] for name in ("web", "worker")]
        check(not set(pids) & {*after, 0}, f"page and worker of the old version still run, or none does: {pids}, {after}")
        equal(other.output("dpkg-query -W -f '${Version}' left4me"), NEXT, "version installed")
        after = server.status()
        equal((after["pid"], after["run"], after["restarts"]), (before["pid"], before["run"], 0), "the run")
        equal(other.output("systemctl list-units --failed --plain --no-legend"), "", "failed units")
        # A file that is unpacked anew would have taken away what was mounted on it.
        inside = other.read(f"/proc/{after['pid']}/root/etc/resolv.conf")
        equal(inside, other.read("/etc/left4me/resolv.conf"), "name servers inside the server")
        # What comes after the upgrade is not tied to what was before.
        server.ctl("restart")
        check("kept" in server.rcon("sim_read left4dead2/mine.txt"), "the upgrade lost what the game had written")


def test_remove_and_purge(machine):
    """remove stops everything and keeps the data; purge takes it all"""
    with _fresh(machine) as other, product.server(other, "kept") as server, product.server(other, "idle", start=False):
        server.rcon("sim_write left4dead2/mine.txt kept")
        password = other.read(f"{product.DATA}/instances/kept/rcon_password")
        _apt(other, "remove")
        equal(_processes(other), "", "processes of ours after a removal")
        equal(other.output("grep -E ' (/var/lib|/run)/left4me' /proc/1/mountinfo", check=False), "", "mounts after a removal")
        equal(other.output("systemctl list-units --plain --no-legend 'left4me*'"), "", "units after a removal")
        equal(other.output("systemctl list-units --failed --plain --no-legend"), "", "failed units")
        check("left4me" not in other.output("nft list tables"), "the packet filter outlived the package")
        equal(other.read(f"{product.DATA}/instances/kept/rcon_password"), password, "a secret after a removal")

        other.install(machine.deb_path)
        equal([row["name"] for row in product.ctl_json(other, "list")], ["idle", "kept"], "instances after a reinstall")
        server.start()
        check("kept" in server.rcon("sim_read left4dead2/mine.txt"), "what the game had written is gone")
        equal(product.quakestat(other.outside, server.port)["name"], "kept", "name after a reinstall")

        _apt(other, "purge")
        equal(_processes(other), "", "processes of ours after a purge")
        left = other.output("ls -d /var/lib/left4me* /etc/left4me* /etc/credstore/left4me* /run/left4me* /etc/systemd/system*/left4me* "
                            "/etc/systemd/system*/*/left4me* /usr/lib/left4me* 2>/dev/null", check=False)
        equal(left, "", "files after a purge")
        equal(other.output("systemctl list-units --failed --plain --no-legend"), "", "failed units after a purge")

        other.install(machine.deb_path)
        equal(product.ctl_json(other, "list"), [], "instances after a purge")
        with product.server(other, "anew") as anew:
            equal(anew.a2s()["name"], "anew", "a server after all that")
