# SPDX-License-Identifier: MIT
"""The machine itself: is it a real one, and does it leave nothing behind?"""

import pathlib
import signal
import subprocess
import sys

import host
from harness import check, equal, skip, within
from machine import Machine

COMMAND = [sys.executable, str(pathlib.Path(__file__).with_name("machine.py"))]


def test_running(machine):
    equal(machine.output("systemctl is-system-running"), "running", "state of the system")
    equal(machine.output("cat /proc/1/comm"), "systemd", "process 1")
    equal(machine.output("systemctl list-units --failed --no-legend --plain"), "", "failed units")


def test_boots_fast(machine):
    within(machine.boot_seconds, 4, "seconds to boot a cached machine")


def test_control_groups(machine):
    equal(machine.output("stat -f -c %T /sys/fs/cgroup"), "cgroup2fs", "the control group file system")
    equal(machine.output("grep ^0:: /proc/self/cgroup"), "0::/init.scope", "where commands run")
    group = machine.unit_run("grep ^0:: /proc/self/cgroup", unit="where").stdout.strip()
    equal(group, "0::/system.slice/where.service", "where services run")


def test_state_is_on_a_real_file_system(machine):
    kind = machine.output("mkdir -p /var/lib/left4me /var/lib/left4me-host && "
                          "stat -f -c %T /var/lib/left4me /var/lib/left4me-host").split("\n")
    check("overlayfs" not in kind, f"/var/lib/left4me is on {kind}, where overlayfs cannot be mounted")
    machine.run("cd /var/lib/left4me && mkdir l u w m && mount -t overlay x -o lowerdir=l,upperdir=u,workdir=w m"
                " && touch m/file && test -e u/file && umount m && rm -r l u w m")


def test_users(machine):
    equal(machine.output("id -un; id -Gn", user="nobody"), "nobody\nnogroup", "a command run as nobody")
    equal(machine.output('echo "$HOME $PWD"'), "/root /", "home and working directory")
    equal(machine.outside.output("id -u", user="nobody"), machine.output("id -u nobody"), "nobody outside")
    equal(machine.run("cat", input="through").stdout, "through", "standard input")
    leaked = set(machine.output("compgen -e").split()) - {"PATH", "HOME", "LANG", "SHELL", "PWD", "SHLVL", "_", "OLDPWD"}
    equal(leaked, set(), "variables of the host seen inside")


def test_files(machine):
    machine.push(b"\0\1\2", "/root/a/b", 0o751)
    equal(machine.read("/root/a/b", text=False), b"\0\1\2", "a pushed file")
    equal(machine.output("stat -c %a /root/a/b"), "751", "its mode")
    machine.push(pathlib.Path(__file__).parent, "/root/tree")
    check(machine.read("/root/tree/t_boot.py").startswith("# SPDX"), "a pushed directory lacks its files")
    machine.run("rm -r /root/a /root/tree")


def test_waits_by_signal(machine):
    machine.run("systemd-run --quiet --unit=blink --property=RemainAfterExit=yes sleep 0.3")
    machine.wait_for("blink.service", lambda unit: unit["SubState"] == "exited", timeout=10)
    machine.run("systemctl stop blink")
    machine.wait_for("blink.service", "inactive", timeout=10)
    machine.run("systemd-run --quiet --unit=crash python3 -c "
                "'import os; print(\"going down\", flush=True); os.kill(os.getpid(), 9)'")
    unit = machine.wait_for("crash.service", "failed", timeout=10)
    equal((unit["Result"], unit["ExecMainStatus"]), ("signal", signal.SIGKILL), "how it ended")
    equal(machine.wait_for_line("crash", "^going"), "going down", "the line in the journal")
    machine.run("systemctl reset-failed")


# Says that it listens, then prints what the first caller sends.
LISTEN = """
import socket, sys
server = socket.create_server((sys.argv[1], 4000), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("listening", flush=True)
print(server.accept()[0].makefile().read())
"""


