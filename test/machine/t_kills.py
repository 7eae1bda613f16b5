# SPDX-License-Identifier: MIT
"""kill -9 before each step that changes something, of each program that has a part in overlays and builds.

A step is a system call. What a program does is learned once, by strace; then it is done again, and killed when it
asks the kernel for a step. So nothing depends on how fast the machine is. Afterwards the old state is there or the
new one, the next try succeeds, and nothing is left behind.
"""

import contextlib
import itertools
import re

import product
from harness import check, equal, only
from product import DATA
from t_overlays import SCRIPT, build, overlay, source

# What changes a file, a mount or somebody's mind. '?': or this strace does not know it.
STEPS = ",".join(f"?{name}" for name in """
    write pwrite64 writev sendto sendmsg mkdir mkdirat rename renameat renameat2 link linkat unlink unlinkat rmdir symlinkat
    fsync fdatasync syncfs ftruncate fchown fchownat fchmod fchmodat fchmodat2 fsetxattr setxattr fremovexattr utimensat
    mount umount2 move_mount open_tree mount_setattr copy_file_range flock clone clone3 exit_group""".split())
RUN = "/run/left4me-kills"
TRACE = "/usr/local/lib/left4me-kills/trace"
MADE = "left4dead2/cfg/made.cfg"                        # by SCRIPT
_names = (f"killed{number}" for number in itertools.count(1))


# -- steps ------------------------------------------------------------------------------------------

