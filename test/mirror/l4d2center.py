# SPDX-License-Identifier: MIT
"""l4d2center: the maps that servers of l4d2center.com must have.

    https://l4d2center.com/maps/servers/index.csv
        Name;Size;MD5;Download link
        widebox1.vpk;104857600;0123…cdef;https://l4d2center.com/maps/servers/widebox1.7z
    https://l4d2center.com/maps/servers/index.json      the same as [{"name","size","md5","download_link"}]

Size and MD5 are of the VPK, which is alone in its archive. Names and links may have spaces in them.
"""

import hashlib
import json

import content
from server import Reply

HOST, TOP = "l4d2center.com", "/maps/servers"
HEADER = "Name;Size;MD5;Download link"


class L4d2Center:
    def __init__(self, mkvpk):
        self._mkvpk = mkvpk
        self._rows = {}         # {name: (size, md5, archive)}, in the order of the index
        self._archives = {}     # {archive: bytes}
        self.header = HEADER
        self.end_of_line = "\r\n"
        self.sites = {HOST: self._serve}

    def publish(self, name, text="1", size=100000, form="7z", says=None, tree=None):
        """A map, or a newer one of that name; its VPK's bytes.

        `says` is (size, md5) for an index that lies, `tree` what else the archive holds."""
        packed = content.vpk(self._mkvpk, name.lower(), (f"{name.lower()}1",), text, size)
        inside = {f"{name}.vpk": packed} | (tree or {})
        archive = f"{name}.{form}"
        self._archives[archive] = content.sevenzip(inside) if form == "7z" else content.zipball(inside)
        told_size, told_md5 = says or (len(packed), hashlib.md5(packed).hexdigest())
        self._rows[f"{name}.vpk"] = (told_size, told_md5, archive)
        return packed

    def remove(self, name):
        self._archives.pop(self._rows.pop(f"{name}.vpk")[2])

    def add_row(self, name, size, md5, archive):
        """For rows that nobody ought to write."""
        self._rows[name] = (size, md5, archive)

    def _serve(self, request):
        where, _, name = request.path.rpartition("/")
        if where != TOP:
            return None
        if name == "index.csv":
            # The links have their spaces as they are.
            lines = [self.header] + [f"{each};{size};{md5};{request.url(HOST, TOP)}/{archive}"
                                     for each, (size, md5, archive) in self._rows.items()]
            return Reply((self.end_of_line.join(lines) + self.end_of_line).encode(), kind="text/csv")
        if name == "index.json":
            return Reply(json.dumps([{"name": each, "size": size, "md5": md5,
                                      "download_link": f"{request.url(HOST, TOP)}/{archive}"}
                                     for each, (size, md5, archive) in self._rows.items()]).encode(),
                         kind="application/json")
        data = self._archives.get(name)
        return data and Reply(data, modified=0)
