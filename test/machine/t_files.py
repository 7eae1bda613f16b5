# SPDX-License-Identifier: MIT
"""Overlays of files: edited, published, seen by a game; a server's own files; what a game wrote is kept."""

import io
import json
import tarfile
import zipfile

import product
from harness import check, equal
from t_overlays import build, overlay

CFG = "left4dead2/cfg/mine.cfg"


def put(machine, target, path, text):
    product.ctl(machine, "files", "put", target, path, "-f", "-", input=text)


def names(machine, target, path=""):
    words = ("files", "list", target, *((path,) if path else ()))
    return [entry["name"] + ("/" if entry["kind"] == "dir" else "") for entry in product.ctl_json(machine, *words)["entries"]]


def wrote(machine, server, command):
    """Does something in the tree of a running server, as the game."""
    machine.run(f"cd {server.runtime}/merged/left4dead2 && setpriv --reuid {product.GAME_USER} --regid {product.GAME_USER} "
                f"--clear-groups bash -c '{command}'")


def test_a_tree_is_edited_and_published(machine):
    """put, list, cat, move, remove; a build publishes it; unchanged files cost nothing; a server sees it after a restart"""
    with overlay(machine, None, type="files") as number:
        check("It is empty" in product.ctl(machine, "files", "list", number).stdout, "an empty tree says nothing")
        put(machine, number, CFG, "sv_mine 1\n")
        put(machine, number, "left4dead2/addons/readme.txt", "x" * 100000)
        equal(product.ctl(machine, "files", "cat", number, CFG).stdout, "sv_mine 1\n", "cat")
        product.ctl(machine, "files", "mkdir", number, "left4dead2/deep/er")
        product.ctl(machine, "files", "move", number, "left4dead2/addons/readme.txt", "left4dead2/deep/er/read.txt")
        equal(names(machine, number, "left4dead2"), ["addons/", "cfg/", "deep/"], "directories")
        product.one_sentence(product.ctl(machine, "files", "remove", number, "left4dead2/deep", check=False), 4, "not empty")
        said = build(machine, number).stdout
        first = product.generations(machine, number)[0]
        check("2 files, 2 added" in said, f"the build says {said!r}")
        with product.server(machine, "reader", overlays=[number]) as server:
            equal(machine.read(f"{server.runtime}/merged/{CFG}"), "sv_mine 1\n", "what the server sees")
            put(machine, number, CFG, "sv_mine 2\n")
            product.ctl(machine, "files", "remove", number, "left4dead2/addons")
            said = build(machine, number).stdout
            check("0 added, 1 changed, 0 removed" in said, f"the second build says {said!r}")
            second = product.generations(machine, number)[0]
            inodes = machine.output(f"stat -c %i {product.DATA}/overlays/{number}/*/left4dead2/deep/er/read.txt").split()
            equal(len(set(inodes)), 1, "inodes of what did not change")
            equal(machine.read(f"{server.runtime}/merged/{CFG}"), "sv_mine 1\n", "what the running server sees")
            server.ctl("restart")
            equal(machine.read(f"{server.runtime}/merged/{CFG}"), "sv_mine 2\n", "what it sees after a restart")
            product.ctl(machine, "files", "remove", number, "left4dead2/deep", "--recursive")
            build(machine, number)
            product.ctl(machine, "overlay", "rollback", number, second)
            equal(product.generations(machine, number)[0], second, "the current generation")
        check(first != second, "the same generation twice")


def test_bad_paths(machine):
    """a path that leads out, is absolute or reserved is refused, and nothing is made outside"""
    with overlay(machine, None, type="files") as number:
        for path in ("../x", "/etc/x", "a/../../x", "a//b", ".", "", ".left4me-x", "a\nb", "x" * 300, "/".join("d" * 50)):
            done = product.ctl(machine, "files", "put", number, path, "-f", "-", input="x", check=False)
            equal(done.returncode, 2, f"exit code of putting to {path[:30]!r}: {done.stderr}")
        machine.run(f"ln -s /etc {product.DATA}/sources/{number}/tree/etc && touch /etc/left4me-victim", user=None)
        for words in (("cat", "etc/left4me-victim"), ("remove", "etc/left4me-victim"), ("list", "etc"), ("move", "etc/left4me-victim", "y")):
            check(product.ctl(machine, "files", words[0], number, *words[1:], check=False).returncode != 0, f"{words} followed a link")
        check(product.ctl(machine, "files", "put", number, "etc/z", "-f", "-", input="x", check=False).returncode != 0, "put followed a link")
        equal(machine.output("ls /etc/left4me-victim /etc/z", check=False), "/etc/left4me-victim", "what is in /etc")
        put(machine, number, CFG, "sv_mine 1\n")
        build(machine, number)                  # leaves the link out
        current = product.generations(machine, number)[0]
        equal(machine.output(f"ls {product.DATA}/overlays/{number}/{current}"), "left4dead2", "what was published")


