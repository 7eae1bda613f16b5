#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""machine: a disposable Debian, booted by systemd-nspawn and gone without a trace afterwards.

    with Machine(deb="left4me.deb") as machine:
        machine.run("systemctl is-system-running")
        machine.outside.run(["nc", "-z", machine.address, "22"])

A machine is an overlayfs over a cached root (root.py), with /var/lib a real directory, because the
product mounts overlayfs below it. Every mount lives in a mount namespace of its own, every process in
one control group, every interface in network namespaces of its own: ending the group ends the machine.
A lock on its directory says that its owner lives; machines without an owner are swept at the next start.
"""

import argparse
import contextlib
import ipaddress
import json
import os
import pathlib
import secrets
import select
import signal
import socket
import subprocess
import sys
import time

import bus
import host
import root
from host import PREFIX, Trouble

BOOT_SECONDS = 60
# Networks for documentation: nobody's, and not "private". The second is for a host that uses the first.
NETWORKS = ("198.51.100.0/24", "203.0.113.0/24")
ADDRESS6, OUTSIDE6 = "2001:db8::2", "2001:db8::1"
REBOOTED = 133                                          # nspawn's way to say "boot me again"

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "LANG": "C.UTF-8", "SHELL": "/bin/bash"}

# Runs in a fresh mount namespace, in the machine's directory; $1 is the root.
_MOUNT = """set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=upper,workdir=work" root; shift
mount --bind var-lib root/var/lib
"""
_START = _MOUNT + 'exec systemd-nspawn "$@"'


class CommandFailed(Trouble):
    def __init__(self, argv, done):
        said = (done.stderr or done.stdout or "").strip()
        last = said.splitlines()[-1] if said else "no output"
        super().__init__(f"{phrase(argv)}: exit code {done.returncode}: {last}")
        self.returncode, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr


def phrase(argv):
    return argv if isinstance(argv, str) else " ".join(map(str, argv))


def to_argv(argv):
    return ["/bin/bash", "-c", argv] if isinstance(argv, str) else [str(word) for word in argv]


class Place:
    """Somewhere commands run: subclasses say how to get there."""

    def _launch(self, argv, user, env):
        """(argv of the host, environment, function for the child between fork and exec)"""
        raise NotImplementedError

    def popen(self, argv, user=None, env=None, **options):
        """A program left running; it ends with the machine at the latest."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("start_new_session", True)
        words, environment, prepare = self._launch(to_argv(argv), user, env)
        return subprocess.Popen(words, env=environment, preexec_fn=prepare, **options)

    def run(self, argv, user=None, check=True, input=None, timeout=60, env=None, text=True):
        """Runs a list of words, or a string by bash. Returns returncode, stdout, stderr."""
        child = self.popen(argv, user, env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
                           text=text, errors="replace" if text else None)
        try:
            out, err = child.communicate(input, timeout)
        except BaseException as reason:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            if isinstance(reason, subprocess.TimeoutExpired):
                raise Trouble(f"{phrase(argv)}: not finished after {timeout} s") from None
            raise
        done = subprocess.CompletedProcess(to_argv(argv), child.returncode, out, err)
        if check and done.returncode != 0:
            raise CommandFailed(argv, done)
        return done

    def output(self, argv, **options):
        """What a command prints, without the last newline."""
        return self.run(argv, **options).stdout.rstrip("\n")


