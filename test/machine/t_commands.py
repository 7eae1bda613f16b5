# SPDX-License-Identifier: MIT
"""The whole command line, row by row: help, JSON as the manual has it, exit codes."""

import json
import re
import time

import product
from harness import Failed, check, equal

USAGE, FAILED, ABSENT, REFUSED, UNAVAILABLE = 2, 1, 3, 4, 69
MANUAL = product.REPO / "docs/man/l4d2ctl.8"
# What each command wants besides options; NAME stands for the instance.
COMMANDS = {"install": (), "initialize": ("NAME", "-f", "-"), "start": ("NAME",), "stop": ("NAME",), "restart": ("NAME",),
            "reset": ("NAME",), "delete": ("NAME",), "status": ("NAME",), "list": (), "logs": ("NAME",),
            "explain": ("NAME", "srcds_linux"), "drift": ("NAME",), "drop": ("NAME", "steam.inf"), "keep": ("NAME", "steam.inf"),
            "doctor": ()}
# Those of the groups: what each wants besides options; OVERLAY stands for one that does not exist.
GROUPS = {"overlay": {"list": (), "show": ("OVERLAY",), "create": ("some", "--type", "files"), "set": ("OVERLAY",),
                      "source": ("OVERLAY",), "build": ("OVERLAY",), "wipe": ("OVERLAY",), "cancel": ("OVERLAY",),
                      "log": ("OVERLAY",), "select": ("OVERLAY", "1"), "rollback": ("OVERLAY",), "diff": ("OVERLAY",),
                      "explain": ("OVERLAY",), "gc": ("OVERLAY",), "refresh": (), "delete": ("OVERLAY",)},
          "files": {"list": ("OVERLAY",), "cat": ("OVERLAY", "a"), "put": ("OVERLAY", "a", "-f", "-"), "mkdir": ("OVERLAY", "a"),
                    "move": ("OVERLAY", "a", "b"), "remove": ("OVERLAY", "a"), "extract": ("OVERLAY", "-f", "/etc/passwd"),
                    "zip": ("OVERLAY",)}}


def _words(command, name):
    return (command, *(name if word == "NAME" else word for word in COMMANDS[command]))


def _documented():
    """{command: {key or "key.key": whether it may be missing}}, of the section JSON of the manual."""
    found, commands, parent, last, may_miss = {}, (), "", "", False
    text = MANUAL.read_text().partition(".Sh JSON\n")[2].partition("\n.El")[0]
    for line in text.splitlines():
        if line.startswith(".It Cm "):
            commands = line[len(".It Cm "):].replace(",", " ").split()
            found.update({command: {} for command in commands})
            continue
        if not line.startswith("."):
            may_miss = line.startswith("perhaps")
            continue
        for word in line.lstrip(".").split():
            if word == "Pq":
                break
            if word in ("Po", "Pc"):
                parent = f"{last}." if word == "Po" else ""
            elif re.fullmatch(r"[a-z][a-z0-9_]*", word):
                last = parent + word
                for command in commands:
                    found[command][last] = may_miss
        may_miss = False
    return found


def _keys(value, above=""):
    """The keys of a JSON document in the same form; points in time and lists of overlays are described once."""
    if isinstance(value, list):
        return set().union(*(_keys(item, above) for item in value)) if value else set()
    if not isinstance(value, dict) or set(value) in ({"time", "unix_s"}, {"overlay", "generation"}):
        return set()
    below = (_keys(item, f"{above}{key}.") for key, item in value.items())
    return {above + key for key in value}.union(*below)


def _check_keys(documented, command, value):
    want, got = documented[command], _keys(value)
    # What is null, or a list of nothing, shows no keys below.
    empty = tuple(f"{key}." for key in got if _value_at(value, key) in (None, []))
    missing = {key for key in want if not want[key] and not key.startswith(empty)} - got
    equal((missing, got - set(want)), (set(), set()), f"keys of {command} --json: missing, not in the manual")


def _value_at(value, path):
    for key in path.split("."):
        value = (value[0] if isinstance(value, list) else value)[key]
    return value


