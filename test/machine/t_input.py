# SPDX-License-Identifier: MIT
"""What people get wrong, and what machines run out of: one clear sentence, the right exit code, nothing lost."""

import contextlib

import product
from harness import check, equal
from machine import Machine

USAGE, ABSENT, REFUSED, UNAVAILABLE = 2, 3, 4, 69
NAMES = ("", "Upper", "-dash", "_under", "sp ace", "a" * 65, "dot.ted", "sla/sh", "..", "ünder", "a\nb", "a@b", "%i")
COMMANDS = ("start", "stop", "kill", "restart", "reset", "delete", "status", "logs", "drift")

# (what, whole file, line that is named, words of the sentence)
SPECS = (
    ("nothing", "", 1, ()),
    ("no YAML", "port: [27015\n", None, ()),
    ("a list", "- port\n", 1, ()),
    ("two documents", "port: 27015\n---\nport: 27016\n", None, ()),
    ("no port", "hostname: x\n", 1, ("port",)),
    ("unknown key", "port: 27015\nhostnme: x\n", 2, ("unknown key 'hostnme'",)),
    ("key twice", "port: 27015\nport: 27016\n", 2, ("port",)),
    ("port as text", "port: many\n", 1, ("port", "number")),
    ("port out of range", "port: 80\n", 1, ("1024 to 65535",)),
    ("port beyond 16 bits", "port: 65536\n", 1, ("1024 to 65535",)),
    ("port negative", "port: -1\n", 1, ("1024 to 65535",)),
    ("port as list", "port: [27015]\n", 1, ("port",)),
    ("same port twice", "port: 27015\ntv_port: 27015\n", None, ("port",)),
    ("default port too high", "port: 65000\n", None, ("tv_port",)),
    ("default port too low", "port: 2000\n", 1, ("client_port",)),
    ("anchor", "port: &a 27015\ntv_port: *a\n", 1, ()),
    ("tag", "port: !!int 27015\n", 1, ()),
    ("argument of ours", "port: 27015\narguments: [-port, 27016]\n", 2, ("port",)),
    ("argument with a quote", "port: 27015\narguments: ['+say \"']\n", 2, ()),
    ("two words in one", "port: 27015\narguments: ['+map c1m1_hotel']\n", 2, ()),
    ("config that sets what it must not", "port: 27015\nconfig:\n  - rcon_password x\n", 3, ("rcon_password",)),
    ("config behind a semicolon", "port: 27015\nconfig:\n  - say x; hostname y\n", 3, ("hostname",)),
    ("config not ASCII", "port: 27015\nconfig:\n  - say ä\n", 3, ()),
    ("config line too long", f"port: 27015\nconfig:\n  - say {'x' * 600}\n", 3, ("511",)),
    ("hostname not ASCII", "port: 27015\nhostname: Grüße\n", 2, ("hostname",)),
    ("hostname with a quote", "port: 27015\nhostname: 'a\"b'\n", 2, ("hostname",)),
    ("password too short", "port: 27015\nrcon_password: x\n", 2, ("rcon_password",)),
    ("game as overlay", "port: 27015\noverlays: [1]\n", 2, ()),
    ("overlay twice", "port: 27015\noverlays: [2, 2]\n", 2, ("2",)),
    ("unknown limit", "port: 27015\nlimits:\n  memry: 2G\n", 3, ("memry",)),
    ("limit out of range", "port: 27015\nlimits:\n  memory: 1K\n", 3, ("memory",)),
    ("limit of nonsense", "port: 27015\nlimits:\n  cpus: 0-x\n", 3, ("cpus",)),
    ("limits as text", "port: 27015\nlimits: much\n", 2, ("limits",)),
    ("too large", "port: 27015\n#" + "x" * 140000 + "\n", 1, ("131072",)),
    ("NUL", "port: 27015\nhostname: \"a\\0b\"\n", 2, ("hostname",)),
    ("control characters", "port: 27015\nhostname: \x01\n", None, ()),
)


def _refused(machine, code, words, *phrases, **options):
    return product.one_sentence(product.ctl(machine, *words, check=False, **options), code, *phrases)


