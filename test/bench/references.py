# SPDX-License-Identifier: MIT
"""references: what our server unit is measured against, made in the machine out of the very same unit.

    bare    the hardened unit without a stack: its tree is a plain copy of the game
    naked   the same program on the same copy, without any hardening
    first   the way of the first left4me: the unit mounts its stack itself, by an interpreted helper
            under nsenter in ExecStartPre= and ExecStopPost=; hardened alike, but for a look at /proc that
            nsenter cannot do without
"""

import re

HOME = "/var/lib/bench"                 # on a real file system: overlayfs wants one below its upper layer
UNITS = "/etc/systemd/system"
HELPER = f"{HOME}/left4me-overlay"

# What the first system's helper did: read the instance's settings, check them, call mount(8).
HELPER_TEXT = """#!/usr/bin/python3
import os, pathlib, re, subprocess, sys

HOME = pathlib.Path("%s")


def settings(name):
    if not re.fullmatch("[a-z0-9][a-z0-9_-]{0,63}", name):
        sys.exit(f"bad name: {name!r}")
    lines = (HOME / "first" / "instance.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def mount(name):
    layers = [pathlib.Path(word) for word in settings(name)["LOWERDIRS"].split(":")]
    for layer in layers:
        if layer.resolve() != layer or HOME not in layer.parents or not layer.is_dir():
            sys.exit(f"bad layer: {layer}")
    first = HOME / "first"
    if os.path.ismount(first / "merged"):
        subprocess.run(["umount", first / "merged"], check=True)
    options = f"lowerdir={':'.join(map(str, layers))},upperdir={first}/upper,workdir={first}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, first / "merged"], check=True)


def umount(name):
    settings(name)
    if os.path.ismount(HOME / "first" / "merged"):
        subprocess.run(["umount", HOME / "first" / "merged"], check=True)


{"mount": mount, "umount": umount}[sys.argv[1]](sys.argv[2])
""" % HOME

NAKED = """[Unit]
Description=Left 4 Dead 2 server, not hardened
StartLimitIntervalSec=0
[Service]
Type=notify
NotifyAccess=main
ExecStart=/usr/lib/left4me/left4me-launch
User=left4me-game
Slice=l4d2-game.slice
KillSignal=SIGINT
KillMode=mixed
SyslogIdentifier=l4d2-naked
LogRateLimitIntervalSec=0
"""


def _edit(text, pattern, into):
    """The unit is ours and changes: a line that is no longer there must not go unnoticed."""
    edited, n = re.subn(pattern, into, text, flags=re.M)
    if n == 0:
        raise LookupError(f"left4me-server@.service has no line like {pattern}")
    return edited


def _without_stack(unit):
    text = _edit(unit, r"^BindsTo=left4me-mount@%i\.service\n", "")
    text = _edit(text, r"^(After=.*?)left4me-mount@%i\.service ?", r"\1")
    text = _edit(text, r"^StartLimitIntervalSec=.*", "StartLimitIntervalSec=0")
    return _edit(text, r"/var/lib/left4me/runtime/%i/config", f"{HOME}/config")


def make(machine, name):
    """Out of the server `name`, which must run. Returns what to start: [(word, unit)]."""
    unit = machine.read("/usr/lib/systemd/system/left4me-server@.service")
    run = f"/var/lib/left4me/runtime/{name}"
    machine.run(f"""set -e
        mkdir -p {HOME}/first/{{upper,work,merged}} /srv
        cp -a {run}/config {run}/merged {HOME}; mv {HOME}/merged {HOME}/tree
        find {HOME}/tree -newer {run}/config -path '*/logs/*' -delete
        chown -R left4me-game:left4me-game {HOME}/config {HOME}/tree {HOME}/first
        ln -s {HOME}/tree /srv/game; ln -s {HOME}/config /srv/config
        for unit in bench-bare bench-first; do
            cp -r /etc/systemd/system.control/left4me-server@{name}.service.d {UNITS}/$unit.service.d
        done
        mkdir -p {UNITS}/left4me-server@{name}.service.d""")
    plain, merged = _without_stack(unit), r"/var/lib/left4me/runtime/%i/merged"
    # With RootDirectory= also a "+" command runs in the frame, which has a /proc of its own.
    mount = "BindReadOnlyPaths=/proc:/overlay:norbind\n" + "".join(
        f"{when}=+/usr/bin/nsenter --mount=/overlay/1/ns/mnt -- /usr/bin/python3 {HELPER} {verb} {name}\n"
        for when, verb in (("ExecStartPre", "mount"), ("ExecStopPost", "umount")))
    files = {
        f"{UNITS}/bench-bare.service": _edit(plain, merged, f"{HOME}/tree"),
        f"{UNITS}/bench-first.service": _edit(_edit(plain, merged, f"{HOME}/first/merged"),
                                              r"^(ExecStart=)", mount + r"\1"),
        f"{UNITS}/bench-naked.service": NAKED,
        f"{UNITS}/left4me-server@{name}.service.d/bench.conf": "[Unit]\nStartLimitIntervalSec=0\n",
        f"{HOME}/first/instance.env": f"L4D2_PORT=27015\nLOWERDIRS={HOME}/tree\n",
        HELPER: HELPER_TEXT,
    }
    for path, text in files.items():
        machine.push(text.encode(), path)
    machine.run(["systemctl", "daemon-reload"])
    return {"ours": [f"left4me-server@{name}.service", f"left4me-mount@{name}.service"],
            "bare": ["bench-bare.service"], "naked": ["bench-naked.service"], "first": ["bench-first.service"]}
