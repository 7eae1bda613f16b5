# SPDX-License-Identifier: MIT
"""Servers under a kernel of their own: limits that bite, weights, a reboot, a power cut.

A boot takes half a minute here, so everything slow happens in prepare(), and the tests build on one
another in the order they stand in.
"""

import json
import signal

import acknowledged
import attacks
import product
from harness import check, equal

CLIENT = "/usr/local/lib/left4me-test"
# The least memory there may be: into its last tenth a server gets slowly, a fraction of a megabyte a second.
MEMORY, TASKS, CPU = "64M", 64, 20
BUILDER = "/l4d2build.slice/builder.service"
# Of the game: what a power cut must not change.
SUMS = f"cd {product.DATA}/overlays/1 && find . -type f ! -name state.json | LC_ALL=C sort | xargs -d '\\n' sha256sum"


def prepare(machine):
    """Two servers that come back, one that does not, and an update that waits to be installed."""
    product.ready(machine)
    machine.push(product.JUDGE / "client.py", f"{CLIENT}/client.py")
    attacks.bring(machine)
    for name, keys in (("first", {}), ("limited", {"limits": {"memory": MEMORY, "tasks": TASKS, "cpus": "0"}}), ("idle", {"limits": {"cpu": CPU}})):
        server = product.Server(machine, name, keys)
        server.initialize()
        attacks.plant(server)
        if name != "idle":
            server.start()
        machine.push(str(server.port).encode(), f"{CLIENT}/{name}.port")
    # Long enough to ask how it ended before it starts again, also under emulation.
    machine.push(b"[Service]\nRestartSec=60\n", "/etc/systemd/system/left4me-server@limited.service.d/slow.conf")
    # A boot beside other work takes minutes there, and what all mounts wait for is not to be given up.
    for name in ("left4me-idmap.service", "left4me-mount@.service"):
        machine.push(b"[Service]\nTimeoutSec=300\n", f"/etc/systemd/system/{name}.d/slow.conf")
    machine.run(f"({SUMS}) > {CLIENT}/sums")
    product.steamcmd(machine, product.BUILD + 1)
    acknowledged.prepare(machine)


def rcon(vm, name, command):
    code = ("import sys; sys.path.insert(0, sys.argv[1]); from client import Rcon\n"
            "with Rcon('127.0.0.1', int(open(f'{sys.argv[1]}/{sys.argv[2]}.port').read()), login=sys.argv[3]) as session:\n"
            "    print(session.run(sys.argv[4]))")
    return vm.run(["python3", "-c", code, CLIENT, name, product.PASSWORD, command], check=False).stdout


def status(vm, name):
    return product.ctl_json(vm, "status", name)


def unit(name):
    return f"left4me-server@{name}.service"


def run_inside(vm, name, word, *arguments):
    """Starts an attack in a server; what it says is in its journal, marked with the word."""
    rcon(vm, name, " ".join(map(str, ["sim_run attack/inside", f"vm-{word}", word, *arguments])))


def test_boot(vm):
    """enabled servers come up with the machine, before anybody asked for anything of ours"""
    for name in ("first", "limited"):
        equal((status(vm, name)["state"], status(vm, name)["enabled"]), ("running", True), f"{name} after the first boot")
    equal(status(vm, "idle")["state"], "stopped", "a server that was never started")
    check("hostname" in rcon(vm, "first", "status"), "the console of a server does not answer")


def test_filter(vm):
    """the packet filter and the sandbox hold on a real kernel as well"""
    run_inside(vm, "first", "flow", "tcp", "127.0.0.1", 22, "udp", "169.254.169.254", 80, "tcp", "::1", 22)
    vm.wait_for_line(unit("first"), "^vm-flow end")
    found = attacks.parse(vm.output(["journalctl", "-q", "-o", "cat", "-u", unit("first"), "-g", "^vm-flow "]))
    attacks.must_hold(found, "new flows", 3)
    equal(found["tcp 127.0.0.1"][1].split()[0], "ECONNREFUSED", "how a connection to this machine is refused")