class Debian:
    """What every booted Debian of ours offers, built on its run()."""

    suite = "trixie"

    def output(self, argv, **options):
        """What a command prints, without the last newline."""
        return self.run(argv, **options).stdout.rstrip("\n")

    def unit_run(self, argv, *properties, unit=None, **options):
        """Runs a command as a transient service: unit_run(["id"], "User=left4me-game")."""
        words = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--expand-environment=no"]
        if self.suite == "bookworm":
            words.pop()                         # systemd 252 expands nothing and knows no such option
        words += [f"--unit={unit}"] if unit else []
        words += [word for item in properties for word in ("-p", item)]
        return self.run([*words, "--", *to_argv(argv)], **options)

    def push(self, source, target, mode=0o644):
        """Copies a file, bytes or a directory of the host to an absolute path inside."""
        if not isinstance(source, bytes) and pathlib.Path(source).is_dir():
            packed = subprocess.run(["tar", "-C", source, "-c", "."], stdout=subprocess.PIPE, check=True).stdout
            self.run(["mkdir", "-p", target])
            self.run(["tar", "-C", target, "--no-same-owner", "-x"], input=packed, text=False)
            return
        data = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
        self.run(["install", "-D", "-m", f"{mode:o}", "/dev/stdin", target], input=data, text=False)

    def read(self, path, text=True):
        return self.run(["cat", "--", path], text=text).stdout

    def journal(self, unit=None, lines=None, json_fields=False, since=None):
        """The journal's text, or with json_fields a list of dictionaries; `since` is in Unix seconds."""
        words = ["journalctl", "--no-pager", "--quiet", "-o", "json" if json_fields else "short-precise"]
        words += ["-u", unit] if unit else []
        words += ["-n", str(lines)] if lines else []
        words += [f"--since=@{since:.6f}"] if since else []
        text = self.run(words).stdout
        return [json.loads(line) for line in text.splitlines()] if json_fields else text

    def wait_for_line(self, unit, pattern, timeout=30):
        """Waits for a line in a unit's journal of this boot (an extended regular expression); returns it."""
        done = self.run(["bash", "-c", 'journalctl -b -q -o cat -n all -f -u "$1" | grep -m1 -E -e "$2"',
                         "-", unit, pattern], check=False, timeout=timeout)
        return done.stdout.rstrip("\n")


class Network(Place):
    """A network namespace with programs of the host in it: the world, or a client on a LAN."""

    def __init__(self, machine, name, namespace, addresses, remote):
        self.machine, self.name, self.namespace = machine, name, namespace
        self.addresses = addresses              # ours, with prefix length
        self.remote = remote                    # the machine's on this link, with prefix length
        self.address = addresses[0].partition("/")[0]
        self.machine_address = remote[0].partition("/")[0]

    def _launch(self, argv, user, env):
        words = ["nsenter", f"--net=/run/netns/{self.namespace}"] if self.namespace else []
        environment = {**os.environ, **(env or {})}
        return words + as_user(user) + argv, environment, self.machine.clients.enter

    def add_address(self, address):
        """One more address to be had here: "203.0.113.7/32" plays a host on the internet."""
        host.call([*self._ip(), "address", "add", address, "dev", "lo", *_nodad(address)])

    def _ip(self):
        return ["ip", "-n", self.namespace] if self.namespace else ["ip"]


_AS = 'user=$1; shift; exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- "$@"'


def as_user(user):
    return ["/bin/sh", "-c", _AS, "as", user] if user else []


def _nodad(address):
    return ["nodad"] if ":" in address else []


def _link_pair(cidr):
    """(client's address, machine's address) for "10.77.0.0/24", or for a client's address in it."""
    interface = ipaddress.ip_interface(cidr)
    network = interface.network
    client = interface.ip if interface.ip != network[0] else network[2]
    ours = network[1] if client != network[1] else network[2]
    return f"{client}/{network.prefixlen}", f"{ours}/{network.prefixlen}"


def _free_network():
    """One of ours that this host does not use."""
    used = [ipaddress.ip_interface(f"{item['local']}/{item['prefixlen']}").network
            for link in json.loads(host.call(["ip", "-json", "-4", "address"])) for item in link["addr_info"]]
    for cidr in NETWORKS:
        if not any(ipaddress.ip_network(cidr).overlaps(other) for other in used):
            return cidr
    raise Trouble(f"this host uses {' and '.join(NETWORKS)} already: another machine with --host-network is up")


