# SPDX-License-Identifier: MIT
"""The whole command line, row by row: help, JSON as the manual has it, exit codes."""

import json
import re
import time

import internet  # noqa: F401  finds steam
import product
from harness import Failed, check, equal

import steam

USAGE, FAILED, ABSENT, REFUSED, UNAVAILABLE = 2, 1, 3, 4, 69
MANUALS = product.REPO / "docs/man"
# What each command wants besides options; NAME stands for the instance.
COMMANDS = {"install": (), "initialize": ("NAME", "-f", "-"), "start": ("NAME",), "stop": ("NAME",), "kill": ("NAME",), "restart": ("NAME",),
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


def documented(page="l4d2ctl"):
    """{command: {key or "key.key": whether it may be missing}}, of the section JSON of a manual. Objects that it describes
    once for all commands have a row of their own."""
    found, commands, parent, last, may_miss = {}, (), "", "", False
    text = (MANUALS / f"{page}.8").read_text().partition(".Sh JSON\n")[2].partition("\n.El")[0]
    for line in text.splitlines():
        if row := re.match(r"\.It (Cm|Va) ", line):
            commands = line[row.end():].split(" , ")
            for command in commands:
                found.setdefault(command, {})
            continue
        if not line.startswith((".Va ", ".Po ")):
            may_miss = line.startswith("perhaps")
            continue
        for word in line.split()[line.startswith(".Va"):]:
            if word in (".Po", "Po", "Pc"):
                parent = "" if word == "Pc" else f"{last}."
            elif re.fullmatch(r"[a-z][a-z0-9_]*", word):
                last = parent + word
                for command in commands:
                    found[command][last] = may_miss
        may_miss = False
    return found


def keys(value, above=""):
    """The keys of a JSON document in the same form. What is described once for all commands has none here: points in
    time, lists of overlays, generations."""
    if isinstance(value, list):
        return set().union(*(keys(item, above) for item in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    if above and (set(value) in ({"time", "unix_s"}, {"overlay", "generation"}) or "bytes_changed" in value):
        return set()
    below = (keys(item, f"{above}{key}.") for key, item in value.items())
    return {above + key for key in value}.union(*below)


def _check_keys(rows, command, value):
    want, got = rows[command], keys(value)
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
    rows = documented()
    equal(set(rows), set(COMMANDS), "the commands whose JSON the manual has")
    product.steamcmd(machine)
    _check_keys(rows, "install", json.loads(product.install(machine).stdout))
    limits = {"memory": "2G", "cpu": 150, "cpus": "0", "tasks": 300}
    with product.server(machine, "keys", start=False, limits=limits) as server:
        for hostname in (None, "Changed"):
            text = product.spec(**server.keys, hostname=hostname)
            said = product.ctl(machine, "initialize", "keys", "-f", "-", "--json", input=text).stdout
            _check_keys(rows, "initialize", json.loads(said))
        for command in ("start", "stop", "start", "restart"):
            _check_keys(rows, command, server.json(command))
        _check_status(machine, rows, server)
        server.rcon("sim_write left4dead2/mine.txt hello")
        _check_keys(rows, "drift", server.json("drift"))
        seen = set()
        for words in (("left4dead2/mine.txt",), ("left4dead2/gameinfo.txt",), (), ("--all",)):
            said = server.json("explain", *words)
            _check_keys(rows, "explain", said)
            seen |= keys(said)
        equal(_of_one_path(rows["explain"]) - seen, set(), "keys of explain with a path that were never printed")
        lines = [json.loads(line) for line in server.ctl("logs", "--json").stdout.splitlines()]
        check(len(lines) > 5, f"logs --json has {len(lines)} lines")
        for line in lines:
            _check_keys(rows, "logs", line)
        _check_keys(rows, "list", product.ctl_json(machine, "list"))
        _check_keys(rows, "doctor", json.loads(product.ctl(machine, "doctor", "--json", check=False).stdout))
        machine.run(["kill", "-9", str(server.game_pid())])
        server.wait_for(lambda unit: unit["NRestarts"] == 1 and unit["ActiveState"] == "active")
        status = server.status()
        check(status["last_exit"], "there is no last exit after a crash")
        _check_keys(rows, "status", status)
        for command in ("reset", "delete"):
            _check_keys(rows, command, server.json(command))


def _of_one_path(row):
    """Of the keys of explain those that only come with a path."""
    return {key for key in row if key.split(".")[0] in ("path", "exists", "game_path", "certainty", "layers", "sources")}


def _check_status(machine, rows, server):
    """The numbers of a server that runs make sense, and are null where the machine cannot tell them."""
    status, controllers = server.status(), machine.read("/sys/fs/cgroup/cgroup.controllers").split()
    _check_keys(rows, "status", status)
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


class _Said:
    """What the commands of the groups say with --json, each held to its manual."""

    def __init__(self, machine):
        self.machine, self.seen = machine, set()
        self.rows = documented("l4d2ctl-overlay") | documented("l4d2ctl-files")
        self.rows["overlay explain"] = documented()["explain"]

    def check(self, command, value):
        self.seen.add(command)
        _check_keys(self.rows, command, value)
        return value

    def __call__(self, command, *words, **options):
        return self.check(command, product.ctl_json(self.machine, *command.split(), *words, **options))

    def stream(self, command, *words, **options):
        """The last of its lines; those before it are of a log."""
        done = product.ctl(self.machine, *command.split(), *words, "--json", timeout=120, **options)
        *lines, last = map(json.loads, done.stdout.splitlines())
        self.lines([line for line in lines if "stream" in line])
        return [line for line in lines if "stream" not in line], last

    def lines(self, lines):
        for line in lines:
            self.check("overlay log", line)
            check(line["stream"] in ("stdout", "stderr"), f"a line of a log is {line}")
            check(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["time"]), f"a line of a log is {line}")
        return lines


def test_json_of_groups(machine):
    """every command of overlay and files, and keep and drop, prints the keys that its manual has, no more and no less"""
    said = _Said(machine)
    own = {"current", "generations", "error", "keep", "drop"}       # objects, and commands of another page
    equal(set(said.rows), own | {f"{group} {command}" for group, commands in GROUPS.items() for command in commands},
          "the commands whose JSON the manuals have")
    for command in ("keep", "drop"):
        equal(said.rows[command], documented()[command], f"what two manuals say of {command}")
    product.ready(machine)
    _json_of_overlays(said)
    _json_of_files(said)
    equal(said.seen, set(said.rows) - {"files cat", "files zip"}, "the commands that were asked")


def _json_of_overlays(said):
    text = "mkdir -p left4dead2/cfg; echo {} > left4dead2/cfg/a.cfg; echo out; echo err >&2\n"
    number = said("overlay create", "json", "--type", "script", "--refresh", "daily")["overlay"]
    said("overlay set", number, "--keep", 5)
    said("overlay source", number, "-f", "-", input=text.format(1))
    equal(said("overlay source", number)["text"], text.format(1), "the script")
    built = [said.stream(f"overlay {command}", number)[1] for command in ("build", "wipe")]
    said("overlay source", number, "-f", "-", input=text.format(2))
    equal(set(product.ctl_json(said.machine, "overlay", "build", number, "--detach")), {"overlay", "build", "attached"}, "keys of --detach")
    built.append(said.stream("overlay build", number)[1])
    for row, command in zip(built, ("build", "wipe", "build")):
        said.check(f"overlay {command}", row)
    log = [json.loads(line) for line in product.ctl(said.machine, "overlay", "log", number, "--json").stdout.splitlines()]
    equal({line["text"]: line["stream"] for line in said.lines(log) if line["text"] in ("out", "err")},
          {"out": "stdout", "err": "stderr"}, "streams of the log")
    said("overlay cancel", number)
    _json_of_generations(said, number)
    _json_of_a_refresh(said, number)
    for _ in range(2):
        said("overlay delete", number)


def _json_of_generations(said, number):
    shown = said("overlay show", number)
    check(len(shown["generations"]) > 1, f"generations: {shown['generations']}")
    for row in (shown["current"], *shown["generations"]):
        said.check("generations", row)
    said.check("current", shown["current"])
    said("overlay rollback", number)
    said("overlay select", number, shown["current"]["generation"])
    check(said("overlay diff", number)["changes"], "two generations do not differ")
    said("overlay explain", number)
    said("overlay explain", number, "--all")
    said("overlay gc", number)
    said("overlay gc")
    rows = product.ctl_json(said.machine, "overlay", "list")
    said.check("overlay list", {"overlays": [], **{key: value for key, value in rows.items() if key != "overlays"}})
    for row in rows["overlays"]:
        said.check("overlay create", row)


def _json_of_a_refresh(said, number):
    failing = said("overlay create", "json-failing", "--type", "script", "--refresh", "daily")["overlay"]
    said("overlay source", failing, "-f", "-", input="exit 7\n")
    (built, failed), last = said.stream("overlay refresh", check=False)
    said.check("overlay refresh", built)
    said.check("error", {**failed, "error": None})
    equal((built["overlay"], failed["overlay"]), (number, failing), "whose lines they are")
    equal(failed["error"], {"kind": "failed", "message": "the script ended with exit code 7", "exit_code": 7}, "why one was not built")
    equal(set(last), {"error"}, "keys of the last line")
    product.ctl(said.machine, "overlay", "delete", failing)


def _json_of_an_explanation(said, number):
    """Of an overlay where there is something of everything to be told."""
    for name, sound in (("one", b"a"), ("two", b"b")):
        said.machine.push(steam.campaign(name), f"/root/{name}.vpk")
        said("files put", number, f"left4dead2/addons/{name}.vpk", "-f", f"/root/{name}.vpk")
        said.machine.push(steam.vpk({"sound/x.wav": sound}), f"/root/{name}.vpk")
        said("files put", number, f"left4dead2/addons/{name}-sounds.vpk", "-f", f"/root/{name}.vpk")
    said("files put", number, "addons/lost.vpk", "-f", "-", input="x")
    said.stream("overlay build", number)
    seen = keys(said("overlay explain", number)) | keys(said("overlay explain", number, "--all"))
    row = said.rows["overlay explain"]
    equal(set(row) - _of_one_path(row) - seen, set(), "keys of overlay explain that were never printed")


def _json_of_files(said):
    number = said("overlay create", "json-files", "--type", "files")["overlay"]
    for path in ("a/one", "a/aux.txt"):                 # Windows has trouble with the second one
        put = said("files put", number, path, "-f", "-", input="x")
    check(put["warning"], "there is no warning about a name")
    said("files mkdir", number, "b")
    said("files move", number, "a/one", "b/two")
    check(said("files list", number, "b")["entries"], "there is nothing in the directory")
    said.machine.run("tar -C /etc -cf /root/json.tar hostname")
    said("files extract", number, "-f", "/root/json.tar")
    said("files remove", number, "b/two")
    for command in ("cat", "zip"):      # their answers are bytes
        _error(said.machine, ("files", command, number, "absent"), ABSENT, "not-found")
    _json_of_an_explanation(said, number)
    product.ctl(said.machine, "overlay", "delete", number)
    with product.server(said.machine, "json-upper") as server:
        for path in ("kept", "dropped"):
            server.rcon(f"sim_write left4dead2/{path}.txt hello")
        server.stop()
        said("keep", server.name, "left4dead2/kept.txt")
        said("drop", server.name, "left4dead2/dropped.txt")


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
