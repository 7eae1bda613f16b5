# SPDX-License-Identifier: MIT
"""competitive: what SirPlease/L4D2-Competitive-Rework and accelerator74/Tickrate-Enabler release, in small.

Layouts as in .github/workflows/release.yml of the one, and build.yml and the README of the other.
"""

import content

REWORK = "SirPlease/L4D2-Competitive-Rework"
TICKRATE = "accelerator74/Tickrate-Enabler"


def rework(version):
    """The repository at a tag."""
    top = "addons/sourcemod"
    return {"README.md": f"# L4D2 Competitive Rework {version}\n".encode(), "LICENSE": b"GPLv3\n",
            ".github/workflows/release.yml": b"name: release\n",
            "Dedicated Server Install Guide/README.md": b"# Guide\n",
            "host.txt": b"host\n", "motd.txt": b"motd\n", "myhost.txt": b"my host\n", "mymotd.txt": b"my motd\n",
            "addons/metamod.vdf": b'"Plugin"\n{\n\t"file"\t"addons/metamod/bin/server"\n}\n',
            "addons/l4dtoolz.vdf": b'"Plugin"\n{\n\t"file"\t"addons/l4dtoolz"\n}\n',
            "addons/l4dtoolz.so": content.library(f"l4dtoolz {version}"),
            "addons/l4dtoolz.dll": b"MZ",
            "addons/metamod/bin/server.so": content.library(f"loader {version}"),
            "addons/metamod/bin/metamod.2.l4d2.so": content.library(f"metamod {version}"),
            "addons/metamod/bin/metamod.2.l4d2.dll": b"MZ",
            f"{top}/bin/sourcemod.2.l4d2.so": content.library(f"sourcemod {version}"),
            f"{top}/configs/core.cfg": b'"Core"\n{\n\t"DisableAutoUpdate"\t\t\t"no"\n}\n',
            f"{top}/plugins/confoglcompmod.smx": b"FFPS" + version.encode(),
            f"{top}/plugins/optional/readyup.smx": b"FFPS" + version.encode(),
            f"{top}/scripting/confoglcompmod.sp": f"// {version}\n".encode(),
            f"{top}/scripting/include/left4dhooks.inc": b"// natives\n",
            "cfg/server.cfg": f"// competitive {version}\nsv_consistency 1\n".encode(),
            "cfg/generalfixes.cfg": b"exec confogl_fixes\n",
            "cfg/cfgogl/zonemod/zonemod.cfg": f"// zonemod {version}\n".encode(),
            "cfg/stripper/zonemod/maps/c1m1_hotel.cfg": b"; stripper\n",
            "scripts/vscripts/rework.nut": f"// {version}\n".encode()}


def rework_assets(tag):
    """The packages of a release: {name: bytes}."""
    tree = {f"./{path}": data for path, data in rework(tag).items()
            if path.startswith(("addons/", "cfg/", "scripts/")) or "/" not in path and not path.startswith(".")}
    tree = {path: data for path, data in tree.items() if not path.startswith("./addons/sourcemod/scripting/")}
    stem = f"L4D2-Competitive-Rework-{tag}"
    return {f"{stem}-linux.tar.gz": content.tarball({k: v for k, v in tree.items() if not k.endswith(".dll")}),
            f"{stem}-windows.zip": content.zipball({k[2:]: v for k, v in tree.items() if not k.endswith(".so")})}


def tickrate_assets(commit, form="tar.gz", platforms=("linux", "oldlinux", "win")):
    """The packages of a release; older ones are zip archives, and there were no two of them for Linux."""
    assets = {}
    for game in ("l4d", "l4d2"):
        for platform in platforms:
            suffix = "dll" if platform == "win" else "so"
            tree = {"addons/tickrate_enabler.vdf":
                        b'"Plugin"\n{\n\t"file"\t"addons/tickrate_enabler/tickrate_enabler"\n}\n',
                    f"addons/tickrate_enabler/tickrate_enabler.{suffix}":
                        content.library(f"tickrate {game} {platform} {commit}"),
                    "README.MD": b"## Tickrate Enabler\n"}
            pack = content.tarball if form == "tar.gz" else content.zipball
            assets[f"Tickrate-Enabler-{game}-{platform}-{commit}.{form}"] = pack(tree)
    return assets
