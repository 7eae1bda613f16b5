# SPDX-License-Identifier: MIT
"""The units as they are installed: their scores, and single settings that must or must not be there."""

import json
import re

import product
from harness import check, equal, only

UNITS = "/usr/lib/systemd/system"

# systemd-analyze security on systemd 257; lower is better.
BUDGETS = {
    "left4me-server@": 1.2, "left4me-broker": 1.2, "left4me-log": 0.5, "left4me-mount@": 3.9,
    "left4me-build-mount@": 3.9, "left4me-idmap": 3.9, "left4me-tidy": 3.9, "left4me-update@": 1.3,
    "left4me-files@": 0.5, "left4me-publish@": 0.5, "left4me-edit@": 0.5, "left4me-workshop@": 1.2, "left4me-nft": 2.5,
    "left4me-script@": 1.3, "left4me-refresh": 0.5, "left4me-collect": 0.5, "left4me-web": 0.2, "left4me-worker": 1.2,
    "left4me-doctor@": 1.3,
}

# What alone gives a unit a mount namespace, apart from names that begin with Protect, Private or Bind.
NAMESPACED = re.compile(r"^(Protect(System|Home|Proc|KernelTunables|KernelModules|KernelLogs|ControlGroups)|ProcSubset|"
                        r"Private(Tmp|Devices|Network|IPC|Users|Mounts|PIDs)|Bind(ReadOnly)?Paths|RootDirectory|RootImage|"
                        r"(ReadWrite|ReadOnly|Inaccessible|Exec|NoExec)Paths|TemporaryFileSystem|MountAPIVFS|DynamicUser|"
                        r"(State|Cache|Runtime|Logs|Configuration)Directory|MountFlags|LogNamespace|NetworkNamespacePath|"
                        r"BindLogSockets|MountImages|ExtensionImages|LoadCredential\w*|SetCredential\w*)$")


def settings(machine, unit):
    """{section: {name: [values]}} of an installed unit file; continued lines are not used in ours."""
    found, section = {}, None
    for line in machine.read(f"{UNITS}/{unit}").splitlines():
        line = line.strip()
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and line[0] not in "#;":
            name, _, value = line.partition("=")
            section.setdefault(name, []).append(value)
    return found


@only("trixie")
def test_scores(machine):
    """every service keeps within its budget"""
    installed = set(machine.output(f"cd {UNITS} && ls left4me-*.service").split())
    equal(installed, {f"{name}.service" for name in BUDGETS}, "services of the package, each with a budget")
    failures = []
    for name, budget in BUDGETS.items():
        words = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
        path = f"{UNITS}/{name}.service"
        done = machine.run([*words, f"--threshold={int(budget * 10 + 0.5)}", path], check=False)
        score = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout + done.stderr)
        check(score, f"no score for {name}: {done.stdout[-300:]} {done.stderr}")
        if done.returncode != 0 or float(score[1]) > budget:
            rows = json.loads(machine.run([*words, "--json=short", path], check=False).stdout)
            open_ones = sorted((row for row in rows if float(row["exposure"] or 0) > 0),
                               key=lambda row: -float(row["exposure"]))
            failures.append(f"{name}: {score[1]} of {budget}, most of it by "
                            + ", ".join(f"{row['name']} ({row['exposure']})" for row in open_ones[:8]))
    check(not failures, "; ".join(failures))


def test_budgets_are_told(machine):
    """the threat model says how well each service is confined, and says what is held to"""
    text = (product.REPO / "docs/threat-model.md").read_text()
    rows = re.findall(r"^\| (`left4me-[^|]*) \|.*\| ([0-9.]+) \|$", text, re.M)
    told = {name: float(budget) for names, budget in rows for name in re.findall(r"`([^`]*)`", names)}
    equal(told, BUDGETS, "budgets in docs/threat-model.md")


