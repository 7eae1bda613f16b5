# SPDX-License-Identifier: MIT
"""Who may do what with which file of ours: one table, walked on the disk of a machine at work."""

import json
import re

import product
import scene
from harness import equal, only
from product import DATA

USERS = ("left4me", "left4me-content", "left4me-game", "left4me-build", "left4me-log", "nobody")

# What each of USERS may do, in that order; "-" is nothing.
#   l list   c create in it   r read   w write   m rename   d remove   p change its mode   s connect
# A directory may be removed if nothing but what is in it is in the way.
# N is the overlay of a running server with the generation G, B a build that is running, F an overlay of files,
# VICTIM the server. What begins without a slash is below DATA.
TABLE = """
/var/lib/left4me                            l      l      l   l   l   l
db                                          lcp    -      -   -   -   -
db/secret                                   rwmdp  -      -   -   -   -
sources                                     l      -      -   -   -   -
sources/N                                   lcp    -      -   -   -   -
sources/N/script                            rwmdp  -      -   -   -   -
sources/N/source.json                       rwmdp  -      -   -   -   -
sources/F                                   lcp    -      -   -   -   -
sources/F/tree                              lcmdp  -      -   -   -   -
sources/F/tree/cfg/own.cfg                  rwmdp  -      -   -   -   -
sources/F/.work                             lcmdp  -      -   -   -   -
sources/F/.work/stage                       lcmdp  -      -   -   -   -
sources/F/.work/uploads                     lcmdp  -      -   -   -   -
instances                                   l      -      -   -   -   -
instances/VICTIM                            lcp    -      -   -   -   -
instances/VICTIM/spec.yaml                  rwmdp  -      -   -   -   -
instances/VICTIM/rcon_password              rwmdp  -      -   -   -   -
instances/VICTIM/1                          lcmdp  -      -   -   -   -
instances/VICTIM/1/args                     rwmdp  -      -   -   -   -
instances/VICTIM/1/tree                     lcmdp  -      -   -   -   -
overlays                                    l      l      l   l   l   l
overlays/1                                  l      lcp    -   -   -   -
overlays/N                                  l      lcp    -   -   -   -
overlays/N/.lock                            -      rwmdp  -   -   -   -
overlays/N/state.json                       r      rwmdp  -   -   -   -
overlays/N/G                                l      lcmdp  -   -   -   -
overlays/N/G.index                          r      rwmdp  -   -   -   -
overlays/N/G/left4dead2                     l      lcmdp  -   -   -   -
overlays/N/G/left4dead2/cfg/secret.cfg      r      rwmdp  -   -   -   -
cache                                       l      l      -   -   -   -
cache/steamcmd                              -      lcp    -   -   -   -
cache/steamcmd/secret                       -      rwmdp  -   -   -   -
cache/script                                -      -      -   -   -   -
cache/script/N                              -      -      -   -   -   -
cache/script/N/secret                       -      -      -   -   -   -
cache/workshop                              l      lcp    -   -   -   -
cache/workshop/1                            l      lcmdp  -   -   -   -
cache/workshop/1/item                       r      rwmdp  -   -   -   -
builds                                      l      l      -   -   -   -
builds/B                                    l      l      -   -   -   -
builds/B/upper                              -      lcp    -   -   -   -
builds/B/upper/secret.cfg                   -      rwmdp  -   -   -   -
builds/B/work                               -      lcp    -   -   -   -
builds/B/merged                             -      -      -   -   -   -
builds/B/merged/secret.cfg                  -      -      -   -   -   -
builds/B/cache                              -      -      -   -   -   -
builds/B/source                             -      -      -   -   -   -
builds/B/source/script                      -      -      -   -   -   -
runtime                                     l      -      -   -   -   -
runtime/VICTIM                              l      -      -   -   -   -
runtime/VICTIM/upper                        l      -      -   -   -   -
runtime/VICTIM/upper/left4dead2/cfg/private.cfg   r  -    -   -   -   -
runtime/VICTIM/work                         -      -      -   -   -   -
runtime/VICTIM/merged                       -      -      -   -   -   -
runtime/VICTIM/merged/left4dead2/cfg/private.cfg  -  -    -   -   -   -
runtime/VICTIM/config                       -      -      -   -   -   -
runtime/VICTIM/config/args                  -      -      -   -   -   -
/var/lib/left4me-host                       l      l      l   l   l   l
/var/lib/left4me-host/build-counter         r      r      r   r   r   r
/var/lib/left4me-host/overlay-counter       r      r      r   r   r   r
/var/lib/left4me-host/instances             l      l      l   l   l   l
/var/lib/left4me-host/instances/VICTIM      r      r      r   r   r   r
/var/lib/left4me-host/builds                l      l      l   l   l   l
/var/lib/left4me-host/builds/B              r      r      r   r   r   r
/var/lib/left4me-host/overlays              l      l      l   l   l   l
/var/lib/left4me-host/overlays/N            r      r      r   r   r   r
/var/lib/left4me-host/edits                 l      l      -   -   -   -
/run/left4me                                l      l      l   l   l   l
/run/left4me/broker.sock                    s      -      -   -   -   -
/run/left4me/log.sock                       s      -      -   -   -   -
/run/left4me/doctor.sock                    s      -      -   -   -   -
/run/left4me/worker.sock                    s      -      -   -   -   -
/run/left4me-host                           l      l      l   l   l   l
/run/left4me-host/tidy.sock                 -      -      -   -   -   -
/run/left4me-host/mounted                   l      l      l   l   l   l
/run/left4me-host/mounted/VICTIM            r      r      r   r   r   r
/run/left4me-host/idmap                     -      -      -   -   -   -
/run/left4me-host/idmap/content-build       -      -      -   -   -   -
/run/left4me-host/lock                      -      -      -   -   -   -
/run/left4me-nft                            l      l      l   l   l   l
/run/left4me-nft/loaded                     r      r      r   r   r   r
/etc/credstore/left4me.key                  -      -      -   -   -   -
/etc/left4me                                l      l      l   l   l   l
/etc/left4me/left4me.conf                   r      r      r   r   r   r
/etc/left4me/resolv.conf                    r      r      r   r   r   r
/etc/left4me/steamcmd                       -      -      -   -   -   -
/etc/left4me/nft.d                          l      l      l   l   l   l
/etc/left4me/nft.d/lan.nft.example          r      r      r   r   r   r
"""

