# SPDX-License-Identifier: MIT
"""The life of a server, from nothing to playing to nothing, by l4d2ctl alone."""

import json
import subprocess

import product
from harness import Failed, check, equal

SERVERS = 20


def _traces(machine, name):
    """Everything on the machine that still carries an instance's name, its journal apart."""
    found = machine.output(
        f"ls -d {product.DATA}/*/{name} {product.DATA}-host/*/{name}* "
        f"/run/left4me-host/mounted/{name}* "
        f"/etc/systemd/system*/*@{name}.* /etc/systemd/system/*/*@{name}.* 2>/dev/null; "
        f"grep -F /{name}/ /proc/1/mountinfo; systemctl list-units --plain --no-legend '*@*{name}.service'",
        check=False)
    return found.splitlines()


def test_from_nothing_to_playing(machine):
    """install, initialize, start, seen by foreign clients, stop, reset, delete"""
    refused = product.initialize(machine, "early")
    equal(refused.stdout, "early: created\n", "initialize before there is a game")
    product.one_sentence(product.ctl(machine, "start", "early", check=False), 4, "l4d2ctl install")
    product.ctl(machine, "delete", "early")
    product.steamcmd(machine)
    said = json.loads(product.install(machine).stdout)
    check(said["files"] > 20 and said["generation"] == product.generations(machine)[0], f"install said {said}")

    with product.server(machine, "first", start=False, hostname="Friday versus") as first:
        equal(first.status()["state"], "stopped", "state after initialize")
        equal(first.json("start"), {"name": "first", "action": "start", "state": "running", "changed": True}, "start")
        _check_seen(machine, first)
        _check_told(machine, first)
        first.stop()
        status = first.status()
        equal((status["state"], status["enabled"], status["pid"]), ("stopped", False, None), "after a stop")
        equal(machine.output(f"grep -c -F {first.runtime} /proc/1/mountinfo", check=False), "0", "mounts after a stop")
        first.ctl("reset")
        equal(first.json("drift")["entries"], [], "drift after a reset")
        first.ctl("delete")
        equal(product.ctl_json(machine, "list"), [], "list after the last delete")
    equal(_traces(machine, "first"), [], "what is left of a deleted instance")


def _check_seen(machine, server):
    """Foreign clients, through the network."""
    server.rcon("sim_join Ellis")
    state = product.judge(machine.outside, "a2s", server.port)
    equal((state["name"], state["map"], len(state["raw"]["rules"])), ("Friday versus", "c1m1_hotel", 150), "gamedig")
    equal([player["name"] for player in state["players"]], ["Ellis"], "players, by gamedig")
    equal(product.quakestat(machine.outside, server.port)["name"], "Friday versus", "name, by qstat")
    said = product.judge(machine.outside, "rcon", server.port, server.password, "status")
    check("players : 1 humans" in said, f"npm rcon heard {said!r}")