def learned(text):
    """[(system call, which one of its kind)] of what strace has written, each process by itself, without the middle of long rows."""
    counts = {}
    for line in text.splitlines():
        match = re.match(r"(\d+) +(\w+)\(", line)
        if match:
            counts[match.groups()] = counts.get(match.groups(), 0) + 1
    most = {}
    for (_, name), n in counts.items():
        most[name] = max(n, most.get(name, 0))
    check(len(most) > 1, f"next to nothing was learned: {text[-500:]!r}")
    return [(name, n) for name, count in sorted(most.items()) for n in sorted({1, 2, (count + 1) // 2, count - 1, count}) if 0 < n <= count]


def words(step):
    """For strace: to look, or to kill at a step."""
    return f"-e trace={STEPS}" if step is None else f"-e trace={step[0]} -e inject={step[0]}:signal=KILL:when={step[1]}"


# Runs a program of a unit under strace, if a file says so: the words in it are strace's.
_TRACE = f"""#!/bin/sh
name=$1
shift
[ -s {RUN}/$name ] || exec "$@"
exec strace -f -qq -o {RUN}/log/$name $(cat {RUN}/$name) "$@"
"""


@contextlib.contextmanager
def traced(machine, unit, *commands):
    """The unit's commands can be killed, each by its name: (name, setting, command line)."""
    machine.push(_TRACE.encode(), TRACE, 0o755)
    machine.run(f"mkdir -p -m 755 {RUN}; mkdir -p {RUN}/log; chmod 1777 {RUN}/log")
    lines = [f"{setting}=\n{setting}={TRACE} {name} {line}" for name, setting, line in commands]
    # Only where there is a mount namespace already: that of a mount helper must stay the machine's.
    lines += ["SystemCallFilter=@debug", *([f"ReadWritePaths={RUN}/log"] if "mount" not in unit else [])]
    with product.drop_in(machine, unit, "[Service]\n" + "\n".join(lines) + "\n"):
        try:
            yield
        finally:
            machine.run(f"rm -rf {RUN}")


@contextlib.contextmanager
def killing(machine, name, step=None):
    """The command of this name is killed at the step; without one, what it does is written down."""
    machine.push(f"{words(step)}\n".encode(), f"{RUN}/{name}")
    machine.run(["rm", "-f", f"{RUN}/log/{name}"])
    try:
        yield
    finally:
        machine.run(["rm", "-f", f"{RUN}/{name}"])


def log(machine, name):
    return machine.read(f"{RUN}/log/{name}")


# -- builds -----------------------------------------------------------------------------------------

def nothing_left(machine, about):
    """Of no build, neither on the disk nor in the mounts nor with systemd."""
    left = machine.output(f"ls {DATA}/builds {DATA}-host/builds | grep -v -e : -e '^$'; grep -o '{DATA}/builds/[^ ]*' /proc/1/mountinfo; "
                          "systemctl list-units --plain --no-legend --state=failed 'left4me-*' | cut -d' ' -f1", check=False).split()
    equal(left, [], f"what is left {about}")


def killed_builds(machine, number, change, path, names):
    """Builds the overlay with each program killed at each step: change(n) makes a source of which `path` says n."""
    steps, good = [], 0
    change(good)
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(killing(machine, name))
        build(machine, number)
    for name in names:
        steps += [(name, step) for step in learned(log(machine, name))]
    hits = set()
    for turn, (name, step) in enumerate(steps, 1):
        about = f"after a kill of '{name}' at {step[0]} number {step[1]}"
        change(turn)
        with killing(machine, name, step):
            done = build(machine, number, check=False)
            hits |= {name} if "killed by SIGKILL" in log(machine, name) else set()
        check(done.returncode in (0, 1), f"exit code {about}: {done.returncode} {done.stderr!r}")
        check(done.returncode == 0 or done.stderr.startswith("l4d2ctl: "), f"{about} it says {done.stderr!r}")
        equal(current(machine, number, path), turn if done.returncode == 0 else good, f"what is current {about} ({done.stderr!r})")
        again = build(machine, number)
        equal(current(machine, number, path), turn, f"what is current {about} and another build ({again.stdout!r})")
        good = turn
        nothing_left(machine, about)
    equal(hits, set(names), "programs that were killed at all")


def current(machine, number, path):
    """The number that a file of the current generation says."""
    generation = product.generations(machine, number)[0]
    return int(machine.read(f"{DATA}/overlays/{number}/{generation}/{path}").split()[-1])


@only("trixie")
def test_mounting_a_scratch(machine):
    """the helper that mounts what a build needs, going up and going down"""
    helper = "/usr/lib/left4me/left4me-mount"
    product.ready(machine)
    with overlay(machine, SCRIPT.format(number=0)) as number, \
            traced(machine, "left4me-build-mount@.service", ("up", "ExecStart", f"{helper} build-up %i"),
                   ("down", "ExecStopPost", f"{helper} build-down %i")):
        killed_builds(machine, number, lambda turn: source(machine, number, SCRIPT.format(number=turn)),
                      MADE, ("up", "down"))


@only("trixie")
def test_files(machine):
    """the builder of a tree of files, and the publisher behind it"""
    product.ready(machine)
    with overlay(machine, None, type="files") as number, \
            traced(machine, "left4me-files@.service", ("files", "ExecStart", "/usr/lib/left4me/left4me-files %i")), \
            traced(machine, "left4me-publish@.service", ("publish", "ExecStart", "/usr/lib/left4me/left4me-content publish %i")):
        product.ctl(machine, "files", "put", number, "left4dead2/cfg/same.cfg", "-f", "-", input="same")
        killed_builds(machine, number, lambda turn: product.ctl(machine, "files", "put", number, MADE, "-f", "-", input=f"made {turn}\n"),
                      MADE, ("files", "publish"))


# -- commands ---------------------------------------------------------------------------------------

def strace(machine, step, *arguments, **options):
    """l4d2ctl, killed at the step; returns whether it was. Without a step, what it does."""
    done = machine.run(f"strace -f -qq -o {RUN}.log {words(step)} l4d2ctl " + " ".join(map(str, arguments)), check=False, **options)
    if step is None:
        equal(done.returncode, 0, f"exit code of l4d2ctl {arguments}: {done.stderr}")
        return machine.read(f"{RUN}.log")
    check(done.returncode in (0, -9, 137), f"l4d2ctl {arguments} killed at {step}: {done.returncode} {done.stderr!r}")
    return done.returncode != 0


def places(machine):
    """What there is of overlays on the disk."""
    return machine.output(f"cd {DATA}; ls -d overlays/* sources/* cache/script/*; ls -d {DATA}-host/overlays/*", check=False).splitlines()


def numbers(machine):
    return {row["name"]: row["overlay"] for row in product.ctl_json(machine, "overlay", "list")["overlays"]}


def remove_what_is_left(machine, before, about):
    """By number, as the manual says; then all is as it was."""
    left = {path.rpartition("/")[2] for path in set(places(machine)) - set(before)}
    for number in left:
        product.ctl(machine, "overlay", "delete", number)
    equal(places(machine), before, f"what there is of overlays {about}")


def killed_create(machine, before, name, about):
    """After a creation that was killed, or whose helper was: it is there or it is not, and can be had."""
    is_there = name in numbers(machine)
    again = product.ctl(machine, "overlay", "create", name, "--type", "script", "-f", "-", input=SCRIPT.format(number=1), check=False)
    equal(again.returncode, 4 if is_there else 0, f"exit code of another creation {about}: {again.stderr!r}")
    equal(product.ctl(machine, "overlay", "source", name).stdout, SCRIPT.format(number=1), f"its script {about}")
    product.ctl(machine, "overlay", "delete", name)
    remove_what_is_left(machine, before, about)


@only("trixie")
def test_create(machine):
    """l4d2ctl overlay create: the name is taken or free, and what is left is deleted by number"""
    product.ready(machine)
    machine.push(SCRIPT.format(number=1).encode(), "/root/killed.sh")
    before, hits = places(machine), 0
    name = next(_names)
    steps = learned(strace(machine, None, "overlay", "create", name, "--type", "script", "-f", "/root/killed.sh"))
    product.ctl(machine, "overlay", "delete", name)
    for step in steps:
        name = next(_names)
        hits += strace(machine, step, "overlay", "create", name, "--type", "script", "-f", "/root/killed.sh")
        killed_create(machine, before, name, f"after a kill at {step}")
    check(hits > 5, f"only {hits} of {len(steps)} were killed")


@only("trixie")
def test_set_and_source(machine):
    """l4d2ctl overlay set and overlay source: all of the old, or all of the new"""
    def settings():
        row = product.ctl_json(machine, "overlay", "show", number)
        return row["name"], row["keep"], row["output_max_bytes"], row["refresh"]

    def command(turn):
        return ("overlay", "set", number, "--name", f"set{turn}", "--keep", turn % 100 + 1, "--output-max", f"{turn + 1}G", "--refresh",
                ("never", "daily")[turn % 2])

    def wanted(turn):
        return f"set{turn}", turn % 100 + 1, (turn + 1) << 30, ("never", "daily")[turn % 2]

    def text():
        return product.ctl(machine, "overlay", "source", number).stdout

    product.ready(machine)
    with overlay(machine, SCRIPT.format(number=0)) as number:
        hits, state = 0, wanted(0)
        for turn, step in enumerate(learned(strace(machine, None, *command(0))), 1):
            hits += strace(machine, step, *command(turn))
            check(settings() in (state, wanted(turn)), f"settings after a kill at {step}: {settings()}")
            state = settings()
        product.ctl(machine, *command(99))
        equal(settings(), wanted(99), "settings after all kills")
        machine.push(SCRIPT.format(number=0).encode(), "/root/killed.sh")
        steps, old = learned(strace(machine, None, "overlay", "source", number, "-f", "/root/killed.sh")), text()
        for turn, step in enumerate(steps, 1):
            new = "\n".join(f"# {turn}" * 50 for _ in range(200)) + "\n"
            machine.push(new.encode(), "/root/killed.sh")
            hits += strace(machine, step, "overlay", "source", number, "-f", "/root/killed.sh")
            check(text() in (old, new), f"neither the old nor the new text after a kill at {step}")
            old = text()
        source(machine, number, SCRIPT.format(number=7))
        build(machine, number)
        equal(current(machine, number, MADE), 7, "what is built after all kills")
        equal(machine.output(f"ls -A {DATA}/sources/{number}").split(), ["newest_build", "script", "source.json"], "files of the source")
        check(hits > 10, f"only {hits} were killed")


def make(machine):
    """A small overlay with a generation, to be deleted: its number."""
    name = next(_names)
    number = product.ctl_json(machine, "overlay", "create", name, "--type", "script", "-f", "-", input=SCRIPT.format(number=1))["overlay"]
    build(machine, number)
    return number


def killed_delete(machine, before, number, about):
    """After a removal that was killed, or whose helper was: the next one has nothing left to do."""
    is_half = number in numbers(machine).values()
    collected = product.ctl(machine, "overlay", "gc", check=False)
    check(collected.returncode == 0 or is_half and "' is half deleted: 'l4d2ctl overlay delete " in collected.stderr,
          f"overlay gc {about}: {collected.stderr!r}")
    product.ctl(machine, "overlay", "delete", number)
    equal(places(machine), before, f"what there is of overlays {about}")


@only("trixie")
def test_delete(machine):
    """l4d2ctl overlay delete: another one removes the rest"""
    product.ready(machine)
    before, hits = places(machine), 0
    steps = learned(strace(machine, None, "overlay", "delete", make(machine)))
    for step in steps:
        number = make(machine)
        hits += strace(machine, step, "overlay", "delete", number)
        killed_delete(machine, before, number, f"after a kill at {step}")
    check(hits > 2, f"only {hits} of {len(steps)} were killed")


# -- helpers ----------------------------------------------------------------------------------------

@contextlib.contextmanager
def attached(machine, unit, step=None):
    """strace at a helper that waits for requests, and at every process that it makes for one."""
    machine.run(["systemctl", "start", unit])
    pid = machine.unit(f"{unit}.service")["MainPID"]
    with product.running(machine, ["strace", "-f", "-o", f"{RUN}.log", *words(step).split(), "-p", str(pid)]) as child:
        product.read_all_until(child.stderr, b"attached", 30)
        yield
        machine.run(["systemctl", "kill", "--signal=KILL", unit], check=False)      # so strace ends, and has written everything
        child.wait(30)
    machine.run(["systemctl", "reset-failed", unit], check=False)


def killed_helper(machine, unit):
    """Creates and deletes an overlay, with the helper killed at each step."""
    machine.push(SCRIPT.format(number=1).encode(), "/root/killed.sh")
    before, name = places(machine), next(_names)
    how = ("--type", "script", "-f", "/root/killed.sh")
    with attached(machine, unit):
        product.ctl(machine, "overlay", "create", name, *how)
    steps, hits = learned(machine.read(f"{RUN}.log")), 0
    with attached(machine, unit):
        product.ctl(machine, "overlay", "delete", name)
    removing = learned(machine.read(f"{RUN}.log"))
    for step in steps:
        name = next(_names)
        with attached(machine, unit, step):
            done = product.ctl(machine, "overlay", "create", name, *how, check=False)
        hits += told(done)
        equal(name in numbers(machine), done.returncode == 0, f"whether it is there after {step}")
        killed_create(machine, before, name, f"after a kill at {step}")
    for step in removing:
        number = make(machine)
        with attached(machine, unit, step):
            done = product.ctl(machine, "overlay", "delete", number, check=False)
        hits += told(done)
        killed_delete(machine, before, number, f"after a kill at {step}")
    check(hits > 5, f"only {hits} of {len(steps) + len(removing)} were heard of")


def told(done):
    """Whether the caller had to hear of it, in one sentence."""
    if done.returncode:
        product.one_sentence(done, done.returncode)
    return done.returncode != 0


@only("trixie")
def test_broker(machine):
    """the broker, in the making and the removal of an overlay"""
    product.ready(machine)
    killed_helper(machine, "left4me-broker")


@only("trixie")
def test_tidy(machine):
    """left4me-tidy, in the making and the removal of the directories of an overlay"""
    product.ready(machine)
    killed_helper(machine, "left4me-tidy")
