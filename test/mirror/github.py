# SPDX-License-Identifier: MIT
"""github: releases of repositories, by GitHub's API and from the hosts it sends people to.

    https://api.github.com/repos/OWNER/NAME/releases             the newest first
    https://api.github.com/repos/OWNER/NAME/releases/latest      the newest that is no pre-release
    https://api.github.com/repos/OWNER/NAME/releases/tags/TAG
    https://github.com/OWNER/NAME/releases/download/TAG/ASSET    sends to release-assets.githubusercontent.com
    https://github.com/OWNER/NAME/archive/refs/tags/TAG.tar.gz   sends to codeload.github.com

Source: docs.github.com, "REST API endpoints for releases". `digest` is there for assets uploaded since June 2025.
"""

import dataclasses
import hashlib
import json
import re

import content
from server import Reply, redirect

API, WEB, CODE = "api.github.com", "github.com", "codeload.github.com"
ASSETS = "release-assets.githubusercontent.com"


@dataclasses.dataclass
class Release:
    assets: dict                # {name: bytes}
    source: dict                # the tree of the repository at the tag
    is_prerelease: bool
    has_digests: bool


class GitHub:
    def __init__(self):
        self._releases = {}     # {repository: {tag: Release}}, the oldest first
        self.sites = {API: self._api, WEB: self._web, CODE: self._code, ASSETS: self._assets}

    def publish(self, repository, tag, assets=None, source=None, is_prerelease=False, has_digests=True):
        """A release, the newest of its repository; one of the same tag is replaced."""
        releases = self._releases.setdefault(repository, {})
        releases.pop(tag, None)
        releases[tag] = Release(assets or {}, source or {}, is_prerelease, has_digests)

    def remove(self, repository, tag):
        del self._releases[repository][tag]

    def _api(self, request):
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)/releases(/latest|/tags/(.+))?", request.path)
        releases = self._releases.get(found[1], {}) if found else {}
        described = [self._describe(request, found[1], tag, release) for tag, release in reversed(releases.items())]
        if found and not found[2]:
            return self._json(described)
        if found and found[3]:
            described = [each for each in described if each["tag_name"] == found[3]]
        else:
            described = [each for each in described if not each["prerelease"]]
        return self._json(described[0]) if described else self._json({"message": "Not Found"}, 404)

    def _describe(self, request, repository, tag, release):
        assets = []
        for name, data in release.assets.items():
            digest = "sha256:" + hashlib.sha256(data).hexdigest() if release.has_digests else None
            assets.append({"name": name, "size": len(data), "state": "uploaded", "digest": digest,
                           "browser_download_url":
                               request.url(WEB, f"/{repository}/releases/download/{tag}/{name}")})
        return {"tag_name": tag, "name": tag, "draft": False, "prerelease": release.is_prerelease, "assets": assets,
                "tarball_url": request.url(API, f"/repos/{repository}/tarball/{tag}")}

    @staticmethod
    def _json(value, status=200):
        return Reply(json.dumps(value).encode(), status, "application/json; charset=utf-8")

    def _find(self, repository, tag):
        return self._releases.get(repository, {}).get(tag)

    def _web(self, request):
        found = re.fullmatch(r"/([^/]+/[^/]+)/releases/download/([^/]+)/([^/]+)", request.path)
        if found and self._find(found[1], found[2]):
            return redirect(request.url(ASSETS, request.path))
        found = re.fullmatch(r"/([^/]+/[^/]+)/archive/refs/tags/(.+)\.tar\.gz", request.path)
        if found and self._find(found[1], found[2]):
            return redirect(request.url(CODE, f"/{found[1]}/tar.gz/refs/tags/{found[2]}"))
        return None

    def _assets(self, request):
        _, owner, name, _, _, tag, asset = request.path.split("/", 6)
        release = self._find(f"{owner}/{name}", tag)
        return Reply(release.assets[asset], modified=0) if release and asset in release.assets else None

    def _code(self, request):
        found = re.fullmatch(r"/([^/]+)/([^/]+)/tar\.gz/refs/tags/(.+)", request.path)
        release = found and self._find(f"{found[1]}/{found[2]}", found[3])
        if not release:
            return None
        # The directory on top is named after the tag, without the v of a version.
        top = f"{found[2]}-{re.sub('^v(?=[0-9])', '', found[3])}"
        return Reply(content.tarball({f"{top}/{path}": data for path, data in release.source.items()}))