def _check_told(machine, server):
    """What the commands say of a server that runs."""
    status, unit = server.status(), server.properties()
    equal((status["state"], status["enabled"], status["pid"], status["restarts"], status["pending"]),
          ("running", True, unit["MainPID"], 0, []), "status")
    equal(status["run"], bytes(unit["InvocationID"]).hex(), "the run")
    equal(status["mounted"], status["applied"], "generations that run and that are applied")
    equal({key: status[key] for key in ("port", "tv_port", "client_port")},
          {key: server.keys[key] for key in ("port", "tv_port", "client_port")}, "ports")
    equal({key: status["mounted"][key] for key in ("port", "tv_port", "client_port")},
          {key: server.keys[key] for key in ("port", "tv_port", "client_port")}, "ports that it was started with")
    equal(product.ctl_json(machine, "list"), [{"name": server.name, "state": "running", "port": server.port,
                                               "enabled": True}], "list")
    lines = server.ctl("logs").stdout
    check("[sim] ready" in lines and "Ellis" in lines, f"logs say {lines!r}")
    # What the engine needs to be more than a LAN server is there in the sandbox.
    check("Connection to Steam servers successful" in server.ctl("logs", "--lines", 1000).stdout, "it is in LAN mode")
    equal(len(server.ctl("logs", "--lines", 3).stdout.splitlines()), 3, "logs --lines 3")

    config = server.json("explain", "left4dead2/cfg/server.cfg")
    equal([layer["role"] for layer in config["layers"]], ["shown"], "layers of server.cfg")
    program = server.json("explain", "srcds_linux")
    equal([(layer["overlay"], layer["generation"]) for layer in program["layers"]],
          [(1, product.generations(machine)[0])], "where the program comes from")
    check(not server.json("explain", "left4dead2/nowhere")["exists"], "explain finds what is not there")
    whole = server.json("explain")
    equal(whole["scanned"], 0, "generations that have no index")
    equal([layer["overlay"] for layer in whole["stack"]], [None, None, 1], "the whole stack")
    check(whole["files"] > 10, f"explain sees {whole['files']} files")

    server.rcon("sim_write left4dead2/mine.txt hello; sim_append left4dead2/gameinfo.txt x; "
                "sim_delete left4dead2/steam.inf; sim_write left4dead2/cfg/server.cfg x")
    config = server.json("explain", "left4dead2/cfg/server.cfg")
    equal([layer["role"] for layer in config["layers"]], ["shown", "shadowed"], "layers after the game has written it")
    drift = {entry["path"]: entry["change"] for entry in server.json("drift")["entries"]}
    wanted = {"left4dead2/mine.txt": "added", "left4dead2/gameinfo.txt": "changed", "left4dead2/steam.inf": "removed"}
    equal({path: drift.get(path) for path in wanted}, wanted, "drift")
    check(any(path.startswith("left4dead2/logs/") for path in drift), f"drift lacks the game's log: {drift}")


def test_everything_twice(machine):
    """start, stop, reset and delete twice are success, and say that nothing changed"""
    product.ready(machine)
    equal(product.ctl_json(machine, "delete", "nobody"),
          {"name": "nobody", "action": "delete", "state": "absent", "changed": False, "note": "nothing to delete"},
          "delete of an absent one")
    equal(_traces(machine, "nobody"), [], "what a delete of nothing leaves")
    with product.server(machine, "twice") as server:
        pid = server.status()["pid"]
        again = server.json("start")
        equal((again["changed"], again["note"]), (False, "already running"), "the second start")
        equal(server.status()["pid"], pid, "process after the second start")
        check(server.json("stop")["changed"], "the first stop changed nothing")
        check(not server.json("stop")["changed"], "the second stop changed something")
        server.ctl("start")
        check(server.json("kill")["changed"], "the first kill changed nothing")
        check(not server.json("kill")["changed"], "the second kill changed something")
        equal(server.status()["enabled"], False, "whether a killed one is started at boot")
        server.ctl("reset")
        server.ctl("reset")
        check("unchanged" in server.initialize().stdout, "the same spec again should change nothing")
        server.ctl("delete")
        equal(server.json("delete")["state"], "absent", "the second delete")


def test_reset_keeps_the_spec(machine):
    with product.server(machine, "clean", hostname="Kept") as server:
        server.rcon("sim_write left4dead2/mine.txt hello; sim_delete left4dead2/steam.inf")
        server.ctl("reset")
        equal(server.status()["state"], "stopped", "state after a reset")
        server.start()
        check("No such file" in server.rcon("sim_read left4dead2/mine.txt"), "a file of the game outlived the reset")
        check("PatchVersion" in server.rcon("sim_read left4dead2/steam.inf"), "a deleted file did not come back")
        equal(server.a2s()["name"], "Kept", "name after a reset")


def test_a_changed_spec_waits_for_a_restart(machine):
    with product.server(machine, "spec", hostname="Old", config=["sv_gravity 801"]) as server:
        run = server.status()["run"]
        said = server.initialize(hostname="New", config=["sv_gravity 700"]).stdout
        check("hostname" in said and "config" in said, f"initialize does not say what changed: {said!r}")
        status = server.status()
        equal((status["run"], status["pending"]), (run, ["config"]), "run and pending changes before the restart")
        check("restart to apply" in server.ctl("start").stdout, "a start of a running one hides the pending changes")
        equal(server.a2s()["name"], "Old", "name before the restart")
        server.ctl("restart")
        status = server.status()
        check(status["run"] != run, "the restart did not begin a new run")
        equal(status["pending"], [], "pending after the restart")
        equal(server.a2s()["name"], "New", "name after the restart")
        equal(product.a2s_rules(machine.outside, server.port)["sv_gravity"], "700", "a line of the new config")


