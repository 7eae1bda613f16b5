#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: the files of the page."""

import contextlib
import gzip
import http.client
import os
import subprocess

import webworld
from webworld import READY_S, Browser, WebTest

PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"
SCRIPT = b"export const words = 'a script';\n" * 100
INDEX = b"<!doctype html><title>left4me</title><script type=module src=/assets/index-Ab12_-Xy.js></script>" * 3
BROTLI = b"what stands in for brotli"
FILES = {
    "index.html": INDEX, "index.html.gz": gzip.compress(INDEX), "assets/index-Ab12_-Xy.js": SCRIPT,
    "assets/index-Ab12_-Xy.js.gz": gzip.compress(SCRIPT), "assets/index-Ab12_-Xy.js.br": BROTLI, "assets/plain.css": b"a{}",
    "assets/plain.css.gz": b"longer than what it is of", "favicon.svg": b"<svg/>", "fonts/a bä.woff2": b"font",
    "left.gz": b"alone", "run.sh": b"#!/bin/sh\n", ".hidden.html": b"x", "robots.txt": b"",
}


class PageTest(WebTest):
    def get(self, path, method="GET", **fields):
        """(status, fields in small letters, bytes); the path is sent as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=READY_S)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in fields.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


class TestPage(PageTest):
    def prepare(self):
        self.OPTIONS = ("--static", self.path / "web")
        for name, content in FILES.items():
            (self.path / "web" / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / "web" / name).write_bytes(content)
        (self.path / "secret.txt").write_bytes(b"secret")
        (self.path / "web/link.txt").symlink_to("../secret.txt")
        (self.path / "web/linked").symlink_to("..")
        os.mkfifo(self.path / "web/pipe.txt")

    def test_types(self):
        for path, kind in (("/", "text/html; charset=utf-8"), ("/index.html", "text/html; charset=utf-8"), ("/assets/plain.css", "text/css; charset=utf-8"),
                           ("/assets/index-Ab12_-Xy.js", "text/javascript; charset=utf-8"), ("/favicon.svg", "image/svg+xml"),
                           ("/fonts/a%20b%C3%A4.woff2", "font/woff2"), ("/robots.txt", "text/plain; charset=utf-8")):
            status, fields, content = self.get(path)
            self.assertEqual((status, fields["content-type"]), (200, kind), path)
            self.assertEqual(content, FILES.get(path[1:].replace("%20", " ").replace("%C3%A4", "ä") or "index.html"))

    def test_codings(self):
        script = "/assets/index-Ab12_-Xy.js"
        for path, accept, want in ((script, "gzip, deflate, br", "br"), (script, "br;q=0.1, gzip", "gzip"), (script, "identity, *;q=0", None),
                                   (script, "", None), ("/", "br, gzip;q=0.5", "gzip"), ("/assets/plain.css", "gzip, br", None), ("/", "gzip;q=0", None)):
            with self.subTest(path=path, accept=accept):
                status, fields, content = self.get(path, Accept_Encoding=accept)
                self.assertEqual((status, fields.get("content-encoding")), (200, want))
                self.assertEqual(content, FILES[(path[1:] or "index.html") + {"br": ".br", "gzip": ".gz", None: ""}[want]])
                self.assertEqual(fields.get("vary"), None if "plain" in path else "Accept-Encoding")
        tags = {self.get(script, Accept_Encoding=accept)[1]["etag"] for accept in ("br", "gzip", "")}
        self.assertEqual(len(tags), 3)

    def test_what_is_kept(self):
        status, fields, _ = self.get("/assets/index-Ab12_-Xy.js")
        self.assertEqual(fields["cache-control"], "public, max-age=31536000, immutable")
        for path in ("/", "/assets/plain.css", "/favicon.svg", "/servers/12"):
            status, fields, content = self.get(path, Accept=PAGE)
            self.assertEqual((status, fields["cache-control"]), (200, "no-cache"))
            self.assertRegex(fields["etag"], '^"[0-9a-f]{16}"$')
            for tag in (fields["etag"], "W/" + fields["etag"], '"x", ' + fields["etag"], "*"):
                status, again, rest = self.get(path, Accept=PAGE, If_None_Match=tag)
                self.assertEqual((status, rest, again["etag"], again["cache-control"]), (304, b"", fields["etag"], "no-cache"))
                self.assertIn("default-src 'none'", again["content-security-policy"])
            self.assertEqual(self.get(path, Accept=PAGE, If_None_Match='"x"')[::2], (200, content))

    def test_heads(self):
        for path in ("/", "/assets/index-Ab12_-Xy.js", "/nothing", "/api/v1/health"):
            with self.subTest(path=path):
                status, fields, content = self.get(path)
                head = self.get(path, "HEAD")
                self.assertEqual((head[0], head[2], int(head[1]["content-length"])), (status, b"", len(content)))
                own = {"date": "", "x-request-id": ""}
                self.assertEqual({**head[1], **own}, {**fields, **own})

    def test_addresses_of_the_application(self):
        """whoever wants a page is given the application, whatever it is asked for; whoever wants something else is told that it is not there"""
        for path in ("/servers", "/servers/12/log", "/servers/", "/apiary", "/left.gz", "/run.sh", "/link.txt", "/linked/secret.txt", "/pipe.txt", "/.hidden.html"):
            self.assertEqual(self.get(path, Accept=PAGE)[::2], (200, INDEX), path)
            for accept in ("*/*", "application/json", "image/avif,*/*;q=0.8", "text/html;q=0"):
                status, fields, content = self.get(path, Accept=accept)
                self.assertEqual((status, fields["content-type"]), (404, "application/json"), path)
                self.assertIn(b'{"error":{"kind":"not-found"', content)
        for path in ("/assets/index-00000000.js", "/assets/", "/api", "/api/", "/api/v2/servers", "/api/v1/nothing"):
            self.assertEqual(self.get(path, Accept=PAGE)[0], 404, path)
        status, fields, _ = self.get("/", "POST")
        self.assertEqual((status, fields["allow"]), (405, "GET, HEAD"))

    def test_no_way_out(self):
        """each is refused, or is a name that is nowhere: nothing comes from outside of the directory"""
        for step in ("..", "%2e%2e", ".%2E", "%2e.", "%252e%252e", "..%00", "..%5c", "..\\", "..;", "..%2f", "..%252f", "%c0%ae%c0%ae", "%e0%80%ae.",
                     "%e2%80%a5", "%ef%bc%8e%ef%bc%8e", "%uff0e%uff0e", "..%c0%af"):
            for path in (f"/{step}/secret.txt", f"/assets/{step}/{step}/secret.txt", f"/{step}secret.txt", f"//{step}/secret.txt", f"/./{step}/secret.txt"):
                for accept in (PAGE, "*/*"):
                    status, _, content = self.get(path, Accept=accept)
                    self.assertIn((status, content == INDEX), ((400, False), (404, False), (200, True)), path)
                    self.assertNotEqual(content, b"secret")
        for path in ("/index.html%00", "/index.html%00.js", "/%00", "//", "//index.html", "/./index.html", "/assets//plain.css", "/assets/%2e/plain.css",
                     "/assets%2fplain.css", "/assets%5Cplain.css", "/%ff", "/index.html%", "/index.html%0a", "/" + "a" * 300):
            self.assertEqual(self.get(path, Accept=PAGE)[0], 400, path)
        self.assertEqual(self.get("/%69ndex.html")[::2], (200, INDEX))

    def test_what_a_browser_is_told(self):
        for path, accept in (("/", "*/*"), ("/assets/index-Ab12_-Xy.js", "*/*"), ("/servers", PAGE)):
            fields = self.get(path, Accept=accept)[1]
            policy = dict(part.strip().split(" ", 1) for part in fields["content-security-policy"].split(";"))
            self.assertEqual(policy, {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:", "connect-src": "'self'",
                                      "font-src": "'self'", "manifest-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"})
            self.assertEqual((fields["x-content-type-options"], fields["x-frame-options"], fields["referrer-policy"]), ("nosniff", "DENY", "no-referrer"))
            self.assertEqual((fields["cross-origin-opener-policy"], fields["cross-origin-resource-policy"]), ("same-origin", "same-origin"))
            self.assertIn("camera=()", fields["permissions-policy"])
            self.assertNotIn("strict-transport-security", fields)


class TestNoPage(PageTest):
    OPTIONS = ("--static", "/nonexistent")

    def test_it_says_so(self):
        status, fields, content = self.get("/", Accept=PAGE)
        self.assertEqual((status, fields["content-type"]), (404, "text/html; charset=utf-8"))
        self.assertIn(b"not installed", content)
        self.assertEqual(self.get("/")[0], 404)
        self.assertEqual(Browser(self.web).ask("GET", "/health")[0], 200)


class TestWrongPages(WebTest):
    def refused(self, part):
        self.web.stop()
        done = subprocess.run(["sh", "-c", 'exec 3<&0; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", webworld.PROGRAM, self.web.database, *self.web.options, "--static", self.path / "web"],
                              stdin=self.web.socket, capture_output=True, text=True, timeout=READY_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(part, done.stderr)

    def test_no_directory(self):
        (self.path / "web").write_text("a file")
        self.refused("Not a directory")

    def test_too_much(self):
        (self.path / "web").mkdir()
        with open(self.path / "web/large.txt", "wb") as large:
            large.truncate((64 << 20) + 1)
        self.refused("'large.txt' is larger than 67108864 bytes")

    def test_too_many(self):
        (self.path / "web").mkdir()
        for number in range(2001):
            (self.path / f"web/{number}.txt").touch()
        self.refused("more than 2000 files")


if __name__ == "__main__":
    webworld.main()