class Machine(Place, Debian):
    """See the top of the file. Use it in a `with` block."""

    def __init__(self, suite="trixie", deb=None, variant="machine", host_network=False, on_step=None):
        self.suite, self.deb, self.variant = suite, deb, variant
        self.host_network = host_network        # reachable from the host's own namespace, one such at a time
        self.on_step = on_step or (lambda text: None)
        self.id = self.dir = self.group = self.clients = self.lock = self.outside = None
        self.links = []
        self.nspawn = self.leader = None
        self.address, self.address6 = None, ADDRESS6
        self.boot_seconds = None
        self._bus = None

    # -- life ---------------------------------------------------------------------------------------

    def __enter__(self):
        try:
            self._create()
            self._boot()
            if self.deb:
                self.install(self.deb)
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(self, *_):
        self.destroy()

    def _create(self):
        host.need_root()
        host.need_commands("systemd-nspawn", "nsenter", "unshare", "setpriv", "ip", "cp")
        if self.deb and not os.path.isfile(self.deb):
            raise Trouble(f"no such package file: {self.deb}")
        self.root = root.get(self.suite, self.variant)
        machines = host.cache() / "machines"
        machines.mkdir(exist_ok=True)
        with host.Lock(machines / ".lock"):
            _sweep(machines)
            self.id = f"{os.getpid()}-{secrets.token_hex(3)}"
            self.dir = machines / self.id
            self.dir.mkdir(mode=0o700)
            self.lock = host.Lock(self.dir / "lock", wait=False)
        self.name = f"{PREFIX}-{self.id}"
        self.group = host.Group(f"{self.id}/machine")
        self.clients = host.Group(f"{self.id}/clients")
        self.clients.make()

        for name in ("upper/etc", "work", "root"):
            (self.dir / name).mkdir(parents=True)
        # Files of its own in a machine are what the root lacks or must not share.
        (self.dir / "upper/etc/machine-id").write_text(secrets.token_hex(16) + "\n")
        host.call(["cp", "-a", "--reflink=auto", self.root / "var/lib", self.dir / "var-lib"])

        client, ours = _link_pair(_free_network() if self.host_network else NETWORKS[0])
        if self.host_network:
            self.outside = Network(self, "outside", None, [client], [ours])
        else:
            namespace = f"{self.name}-outside"
            host.netns_add(namespace)
            self.outside = Network(self, "outside", namespace, [client, f"{OUTSIDE6}/64"], [ours, f"{ADDRESS6}/64"])
        self.address = self.outside.machine_address
        (self.dir / "upper/etc/resolv.conf").write_text(f"nameserver {self.outside.address}\n")
        self.links.append(self.outside)

    def destroy(self):
        """Ends everything at once, without asking the machine. Harmless when there is nothing."""
        with host.undisturbed():
            self._hang_up()
            if self.nspawn and self.nspawn.poll() is None and self.leader:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.leader, signal.SIGKILL)    # then nspawn cleans up its own and leaves
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.nspawn.wait(5)
            if self.dir:
                _remove(self.id, self.dir)
            if self.nspawn:
                self.nspawn.wait()
                self.nspawn = self.leader = None
            if self.lock:
                self.lock.release()
            self.dir = self.lock = None

    def _boot(self):
        self.on_step("booting")
        started = time.monotonic()
        # Control groups that were killed must go before the next boot: Linux 6.18 kills whatever systemd
        # starts right into one of them, because it counts kills and compares with the parent's count.
        self.group.kill()
        self.group.remove()
        self.group.make()
        self.leader = None
        self._network()
        options = [
            "--quiet", "--register=no", "--keep-unit", f"--machine={self.name}", "--hostname=machine",
            f"--network-namespace-path=/run/netns/{self.name}", "--capability=all",
            "--system-call-filter=bpf keyctl landlock_create_ruleset landlock_restrict_self @privileged", "--resolv-conf=off", "--timezone=off",
            "--link-journal=no", "--console=read-only", "--notify-ready=yes", "--boot", "--directory=root"]
        with self._notify_socket() as notify, open(self.dir / "console.log", "ab") as console:
            self.nspawn = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "--propagation", "private",
                 "/bin/sh", "-c", _START, "machine", self.root, *options],
                cwd=self.dir, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True, preexec_fn=self.group.enter,
                env={**ENVIRONMENT, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_LOG_TARGET": "console",
                     "NOTIFY_SOCKET": "@" + notify.getsockname()[1:].decode()})
            self._await_ready(notify, started + BOOT_SECONDS)
        self.boot_seconds = time.monotonic() - started
        self._write_state()
        state = self.run(["systemctl", "is-system-running", "--wait"], check=False).stdout.strip()
        if state != "running":
            failed = self.output(["systemctl", "list-units", "--failed", "--plain", "--no-legend"])
            raise Trouble(f"the machine came up {state}: {failed or 'no failed unit'}")

    def _notify_socket(self):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        notify.bind(f"\0{self.name}-{secrets.token_hex(4)}")
        return notify

    def _await_ready(self, notify, deadline):
        gone = os.pidfd_open(self.nspawn.pid)
        try:
            while True:
                left = deadline - time.monotonic()
                ready = select.select([notify, gone], [], [], max(left, 0))[0]
                if notify in ready:
                    said = notify.recv(4096).decode(errors="replace").splitlines()
                    for line in said:
                        if line.startswith("X_NSPAWN_LEADER_PID="):
                            self.leader = int(line.partition("=")[2])
                    if "READY=1" in said:
                        return
                elif gone in ready:
                    raise Trouble(f"the machine did not start: {self._console_tail()}")
                elif left <= 0:
                    raise Trouble(f"the machine is not up after {BOOT_SECONDS} s: {self._console_tail()}")
        finally:
            os.close(gone)

    def _console_tail(self):
        lines = (self.dir / "console.log").read_text(errors="replace").strip().splitlines() if self.dir else []
        return lines[-1] if lines else "no console output"

    def _write_state(self):
        state = {"leader": self.leader, "owner": os.getpid(), "suite": self.suite, "address": self.address}
        scratch = self.dir / "state.tmp"
        scratch.write_text(json.dumps(state))
        scratch.rename(self.dir / "state.json")

    def image(self, path, size="3G", clutter=("/var/log/journal",)):
        """Writes the disk of a machine that was powered off into an ext4 image; empties `clutter` before."""
        if self.nspawn.poll() is None:
            raise Trouble("power the machine off before taking its disk")
        script = _MOUNT + """
            target=$1 size=$2; shift 2
            for path in "$@"; do find "root/$path" -mindepth 1 -delete; done
            truncate -s "$size" "$target"
            mke2fs -q -t ext4 -F -E lazy_itable_init=1,lazy_journal_init=1 -d root "$target"
            """
        host.call(["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, "image",
                   self.root, path, size, *clutter], cwd=self.dir)

    def poweroff(self, timeout=60):
        """Shuts down like a person would, and waits for the end."""
        self._leave(["systemctl", "poweroff"], {0}, timeout)

    def reboot(self, clean=True, timeout=60):
        """Restarts the machine on the same disk; with clean=False the power fails instead.

        Processes, mounts, control groups, /run and network state are new, as after a real one.
        """
        if clean:
            self._leave(["systemctl", "reboot"], {REBOOTED}, timeout)
        else:
            os.kill(self.leader, signal.SIGKILL)
            self.nspawn.wait(timeout)
            self._hang_up()
        self._boot()

    def _leave(self, argv, codes, timeout):
        self.run(argv, check=False)
        try:
            code = self.nspawn.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Trouble(f"{phrase(argv)}: the machine is still there after {timeout} s") from None
        if code not in codes:
            raise Trouble(f"{phrase(argv)}: nspawn left with {code}: {self._console_tail()}")
        self._hang_up()

    def _hang_up(self):
        if self._bus:
            self._bus.close()
            self._bus = None

    # -- network ------------------------------------------------------------------------------------

    def _network(self):
        """A fresh namespace for each boot: rules and sockets of the last one are gone."""
        host.netns_delete(self.name)
        host.netns_add(self.name)
        for link in self.links:
            self._plug(link)

    def _plug(self, link):
        ours = "eth0" if link is self.outside else link.name
        theirs = "eth0" if link.namespace else "l4m-" + self.id[-6:]
        # The kernel takes a dead namespace's links away some time later; this takes our end, and so both, now.
        subprocess.run([*link._ip(), "link", "delete", theirs], check=False, stderr=subprocess.DEVNULL)
        peer = ["peer", "name", theirs] + (["netns", link.namespace] if link.namespace else ["netns", str(os.getpid())])
        host.call(["ip", "-n", self.name, "link", "add", ours, "type", "veth", *peer])
        for ip, device, addresses in ((["ip", "-n", self.name], ours, link.remote), (link._ip(), theirs, link.addresses)):
            for address in addresses:
                host.call([*ip, "address", "add", address, "dev", device, *_nodad(address)])
            host.call([*ip, "link", "set", device, "up"])
        if link is self.outside:
            for address in link.addresses:
                family = "-6" if ":" in address else "-4"
                host.call(["ip", "-n", self.name, family, "route", "add", "default", "via", address.partition("/")[0]])

    def lan(self, name, *cidrs):
        """A client beside the machine: lan("home", "10.77.0.0/24").run([...]).

        Each cidr is a network (the client takes its second address, the machine its first), or the
        client's own address in one, as in lan("metadata", "169.254.169.254/16").
        """
        if not name.isalnum() or len(name) > 12 or any(link.name == name for link in self.links):
            raise Trouble(f"'{name}' is no good name for another network: up to 12 letters and digits")
        pairs = [_link_pair(cidr) for cidr in cidrs]
        namespace = f"{self.name}-{name}"
        host.netns_add(namespace)
        link = Network(self, name, namespace, [pair[0] for pair in pairs], [pair[1] for pair in pairs])
        self.links.append(link)
        self._plug(link)
        return link

    def netns(self, argv, **options):
        """Runs a program of the host in the machine's network and nothing else of it."""
        return Network(self, "machine", self.name, self.outside.remote, self.outside.remote).run(argv, **options)

    # -- inside -------------------------------------------------------------------------------------

    def _launch(self, argv, user, env):
        if not self.leader or self.nspawn.poll() is not None:
            raise Trouble(f"the machine is not running: {self._console_tail()}")
        return _enter(self.leader, self.group, argv, user, env)

    def install(self, deb):
        """Installs a package file as a user would, with what it depends on already there."""
        self.on_step(f"installing {pathlib.Path(deb).name}")
        target = f"/root/{pathlib.Path(deb).name}"
        self.push(deb, target)
        done = self.run(["apt-get", "-y", "-q", "--no-install-recommends", "--allow-downgrades", "--reinstall",
                         "install", target], check=False, timeout=300, env={"DEBIAN_FRONTEND": "noninteractive"})
        self.run(["rm", "-f", target])
        if done.returncode != 0:
            said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            wanted = [line.strip() for line in said if "Depends:" in line or line.startswith("E: Failed to fetch")]
            if wanted:
                raise Trouble(f"the package depends on what the cached root lacks (PACKAGES in "
                              f"test/machine/root.py): {wanted[0]}")
            raise Trouble(f"installing the package failed: {' / '.join(said[-4:])}")
        return done.stdout

    @property
    def bus(self):
        """A connection to the machine's systemd; kept open."""
        if not self._bus:
            self._bus = bus.Bus(self.leader)
        return self._bus

    def unit(self, name):
        """A unit's properties: unit("x.service")["ActiveState"]."""
        with contextlib.suppress(OSError, bus.BusError):
            return self.bus.properties(name)
        self._bus = None                        # a manager that re-executed itself hung up: once more
        return self.bus.properties(name)

    def wait_for(self, name, state="active", timeout=30):
        """Waits for a unit by systemd's signals. `state` is an ActiveState, or a function of the properties."""
        until = state if callable(state) else lambda properties: properties["ActiveState"] == state
        properties = self.bus.wait(name, until, timeout)
        if properties is None:
            now = self.unit(name)
            wanted = "where it should be" if callable(state) else state
            raise Trouble(f"{name} is not {wanted} after {timeout} s: it is {now['ActiveState']} ({now['SubState']})"
                          + (f", result {now['Result']}" if "Result" in now else ""))
        return properties

    def pids(self):
        """{pid on the host: (name, control group inside)} of every process in the machine."""
        payload = _payload(self.leader)
        found = {}
        for pid in self.group.pids():
            with contextlib.suppress(OSError):
                group = _cgroup(pid)
                if group.startswith(payload):
                    found[pid] = (pathlib.Path(f"/proc/{pid}/comm").read_text().strip(), group[len(payload):])
        return found

    def small_disk(self, mountpoint, size):
        """A full-blown file system of a given size ("32M") mounted inside, for running out of space."""
        self.run("test -e /dev/loop-control || mknod -m 0600 /dev/loop-control c 10 237;"
                 "for n in $(seq 0 31); do test -e /dev/loop$n || mknod -m 0600 /dev/loop$n b 7 $n; done")
        image = f"/var/lib/.disk-{secrets.token_hex(4)}"
        self.run(["truncate", "-s", size, image])
        self.run(["mke2fs", "-q", "-t", "ext4", "-m", "0", image])
        self.run(["mkdir", "-p", mountpoint])
        self.run(["mount", "-o", "loop", image, mountpoint])        # the loop device goes with its last mount
        self.run(["rm", image])


