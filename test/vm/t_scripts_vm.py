# SPDX-License-Identifier: MIT
"""Hostile scripts under a kernel of their own: memory, tasks and processors, of which a container has no limits."""

import attacks
import product
from harness import check, equal
from t_server_vm import CLIENT, rcon, run_inside, shares, status, unit

SERVER = "pinned"
MEMORY = 64                     # MiB; the unit's own limit is more than this machine has
SCRIPTS = {
    "memory": f"{attacks.TARGET}/inside said leak 10 && {attacks.TARGET}/inside said leak 300; echo survived\n",
    "files-in-memory": "head -c 300M /dev/zero > /tmp/big; echo survived\n",
    "forks": f"{attacks.TARGET}/inside said fork 2000 > /cache/said\n",
    "spins": f"for n in 1 2 3; do {attacks.TARGET}/inside said spin 120 & done; echo spinning; wait\n",
    "good": "date +%N > made\n",
}


def prepare(machine):
    """A server on one processor, and overlays that wait to be built."""
    product.ready(machine)
    attacks.bring(machine)
    machine.push(product.JUDGE / "client.py", f"{CLIENT}/client.py")
    server = product.Server(machine, SERVER, {"limits": {"cpus": "0"}})
    server.initialize()
    attacks.plant(server)
    server.start()
    machine.push(str(server.port).encode(), f"{CLIENT}/{SERVER}.port")
    for name, script in SCRIPTS.items():
        product.ctl(machine, "overlay", "create", name, "--type", "script", "-f", "-", input=script)


def build(vm, name, *words, **options):
    return product.ctl(vm, "overlay", "build", name, *words, timeout=180, **options)


def number(vm, name):
    return product.ctl_json(vm, "overlay", "show", name)["overlay"]


def newest_unit(vm):
    return f"left4me-script@{product.newest_build(vm)}.service"


def unharmed(vm):
    """The server has noticed nothing."""
    equal((status(vm, SERVER)["state"], status(vm, SERVER)["restarts"]), ("running", 0), "the server")
    check("hostname" in rcon(vm, SERVER, "status"), "its console does not answer")


def test_memory_bombs(vm):
    """a build that needs more memory than it may have is killed as a whole, and nobody else"""
    with product.drop_in(vm, "left4me-script@.service", f"[Service]\nMemoryMax={MEMORY}M\nMemorySwapMax=0\n"):
        for name in ("memory", "files-in-memory"):
            done = build(vm, name, check=False)
            equal(done.returncode, 1, f"exit code of {name} ({done.stdout} {done.stderr})")
            check("survived" not in done.stdout, f"{name}: it had what it wanted: {done.stdout}")
            why = f"the build was ended by the memory limit of {MEMORY}M"
            product.one_sentence(done, 1, why)
            said = product.ctl(vm, "overlay", "log", name).stdout
            check(f"! {why}\n" in said, f"the log of {name} does not say why it ended: {said[-500:]!r}")
    unharmed(vm)


def test_fork_bomb(vm):
    """a build has no more tasks than it may"""
    done = build(vm, "forks", check=False)
    found = attacks.parse(vm.read(f"{product.DATA}/cache/script/{number(vm, 'forks')}/said"))
    attacks.must_hold(found, f"2,000 children ({done.stderr})")
    n_children = int(found["children"][1].split()[0])
    check(400 < n_children < 512, f"{n_children} children of a script")
    unharmed(vm)


def test_processor_bomb(vm):
    """a build that wants all processors leaves a game what it needs, and knows its limits"""
    with product.drop_in(vm, "left4me-script@.service", "[Service]\nAllowedCPUs=0\n"):
        build(vm, "spins", "--detach")
        builder = newest_unit(vm)
        vm.wait_for_line(builder, "spinning")
        run_inside(vm, SERVER, "spin", 120)
        vm.wait_for_line(unit(SERVER), "^vm-spin spin spinning")
        groups = [vm.output(["systemctl", "show", "-P", "ControlGroup", name]) for name in (unit(SERVER), builder)]
        limits = vm.output(f"cd /sys/fs/cgroup{groups[1]}; cat memory.max pids.max cpu.max cpu.weight")
        game, builds = shares(vm, *groups)
        product.ctl(vm, "overlay", "cancel", "spins", timeout=120)
        vm.run("pkill -KILL -f 'attack/inside vm-spin'", check=False)
    check(game > 10 * builds, f"1000 : 10 became {game / 1e6:.2f} : {builds / 1e6:.2f} seconds of processor")
    memory, tasks, quota, period, _ = limits.split()
    equal((int(memory), int(tasks), int(quota) / int(period)), (4 << 30, 512, 2.0), "limits of a build, as the kernel has them")
    unharmed(vm)
    build(vm, "good")               # after all of them another overlay can be built