def test_crash_reporter(vm):
    """a ptrace at each start is refused, in silence; what the kernel has to say of filters can be seen here"""
    for name in ("first", "limited"):
        equal(vm.wait_for_line(unit(name), "crash reporter"), "[sim] crash reporter: ptrace: EPERM", f"the child of {name}")
    audit = vm.output("journalctl -k -q --no-pager -g 'type=1326|SECCOMP'", check=False).splitlines()
    check(len(audit) <= 2, f"audit lines of two crash reporters: {audit}")
    done = vm.run(["systemd-run", "--quiet", "--wait", "-p", "SystemCallFilter=~mkdir mkdirat", "mkdir", "/tmp/x"], check=False)
    check(done.returncode != 0, "a call that a filter kills for went through")
    vm.run("journalctl -k -q -n all -f | grep -m1 'type=1326.*mkdir'", timeout=60)


def test_sysctl(vm):
    """what the package sets is in force after a boot"""
    wanted = {"kernel.yama.ptrace_scope": "2", "net.core.rmem_max": "8388608", "net.core.wmem_max": "8388608"}
    said = vm.output(["sysctl", "-n", *wanted], check=False).split()
    equal(dict(zip(wanted, said)), wanted, "sysctl")


def shares(vm, *groups):
    """Microseconds of processor that each of the control groups gets in the same four seconds."""
    used = vm.output(f"usage() {{ for n in {' '.join(groups)}; do sed -n 's/usage_usec //p' /sys/fs/cgroup$n/cpu.stat; done; }}; "
                     "usage; sleep 4; usage").split()
    return [int(after) - int(before) for before, after in zip(used, used[len(groups):])]


def test_task_limit(vm):
    """a fork bomb stops at the limit, and its server goes on"""
    run_inside(vm, "limited", "fork", 1000)
    vm.wait_for_line(unit("limited"), "^vm-fork end")
    found = attacks.parse(vm.output(["journalctl", "-q", "-o", "cat", "-u", unit("limited"), "-g", "^vm-fork "]))
    verdict, reason = found["children"]
    check(verdict == "blocked" and int(reason.split()[0]) < TASKS, f"a fork bomb in a server of {TASKS} tasks: {found}")
    now = status(vm, "limited")
    equal((now["state"], now["restarts"], now["limits"]["tasks"]), ("running", 0, TASKS), "its server")


def test_weights(vm):
    """a build that wants all of a processor leaves nearly all of it to a game, and most of it to everybody else"""
    loop = ["-p", "AllowedCPUs=0", "bash", "-c", "while :; do :; done"]
    run_inside(vm, "limited", "spin", 120)
    vm.wait_for_line(unit("limited"), "^vm-spin spin spinning")
    vm.run(["systemd-run", "--quiet", "--unit=builder", "--slice=l4d2build.slice", *loop])
    game, build = shares(vm, vm.output(["systemctl", "show", "-P", "ControlGroup", unit("limited")]), BUILDER)
    vm.run("pkill -KILL -f 'attack/inside vm-spin'")
    vm.run(["systemd-run", "--quiet", "--unit=other", *loop])
    other, build_then = shares(vm, "/system.slice/other.service", BUILDER)
    vm.run("systemctl kill --signal=KILL builder other; systemctl reset-failed builder other", check=False)
    check(game > 10 * build, f"1000 : 10 became {game / 1e6:.2f} : {build / 1e6:.2f} seconds of processor")
    check(other > 3 * build_then, f"100 : 10 became {other / 1e6:.2f} : {build_then / 1e6:.2f} seconds of processor")


