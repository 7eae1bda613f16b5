# SPDX-License-Identifier: MIT
"""How a server ended, told truly and within a second of the init system's word."""

import signal
import subprocess
import time

import product
from harness import check, equal, skip, within

CRASHES = ("SEGV", "ABRT", "BUS", "FPE", "ILL", "TRAP", "QUIT", "SYS", "HUP", "XCPU", "XFSZ")
NO_RESTART = "[Service]\nRestart=no\n"
QUICK = "[Service]\nRestartSec=50ms\n"


def _ended(server, timeout=30):
    """The status of a server that has just ended, asked for at once; held to the second."""
    server.wait_for(lambda unit: unit["ActiveState"] in ("failed", "inactive"), timeout)
    heard = time.monotonic()
    status = server.status()
    within(time.monotonic() - heard, 1, "seconds from the init system's word to the truth")
    return status


def _check_exit(status, state, code, number, words):
    last = status["last_exit"] or {}
    equal((status["state"], last.get("code"), last.get("signal")), (state, code, number),
          f"state, code and signal ({last})")
    equal(last.get("signal_name"), signal.Signals(number).name if number else None, "name of the signal")
    check(words in last["explain"], f"the cause is {last['explain']!r}, {words!r} was wanted")
    equal((status["pid"], last["out_of_memory"]), (None, False), "process, and whether memory ran out")


def _check_log(server, words):
    lines = server.ctl("logs", "--lines", "10").stdout
    check(words in lines, f"the last lines of the log lack {words!r}: {lines}")


def test_quit(machine):
    """quit in the game's console is a clean end, and stays one"""
    with product.server(machine, "ends") as server:
        server.console("quit")
        _check_exit(_ended(server), "stopped", 0, None, "the game ended normally")
        _check_log(server, "Server shutting down")
        server.start()
        equal(server.status()["state"], "running", "state after a start")


def test_stop(machine):
    """a stop is a clean end: the game is asked, and drains"""
    with product.server(machine, "ends") as server:
        server.stop()
        status = server.status()
        _check_exit(status, "stopped", 0, None, "the game ended normally")
        _check_log(server, "Server shutting down")
        check("SIGKILL" not in machine.journal(server.unit), "a game that would have stopped was killed")


def test_exit_code(machine):
    with product.drop_in(machine, "left4me-server@.service", NO_RESTART), product.server(machine, "ends") as server:
        server.console("sim_exit 3")
        _check_exit(_ended(server), "failed", 3, None, "ended with code 3")
        _check_log(server, "ends.service: Failed with result")


def test_crash_signals(machine):
    """each signal a program dies of is told by number and name"""
    with product.drop_in(machine, "left4me-server@.service", NO_RESTART), product.server(machine, "ends") as server:
        for name in CRASHES:
            server.console(f"sim_crash {name}")
            _check_exit(_ended(server), "failed", None, signal.Signals[f"SIG{name}"], f"the game crashed: SIG{name}")
            _check_log(server, f"[sim] crash by {name}")
            server.start()
        for name, words in (("KILL", "the game was killed (SIGKILL)"), ("TERM", "the game was told to end (SIGTERM)")):
            server.console(f"sim_crash {name}")
            _check_exit(_ended(server), "failed", None, signal.Signals[f"SIG{name}"], words)
            _check_log(server, f"[sim] crash by {name}")
            server.start()
        machine.run(["kill", "-9", str(server.game_pid())])
        _check_exit(_ended(server), "failed", None, signal.SIGKILL, "the game was killed (SIGKILL)")
        _check_log(server, "ends.service: Failed with result")
        server.start()
        machine.run(["systemctl", "kill", "--signal=KILL", server.unit])
        _check_exit(_ended(server), "failed", None, signal.SIGKILL, "the game was killed (SIGKILL)")
        _check_log(server, "ends.service: Failed with result")


