#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""vm: the same Debian under qemu, with a kernel of its own, for what a container cannot show.

    with VM(deb="left4me.deb", prepare=lambda machine: machine.run("l4d2ctl initialize one -f one.yaml")) as vm:
        vm.run("systemctl is-active left4me-server@one")
        vm.power_cut()

The disk is made by a disposable machine (../machine): that boots in a second, installs the package and
does whatever `prepare` asks at the speed of the host. Only what needs the other kernel runs in here,
because without hardware virtualisation a boot takes half a minute.
"""

import argparse
import base64
import contextlib
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

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "machine"))

import host                                                             # noqa: E402
import machine as nspawn                                                # noqa: E402
import root                                                             # noqa: E402
from host import Trouble                                                # noqa: E402

BOOT_SECONDS = 240
AGENT = "/usr/local/lib/left4me-vm"
UNIT = f"""[Unit]
Description=Runs what the host asks
DefaultDependencies=no
After=sysinit.target dbus.socket
Conflicts=shutdown.target
Before=shutdown.target

[Service]
ExecStart={AGENT}/agent.py
TasksMax=infinity
OOMScoreAdjust=-1000

[Install]
WantedBy=multi-user.target
"""

# In one picture: no initramfs, because NVMe and ext4 are in this kernel; everything that only costs time
# under emulation is off.
KERNEL_OPTIONS = ("root=/dev/nvme0n1 rootfstype=ext4 rw console=ttyS0 quiet loglevel=4 panic=-1 "
                  "systemd.show_status=0 systemd.hostname=machine mitigations=off tsc=reliable no_timer_check "
                  "random.trust_cpu=on cryptomgr.notests")
# A plain processor, so that no module for a better one is loaded. With cx16 the emulator corrupts flags.
CPU = {"kvm": "host", "tcg": "qemu64,-cx16,-svm,+rdrand"}
# One thread for all processors, though two are faster: while one translates what the other is patching, it may
# keep the breakpoint that the kernel puts there for a moment, and the guest dies of "Oops: int3", once in some
# ten boots with qemu 7.2, and with 10.0 as well when patching is all it does.
ACCELERATOR = {"kvm": "kvm", "tcg": "tcg,thread=single,tb-size=512"}


@contextlib.contextmanager
def accelerator(kernel):
    """A function that says "kvm" where that really runs a guest, else "tcg".

    It may look available and then fail, which takes seconds to find out: the guest starts here, so that
    other work can be done until the function is called.
    """
    chosen = os.environ.get("LEFT4ME_VM_ACCEL")
    if not chosen and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        chosen = "tcg"
    if chosen:
        yield lambda: chosen
        return
    argv = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-machine", "q35,accel=kvm", "-cpu", CPU["kvm"],
            "-m", "512", "-display", "none", "-nodefaults", "-serial", "stdio", "-monitor", "none", "-no-reboot",
            "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"]
    deadline = time.monotonic() + 10
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield lambda: "kvm" if _hears_linux(child, deadline) else "tcg"
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def _hears_linux(child, deadline):
    heard = b""
    while b"Linux version" not in heard:
        if not select.select([child.stdout], [], [], max(deadline - time.monotonic(), 0))[0]:
            return False
        piece = os.read(child.stdout.fileno(), 4096)
        heard += piece
        if not piece or b"emulation failure" in heard:
            return False
    return True


class VM(nspawn.Debian):
    """A virtual machine; use it in a `with` block. `prepare(machine)` runs before, in the fast kind."""

    def __init__(self, suite="trixie", deb=None, prepare=None, cpus=2, memory_mib=2048):
        self.suite, self.deb, self.prepare = suite, deb, prepare
        self.cpus, self.memory_mib = cpus, memory_mib
        self.dir = self.lock = self.qemu = self.port = None
        self.buffer, self.serial = b"", 0
        self.boot_seconds = self.build_seconds = None

    # -- life ---------------------------------------------------------------------------------------

    def __enter__(self):
        try:
            self._create()
            self._boot()
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(self, *_):
        self.destroy()

    def _create(self):
        host.need_root()
        host.need_commands("qemu-system-x86_64", "mke2fs")
        self.root = root.get(self.suite, "vm")
        self.kernel = sorted((self.root / "boot").glob("vmlinuz-*"))[-1]
        vms = host.cache() / "vms"
        vms.mkdir(exist_ok=True)
        with host.Lock(vms / ".lock"):
            for path in vms.iterdir():
                lock = path.is_dir() and host.try_lock(path / "lock")
                if lock:                                # its owner is gone, and qemu dies with its owner
                    with lock:
                        host.remove_tree(path)
            self.dir = vms / f"{os.getpid()}-{secrets.token_hex(3)}"
            self.dir.mkdir(mode=0o700)
            self.lock = host.Lock(self.dir / "lock", wait=False)
        started = time.monotonic()
        with accelerator(self.kernel) as find:
            self._make_disk()
            self.accelerator = find()
        self.build_seconds = time.monotonic() - started

    def _make_disk(self):
        with nspawn.Machine(self.suite, self.deb, variant="vm") as machine:
            for source in (HERE / "agent.py", HERE.parent / "machine/bus.py"):
                machine.push(source, f"{AGENT}/{source.name}", 0o755)
            machine.push(UNIT.encode(), "/etc/systemd/system/vm-agent.service")
            machine.run(["systemctl", "--quiet", "enable", "vm-agent.service"])
            if self.prepare:
                self.prepare(machine)
            machine.poweroff()
            machine.image(self.dir / "disk.img")

    def destroy(self):
        with host.undisturbed():
            self._cut()
            if self.dir:
                host.remove_tree(self.dir)
            if self.lock:
                self.lock.release()
            self.dir = self.lock = None

    def _boot(self):
        """Starts qemu and waits for the agent, then for the end of the boot."""
        started = time.monotonic()
        self.port, theirs = socket.socketpair()
        self.buffer = b""
        with theirs:
            argv = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
                    "-machine", "q35,sata=off,smbus=off", "-accel", ACCELERATOR[self.accelerator], "-cpu", CPU[self.accelerator],
                    "-smp", str(self.cpus), "-m", str(self.memory_mib), "-nodefaults", "-display", "none",
                    "-monitor", "none", "-serial", f"file:{self.dir}/console.log",
                    # A reset ends it, and a reboot begins with a new one: the old one would spend six seconds on
                    # finding out which of its translations hold no longer, and a panic would look like a boot.
                    "-no-reboot",
                    "-kernel", str(self.kernel), "-append", KERNEL_OPTIONS,
                    # Flushes are ignored: what the guest handed over outlives a kill of qemu in the host's
                    # page cache, what it had not yet written is lost, as in a power cut.
                    "-drive", f"file={self.dir}/disk.img,format=raw,if=none,id=disk,cache=unsafe",
                    "-device", "nvme,drive=disk,serial=left4me",
                    "-chardev", f"socket,id=port,fd={theirs.fileno()}", "-device", "virtio-serial-pci",
                    "-device", "virtserialport,chardev=port,name=left4me"]
            self.qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE, text=True, start_new_session=True,
                                         pass_fds=[theirs.fileno()])
        self._await_running(started)

    def _await_running(self, started):
        self._await_hello(started + BOOT_SECONDS)
        state = self.run(["systemctl", "is-system-running", "--wait"], check=False, timeout=BOOT_SECONDS).stdout.strip()
        self.boot_seconds = time.monotonic() - started
        if state != "running":
            failed = self.output(["systemctl", "list-units", "--failed", "--plain", "--no-legend"])
            raise Trouble(f"the virtual machine came up {state}: {failed or 'no failed unit'}")

    def reboot(self):
        """A clean reboot, by the guest's own hand."""
        self._leave("reboot")
        self._boot()

    def power_cut(self):
        """Takes the power away and boots again from what was on the disk."""
        self._cut()
        self._boot()

    def poweroff(self):
        self._leave("poweroff")

    def _leave(self, verb, timeout=120):
        self._send({"do": "execute", "argv": ["systemctl", verb], "input": "", "timeout": 60, "env": nspawn.ENVIRONMENT})
        try:
            self.qemu.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Trouble(f"systemctl {verb}: the virtual machine is still there after {timeout} s") from None
        self._cut()

    def _cut(self):
        if self.qemu:
            self.qemu.kill()
            self.qemu.wait()
            self.qemu.stderr.close()
            self.qemu = None
        if self.port:
            self.port.close()
            self.port = None

    # -- inside -------------------------------------------------------------------------------------

    def run(self, argv, user=None, check=True, input=None, timeout=120, env=None, text=True):
        """Like Machine.run, one command at a time."""
        data = input.encode() if isinstance(input, str) else input or b""
        answer = self._ask({"do": "execute", "argv": [*nspawn.as_user(user), *nspawn.to_argv(argv)],
                            "input": base64.b64encode(data).decode(), "timeout": timeout,
                            "env": {**nspawn.ENVIRONMENT, **(env or {})}}, timeout, argv)
        out, err = base64.b64decode(answer["out"]), base64.b64decode(answer["err"])
        if text:
            out, err = out.decode(errors="replace"), err.decode(errors="replace")
        done = subprocess.CompletedProcess(nspawn.to_argv(argv), answer["code"], out, err)
        if check and done.returncode != 0:
            raise nspawn.CommandFailed(argv, done)
        return done

    def unit(self, name):
        """A unit's properties."""
        return self._ask({"do": "wait", "unit": name}, 60, f"properties of {name}")["properties"]

    def wait_for(self, name, state="active", timeout=60):
        """Waits for a unit's ActiveState by systemd's signals."""
        found = self._ask({"do": "wait", "unit": name, "state": state, "timeout": timeout}, timeout, name)["properties"]
        if found is None:
            now = self.unit(name)
            raise Trouble(f"{name} is not {state} after {timeout} s: it is {now['ActiveState']} ({now['SubState']})")
        return found

    def console_tail(self, lines=5):
        path = self.dir / "console.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return " / ".join(line.strip() for line in text.splitlines()[-lines:] if line.strip()) or "no console output"

    def _send(self, request):
        self.serial += 1
        self.port.sendall(json.dumps({"id": self.serial, **request}).encode() + b"\n")

    def _ask(self, request, timeout, what):
        if not self.port:
            raise Trouble("the virtual machine is not running")
        self._send(request)
        deadline = time.monotonic() + timeout + 30
        while True:
            answer = self._line(deadline, nspawn.phrase(what))
            if answer.get("id") == self.serial:
                break
        if "trouble" in answer:
            raise Trouble(f"{nspawn.phrase(what)}: {answer['trouble']}")
        return answer

    def _await_hello(self, deadline):
        while "hello" not in self._line(deadline, "booting"):
            pass

    def _line(self, deadline, what):
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Trouble(f"{what}: the virtual machine does not answer: {self.console_tail()}")
            if not select.select([self.port], [], [], left)[0]:
                continue
            with contextlib.suppress(ConnectionResetError):
                piece = self.port.recv(65536)
                if piece:
                    self.buffer += piece
                    continue
            said = self.qemu.stderr.read().strip() if self.qemu else ""
            raise Trouble(f"{what}: the virtual machine is gone: {said or self.console_tail()}")
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)


def main():
    parser = argparse.ArgumentParser(description="Boots the virtual machine and runs a command in it.")
    parser.add_argument("--suite", choices=["trixie"], default="trixie")
    parser.add_argument("--deb", help="package file to install")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    host.exit_on_signals()
    try:
        with VM(options.suite, options.deb) as vm:
            print(f"disk made in {vm.build_seconds:.1f} s, booted by {vm.accelerator} in {vm.boot_seconds:.1f} s",
                  file=sys.stderr)
            if command:
                done = vm.run(command, check=False, timeout=3600)
                sys.stdout.write(done.stdout)
                sys.stderr.write(done.stderr)
                return done.returncode
            for line in sys.stdin:              # a shell of sorts: one line, one command
                done = vm.run(line, check=False, timeout=3600)
                print(done.stdout + done.stderr, end="", flush=True)
            return 0
    except Trouble as trouble:
        sys.exit(f"vm: {trouble}")
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