def test_archives(machine):
    """zip and tar are unpacked, with nothing outside; a broken one leaves nothing; a directory is packed"""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("pack/left4dead2/cfg/one.cfg", "one")
        archive.writestr("pack\\left4dead2\\cfg\\two.cfg", "two")
    machine.push(packed.getvalue(), "/root/good.zip")
    machine.push(packed.getvalue()[:60], "/root/cut.zip")
    evil = io.BytesIO()
    with tarfile.open(fileobj=evil, mode="w:gz") as archive:
        for name, kind, target in (("link", tarfile.SYMTYPE, "/etc"), ("dev", tarfile.CHRTYPE, ""), ("good.txt", tarfile.REGTYPE, "")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.devmajor, info.mode = kind, target, 1, 0o4755
            archive.addfile(info, io.BytesIO(b""))
    machine.push(evil.getvalue(), "/root/evil.tgz")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../escaped", "x")
    machine.push(out.getvalue(), "/root/out.zip")
    with overlay(machine, None, type="files") as number:
        product.ctl(machine, "files", "extract", number, "-f", "/root/good.zip", "--strip")
        equal(names(machine, number, "left4dead2/cfg"), ["one.cfg", "two.cfg"], "what was unpacked")
        for bad in ("cut.zip", "out.zip"):
            done = product.ctl(machine, "files", "extract", number, "bad", "-f", f"/root/{bad}", check=False)
            check(done.returncode != 0 and done.stderr.startswith("l4d2ctl: "), f"{bad}: {done.returncode} {done.stderr!r}")
        said = json.loads(product.ctl(machine, "files", "extract", number, "evil", "-f", "/root/evil.tgz", "--json").stdout)
        equal((said["files"], said["left_out"]), (1, 2), "an archive with a link and a device")
        equal(names(machine, number), ["evil/", "left4dead2/"], "what is in the tree")
        machine.run(["bash", "-c", f"l4d2ctl files zip {number} left4dead2 > /root/back.zip"])
        with zipfile.ZipFile(io.BytesIO(machine.read("/root/back.zip", text=False))) as archive:
            equal(sorted(name for name in archive.namelist() if not name.endswith("/")),
                  ["left4dead2/cfg/one.cfg", "left4dead2/cfg/two.cfg"], "what is in the archive")


def test_a_servers_own_files(machine):
    """@NAME: admins of one server lie above everything else, are seen by it alone, and go with it"""
    with product.server(machine, "mine", start=False) as server, product.server(machine, "yours", start=False) as other:
        admins = "left4dead2/addons/sourcemod/configs/admins_simple.ini"
        product.one_sentence(product.ctl(machine, "files", "list", "@mine", check=False), 3, "no overlay of its own")
        put(machine, "@mine", admins, "secret\n")
        build(machine, "@mine")
        server.start()
        other.start()
        equal(machine.read(f"{server.runtime}/merged/{admins}"), "secret\n", "what the server sees")
        check(machine.run(f"test -e {other.runtime}/merged/{admins}", check=False).returncode != 0, "the other one sees it too")
        number = next(row["overlay"] for row in product.ctl_json(machine, "overlay", "list")["overlays"] if row["name"] == "@mine")
        product.one_sentence(product.ctl(machine, "overlay", "delete", number, check=False), 4, "'mine'")
        server.ctl("delete")
        rows = product.ctl_json(machine, "overlay", "list")["overlays"]
        check("@mine" not in [row["name"] for row in rows], "its overlay is still there")
        equal(machine.output(f"ls -d {product.DATA}/*/{number} {product.DATA}/cache/script/{number} {product.DATA}-host/overlays/{number}",
                             check=False), "", "what is left of it")


def test_what_a_game_wrote_is_kept(machine):
    """a drifted file of a stopped server becomes part of its own overlay, and is there after a reset"""
    with product.server(machine, "drifter") as server:
        wrote(machine, server, "mkdir -p addons/data addons/odd && echo kept > addons/data/stats.txt && "
              "echo more > addons/odd/more.txt && ln -s /etc/passwd addons/odd/bad")
        product.one_sentence(server.ctl("keep", "left4dead2/addons/data", check=False), 4, "stop")
        server.stop()
        failed = server.ctl("keep", "left4dead2/addons/odd", check=False)
        check("1 entries cannot be kept" in failed.stderr, f"of a link it says {failed.stderr!r}")
        server.ctl("keep", "left4dead2/addons/data")
        product.one_sentence(server.ctl("keep", "left4dead2/addons/odd", check=False), 4, "one by one")
        server.ctl("keep", "left4dead2/addons/odd/more.txt")
        server.ctl("drop", "left4dead2/addons/odd")
        paths = [entry["path"] for entry in server.json("drift")["entries"]]
        check("left4dead2/addons/data/stats.txt" not in paths, f"it still drifts: {paths}")
        equal(product.ctl(machine, "files", "cat", "@drifter", "left4dead2/addons/data/stats.txt").stdout, "kept\n", "what was kept")
        build(machine, "@drifter")
        server.ctl("reset")
        server.start()
        equal(machine.output(f"ls {server.runtime}/merged/left4dead2/addons/data"), "stats.txt", "what is there after a reset")