def test_a_changed_port_waits_for_a_restart(machine):
    with product.server(machine, "moves") as server:
        old, new = server.port, product.ports()
        server.initialize(**new)
        equal(server.a2s()["port"], old, "the port before the restart")
        equal(server.status()["pending"], ["config", "ports"], "pending after a change of ports")
        server.ctl("restart")
        server.port = new["port"]
        equal(server.a2s()["port"], new["port"], "the port after the restart")
        check("[sim]" in server.rcon("sim_jitter"), "RCON does not answer at the new port")
        # The unit may bind the new TCP port and no longer the old one.
        equal([rule[3] for rule in server.properties()["SocketBindAllow"]], [new["port"]], "TCP ports it may bind")


LIMITS = ("MemoryMax", "MemoryHigh", "CPUQuotaPerSecUSec", "AllowedCPUs", "TasksMax")
EVERYTHING = {"memory": "2G", "cpu": 150, "cpus": "0", "tasks": 300}


def test_limits(machine):
    """limits are the unit's from the next start on; one that is dropped is the unit file's again"""
    with product.server(machine, "bound") as server:
        of_the_file = _limits(server)
        equal(of_the_file["MemoryMax"], 4096, "MemoryMax of the unit file")
        given = {"MemoryMax": 2048, "MemoryHigh": 2048 * 9 // 10, "CPUQuotaPerSecUSec": 1500000, "AllowedCPUs": b"\1",
                 "TasksMax": 300}
        server.initialize(limits=EVERYTHING)
        equal((_limits(server), server.status()["pending"]), (of_the_file, ["limits"]), "limits and pending before a restart")
        server.ctl("restart")
        equal(_limits(server), given, "limits as given")
        equal(server.status()["limits"], {"memory_bytes": 2 << 30, "cpu_percent": 150, "cpus": "0", "tasks": 300}, "in status")
        for kept, properties in (("memory", LIMITS[:2]), ("cpu", LIMITS[2:3]), ("cpus", LIMITS[3:4]), ("tasks", LIMITS[4:])):
            server.initialize(limits={kept: EVERYTHING[kept]})
            server.ctl("restart")
            wanted = {name: (given if name in properties else of_the_file)[name] for name in LIMITS}
            equal(_limits(server), wanted, f"limits when all but {kept} are dropped")
        server.initialize(limits=None)
        server.ctl("restart")
        equal(_limits(server), of_the_file, "limits when all are dropped")


def _limits(server):
    """Memory in MiB: the unit file's 3686M and nine tenths of a default of 4G are the same."""
    unit = server.properties()
    return {"MemoryMax": unit["MemoryMax"] >> 20, "MemoryHigh": unit["MemoryHigh"] >> 20, "TasksMax": unit["TasksMax"],
            "CPUQuotaPerSecUSec": unit["CPUQuotaPerSecUSec"], "AllowedCPUs": bytes(unit["AllowedCPUs"]).rstrip(b"\0")}


def test_update_of_the_game(machine):
    """running servers keep their generation, a restart takes the new one"""
    with product.server(machine, "old") as old, product.server(machine, "other") as other:
        before, _ = product.generations(machine)
        pid = old.status()["pid"]
        product.steamcmd(machine, build=product.BUILD + 1)
        product.install(machine)
        now, known = product.generations(machine)
        check(now > before and before in known, f"generations after the update: {known}, current {now}")
        status = old.status()
        equal((status["pid"], status["pending"]), (pid, ["overlay 1"]), "process and pending after the update")
        equal(status["mounted"]["overlays"], [{"overlay": 1, "generation": before}], "what a running server runs on")
        equal(status["current"], [{"overlay": 1, "generation": now}], "what is current")
        check(f"version : 2.2.4.3 {product.BUILD} " in old.rcon("status"), "a running server lost its version")
        old.ctl("restart")
        status = old.status()
        equal((status["pending"], status["mounted"]["overlays"][0]["generation"]), ([], now), "after the restart")
        check(f" {product.BUILD + 1} " in old.rcon("status"), "the restart did not bring the new version")
        equal(other.status()["mounted"]["overlays"][0]["generation"], before, "the server that was not restarted")
        # A crash runs what it ran before.
        machine.run(["kill", "-9", str(other.game_pid())])
        other.wait_for(lambda unit: unit["NRestarts"] == 1 and unit["ActiveState"] == "active")
        equal(other.status()["mounted"]["overlays"][0]["generation"], before, "generation after a crash")