def test_usage(machine):
    for words in ((), ("frobnicate",), ("start",), ("start", "a", "b"), ("status", "--nonsense", "a"),
                  ("initialize", "a"), ("logs", "a", "--lines"), ("logs", "a", "--lines", "many"),
                  ("logs", "a", "--lines", "10001"), ("initialize", "a", "-f", "/nowhere"), ("explain", "a", "b", "c"),
                  ("explain", "--follow", "a", "b"), ("install", "--steamcmd", "/nowhere"), ("install", "--steamcmd", "/etc/hostname")):
        _refused(machine, USAGE, words)


def test_names(machine):
    """names that are none are refused by every command, and make nothing"""
    before = machine.output(f"find {product.DATA} | sort")
    for name in NAMES:
        for command in COMMANDS:
            _refused(machine, USAGE, (command, "--", name))
        _refused(machine, USAGE, ("initialize", "-f", "-", "--", name), input="port: 27015\n")
        _refused(machine, USAGE, ("explain", "--", name, "srcds_linux"))
    _refused(machine, REFUSED, ("initialize", "s12", "-f", "-"), "a name of the page's servers", input=product.spec())
    _refused(machine, USAGE, ("initialize", "sx", "-f", "-", "--page"), "s and a number", input=product.spec())
    equal(machine.output(f"find {product.DATA} | sort"), before, "files of ours")
    equal(product.ctl(machine, "initialize", "s12", "-f", "-", "--page", input=product.spec()).stdout, "s12: created\n", "by the page")
    product.ctl(machine, "delete", "s12")


def test_absent(machine):
    """exit code 3 for an instance that there is not; delete succeeds"""
    for command in COMMANDS:
        if command != "delete":
            _refused(machine, ABSENT, (command, "nobody"), "there is no instance 'nobody'")
    _refused(machine, ABSENT, ("explain", "nobody", "srcds_linux"), "nobody")
    equal(product.ctl(machine, "delete", "nobody").returncode, 0, "delete of an absent one")


def test_specs(machine):
    """every class of mistake in a specification, told with file and line; the server goes on"""
    with product.server(machine, "tried") as server:
        pid, stored = server.status()["pid"], machine.read(f"{product.DATA}/instances/tried/spec.yaml")
        for what, text, line, words in SPECS:
            machine.push(text.encode(), "/root/bad.yaml")
            said = _refused(machine, USAGE, ("initialize", "tried", "-f", "/root/bad.yaml"), *words)
            check(said.startswith(f"l4d2ctl: /root/bad.yaml:{line or ''}"), f"{what}: no file and line in {said!r}")
        equal(machine.read(f"{product.DATA}/instances/tried/spec.yaml"), stored, "the stored specification")
        equal((server.status()["pid"], server.status()["pending"]), (pid, []), "process and pending after all of them")
        _refused(machine, USAGE, ("initialize", "fresh", "-f", "/root/bad.yaml"))
        equal(product.ctl(machine, "status", "fresh", check=False).returncode, ABSENT, "status of what was refused")


def test_ports(machine):
    """a port of another instance, and one that a foreign program listens on"""
    with product.server(machine, "first") as first, product.server(machine, "second", start=False) as second:
        for key in ("port", "tv_port", "client_port"):
            taken = {**second.keys, "port": first.keys[key]}
            text = product.spec(**taken)
            _refused(machine, REFUSED, ("initialize", "second", "-f", "-"), str(taken["port"]), "'first'", input=text)
        equal(second.status()["port"], second.port, "the port after the refusals")
        for kind, family in (("SOCK_DGRAM", "AF_INET"), ("SOCK_STREAM", "AF_INET"), ("SOCK_DGRAM", "AF_INET6")):
            with _listener(machine, family, kind, second.port):
                _refused(machine, REFUSED, ("start", "second"), str(second.port), "in use")
        second.start()
        equal(second.a2s()["name"], "second", "name once the port is free")


@contextlib.contextmanager
def _listener(machine, family, kind, port):
    code = (f"import socket, sys; s = socket.socket(socket.{family}, socket.{kind}); "
            f"s.bind(('', {port})); s.type == socket.SOCK_STREAM and s.listen(); print(1, flush=True); sys.stdin.read()")
    with machine.popen(["python3", "-c", code], stdin=-1, stdout=-1, text=True) as child:
        equal(child.stdout.readline(), "1\n", "a foreign listener")
        try:
            yield
        finally:
            child.stdin.close()
            child.wait()