def _listener(place, address):
    child = place.popen(["/usr/bin/python3", "-c", LISTEN, address], stdout=subprocess.PIPE, text=True)
    equal(child.stdout.readline(), "listening\n", f"a listener on {address}")
    return child


def test_outside_reaches_in(machine):
    for address in (machine.address, machine.address6):
        listener = _listener(machine, address)
        machine.outside.run(f"echo hello > /dev/tcp/{address}/4000")
        equal(listener.communicate(timeout=5)[0], "hello\n\n", f"what the machine hears on {address}")


def test_lan_clients(machine):
    lan = machine.lan("lan77", "10.77.0.0/24", "fd00:77::/64")
    equal((lan.address, lan.machine_address), ("10.77.0.2", "10.77.0.1"), "addresses of the link")
    machine.outside.add_address("203.0.113.7/32")
    for place, address in ((lan, "10.77.0.2"), (lan, "fd00:77::2"), (machine.outside, "203.0.113.7")):
        listener = _listener(place, address)
        machine.run(f"echo hello > /dev/tcp/{address}/4000")
        equal(listener.communicate(timeout=5)[0], "hello\n\n", f"what {address} hears")


def test_address_filter_is_effective(machine):
    command = "exec 2>&1; (echo > /dev/tcp/127.0.0.1/9) && echo open"
    free = machine.unit_run(command, check=False).stdout
    check("refused" in free, f"without a filter the connection should be refused, not: {free}")
    denied = machine.unit_run(f"timeout 0.3 bash -c '{command}'", "IPAddressDeny=localhost", check=False)
    check("refused" not in denied.stdout and "open" not in denied.stdout,
          f"IPAddressDeny= has no effect here: {denied.stdout}")


def test_bind_filter_is_effective(machine):
    if "-BPF_FRAMEWORK" in machine.output("systemctl --version"):
        skip("this systemd was built without it")
    code = "import socket; socket.socket().bind(('', 28015))"
    machine.unit_run(["python3", "-c", code], "SocketBindDeny=any", "SocketBindAllow=28015")
    denied = machine.unit_run(["python3", "-c", code], "SocketBindDeny=any", "SocketBindAllow=28016", check=False)
    check("PermissionError" in denied.stderr, f"SocketBindDeny= has no effect here: {denied.stderr}")


def test_nftables_sees_control_groups(machine):
    machine.run("systemd-run --quiet --unit=hold --slice=probe.slice sleep 60")
    machine.run(["nft", "-f", "-"], input="""
        table inet probe {
            chain out {
                type filter hook output priority 0
                socket cgroupv2 level 1 "probe.slice" meta l4proto udp counter reject
            }
        }""")
    send = f"echo x > /dev/udp/{machine.outside.address}/9"
    machine.unit_run(send)
    inside = machine.unit_run(send, "Slice=probe.slice", check=False)
    counted = machine.output("nft list table inet probe")
    machine.run("nft delete table inet probe; systemctl stop hold probe.slice")
    check("packets 1 " in counted, f"the rule did not see the one packet of its slice: {counted}")
    check(inside.returncode != 0, "the packet of the slice was not refused")


def test_32_bit_programs(machine):
    equal(machine.output("file=/lib32/libc.so.6; test -e $file || file=/usr/lib32/libc.so.6; "
                         "od -An -tx1 -j4 -N1 $file").strip(), "01", "class of the 32-bit C library")
    loader = machine.run(["/lib/ld-linux.so.2", "--help"], check=False)
    equal(loader.returncode, 0, "exit code of the 32-bit loader")


def test_small_disk(machine):
    machine.small_disk("/mnt/small", "8M")
    full = machine.run("head -c 16M /dev/zero > /mnt/small/file", check=False)
    check("No space left" in full.stderr, f"a disk of 8 MiB took 16: {full.stderr}")
    machine.run("umount /mnt/small")