def test_install_that_fails(machine):
    """a failed update leaves the game as it was, and says what to do"""
    product.ready(machine)
    before = product.generations(machine)
    for word, phrase in (("0x202", "space"), ("no-subscription", "licence"), ("crash", "")):
        product.steamcmd(machine, build=product.BUILD + 2, fail=word)
        done = product.ctl(machine, "install", "--steamcmd", product.STEAMCMD, check=False, timeout=120)
        equal(done.returncode, 1, f"exit code with {word}: {done.stderr}")
        check(phrase in done.stderr and done.stderr.count("\n") == 1, f"with {word} it said {done.stderr!r}")
        equal(product.generations(machine), before, f"generations after {word}")
        equal(machine.output(f"ls {product.DATA}/builds {product.DATA}-host/builds | grep -v :", check=False).split(),
              [], f"scratch left by {word}")
    product.steamcmd(machine)


def test_follow(machine):
    """logs --follow shows new lines as they come, and --all-runs what was before"""
    with product.server(machine, "talks") as server:
        for lines in ("0", "3"):
            _check_follows(machine, server, lines)
        run = server.status()["run"]
        server.ctl("restart")
        newest = {json.loads(line)["run"] for line in server.ctl("logs", "--json", "--lines", 1000).stdout.splitlines()}
        equal(newest, {server.status()["run"]}, "runs in the log")
        runs = {json.loads(line)["run"] for line in
                server.ctl("logs", "--json", "--all-runs", "--lines", 1000).stdout.splitlines()}
        check(run in runs and len(runs) == 2, f"--all-runs knows {runs}")


def _check_follows(machine, server, lines):
    words = ["l4d2ctl", "logs", server.name, "--follow", "--lines", lines]
    with machine.popen(words, stdout=subprocess.PIPE) as child:
        try:
            # The line comes only once the reader stands; before that, somebody may have spoken too early.
            for attempt in range(50):
                server.rcon(f"say word {lines} {attempt}")
                if product.read_until(child.stdout, f"word {lines} ".encode(), 0.2):
                    break
            else:
                raise Failed(f"no new line came with --lines {lines}")
            machine.run(["pkill", "-INT", "-x", "l4d2ctl"])
            equal(child.wait(5), 0, "exit code after Ctrl-C")
        finally:
            child.kill()


def test_twenty_servers(machine):
    """twenty at once, each seen by A2S and RCON, each with its own name"""
    product.ready(machine)
    names = [f"many{number}" for number in range(SERVERS)]
    servers = [product.Server(machine, name, {"hostname": f"Server {name}"}) for name in names]
    try:
        for server in servers:
            server.initialize()
        children = [machine.popen(["l4d2ctl", "start", name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                    for name in names]
        for name, child in zip(names, children):
            said = child.communicate(timeout=120)[1]
            equal((child.returncode, said), (0, ""), f"start of {name}, all at once")
        for server in servers:
            equal(server.a2s()["name"], f"Server {server.name}", f"name at port {server.port}")
            check(f"hostname: Server {server.name}\n" in server.rcon("status"), f"RCON at port {server.port}")
        listed = product.ctl_json(machine, "list")
        equal([row["state"] for row in listed if row["name"] in names], ["running"] * SERVERS, "list")
    finally:
        children = [machine.popen(["l4d2ctl", "delete", name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                    for name in names]
        failures = [child.communicate(timeout=120)[1] for child in children]
    equal(failures, [""] * SERVERS, "what twenty deletes at once said")
    equal([trace for name in names for trace in _traces(machine, name)], [], "what is left of them")