def test_help(machine):
    """help is had in three ways, from every command, without a word on stderr"""
    listed = re.findall(r"^  ([a-z]+) ", product.ctl(machine, "--help").stdout.partition("Options:")[0], re.M)
    equal(listed, [*COMMANDS, *GROUPS], "the commands that --help lists")
    for command in COMMANDS:
        said = [product.ctl(machine, *words) for words in ((command, "--help"), (command, "-h"), ("help", command))]
        equal({done.stdout for done in said}, {said[0].stdout}, f"what {command} says of itself, in three ways")
        check(said[0].stdout.startswith(f"Usage: l4d2ctl {command} "), f"{command} --help says {said[0].stdout!r}")
        equal({done.stderr for done in said}, {""}, f"stderr of {command} --help")
        for word in COMMANDS[command]:
            check(word in ("-", "srcds_linux", "steam.inf") or word in said[0].stdout, f"the help of {command} lacks {word}")
    for words in ((), ("--help",), ("-h",), ("help",)):
        done = product.ctl(machine, *words, check=False)
        equal((done.returncode, "Usage: l4d2ctl COMMAND" in done.stdout), (0, True) if words else (USAGE, False), str(words))
    product.one_sentence(product.ctl(machine, "help", "frobnicate", check=False), USAGE, "frobnicate")


def test_groups(machine):
    """commands of a group have help in three ways, refuse nonsense, what is absent, and who may not; each in one sentence"""
    for group, commands in GROUPS.items():
        listed = re.findall(rf"^  {group} ([a-z]+) ", product.ctl(machine, group, "--help").stdout, re.M)
        equal(listed, list(commands), f"the commands that {group} --help lists")
        _error(machine, (group, "frobnicate"), USAGE, "invalid")
        _error(machine, (group,), USAGE, "invalid")
        for command, wanted in commands.items():
            said = [product.ctl(machine, *words) for words in ((group, command, "--help"), (group, command, "-h"),
                                                               ("help", group, command))]
            equal({done.stdout for done in said}, {said[0].stdout}, f"what {group} {command} says of itself, in three ways")
            check(said[0].stdout.startswith(f"Usage: l4d2ctl {group} {command} "), f"{group} {command} says {said[0].stdout!r}")
            _check_group_errors(machine, (group, command), wanted)


def _check_group_errors(machine, command, wanted):
    words = [("no-such-one" if word == "OVERLAY" else word) for word in wanted]
    _error(machine, (*command, "--nonsense"), USAGE, "invalid")
    _error(machine, (*command, *words, "and", "three", "more"), USAGE, "invalid", input="")
    if "OVERLAY" in wanted:
        if command != ("overlay", "gc"):
            _error(machine, command, USAGE, "invalid")
        for absent in ("no-such-one", "4711", "@nobody"):
            if command == ("overlay", "delete"):
                equal(product.ctl_json(machine, *command, absent)["changed"], False, f"deleting {absent}, which is absent")
            else:
                _error(machine, (*command, absent, *words[1:]), ABSENT, "not-found", input="")
    _error(machine, (*command, *words), REFUSED, "denied", user="nobody", input="")


def test_json(machine):
    """every command prints the keys that the manual has, no more and no less"""
    documented = _documented()
    equal(set(documented), set(COMMANDS), "the commands whose JSON the manual has")
    product.steamcmd(machine)
    _check_keys(documented, "install", json.loads(product.install(machine).stdout))
    limits = {"memory": "2G", "cpu": 150, "cpus": "0", "tasks": 300}
    with product.server(machine, "keys", start=False, limits=limits) as server:
        for hostname in (None, "Changed"):
            text = product.spec(**server.keys, hostname=hostname)
            said = product.ctl(machine, "initialize", "keys", "-f", "-", "--json", input=text).stdout
            _check_keys(documented, "initialize", json.loads(said))
        for command in ("start", "stop", "start", "restart"):
            _check_keys(documented, command, server.json(command))
        _check_status(machine, documented, server)
        server.rcon("sim_write left4dead2/mine.txt hello")
        for command, *words in (("drift",), ("explain", "left4dead2/mine.txt"), ("explain", "left4dead2/gameinfo.txt"), ("explain",),
                                ("explain", "--all")):
            _check_keys(documented, command, server.json(command, *words))
        lines = [json.loads(line) for line in server.ctl("logs", "--json").stdout.splitlines()]
        check(len(lines) > 5, f"logs --json has {len(lines)} lines")
        for line in lines:
            _check_keys(documented, "logs", line)
        _check_keys(documented, "list", product.ctl_json(machine, "list"))
        _check_keys(documented, "doctor", json.loads(product.ctl(machine, "doctor", "--json", check=False).stdout))
        machine.run(["kill", "-9", str(server.game_pid())])
        server.wait_for(lambda unit: unit["NRestarts"] == 1 and unit["ActiveState"] == "active")
        status = server.status()
        check(status["last_exit"], "there is no last exit after a crash")
        _check_keys(documented, "status", status)
        for command in ("reset", "delete"):
            _check_keys(documented, command, server.json(command))


