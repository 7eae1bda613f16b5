#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mirror: the upstreams of the example scripts, in small, on one port of this machine.

    mirror = Mirror(directory, address, port, mkvpk=path)
    mirror.alliedmods.publish("sourcemod", "1.12.0-git7211")
    mirror.l4d2center.remove("widebox1")
    mirror.server.fault("l4d2center.com", "*.7z", "truncate", times=1)
    with mirror:
        mirror.ca_path, mirror.hosts, mirror.port, mirror.server.requests("*.alliedmods.net")

To whom the names in `hosts` mean its address, and who trusts `ca_path`, that is the internet. Run by itself it
prints how to use it with curl, and serves until Ctrl-C: mirror.py DIRECTORY MKVPK [PORT]
"""

import sys
import threading

import competitive
from alliedmods import AlliedMods
from cedapug import Cedapug
from github import GitHub
from l4d2center import L4d2Center
from server import Authority, Server


class Mirror:
    """Holds what it publishes in memory; `directory` is for its keys, which the next one there uses again."""

    def __init__(self, directory, address="127.0.0.1", port=0, mkvpk=None, listener=None):
        self.alliedmods, self.github = AlliedMods(), GitHub()
        self.l4d2center, self.cedapug = L4d2Center(mkvpk), Cedapug(mkvpk)
        sites = {}
        for upstream in (self.alliedmods, self.github, self.l4d2center, self.cedapug):
            sites |= upstream.sites
        self.server = Server(sites, Authority(directory), address, port, listener)

    @property
    def ca_path(self):
        return self.server.ca_path

    @property
    def hosts(self):
        return self.server.hosts

    @property
    def address(self):
        return self.server.address

    @property
    def port(self):
        return self.server.port

    def start(self):
        self.server.start()
        return self

    def stop(self):
        self.server.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def publish(self):
        """Something of everything."""
        self.alliedmods.publish("metamod", "1.12.0-git1219")
        self.alliedmods.publish("sourcemod", "1.12.0-git7210")
        self.publish_rework("v1.0.0")
        self.publish_tickrate("build", "db72da3")
        for name in ("widebox1", "Dead Series", "carriedoff"):
            self.l4d2center.publish(name)
        self.cedapug.publish("CityBlock")
        self.cedapug.publish("LongRoad", parts=2)

    def publish_rework(self, tag, has_assets=True, **options):
        self.github.publish(competitive.REWORK, tag, competitive.rework_assets(tag) if has_assets else {},
                            competitive.rework(tag), **options)

    def publish_tickrate(self, tag, commit, form="tar.gz", platforms=("linux", "oldlinux", "win"), **options):
        self.github.publish(competitive.TICKRATE, tag, competitive.tickrate_assets(commit, form, platforms), **options)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: mirror.py DIRECTORY MKVPK [PORT]")
    mirror = Mirror(sys.argv[1], port=int((sys.argv[3:] or ["0"])[0]), mkvpk=sys.argv[2])
    mirror.publish()
    with mirror:
        print("It answers for " + ", ".join(mirror.hosts) + ".\nIn a file ~/.curlrc for curl:\n\n"
              f'cacert = "{mirror.ca_path}"\nconnect-to = "::{mirror.address}:{mirror.port}"\n', flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