def test_cpu_limit(vm):
    """a server that wants all of a processor gets the share that its limit allows"""
    product.ctl(vm, "start", "idle", timeout=120)
    run_inside(vm, "idle", "spin", 120)
    vm.wait_for_line(unit("idle"), "^vm-spin spin spinning")
    group = vm.output(["systemctl", "show", "-P", "ControlGroup", unit("idle")])
    words = vm.output(f"look() {{ cut -d' ' -f1 /proc/uptime; sed -n 's/usage_usec //p' /sys/fs/cgroup{group}/cpu.stat; }}; "
                      "look; sleep 4; look").split()
    share = (int(words[3]) - int(words[1])) / 1e4 / (float(words[2]) - float(words[0]))
    product.ctl(vm, "stop", "idle", timeout=120)
    check(CPU / 4 < share < CPU * 1.5, f"with a limit of {CPU} % it used {share:.0f} %")


def test_memory_limit(vm):
    """a server that needs more memory than it may have ends, and status says why"""
    equal(status(vm, "limited")["limits"]["memory_bytes"], 64 << 20, "its limit")
    rcon(vm, "limited", "sim_leak 300")
    vm.wait_for_line(unit("limited"), "Failed with result 'oom-kill'", timeout=60)
    said = status(vm, "limited")["last_exit"]
    check(said and said["out_of_memory"], f"what status says of a server that ran out of memory: {said}")
    check(MEMORY in said["explain"], f"status does not name the limit: {said}")
    equal((said["result"], said["signal"]), ("oom-kill", signal.SIGKILL), "result and signal")
    lines = product.ctl(vm, "logs", "limited", "--all-runs", "--lines", 200).stdout
    check("out of memory" in lines or "oom-kill" in lines, f"the log does not tell: {lines[-500:]}")
    equal((status(vm, "first")["restarts"], status(vm, "first")["state"]), (0, "running"), "the server beside it")


def test_servers_after_reboot(vm):
    """a reboot brings back who was enabled, and nobody else"""
    product.ctl(vm, "stop", "limited")
    before = vm.output("cat /proc/sys/kernel/random/boot_id; touch /var/lib/kept /run/gone")
    vm.reboot()
    check(vm.output("cat /proc/sys/kernel/random/boot_id") != before, "the boot id is the old one")
    vm.run("test -e /var/lib/kept && ! test -e /run/gone")
    equal(vm.output("systemctl is-active left4me-broker", check=False).strip(), "inactive", "the broker, before anybody asked")
    equal([status(vm, name)["state"] for name in ("first", "limited", "idle")], ["running", "stopped", "stopped"], "states")


def test_servers_after_power_cut(vm):
    """the power fails in the middle of an update: the old generation is whole, its server comes back, and all that the page acknowledged is there"""
    before = product.generations(vm)
    rcon(vm, "first", "sim_write left4dead2/cfg/half.cfg something")
    vm.run(["systemd-run", "--quiet", "--unit=installing", "l4d2ctl", "install"])
    update = f"left4me-update@{product.newest_build(vm) + 1}.service"
    vm.wait_for_line(update, "^progress", timeout=60)
    vm.run(f"systemctl kill --signal=STOP {update}; echo safe > /var/lib/safe; sync -f /var/lib/safe")
    said = acknowledged.write(vm)
    vm.run("echo lost > /var/lib/unsafe")
    vm.power_cut()
    equal(vm.output("cat /var/lib/safe; cat /var/lib/unsafe 2>/dev/null || true"), "safe",
          "what was synced before the cut, and what was not")
    equal(product.generations(vm), before, "generations after the cut")
    equal(vm.output(f"({SUMS}) | diff - {CLIENT}/sums && echo same"), "same", "the files of the old generation")
    equal(status(vm, "first")["state"], "running", "the server after the cut")
    check("hostname" in rcon(vm, "first", "status"), "its console does not answer")
    acknowledged.is_there(vm, said)
    said = json.loads(product.ctl(vm, "install", "--json", timeout=240).stdout)
    current, everything = product.generations(vm)
    equal((current, said["generation"], len(everything)), (max(everything), current, len(before[1]) + 1),
          "the update that was cut off, again")
