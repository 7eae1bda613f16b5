# SPDX-License-Identifier: MIT
"""The virtual machine itself, and what the container cannot show: controllers and limits.

Reboots and power cuts are costly; t_server_vm.py has both.
"""

import signal

from harness import check, equal, within

HOG = "x = bytearray()\nwhile True: x += b'x' * 1048576"
# No shell: that would try each fork again and again, for seven seconds.
FORKS = "import os, time\nfor n in range(6):\n    if os.fork() == 0:\n        time.sleep(5), os._exit(0)"


def prepare(machine):
    machine.run("echo prepared > /etc/left4me-test; mkdir -p /var/lib/left4me")


def test_running(vm):
    equal(vm.output("systemctl is-system-running"), "running", "state of the system")
    equal(vm.output("cat /etc/left4me-test; id -un", user="nobody"), "prepared\nnobody", "what was prepared")
    equal(vm.output("stat -f -c %T /var/lib/left4me"), "ext2/ext3", "file system of the state")
    within(vm.boot_seconds, 120, "seconds to boot")


def test_controllers(vm):
    # systemd turns a controller on where a unit asks for it.
    vm.run(["systemd-run", "--quiet", "--unit=weighed", "-p", "CPUWeight=50", "sleep", "60"])
    have = set(vm.output("cat /sys/fs/cgroup/system.slice/cgroup.controllers").split())
    check({"cpu", "memory", "pids"} <= have, f"controllers of system.slice: {sorted(have)}")
    vm.run("systemctl stop weighed")


def test_memory_limit(vm):
    vm.run(["systemd-run", "--quiet", "--unit=hog", "-p", "MemoryMax=48M", "-p", "MemorySwapMax=0",
            "python3", "-c", HOG])
    unit = vm.wait_for("hog.service", "failed")
    equal((unit["Result"], unit["ExecMainStatus"]), ("oom-kill", signal.SIGKILL), "how the hog ended")
    vm.run("systemctl reset-failed hog")


def test_task_limit(vm):
    done = vm.unit_run(["python3", "-c", FORKS], "TasksMax=4", check=False)
    check("Resource temporarily unavailable" in done.stderr, f"six tasks ran where four may: {done.stderr}")


def test_weights(vm):
    """Two slices that want all of one processor share it by weight."""
    for name, weight in (("heavy", 1000), ("light", 10)):
        vm.run(["systemd-run", "--quiet", f"--unit={name}", f"--slice={name}.slice", "-p", "AllowedCPUs=0",
                "bash", "-c", "while :; do :; done"])
        vm.run(["systemctl", "set-property", "--runtime", f"{name}.slice", f"CPUWeight={weight}"])
    used = vm.output("usage() { for n in heavy light; do sed -n 's/usage_usec //p' /sys/fs/cgroup/$n.slice/cpu.stat;"
                     " done; }; usage; sleep 5; usage").split()
    vm.run("systemctl kill --signal=KILL heavy light; systemctl reset-failed heavy light")
    heavy, light = int(used[2]) - int(used[0]), int(used[3]) - int(used[1])
    check(heavy > 10 * light, f"1000 : 10 became {heavy / 1e6:.2f} : {light / 1e6:.2f} seconds of processor")
