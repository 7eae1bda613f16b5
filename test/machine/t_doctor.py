# SPDX-License-Identifier: MIT
"""doctor: well on a fresh machine, and for each thing that is broken the check that says so, with what helps."""

import contextlib
import json
import re

import page
import product
from harness import check, equal, only
from product import DATA

CHECKS = ["kernel", "systemd", "cgroups", "namespaces", "users", "groups", "directories", "file system", "mount flags",
          "disk space", "own disk", "quota", "broker", "directory maker", "log reader", "firewall", "game slice", "ptrace", "UDP buffers",
          "32-bit", "clock", "SteamCMD", "game"]
OVER = f"umount {DATA}"

# (check, how it is broken, how it is mended, verdict, words). Without the third, the remedies mend it.
FAULTS = (
    ("broker", "systemctl disable --now left4me-broker.socket", None, "fail", "left4me-broker.socket is inactive"),
    ("directory maker", "systemctl disable --now left4me-tidy.socket", None, "fail", "left4me-tidy.socket is inactive"),
    ("log reader", "systemctl disable --now left4me-log.socket", None, "fail", "left4me-log.socket is inactive"),
    ("firewall", "systemctl disable --now left4me-nft.service", None, "fail", "left4me-nft.service is inactive"),
    ("game slice", "systemctl stop l4d2-game.slice", None, "fail", "l4d2-game.slice is inactive"),
    ("directories", f"chown nobody {DATA}/overlays", None, "fail", "overlays can be changed by others than root"),
    ("directories", f"chmod 777 {DATA}/builds", None, "fail", "builds can be changed by others than root"),
    ("directories", f"rmdir {DATA}/builds", None, "fail", "builds: No such file or directory"),
    ("directories", f"rmdir {DATA}/builds; touch {DATA}/builds", f"rm {DATA}/builds; systemd-tmpfiles --create", "fail",
     "builds is not a directory"),
    ("users", "cp -p /etc/passwd /root; sed -i /^left4me-build:/d /etc/passwd", "cp -p /root/passwd /etc/passwd", "fail",
     "the user left4me-build does not exist"),
    ("users", "cp -p /etc/passwd /root; sed -i /^left4me:/d /etc/passwd", "cp -p /root/passwd /etc/passwd", "fail",
     "the user left4me does not exist"),
    ("users", r"cp -p /etc/passwd /root; sed -i -E 's/^(left4me-log:x):[0-9]+/\1:0/' /etc/passwd",
     "cp -p /root/passwd /etc/passwd", "fail", "the user left4me-log is root"),
    ("groups", "cp -p /etc/group /root; sed -i -E 's/^(left4me-content:.*:).*/\\1/' /etc/group",
     "cp -p /root/group /etc/group", "fail", "left4me is not in the group left4me-content"),
    ("systemd", "chmod 600 /run/dbus/system_bus_socket", "chmod 666 /run/dbus/system_bus_socket", "fail", "system bus"),
    ("32-bit", "mv /usr/lib/ld-linux.so.2 /root", "mv /root/ld-linux.so.2 /usr/lib", "fail", "no /lib/ld-linux.so.2"),
    ("mount flags", f"mount -o remount,bind,suid,nodev {DATA}", f"mount -o remount,bind,nosuid,nodev {DATA}", "fail",
     "without nosuid"),
    ("disk space", f"mount -t tmpfs -o size=64M tmpfs {DATA}", OVER, "fail", "GiB are free"),
    ("file system", f"mount -t overlay -o lowerdir=/etc:/usr overlay {DATA}", OVER, "fail", "is on an overlayfs"),
    ("game", f"cp -p {DATA}/overlays/1/state.json /root; echo '{{' > {DATA}/overlays/1/state.json",
     f"cp -p /root/state.json {DATA}/overlays/1", "fail", "damaged"),
    ("game", f"mv {DATA}/overlays/1/state.json /root", f"mv /root/state.json {DATA}/overlays/1", "warn",
     "the game is not installed"),
    ("SteamCMD", "rm /etc/left4me/steamcmd", f"ln -s {product.STEAMCMD} /etc/left4me/steamcmd", "warn", "not known"),
    ("SteamCMD", f"mv {product.STEAMCMD} /root", f"mv /root/steamcmd {product.STEAMCMD}", "warn", "which is gone"),
    ("SteamCMD", f"chmod 777 {product.STEAMCMD}", f"chmod 755 {product.STEAMCMD}", "warn", "root"),
)