def test_users(machine):
    """neither another user nor one of ours but left4me may ask"""
    with product.server(machine, "mine") as server:
        for user in ("nobody", "left4me-game", "left4me-build", "left4me-content", "left4me-log"):
            for words in (("list",), ("status", "mine"), ("stop", "mine"), ("delete", "mine"), ("logs", "mine")):
                _refused(machine, REFUSED, words, "run it as root or as left4me", user=user)
        equal(server.status()["state"], "running", "state after all of them")
        equal(product.ctl(machine, "list", user="left4me").returncode, 0, "list as left4me")
        _refused(machine, REFUSED, ("install", "--steamcmd", product.STEAMCMD), "only root", user="left4me")


def test_no_sockets(machine):
    """without its services l4d2ctl says which one to start; servers do not notice"""
    with product.server(machine, "alone") as server:
        pid = server.status()["pid"]
        machine.run("systemctl stop left4me-broker.socket left4me-log.socket")
        try:
            for words in (("stop", "alone"), ("restart", "alone"), ("reset", "alone"), ("delete", "alone")):
                _refused(machine, UNAVAILABLE, words, "systemctl start left4me-broker.socket")
            _refused(machine, UNAVAILABLE, ("logs", "alone"), "systemctl start left4me-log.socket")
            _refused(machine, UNAVAILABLE, ("initialize", "other", "-f", "-"), input=product.spec())
            status = server.status()
            equal((status["state"], status["pid"], server.a2s()["name"]), ("running", pid, "alone"), "the server")
        finally:
            machine.run("systemctl start left4me-broker.socket left4me-log.socket")
        server.stop()
        equal(server.status()["state"], "stopped", "a stop once the socket is back")


# (what, done in the directory of the overlay or of the instance, undone, start's exit code and words, role of a file of
# the game, whether drift can tell). $g is the generation.
UNREADABLE = (
    ("a generation that left4me cannot read", "overlays/1", "chmod 000 $g", "chmod 750 $g", 0, "", "unknown", True),
    ("a generation of another owner", "overlays/1", "chown nobody:nogroup $g; chmod 700 $g",
     "chown left4me-content:left4me-content $g; chmod 750 $g", 1, "Permission denied", "unknown", True),
    ("a file in place of a generation", "overlays/1", "mv $g away; touch $g", "rm $g; mv away $g", 1,
     "generation 1 of overlay 1: opening 'overlays/1/1': Not a directory", "unknown", True),
    ("a generation that is gone", "overlays/1", "mv $g away", "mv away $g", 1, "generation 1 of overlay 1", "unknown", True),
    ("an upper layer that left4me cannot read", "runtime/layers", "chmod 700 upper", "chmod 750 upper", 0, "", "unknown",
     False),
    ("an upper layer of another owner", "runtime/layers", "chown root:root upper",
     "chown left4me-content:left4me-content upper", 1, "Permission denied", "unknown", False),
    ("a closed directory in the upper layer", "runtime/layers", "chmod 000 upper/left4dead2", "chmod 755 upper/left4dead2", 1,
     "Permission denied", "unknown", True),
    ("a file in place of a generation of the configuration", "instances/layers", "mv 1 away; touch 1", "rm -r 1; mv away 1",
     0, "", "shown", True),
)


def test_layers_that_cannot_be_read(machine):
    """start, status, drift and explain each say it in one sentence; once it is put right, all is well"""
    with product.server(machine, "layers") as server:
        server.rcon("sim_write left4dead2/mine.txt hello")
        server.stop()
        current, _ = product.generations(machine)
        equal(current, 1, "the generation that is meant below")
        for what, where, broken, mended, code, words, role, has_drift in UNREADABLE:
            at = f"g={current}; cd {product.DATA}/{where}; "
            machine.run(at + broken)
            try:
                _check_unreadable(server, what, code, words, role, has_drift)
            finally:
                server.ctl("stop")
                machine.run(at + mended)
            equal(machine.output(f"grep -c -F {server.runtime} /proc/1/mountinfo", check=False), "0", f"mounts after {what}")
        server.start()
        equal([entry["path"] for entry in server.json("drift")["entries"] if entry["change"] == "added"
               and "logs" not in entry["path"]], ["left4dead2/mine.txt"], "drift once all was put right")
        equal(server.json("explain", "left4dead2/gameinfo.txt")["layers"][0]["role"], "shown", "explain then")