def test_restarted_after_a_crash(machine):
    """a crash is repaired by the init system, and the run that goes on still tells of it"""
    with product.server(machine, "ends") as server:
        mounted = server.machine.unit(server.mount)["InvocationID"]
        server.console("sim_crash SEGV")
        server.wait_for(lambda unit: unit["NRestarts"] == 1 and unit["ActiveState"] == "active")
        status = server.status()
        equal((status["state"], status["restarts"]), ("running", 1), "state and restarts")
        equal((status["last_exit"]["signal"], status["last_exit"]["explain"]),
              (signal.SIGSEGV, "the game crashed: SIGSEGV"), "how the run before ended")
        equal(server.machine.unit(server.mount)["InvocationID"], mounted, "a crash must keep the mount")
        equal(server.a2s()["name"], "ends", "A2S after the crash")


def test_hang_at_stop(machine):
    """a game that ignores SIGINT is killed after 15 s, and no sooner"""
    with product.server(machine, "ends") as server:
        server.console("sim_hang")
        machine.wait_for_line(server.unit, "sim. hangs now")
        began = time.monotonic()
        with product.running(machine, ["l4d2ctl", "stop", "ends"]) as child:
            status = _ended(server, timeout=40)
            equal(child.wait(30), 0, "exit code of the stop")
        took = time.monotonic() - began
        check(took >= 15, f"the stop took {took:.1f} s, 15 were promised")
        _check_exit(status, status["state"], None, signal.SIGKILL, "did not end in time when it was stopped")
        equal(status["enabled"], False, "enabled after the stop")
        server.start()


def test_stop_during_a_restart(machine):
    """who says stop while a restart waits for the game is not overruled by it"""
    with product.drop_in(machine, "left4me-server@.service", "[Service]\nTimeoutStopSec=8\n"), \
            product.server(machine, "ends") as server:
        server.console("sim_hang")
        machine.wait_for_line(server.unit, "sim. hangs now")
        with machine.popen(["l4d2ctl", "restart", "ends"], stderr=subprocess.PIPE, text=True) as child:
            server.wait_for("deactivating")
            server.ctl("stop")
            said = child.communicate(timeout=30)[1]
        equal(child.returncode, 1, f"exit code of the restart ({said!r})")
        check("was stopped by another command" in said, f"what the restart said: {said!r}")
        unit = server.properties()
        check(unit["ActiveState"] in ("inactive", "failed"), f"the server is {unit['ActiveState']} after the stop")
        equal(server.status()["enabled"], False, "enabled after the stop")
        server.start()
        equal(server.a2s()["name"], "ends", "A2S after a start")


def test_stop_interrupts_a_start(machine):
    """a start that does not come to an end can be stopped from elsewhere"""
    with product.server(machine, "ends", start=False, arguments=["+sim_delay_listen", "60000"]) as server:
        child = machine.popen(["l4d2ctl", "start", "ends"])
        server.wait_for(lambda unit: unit["SubState"] == "start")
        equal(server.status()["state"], "starting", "state while it starts")
        server.ctl("stop")
        equal(child.wait(10), 1, "exit code of the start that was stopped")
        equal(server.status()["state"], "stopped", "state after the stop")


# Asks the main process, the supervisor or who stands in for it at first, to end as soon as both are
# there: argv is the unit. Says whether it came in time.
_ASK_EARLY = """
import pathlib, subprocess, sys, time
unit = sys.argv[1]
subprocess.run(["systemctl", "start", "--no-block", unit], check=True)
group = pathlib.Path("/sys/fs/cgroup/l4d2.slice/l4d2-game.slice", unit, "cgroup.procs")
deadline = time.monotonic() + 10
while time.monotonic() < deadline:
    try:
        pids = sorted(map(int, group.read_text().split()))
        names = [pathlib.Path(f"/proc/{pid}/comm").read_text() for pid in pids]
    except OSError:
        continue
    if names == ["left4me-launch\\n"] * 2:
        subprocess.run(["systemctl", "kill", "--signal=INT", "--kill-whom=main", unit], check=True)
        print("asked")
        break
    if "srcds_linux\\n" in names:
        break
"""