def test_units_are_valid(machine):
    """systemd finds nothing to say about them"""
    words = "" if machine.suite == "trixie" else " | grep -v 'Unknown key name'"
    said = machine.output(f"systemd-analyze verify --man=no {UNITS}/left4me* {UNITS}/l4d2* {UNITS}/var-lib-left4me* 2>&1"
                          f"{words}", check=False)
    if machine.suite == "bookworm":             # says which of the newer settings it ignores
        said = "\n".join(line for line in said.splitlines() if "Unknown" not in line and "Failed to parse" not in line)
    equal(said, "", "what systemd-analyze verify says")
    warned = machine.output("journalctl -b -q --no-pager -o cat _PID=1 -g '(left4me|l4d2).*(Unknown|deprecated|ignoring)'",
                            check=False)
    if machine.suite == "trixie":
        equal(warned, "", "what the init system said when it loaded them")


def test_server_settings(machine):
    """what the game needs left open, and what must not be forgotten"""
    unit = settings(machine, "left4me-server@.service")
    service, top = unit["Service"], unit["Unit"]
    # Without /proc/cpuinfo the engine cannot register with Steam and falls back to LAN only.
    check(service.get("ProcSubset", ["all"]) == ["all"], "ProcSubset=pid: the engine would be LAN only")
    # Text relocations of the engine, SourcePawn's JIT.
    check("MemoryDenyWriteExecute" not in service, "MemoryDenyWriteExecute=: the engine does not start with it")
    # It filters both directions: LAN players and our RCON.
    check("IPAddressDeny" not in service, "IPAddressDeny=: no LAN player could join")
    equal(service["SystemCallArchitectures"], ["native x86"], "kinds of programs: the game has 32 bits")
    # In [Service] they are ignored, with a warning that nobody reads.
    equal((top["StartLimitIntervalSec"], top["StartLimitBurst"]), (["60"], ["5"]), "start limits in [Unit]")
    check(not any(name.startswith("StartLimit") for name in service), "start limits in [Service] do nothing")
    wanted = {"KillMode": "mixed", "KillSignal": "SIGINT", "TimeoutStopSec": "15", "LimitNOFILE": "65536",
              "OOMScoreAdjust": "-200", "OOMPolicy": "stop", "Nice": "-5", "Type": "notify", "NotifyAccess": "main",
              "Slice": "l4d2-game.slice", "User": "left4me-game", "Restart": "on-failure", "LogRateLimitIntervalSec": "0",
              "NoNewPrivileges": "yes", "PrivateUsers": "yes", "PrivatePIDs": "yes", "CapabilityBoundingSet": "",
              "RootDirectory": "/usr/lib/left4me/root", "RestrictSUIDSGID": "yes", "LimitCORE": "0",
              "IOSchedulingClass": "best-effort", "IOSchedulingPriority": "1", "MemoryHigh": "3686M"}
    equal({name: service.get(name, ["missing"])[-1] for name in wanted}, wanted, "settings of a server")
    for line in ("~@privileged @resources @debug @mount @keyring", "~io_uring_setup io_uring_enter io_uring_register"):
        check(line in service["SystemCallFilter"], f"SystemCallFilter={line} is gone")
    check({"ipv4:tcp", "ipv6:tcp"} <= set(service["SocketBindDeny"]), "a game may bind any TCP port")
    if machine.suite == "trixie":
        loaded = machine.unit("left4me-server@any.service")
        equal((loaded["StartLimitBurst"], loaded["KillMode"], loaded["LimitNOFILE"]), (5, "mixed", 65536), "as loaded")
        best_effort = 2                         # IOPRIO_CLASS_BE
        equal((loaded["IOSchedulingClass"], loaded["IOSchedulingPriority"]), (best_effort, 1), "its turn at the disk")
        # Where the kernel begins to take memory back: before the server is killed for it.
        equal(loaded["MemoryHigh"], 3686 << 20, "MemoryHigh=, as loaded")
        check(0.85 < loaded["MemoryHigh"] / loaded["MemoryMax"] < 0.95, f"MemoryHigh= of {loaded['MemoryMax']}")


