# SPDX-License-Identifier: MIT
"""cedapug: the custom maps of cedapug.com.

    https://cedapug.com/custom          a page whose script calls renderCustomMapDownloads([…]) with one entry a map
    https://cedapug.com/maps/NAME.zip   an archive with the VPKs of a campaign

How an entry looks is written nowhere, so nothing may depend on more than that a link to a zip archive is in it.
"""

import json

import content
from server import Reply

HOST = "cedapug.com"
PAGE = """<!DOCTYPE html>
<html><head><title>CEDAPug</title>
<script>
function renderCustomMapDownloads(maps) { /* … */ }
</script></head>
<body><div id="custom-map-downloads"></div>
<script>
document.addEventListener("DOMContentLoaded", function () {
    renderCustomMapDownloads(%s);
    console.log("maps (%d)]");
});
</script></body></html>
"""


class Cedapug:
    def __init__(self, mkvpk):
        self._mkvpk = mkvpk
        self._archives = {}     # {name: (bytes, unix time)}
        self._clock = 0
        self.page = PAGE
        self.form = "absolute"  # of links: absolute, root, relative or bare
        self.more = []          # entries besides
        self.sites = {HOST: self._serve}

    def publish(self, name, text="1", size=100000, parts=1, tree=None):
        """A campaign of one or more VPKs, or a newer one of that name; {file: bytes}."""
        names = [name] if parts == 1 else [f"{name}_part{part}" for part in range(1, parts + 1)]
        files = {f"{each}.vpk": content.vpk(self._mkvpk, each.lower(), (f"{each.lower()}1",), text, size)
                 for each in names}
        self._clock += 60
        self._archives[f"{name}.zip"] = (content.zipball(files | (tree or {})), self._clock)
        return files

    def remove(self, name):
        del self._archives[f"{name}.zip"]

    def _serve(self, request):
        if request.path == "/custom":
            links = {"absolute": request.url(HOST, "/maps/"), "root": "/maps/", "relative": "maps/", "bare": ""}
            entries = [{"name": name.removesuffix(".zip"), "size": f"{len(data) / 1e6:.1f} MB (zip)]);",
                        "link": links[self.form] + name} for name, (data, _) in self._archives.items()]
            return Reply((self.page % (json.dumps(entries + self.more, indent=1), len(entries))).encode(),
                         kind="text/html; charset=utf-8")
        data, modified = self._archives.get(request.path.removeprefix("/maps/"), (None, None))
        return data and Reply(data, kind="application/zip", modified=modified)