def _asked(machine):
    """(exit code, whether it calls the machine healthy, {name: finding})"""
    done = product.ctl(machine, "doctor", "--json", check=False)
    said = json.loads(done.stdout)
    equal(done.stderr, "", "what doctor says on stderr")
    return done.returncode, said["healthy"], {finding["check"]: finding for finding in said["checks"]}


@only("trixie")
def test_fresh(machine):
    """right after the installation nothing fails; every check is there, and none that is not well lacks a remedy"""
    code, is_healthy, found = _asked(machine)
    equal((code, is_healthy), (0, True), f"exit code and health ({found})")
    equal(list(found), CHECKS, "checks")
    for name, finding in found.items():
        check(finding["found"] and (finding["remedy"] is None) == (finding["verdict"] == "ok"), f"{name}: {finding}")
    equal({name: found[name]["verdict"] for name in ("quota", "SteamCMD", "game")},
          {"quota": "warn", "SteamCMD": "warn", "game": "warn"}, "what is left to do")
    lines = product.ctl(machine, "doctor").stdout.splitlines()
    for name in CHECKS:
        check(any(re.match(rf"(ok|warn|fail) +{name} ", line) for line in lines), f"people are not told of {name}: {lines}")
    equal(lines[-1], f"{sum(f['verdict'] == 'ok' for f in found.values())} checks are well, "
          f"{sum(f['verdict'] == 'warn' for f in found.values())} warn, 0 fail", "the last line")


@only("trixie")
def test_faults(machine):
    """each fault is found and told with a remedy, and is over when it is mended"""
    product.ready(machine)
    _, _, well = _asked(machine)
    for name, broken, mended, verdict, words in FAULTS:
        machine.run(broken)
        with contextlib.ExitStack() as stack:
            if mended:
                stack.callback(machine.run, mended)
            code, is_healthy, found = _asked(machine)
            equal(list(found), CHECKS, f"checks after {broken}")
            finding = found[name]
            equal((finding["verdict"], code, is_healthy), (verdict, int(verdict == "fail"), verdict != "fail"),
                  f"verdict, exit code and health after {broken} ({finding})")
            check(words in finding["found"] and finding["remedy"], f"after {broken}: {finding}")
        if not mended:                          # what needs it may have failed with it, and has a remedy of its own
            for fault in (fault for fault in found.values() if fault["verdict"] == "fail"):
                machine.run(re.search("'(.+?)'", fault["remedy"])[1])
        code, _, found = _asked(machine)
        equal((code, found[name]["verdict"]), (0, well[name]["verdict"]), f"{name} after it was mended from {broken}")


def _page(machine):
    """(verdict, what was found) of the page, by the other command."""
    done = machine.run(["left4me", "doctor", "--json"], check=False)
    found, = (row for row in map(json.loads, done.stdout.splitlines()) if row.get("check") == "page")
    return found["verdict"], found["found"]


def test_where_the_page_listens(machine):
    """left4me doctor looks where the operator has it listen"""
    equal(_page(machine), ("ok", "127.0.0.1:8080 can be reached, [::1]:8080 can be reached"), "as it comes")
    with product.drop_in(machine, page.SOCKET, "[Socket]\nListenStream=\nListenStream=127.0.0.1:8081\nListenStream=/run/left4me/page.sock\n"):
        equal(_page(machine), ("fail", "127.0.0.1:8081: Connection refused, /run/left4me/page.sock: No such file or directory"), "before it listens there")
        machine.run(f"systemctl stop {page.SERVICE}; systemctl restart {page.SOCKET}")
        equal(_page(machine), ("ok", "127.0.0.1:8081 can be reached, /run/left4me/page.sock can be reached"), "another address, and a path")
    machine.run(f"systemctl stop {page.SERVICE}; systemctl restart {page.SOCKET}")
    equal(_page(machine)[0], "ok", "back again")