def test_defaults_agree(machine):
    """the limits in the unit file are those that status shows when a specification names none"""
    header = (product.REPO / "src/base/protocol.h").read_text()
    memory = re.search(r"LIMIT_MEMORY_DEFAULT\s+\(UINT64_C\((\d+)\) << (\d+)\)", header)
    tasks = re.search(r"LIMIT_TASKS_DEFAULT\s+(\d+)u", header)
    service = settings(machine, "left4me-server@.service")["Service"]
    units = {"K": 10, "M": 20, "G": 30}
    size = service["MemoryMax"][-1]
    equal(int(size[:-1]) << units[size[-1]], int(memory[1]) << int(memory[2]), "MemoryMax= and LIMIT_MEMORY_DEFAULT")
    equal(int(service["TasksMax"][-1]), int(tasks[1]), "TasksMax= and LIMIT_TASKS_DEFAULT")


def test_mounts_are_the_machines(machine):
    """the mount helper mounts where everybody sees it: nothing gives it a mount namespace"""
    for unit in ("left4me-mount@.service", "left4me-build-mount@.service", "left4me-idmap.service"):
        service = settings(machine, unit)["Service"]
        private = [name for name in service if NAMESPACED.match(name)
                   and service[name][-1] not in ("no", "false", "")]
        equal(private, [], f"settings of {unit} that give it a mount namespace of its own")
    with product.server(machine, "seen") as server:
        mounted = machine.output(f"awk '$5 == \"{server.runtime}/merged\" {{ print $(NF-2) }}' /proc/1/mountinfo")
        equal(mounted, "overlay", "what the init system sees at the mount point")
        options = machine.output(f"findmnt -n -o OPTIONS {server.runtime}/merged").split(",")
        check({"nosuid", "nodev", "userxattr"} <= set(options), f"options of the stack: {options}")
        options = machine.output(f"findmnt -n -o OPTIONS {server.runtime}/config").split(",")
        check({"nosuid", "nodev", "noexec", "ro"} <= set(options), f"options of the config: {options}")


def test_other_settings(machine):
    """what else must stay as it is, and why"""
    for unit in ("left4me-mount@.service", "left4me-build-mount@.service"):
        top = settings(machine, unit)["Unit"]
        # A stop of the server unmounts; many starts in a row are a bulk operation, not a loop.
        equal((top["StopWhenUnneeded"], top["StartLimitIntervalSec"]), (["yes"], ["0"]), f"settings of {unit}")
    for unit, may in (("left4me-broker.socket", ("0660", "left4me")), ("left4me-log.socket", ("0660", "left4me")),
                      ("left4me-worker.socket", ("0660", "left4me")), ("left4me-tidy.socket", ("0600", "root"))):
        socket = settings(machine, unit)["Socket"]
        equal((socket["SocketMode"][0], socket.get("SocketGroup", ["root"])[0]), may, f"settings of {unit}")
        check("Accept" not in socket, "a unit for each request costs more than the request")
        # Nothing may stop a socket for good: it is the only way in.
        equal(socket["TriggerLimitBurst"], ["0"], f"rate limit of {unit}")
        equal(settings(machine, unit.replace("socket", "service"))["Unit"]["StartLimitIntervalSec"], ["0"], f"start limit behind {unit}")
    update = settings(machine, "left4me-update@.service")["Service"]
    workshop = settings(machine, "left4me-workshop@.service")["Service"]
    for service in (update, workshop):
        # Together with IPAddressDeny= an "any" would win.
        check("IPAddressAllow" not in service, "IPAddressAllow= beside IPAddressDeny= opens what should be closed")
    equal(workshop["IPAddressDeny"], update["IPAddressDeny"], "what is closed to what fetches something")
    check("ProcSubset" not in settings(machine, "left4me-log.service")["Service"],
          "ProcSubset=pid: the journal's library does not find the boot id")
    for unit, users in (("left4me-broker.service", None), ("left4me-log.service", ["left4me-log"]),
                        ("left4me-files@.service", ["left4me-content"]), ("left4me-publish@.service", ["left4me-content"]),
                        ("left4me-edit@.service", ["left4me-content"]), ("left4me-update@.service", ["left4me-build"]),
                        ("left4me-collect.service", ["left4me-content"]), ("left4me-script@.service", ["left4me-build"]),
                        ("left4me-workshop@.service", ["left4me-content"]), ("left4me-web.service", ["left4me"]), ("left4me-worker.service", ["left4me"])):
        equal(settings(machine, unit)["Service"].get("User"), users, f"user of {unit}")
