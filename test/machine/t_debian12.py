# SPDX-License-Identifier: MIT
"""The short pass on Debian 12: what systemd 252 knows is enough to play, and doctor says what is weaker."""

import signal

import product
from harness import check, equal, only


@only("bookworm")
def test_play(machine):
    """install, start, seen from outside, crash, restart, stop, delete"""
    with product.server(machine, "old", hostname="On Debian 12") as server:
        equal(server.a2s()["name"], "On Debian 12", "A2S")
        equal(product.judge(machine.outside, "a2s", server.port)["name"], "On Debian 12", "gamedig")
        check("hostname: On Debian 12" in server.rcon("status"), "RCON")
        check(" directories, 0 failures" in server.rcon("sim_tree_test"), "the game cannot write everywhere")
        server.console("sim_crash SEGV")
        server.wait_for(lambda unit: unit["NRestarts"] == 1 and unit["ActiveState"] == "active")
        equal(server.status()["last_exit"]["signal"], signal.SIGSEGV, "how it ended")
        server.initialize(hostname="Changed")
        server.ctl("restart")
        equal(server.a2s()["name"], "Changed", "name after a restart")
        logs = server.ctl("logs", "--all-runs").stdout
        check("Unknown key" not in logs and "Started" in logs, f"what this systemd does not know fills the log: {logs[-500:]}")
        server.stop()
        check("Server shutting down" in server.ctl("logs").stdout, "a stop does not let the game drain")
        equal(machine.output(f"grep -c -F {server.runtime} /proc/1/mountinfo", check=False), "0", "mounts after a stop")
        equal(machine.output(f"find {server.runtime}/upper ! -user {product.CONTENT_USER} ! -type c"), "", "foreign files")
        server.ctl("reset")


@only("bookworm")
def test_doctor_says_what_is_weaker(machine):
    said = product.ctl(machine, "doctor", "--json", check=False).stdout
    for word in ("252", "PrivatePIDs"):
        check(word in said, f"doctor does not speak of {word}: {said}")


@only("bookworm")
def test_reboot(machine):
    with product.server(machine, "back") as server:
        machine.reboot()
        server.wait_for("active", timeout=60)
        equal(server.a2s()["name"], "back", "A2S after a reboot")