def _check_status(machine, documented, server):
    """The numbers of a server that runs make sense, and are null where the machine cannot tell them."""
    status, controllers = server.status(), machine.read("/sys/fs/cgroup/cgroup.controllers").split()
    _check_keys(documented, "status", status)
    now = time.time()
    check(now - 600 < status["since"]["unix_s"] <= now + 1, f"it runs since {status['since']}, now is {now}")
    equal(status["since"]["time"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(status["since"]["unix_s"])), "since, in UTC")
    check(re.fullmatch("[0-9a-f]{32}", status["run"]), f"the run is {status['run']!r}")
    equal(status["limits"], {"memory_bytes": 2 << 30, "cpu_percent": 150, "cpus": "0", "tasks": 300}, "limits")
    check(status["cpu_ns"] > 1000000, f"the processor time is {status['cpu_ns']}")
    for key, controller, least, most in (("memory_bytes", "memory", 1 << 18, 2 << 30), ("tasks", "pids", 2, 300)):
        value = status[key]
        check(least <= value <= most if controller in controllers else value is None, f"{key} is {value}, with {controllers}")
    server.stop()
    equal([server.status()[key] for key in ("pid", "memory_bytes", "tasks", "mounted")], [None] * 4, "what a stopped server has")
    server.start()


def _error(machine, words, code, kind, **options):
    """The error of a command with --json: a document like the manual's, and the same sentence on stderr."""
    done = product.ctl(machine, *words, "--json", check=False, **options)
    equal(done.returncode, code, f"exit code of {words} ({done.stdout} {done.stderr})")
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise Failed(f"{words} prints no JSON: {done.stdout!r}") from None
    equal(set(said), {"error"}, f"keys of the answer to {words}")
    error = said["error"]
    equal(set(error) - {"log"}, {"kind", "message"}, f"keys of the error of {words}")
    equal(error["kind"], kind, f"kind of the error of {words} ({error['message']})")
    check(done.stderr.startswith(f"l4d2ctl: {error['message']}"), f"{words}: {done.stderr!r} is not {error['message']!r}")
    return error


def test_errors(machine):
    """2 for a wrong command line, 3 for what is absent, 4 for what is refused, 69 for a service that is down, each in JSON"""
    product.ready(machine)
    text = product.spec()
    for command, wanted in COMMANDS.items():
        _error(machine, (command, "--nonsense"), USAGE, "invalid")
        _error(machine, (*_words(command, "nobody"), "more"), USAGE, "invalid", input=text)
        if not wanted:
            continue
        _error(machine, (command,), USAGE, "invalid")
        _error(machine, _words(command, "-f" if command == "initialize" else "No Name"), USAGE, "invalid", input=text)
        if command not in ("initialize", "delete"):
            _error(machine, _words(command, "nobody"), ABSENT, "not-found")
    for command in COMMANDS:
        if command != "doctor":
            _error(machine, _words(command, "nobody"), REFUSED, "denied", user="nobody", input=text)
    with product.server(machine, "first", arguments=[]) as first:
        taken = product.spec(**{**product.ports(), "port": first.port})
        _error(machine, ("initialize", "second", "-f", "-"), REFUSED, "exists", input=taken)
        first.stop()
        first.initialize(arguments=["+sim_exit", "7"])
        with product.drop_in(machine, "left4me-server@.service", "[Service]\nRestart=no\n"):
            error = _error(machine, ("start", "first"), FAILED, "failed")
        check(any("exited, code=exited, status=7" in line for line in error["log"]), f"the log is {error['log']}")
        machine.run("systemctl stop left4me-broker.socket left4me-log.socket")
        try:
            for command in ("start", "stop", "restart", "reset", "delete", "logs", "install"):
                _error(machine, _words(command, "first"), UNAVAILABLE, "unavailable")
        finally:
            machine.run("systemctl start left4me-broker.socket left4me-log.socket")