def _cgroup(pid):
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return line[3:]
    raise Trouble(f"process {pid} is in no control group of version 2")


def _payload(leader):
    return _cgroup(leader).removesuffix("/init.scope")


def _enter(leader, group, argv, user=None, env=None):
    """How a command gets in. It shares init's control group there, which systemd never removes."""
    below = os.path.relpath(group.second / _cgroup(leader).lstrip("/"), group.path)
    words = ["nsenter", f"--target={leader}", "--all", *as_user(user), *argv]
    return words, {**ENVIRONMENT, **(env or {})}, lambda: group.enter(below)


def _remove(machine_id, path):
    """Takes away what a machine may have left, its processes first."""
    name = f"{PREFIX}-{machine_id}"
    group = host.Group(machine_id)
    group.kill()
    group.remove()
    for namespace in host.netns_names():
        if namespace == name or namespace.startswith(name + "-"):
            host.netns_delete(namespace)
    with contextlib.suppress(OSError):
        os.rmdir(f"/run/systemd/nspawn/propagate/{name}")
    _retry_busy(lambda: host.remove_tree(path), path)


def _retry_busy(remove, path):
    """The kernel unmounts a dead namespace a moment after its last process."""
    for _ in range(50):
        remove()
        if not path.exists():
            return
        time.sleep(0.02)
    raise Trouble(f"cannot remove {path}")