# Below these are trees of whoever owns them.
TREES = ("db", "overlays/N/G", "cache/script/N", "cache/steamcmd", "cache/workshop/N", "instances/VICTIM/G/tree", "runtime/VICTIM/config",
         "runtime/VICTIM/merged", "runtime/VICTIM/upper", "runtime/VICTIM/work", "builds/B/upper", "builds/B/work", "builds/B/merged",
         "builds/B/cache", "builds/B/source", "sources/N/tree")
ROOTS = (DATA, f"{DATA}-host", "/run/left4me*", "/etc/left4me")

# As one user: reads "operation path", answers "yes" or why not.
WORKER = """
import os, socket, stat, sys
def attempt(operation, path):
    if operation == "l":
        os.listdir(path)
    elif operation == "c":
        os.close(os.open(path + "/probe", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.unlink(path + "/probe")
    elif operation in "rw":
        os.close(os.open(path, (os.O_RDONLY if operation == "r" else os.O_WRONLY) | os.O_NONBLOCK))
    elif operation == "m":
        os.rename(path, path + ".moved")
        os.rename(path + ".moved", path)
    elif operation == "d":
        os.rmdir(path) if stat.S_ISDIR(os.lstat(path).st_mode) else os.unlink(path)
    elif operation == "p":
        os.chmod(path, stat.S_IMODE(os.stat(path).st_mode))
    elif operation == "s":
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(path)
for line in sys.stdin:
    try:
        attempt(*line.rstrip("\\n").split(" ", 1))
        print("yes", flush=True)
    except OSError as reason:
        # The directory is not empty: nothing else was in the way.
        print("yes" if line[0] == "d" and reason.errno == 39 else reason.strerror, flush=True)
"""

