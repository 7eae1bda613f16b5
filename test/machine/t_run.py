# SPDX-License-Identifier: MIT
"""`make run` does what the README says, and leaves nothing behind when it is interrupted."""

import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import host
import product
from harness import check, equal, only
from t_boot import check_gone


@only("trixie")
def test_until_interrupted(_machine):
    """it comes up, a foreign client sees its server and curl its page from this host, Ctrl-C takes all of it away"""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([product.REPO / "tools/run", "--port", str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, start_new_session=True) as child:
        try:
            said = ""
            while "Ctrl-C ends it" not in said:
                line = child.stdout.readline()
                check(line, f"it ended by itself: {said[-500:]}")
                said += line
            address = said.partition("quakestat -a2s ")[2].split()[0]
            machine_id = said.partition("machine.py enter ")[2].split()[0]
            seen = json.loads(subprocess.run(["quakestat", "-json", "-a2s", address], stdout=subprocess.PIPE, check=True).stdout)
            equal(seen[0]["name"], "left4me demo", "what quakestat sees at the address that it prints")
            status = subprocess.run([product.REPO / "test/machine/machine.py", "enter", machine_id, "l4d2ctl", "status", "s1"],
                                    stdout=subprocess.PIPE, text=True, check=True).stdout
            check("running" in status, f"the command that it prints says {status!r}")
            link = said.partition(f"http://127.0.0.1:{port}/join#")[2].split()[0]
            equal(_who_joins(port, link), ("admin", "admin", ["demo"], ["demo"]),
                  "who joins by the link that it prints, and the blueprints and servers that he has")
            child.send_signal(signal.SIGINT)
            equal(child.wait(30), 0, "exit code after Ctrl-C")
        finally:
            child.kill()
    check_gone(machine_id)


def _who_joins(port, word):
    """(name, role, names of blueprints, of servers) of who has joined by the link, as the page shows them to him."""
    page = f"http://127.0.0.1:{port}"

    def ask(path, *words):
        command = ["curl", "-sS", "--fail-with-body", "-H", f"Origin: {page}", *words, f"{page}/api/v1{path}"]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)

    with tempfile.NamedTemporaryFile() as jar:
        body = json.dumps({"invitation": word, "password": "correct horse battery"})
        user = ask("/join", "-c", jar.name, "-H", "Content-Type: application/json", "-d", body)["user"]
        blueprints, servers = (ask(f"/{kind}", "-b", jar.name)[kind] for kind in ("blueprints", "servers"))
    mine = [[row["name"] for row in rows if row["owner"]["name"] == user["name"]] for rows in (blueprints, servers)]
    return user["name"], user["role"], *mine


# A build of sorts: it leaves a process and a directory, unless it is asked to end and given the time for it.
BUILD = """trap 'sleep 0.5; rmdir "$1"; exit 1' TERM; sleep 1000 & echo $!; wait"""
BUILDER = "import sys, host; host.exit_on_signals(); host.run(['bash', '-c', sys.argv[1], 'build', sys.argv[2]])"


@only("trixie")
def test_interrupted_build(_machine):
    """what it started to build ends with it, and clears up"""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        work = tempfile.mkdtemp(prefix="left4me-build-")
        with subprocess.Popen([sys.executable, "-c", BUILDER, BUILD, work], cwd=pathlib.Path(host.__file__).parent,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            started = pathlib.Path("/proc") / child.stdout.readline().strip()
            child.send_signal(number)
            child.wait(20)
        check(not pathlib.Path(work).exists(), f"{number.name}: the directory is still there")
        deadline = time.monotonic() + 5
        while started.exists() and time.monotonic() < deadline:     # its new parent has yet to reap it
            time.sleep(0.02)
        check(not started.exists(), f"{number.name}: process {started.name} is still there")