def _sweep(machines):
    """Removes machines whose owner is gone. The caller holds the lock on all machines."""
    for path in machines.iterdir():
        if path.name.startswith(".") or not path.is_dir():
            continue
        lock = host.try_lock(path / "lock")
        if lock:
            with lock:
                _remove(path.name, path)


# -- the command ------------------------------------------------------------------------------------

def _machines():
    for path in sorted((host.cache() / "machines").glob("*/state.json")):
        lock = host.try_lock(path.parent / "lock")
        if lock:
            lock.release()
        else:
            yield path.parent.name, json.loads(path.read_text())


def _interactive(leader, group, argv):
    """Runs a command inside with this terminal; its exit code."""
    words, environment, prepare = _enter(leader, group, argv, env={"TERM": os.environ.get("TERM", "dumb")})
    return subprocess.run(words, env=environment, preexec_fn=prepare, check=False).returncode


def _command_enter(options):
    for machine_id, state in _machines():
        if options.id in (machine_id, "-"):
            return _interactive(state["leader"], host.Group(f"{machine_id}/machine"), options.command or ["/bin/bash", "-l"])
    raise Trouble(f"no such machine is running: {options.id} (see: machine.py list)")


def _command_list(_options):
    for machine_id, state in _machines():
        print(f"{machine_id}  {state['suite']}  {state['address']}  owned by process {state['owner']}")
    return 0


