# SPDX-License-Identifier: MIT
"""alliedmods: the places where Metamod:Source and SourceMod are handed out.

    https://mms.alliedmods.net/mmsdrop/1.12/mmsource-latest-linux     the name of the newest package
    https://mms.alliedmods.net/mmsdrop/1.12/mmsource-1.12.0-git1219-linux.tar.gz
    https://sm.alliedmods.net/smdrop/1.12/sourcemod-latest-linux
    https://sm.alliedmods.net/smdrop/1.12/sourcemod-1.12.0-git7210-linux.tar.gz

The packages are laid out like the real ones, to be unpacked in the game's directory: see tools/buildbot/PackageScript
of alliedmodders/sourcemod and support/buildbot/PackageScript of alliedmodders/metamod-source.
"""

import content
from server import Reply

ENGINES = ("l4d", "l4d2", "css", "tf2")
PLUGINS = ("admin-flatfile", "adminhelp", "adminmenu", "antiflood", "basebans", "basechat", "basecomm",
           "basecommands", "basetriggers", "basevotes", "clientprefs", "funcommands", "funvotes", "nextmap",
           "playercommands", "reservedslots", "sounds")
DISABLED = ("mapchooser", "nominations", "randomcycle", "rockthevote", "sql-admin-manager")
CORE_CFG = """"Core"
{
\t/**
\t * Enables or Disables SourceMod's automatic gamedata updating.
\t *
\t * The default value is "no". A value of "yes" will block the Auto Updater.
\t */
\t"DisableAutoUpdate"\t\t\t"no"

\t"ForceRestartAfterUpdate"\t"no"
}
"""


def metamod(version):
    top = "addons/metamod"
    tree = {"addons/metamod.vdf": b'"Plugin"\n{\n\t"file"\t"addons/metamod/bin/server"\n}\n',
            "addons/metamod_x64.vdf": b'"Plugin"\n{\n\t"file"\t"addons/metamod/bin/linux64/server"\n}\n',
            f"{top}/metaplugins.ini": b";List one plugin per line.\n",
            f"{top}/README.txt": f"Metamod:Source {version}\n".encode(),
            f"{top}/bin/server.so": content.library(f"loader {version}"),
            f"{top}/bin/linux64/server.so": content.library(f"loader64 {version}")}
    for engine in ENGINES:
        tree[f"{top}/bin/metamod.2.{engine}.so"] = content.library(f"metamod {engine} {version}")
    return tree


def sourcemod(version):
    top = "addons/sourcemod"
    tree = {"addons/metamod/sourcemod.vdf": b'"Metamod Plugin"\n{\n\t"alias"\t"sourcemod"\n'
                                            b'\t"file"\t"addons/sourcemod/bin/sourcemod_mm"\n}\n',
            "cfg/sourcemod/sourcemod.cfg": b"sm_show_activity 13\n",
            "cfg/sourcemod/sm_warmode_on.cfg": b"echo war mode\n",
            f"{top}/LICENSE.txt": b"GPLv3\n",
            f"{top}/logs/": b"", f"{top}/data/": b"",
            f"{top}/bin/sourcemod_mm_i486.so": content.library(f"sourcemod_mm {version}"),
            f"{top}/bin/sourcemod.logic.so": content.library(f"logic {version}"),
            f"{top}/bin/sourcepawn.jit.x86.so": content.library(f"jit {version}"),
            f"{top}/configs/core.cfg": CORE_CFG.encode(),
            f"{top}/configs/admins_simple.ini": b"// one admin a line\n",
            f"{top}/configs/geoip/GeoLite2-Country.mmdb": content.noise("geoip", 20000),
            f"{top}/gamedata/core.games/master.games.txt": b'"Game Master"\n{\n}\n',
            f"{top}/gamedata/core.games/engine.l4d2.txt": f'"Games" // {version}\n{{\n}}\n'.encode(),
            f"{top}/scripting/spcomp": content.library(f"spcomp {version}"),
            f"{top}/scripting/include/version_auto.inc": f'#define SOURCEMOD_V "{version}"\n'.encode(),
            f"{top}/translations/common.phrases.txt": b'"Phrases"\n{\n}\n'}
    for engine in ENGINES:
        tree[f"{top}/bin/sourcemod.2.{engine}.so"] = content.library(f"sourcemod {engine} {version}")
        tree[f"{top}/extensions/sdktools.ext.2.{engine}.so"] = content.library(f"sdktools {engine} {version}")
    for name in PLUGINS:
        tree[f"{top}/plugins/{name}.smx"] = b"FFPS" + f"{name} {version}".encode()
        tree[f"{top}/scripting/{name}.sp"] = f"// {name}\n".encode()
    for name in DISABLED:
        tree[f"{top}/plugins/disabled/{name}.smx"] = b"FFPS" + f"{name} {version}".encode()
    return tree


KINDS = {"metamod": ("mms.alliedmods.net", "mmsdrop", "mmsource", metamod),
         "sourcemod": ("sm.alliedmods.net", "smdrop", "sourcemod", sourcemod)}


class AlliedMods:
    def __init__(self):
        self._files = {}                    # {(host, path): bytes}
        self.sites = {host: self._serve for host, *_ in KINDS.values()}

    def publish(self, kind, version, add=None, remove=()):
        """A build such as "1.12.0-git7210" is the newest of its branch; its package's name.

        `add` puts files into it, `remove` leaves some out."""
        host, drop, prefix, make = KINDS[kind]
        tree = {path: data for path, data in make(version).items() if path not in remove} | (add or {})
        branch = ".".join(version.split(".")[:2])
        name = f"{prefix}-{version}-linux.tar.gz"
        self._files[host, f"/{drop}/{branch}/{name}"] = content.tarball(tree)
        self._files[host, f"/{drop}/{branch}/{prefix}-latest-linux"] = name.encode()
        return name

    def _serve(self, request):
        data = self._files.get((request.host, request.path))
        return data and Reply(data, modified=0)
