# SPDX-License-Identifier: MIT
"""Servers come back with the machine, by the init system alone."""

import contextlib

import product
from harness import check, equal


@contextlib.contextmanager
def _three(machine):
    """Two that are started and one that was stopped."""
    with product.server(machine, "alpha") as alpha, product.server(machine, "beta") as beta, \
            product.server(machine, "gamma") as gamma:
        gamma.stop()
        yield alpha, beta, gamma


def _check_back(machine, alpha, beta, gamma, runs):
    for server in (alpha, beta):
        server.wait_for("active", timeout=60)
        equal(server.a2s()["name"], server.name, f"A2S at port {server.port} after the boot")
    equal(gamma.properties()["ActiveState"], "inactive", "the server that was stopped")
    # What came before anybody asked: nothing of ours but the mounts, and no command either.
    boot = machine.output("cat /proc/sys/kernel/random/boot_id").replace("-", "")
    ours = {row.get("UNIT") or row.get("_SYSTEMD_UNIT") for row in machine.journal(json_fields=True)
            if row["_BOOT_ID"] == boot}
    ran = sorted(unit for unit in ours if unit and unit.startswith(("left4me-broker.service", "left4me-log.service", "left4me-tidy.service")))
    equal(ran, [], "helpers that ran before anybody asked")
    status = alpha.status(), beta.status(), gamma.status()
    equal([row["state"] for row in status], ["running", "running", "stopped"], "states")
    check(all(row["run"] not in runs for row in status[:2]), "the runs are those of before")
    equal([row["pending"] for row in status], [[], [], []], "pending changes after the boot")


def test_reboot(machine):
    """two enabled servers come back after a reboot, a stopped one does not"""
    with _three(machine) as servers:
        # A new generation is not taken by the way: what was applied is what boots.
        runs = [server.status()["run"] for server in servers]
        servers[0].rcon("sim_write left4dead2/kept.txt kept")
        machine.reboot()
        _check_back(machine, *servers, runs)
        check("kept" in servers[0].rcon("sim_read left4dead2/kept.txt"), "what the game had written is gone")


def test_power_cut(machine):
    """the same after the power failed in the middle of it"""
    with _three(machine) as servers:
        runs = [server.status()["run"] for server in servers]
        machine.reboot(clean=False)
        _check_back(machine, *servers, runs)


def test_boot_does_not_update(machine):
    """a new generation of the game is not taken by a reboot, only by a restart"""
    with product.server(machine, "steady") as server:
        before = server.status()["mounted"]
        product.steamcmd(machine, build=product.BUILD + 10)
        product.install(machine)
        machine.reboot()
        server.wait_for("active", timeout=60)
        status = server.status()
        equal(status["mounted"], before, "what it runs on after the boot")
        equal(status["pending"], ["overlay 1"], "what is pending after the boot")