def _command_sweep(_options):
    machines = host.cache() / "machines"
    machines.mkdir(exist_ok=True)
    with host.Lock(machines / ".lock"):
        _sweep(machines)
    return 0


def _command_up(options):
    with Machine(options.suite, options.deb, host_network=options.verb == "boot" and options.host_network) as machine:
        if options.verb != "boot":
            return _interactive(machine.leader, machine.group, options.command or ["/bin/bash", "-l"])
        me = os.path.relpath(__file__)
        print(f"machine {machine.id}: {root.SUITES[options.suite]}, up in {machine.boot_seconds:.1f} s, "
              f"address {machine.address}\n  enter it:  {me} enter {machine.id} [COMMAND...]\n"
              f"  end it:    Ctrl-C", flush=True)
        while machine.nspawn.wait() == REBOOTED:
            machine._boot()
        print("the machine has shut down")
        return 0


def main():
    parser = argparse.ArgumentParser(description="Boots a disposable Debian.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, about in (("boot", "keep one up until Ctrl-C"), ("shell", "boot one for a shell in it"),
                        ("run", "boot one for a command in it")):
        sub = verbs.add_parser(verb, help=about)
        sub.add_argument("--suite", choices=root.SUITES, default="trixie")
        sub.add_argument("--deb", help="package file to install")
        if verb == "boot":
            sub.add_argument("--host-network", action="store_true", help="reachable from this host itself")
        sub.set_defaults(call=_command_up)
        sub.add_argument("command", nargs=argparse.REMAINDER if verb == "run" else "*", default=[])
    sub = verbs.add_parser("enter", help="run a command in a machine that is up (ID or - for any)")
    sub.add_argument("id")
    sub.add_argument("command", nargs=argparse.REMAINDER)
    sub.set_defaults(call=_command_enter)
    verbs.add_parser("list", help="machines that are up").set_defaults(call=_command_list)
    verbs.add_parser("sweep", help="remove what killed runs left").set_defaults(call=_command_sweep)

    options = parser.parse_args()
    if getattr(options, "command", None) and options.command[0] == "--":
        options.command = options.command[1:]
    host.exit_on_signals()
    try:
        host.need_root()
        sys.exit(options.call(options))
    except (Trouble, bus.BusError) as trouble:
        sys.exit(f"machine: {trouble}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