# As root: has each user try everything, and puts back what one could remove. Prints {path: [allowed, …]}.
WALK = """
import json, os, socket, stat, subprocess, sys
users, worker, paths = json.load(sys.stdin)
children = [subprocess.Popen(["setpriv", "--reuid", user, "--regid", str(subprocess.check_output(["id", "-g", user], text=True).strip()),
                              "--init-groups", "python3", "-c", worker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for user in users]
kinds = {stat.S_IFDIR: "dlcm", stat.S_IFREG: "frwm", stat.S_IFSOCK: "ssm", stat.S_IFIFO: "frwm", stat.S_IFLNK: "km"}
def ask(child, operation, path):
    child.stdin.write(f"{operation} {path}\\n")
    child.stdin.flush()
    return child.stdout.readline() == "yes\\n"
found = {}
for path in paths:
    st = os.lstat(path)
    kind, *operations = kinds[stat.S_IFMT(st.st_mode)]
    operations += ["d"] + ([] if kind == "k" else ["p"])
    found[path] = []
    for child in children:
        allowed = ""
        for operation in operations:
            is_kept = operation == "d" and kind != "d"
            try:
                if is_kept:
                    os.link(path, path + ".kept", follow_symlinks=False)
            except OSError:                 # on a mount of its own: who may not rename it may not remove it either
                is_kept = False
                if "m" in allowed:
                    continue
            if ask(child, operation, path):
                allowed += operation
            if is_kept:
                os.unlink(path + ".kept") if os.path.lexists(path) else os.rename(path + ".kept", path)
            elif not os.path.lexists(path):
                os.mkdir(path)
                os.chown(path, st.st_uid, st.st_gid)
                os.chmod(path, stat.S_IMODE(st.st_mode))
        found[path].append(allowed or "-")
print(json.dumps(found))
"""


def walk(machine, paths):
    """{path: [what each of USERS may do]}"""
    done = machine.run(["python3", "-c", WALK], input=json.dumps([USERS, WORKER, paths]))
    return json.loads(done.stdout)


def whole(path, names):
    """A path of the table with what its letters stand for."""
    parts = [re.sub(r"^[A-Z]+(?=\.|$)", lambda match: names[match[0]], part) for part in path.split("/")]
    return "/".join(parts if path.startswith("/") else [DATA, *parts])


def table(names):
    """{path: [what each of USERS may do]}"""
    rows = [line.split() for line in TABLE.strip().splitlines()]
    return {whole(path, names): cells for path, *cells in rows}


def unknown(directories):
    """Those that no row of the table and no tree speaks of."""
    names = {letter: "[0-9]+" for letter in "NGBF"} | {"VICTIM": "[a-z0-9_-]+"}
    rows = [re.sub("/1(?=/|$)", "/[0-9]+", whole(line.split()[0], names)) for line in TABLE.strip().splitlines()]
    known = re.compile("|".join([*rows, *(f"{whole(path, names)}/.*" for path in TREES)]))
    return [path for path in directories if not known.fullmatch(path)]


def listed(machine):
    """All there is of ours: names, kinds, owners, modes, sizes."""
    return machine.output(f"find {' '.join(ROOTS)} -printf '%p %y %m %U %G %s\\n' | sort").splitlines()


@only("trixie")
def test_access(machine):
    """every cell of the table of users, files and operations is as it says; no directory of ours is unknown to it"""
    here = scene.of(machine)
    here.start_beside()
    product.ctl(machine, "overlay", "create", "files", "--type", "files")
    product.ctl(machine, "files", "put", "files", "cfg/own.cfg", "-f", "-", input="sv_own 1\n")
    product.ctl(machine, "overlay", "build", "files")
    machine.run(f"install -d -o left4me-content -g left4me-content -m 750 {DATA}/cache/workshop/1; "
                f"install -o left4me-content -g left4me-content -m 640 /dev/null {DATA}/cache/workshop/1/item")
    before = listed(machine)
    equal(unknown([line.split(" ")[0] for line in before if " d " in line]), [], "directories that the table does not know")
    names = {"N": str(here.neighbour), "G": str(product.generations(machine, here.neighbour)[0]), "B": str(here.build), "VICTIM": "victim",
             "F": str(product.ctl_json(machine, "overlay", "show", "files")["overlay"])}
    wanted = table(names)
    found = walk(machine, list(wanted))
    wrong = [f"{path}: {user} may {found[path][n]}, should {cells[n]}" for path, cells in wanted.items() for n, user in enumerate(USERS)
             if found[path][n] != cells[n]]
    equal(wrong, [], "cells that are not as they should be")
    equal(sorted(set(listed(machine)) ^ set(before)), [], "what the walk has changed")
    here.end_beside()