def test_reboot(machine):
    before = machine.output("cat /proc/sys/kernel/random/boot_id")
    machine.run("touch /var/lib/kept /etc/kept /run/gone; nft add table inet gone")
    machine.reboot()
    check(machine.output("cat /proc/sys/kernel/random/boot_id") != before, "the boot id is the old one")
    machine.run("test -e /var/lib/kept && test -e /etc/kept && ! test -e /run/gone")
    check("gone" not in machine.output("nft list tables"), "rules of the last boot are still there")
    listener = _listener(machine, machine.address)
    machine.outside.run(f"echo again > /dev/tcp/{machine.address}/4000")
    equal(listener.communicate(timeout=5)[0], "again\n\n", "what the machine hears after a reboot")
    equal(machine.output("journalctl --list-boots --quiet --no-pager | wc -l"), "2", "boots in the journal")


def test_power_cut(machine):
    machine.run("systemd-run --quiet --unit=busy sleep 600; touch /var/lib/kept2; sync")
    machine.reboot(clean=False)
    machine.run("test -e /var/lib/kept2")
    equal(machine.unit("busy.service")["LoadState"], "not-found", "a unit of the last boot")


def test_second_machine_beside(machine):
    with Machine(machine.suite) as other:
        other.run("touch /var/lib/mine; systemd-run --quiet --unit=mine sleep 60")
        machine.run("! test -e /var/lib/mine")
        equal(machine.unit("mine.service")["LoadState"], "not-found", "the other machine's unit")
        check(other.outside.namespace in host.netns_names(), "the other machine has no network of its own")
        other_id = other.id
    check(machine.output("echo alive") == "alive", "the first machine died with the second")
    check_gone(other_id)


def test_power_off(machine):
    with Machine(machine.suite) as other:
        other.poweroff()
        equal(other.nspawn.poll(), 0, "exit code of a clean end")


def _traces(machine_id):
    """Everything on the host that still carries a machine's name."""
    name = f"{host.PREFIX}-{machine_id}"
    found = [space for space in host.netns_names() if space.startswith(name)]
    found += [str(path) for path in (host.cache() / "machines").glob(machine_id)]
    found += [str(path) for path in host.Group(machine_id).all if path.exists()]
    found += [str(path) for path in pathlib.Path("/run/systemd/nspawn/propagate").glob(name)]
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace")
            group = (process / "cgroup").read_text()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state in "ZX":
            continue                        # dead; the host's init takes its time to notice
        if name in words or f"/{machine_id}/" in group:
            found.append(f"process {process.name}: {words}")
    found += [line for line in pathlib.Path("/proc/self/mounts").read_text().splitlines() if machine_id in line]
    return found


def check_gone(machine_id):
    left = _traces(machine_id)
    check(not left, f"left behind: {left}")


def _started(machine, *words):
    """Another process with a machine of its own, up and busy; (process, machine's id)."""
    child = subprocess.Popen([*COMMAND, "boot", "--suite", machine.suite, *words], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, text=True)
    line = child.stdout.readline()
    check(line.startswith("machine "), f"no second machine came up: {line}")
    return child, line.split()[1].rstrip(":")


def test_nothing_left_after_signals(machine):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        child, machine_id = _started(machine)
        check(_traces(machine_id), "a running machine should have traces")
        child.send_signal(number)
        child.wait(20)
        child.stdout.close()
        check_gone(machine_id)


def test_nothing_left_after_kill(machine):
    child, machine_id = _started(machine)
    child.kill()
    child.wait()
    child.stdout.close()
    subprocess.run([*COMMAND, "sweep"], check=True)         # what every start does first
    check_gone(machine_id)


def test_command(machine):
    listed = subprocess.run([*COMMAND, "list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    check(machine.id in listed, "machine.py list does not know this machine")
    entered = subprocess.run([*COMMAND, "enter", machine.id, "sh", "-c", "hostname; exit 7"], stdout=subprocess.PIPE,
                             text=True, check=False)
    equal((entered.stdout, entered.returncode), ("machine\n", 7), "machine.py enter")