def _check_unreadable(server, what, code, words, role, has_drift):
    done = server.ctl("start", check=False)
    equal(done.returncode, code, f"exit code of start with {what} ({done.stderr!r})")
    check(words in done.stderr, f"with {what} start said {done.stderr!r}")
    if code:
        check(done.stderr.startswith("l4d2ctl: 'layers' did not start: "), f"with {what} start said {done.stderr!r}")
    status = server.status()
    check(status["state"] in (("stopped", "restarting", "starting") if code else ("running",)), f"{what}: {status['state']}")
    if has_drift:
        drift = server.json("drift")
        check(role == "shown" or drift["unknown"] or drift["unreadable"], f"with {what} drift knows everything: {drift}")
    else:
        product.one_sentence(server.ctl("drift", check=False), REFUSED, "the game's own layer cannot be read")
    roles = [layer["role"] for layer in server.json("explain", "left4dead2/gameinfo.txt")["layers"]]
    equal(roles[0], role, f"explain with {what}")


def test_damaged_files(machine):
    """state that somebody damaged is told, not guessed at, and can be given anew"""
    with product.server(machine, "hurt", start=False) as server:
        state = f"{product.DATA}/overlays/1/state.json"
        machine.run(["cp", "-a", state, "/root/state.json"])
        try:
            machine.run(f"echo '{{' > {state}")
            _refused(machine, 1, ("start", "hurt"), "overlay 1", "damaged")
        finally:
            machine.run(["cp", "-a", "/root/state.json", state])
        machine.run(f"echo 'port: x' > {product.DATA}/instances/hurt/spec.yaml")
        _refused(machine, 1, ("start", "hurt"), "spec.yaml")
        equal([row["state"] for row in product.ctl_json(machine, "list")], ["unfinished"], "what list says of it")
        server.initialize()
        server.start()
        equal(server.a2s()["name"], "hurt", "name once it was given anew")


def test_full_disk(machine):
    """a full disk stops initialize, start and install with one sentence, and nothing is lost"""
    with Machine(machine.suite) as other:
        other.small_disk(product.DATA, "24M")
        other.install(machine.deb_path)
        product.ready(other)
        before = product.generations(other)
        kept, fresh, more = (product.Server(other, name, {"hostname": name.title()}) for name in ("kept", "fresh", "more"))
        for server in (kept, fresh):
            server.initialize()
        kept.start()
        kept.stop()
        # Written by somebody who is not limited, down to the last block.
        other.run(f"dd if=/dev/zero of={product.DATA}/fill bs=64k status=none; "
                  f"dd if=/dev/zero of={product.DATA}/fill2 bs=512 status=none", check=False)
        _check_full(other, kept, more)
        other.run(f"rm {product.DATA}/fill {product.DATA}/fill2")
        equal(product.generations(other), before, "generations after it")
        more.initialize()
        for server in (kept, fresh, more):
            server.start()
            equal(server.a2s()["name"], server.name.title(), "name once there is room")
        other.run("rm -rf /opt/steamcmd/fail")
        product.install(other)


def _check_full(machine, kept, more):
    full = "No space left on device"
    product.one_sentence(more.ctl("status", check=False), ABSENT)
    product.one_sentence(product.initialize(machine, "more", check=False, **more.keys), 1, full)
    keys = {**kept.keys, "hostname": "Lost", "config": ["say x"] * 2000}
    product.one_sentence(product.initialize(machine, "kept", check=False, **keys), 1, full)
    machine.run(f"test -s {product.DATA}/instances/kept/spec.yaml")
    product.one_sentence(product.ctl(machine, "start", "fresh", check=False), 1, full)
    equal(machine.output(f"grep -c {product.DATA}/runtime /proc/1/mountinfo", check=False), "0", "mounts of servers")
    # What asks for no room works.
    kept.start()
    kept.stop()
    equal([row["state"] for row in product.ctl_json(machine, "list")], ["stopped"] * 2, "what list says")
    product.steamcmd(machine, build=product.BUILD + 5)
    done = product.ctl(machine, "install", "--steamcmd", product.STEAMCMD, check=False, timeout=120)
    product.one_sentence(done, 1, "space")
    equal(machine.output(f"grep -c {product.DATA}/builds /proc/1/mountinfo", check=False), "0", "mounts of builds")