def test_stop_right_after_the_start(machine):
    """a stop is heard even before there is a game"""
    if machine.suite == "bookworm":
        skip("no process namespace, nobody stands in")
    asked, text = 0, "[Unit]\nStartLimitIntervalSec=0\n" + NO_RESTART
    with product.drop_in(machine, "left4me-server@.service", text), product.server(machine, "ends") as server:
        for turn in range(10):
            server.stop()
            said = machine.output(["python3", "-I", "-S", "-c", _ASK_EARLY, server.unit])
            unit = server.wait_for(lambda unit: unit["ActiveState"] != "activating")
            asked += said == "asked"
            check(said != "asked" or unit["ActiveState"] != "active", f"what it was asked in turn {turn} was lost")
    check(asked > 0, "no turn came early enough to say anything")


def test_start_timeout(machine):
    """a game that never listens is given up, and the start says so with the last lines"""
    text = NO_RESTART + "TimeoutStartSec=2\n"
    with product.drop_in(machine, "left4me-server@.service", text), \
            product.server(machine, "ends", start=False, arguments=["+sim_delay_listen", "60000"]) as server:
        with product.running(machine, ["l4d2ctl", "start", "ends"], text=True) as child:
            server.wait_for("activating")
            status = _ended(server)
            said = child.communicate(timeout=30)[1]
        equal(child.returncode, 1, "exit code of the start")
        check("did not become ready within 2 s" in said.splitlines()[0], f"the start said {said!r}")
        check("start operation timed out" in said, f"the last lines are not told: {said!r}")
        last = status["last_exit"]
        check("did not become ready within 2 s" in last["explain"], f"the cause is {last['explain']!r}")
        equal((status["state"], status["pid"]), ("failed", None), "state and process")
        _check_log(server, "start operation timed out")
        check("ready within" in server.ctl("status").stdout, "the status for people hides the cause")


def test_start_of_a_game_that_ends(machine):
    """a game that ends before it is ready fails the start, with its last words"""
    with product.drop_in(machine, "left4me-server@.service", NO_RESTART), \
            product.server(machine, "ends", start=False, arguments=["+sim_exit", "7"]) as server:
        done = server.ctl("start", check=False)
        equal(done.returncode, 1, "exit code of the start")
        check("'ends' did not start: the game ended with code 7" in done.stderr.splitlines()[0], done.stderr)


def test_crash_loop(machine):
    """the fifth crash within 60 s is the last"""
    with product.drop_in(machine, "left4me-server@.service", QUICK), \
            product.server(machine, "loops", start=False, arguments=["+sim_crash", "ABRT"]) as server:
        done = server.ctl("start", check=False)
        equal(done.returncode, 1, "exit code of the start")
        server.wait_for("failed", timeout=60)
        heard = time.monotonic()
        status = server.status()
        within(time.monotonic() - heard, 1, "seconds from the init system's word to the truth")
        last = status["last_exit"]
        equal((status["state"], last["signal"]), ("failed", signal.SIGABRT), "state and signal")
        check(last["explain"].startswith("crashed 5 times in 60 s"), f"the cause is {last['explain']!r}")
        lines = server.ctl("logs", "--all-runs", "--lines", "1000").stdout
        equal(lines.count("[sim] crash by ABRT"), 5, "crashes in the log")
        machine.wait_for(server.mount, "inactive")      # nobody needs it any more, so it goes by itself
        equal(machine.output(f"grep -c -F {server.runtime} /proc/1/mountinfo", check=False), "0", "mounts after it")
        # The way out: the cause is removed, then a start.
        server.initialize(arguments=[])
        server.start()
        equal(server.status()["state"], "running", "state after the cause was removed")


def test_supervisor_killed(machine):
    """the game does not outlive its supervisor, and comes back"""
    with product.drop_in(machine, "left4me-server@.service", QUICK), product.server(machine, "ends") as server:
        game = server.game_pid()
        machine.run(["kill", "-9", str(server.properties()["MainPID"])])
        server.wait_for(lambda unit: unit["NRestarts"] == 1 and unit["ActiveState"] == "active")
        check(server.game_pid() != game, "the old game still runs")
        equal(server.a2s()["name"], "ends", "A2S")
