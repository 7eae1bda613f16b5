#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web behind nginx and Caddy, as docs/reverse-proxy.md sets them up. Both are run as they are: no service is touched."""

import contextlib
import http.client
import os
import pathlib
import re
import socket
import ssl
import subprocess
import time

import webthings
from eventworld import Listener
from webthings import READY_S, ThingsTest
from webworld import PASSWORD, Browser

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = TOP / "docs/reverse-proxy.md"
HOST, CLIENT = "games.example.org", "127.0.0.2"  # of the page; from where the browser comes, which is not where the proxy is
LARGE = 12 << 20


def program(path):
    """Of a package that is not installed, for then it would be a service."""
    return pathlib.Path(subprocess.run([TOP / "tools/proxies"], check=True, capture_output=True, text=True).stdout.strip()) / path


def snippet(language):
    return re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.S)[1]


def connect(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port), READY_S, source_address=(CLIENT, 0))
    return context.wrap_socket(plain, server_hostname=HOST)


class FarBrowser(Browser):
    """One that comes by https, through the proxy."""

    def __init__(self, web, port):
        super().__init__(web, Origin=f"https://{HOST}:{port}", Host=f"{HOST}:{port}")
        self.port = port

    def connect(self):
        connection = http.client.HTTPSConnection(HOST, self.port)
        connection.sock = connect(self.port)
        return connection


class FarListener(Listener):
    def __init__(self, browser, topics):
        self.port = browser.port
        super().__init__(browser, topics)

    def connect(self, web, rcvbuf):
        return connect(self.port)


class ProxyTest(ThingsTest):
    SETTINGS = "proxies = 127.0.0.1 ::1\n"

    def setUp(self):
        super().setUp()
        self.web.stop()
        self.web.start("--")  # by https alone
        self.number_of = self.overlay(2, "maps", owner=self.zoey)
        self.directory = self.path / "proxy"
        self.directory.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={HOST}", "-keyout", self.directory / "key.pem",
                        "-out", self.directory / "cert.pem"], check=True, capture_output=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        with open(self.directory / "log", "wb") as log:
            self.proxy = self.begin(log)
        self.addCleanup(self.end_proxy)
        self.wait()
        self.browser = FarBrowser(self.web, self.port)
        self.assertEqual(self.browser.login("zoey")[0], 200)

    def wait(self):
        for _ in range(READY_S * 100):
            with contextlib.suppress(OSError):
                connect(self.port).close()
                return
            self.assertIsNone(self.proxy.poll(), (self.directory / "log").read_text())
            time.sleep(0.01)
        self.fail((self.directory / "log").read_text())

    def end_proxy(self):
        self.proxy.terminate()
        self.proxy.wait(READY_S)


class Cases:
    """What must be so behind each of them."""

    def test_logging_in(self):
        cookie = self.browser.answer.getheader("Set-Cookie")
        self.assertTrue(cookie.startswith("__Host-left4me="))
        self.assertIn("; Secure", cookie)
        self.assertEqual(self.browser.answer.getheader("Strict-Transport-Security"), "max-age=31536000")
        self.assertEqual(self.browser.ask("GET", "/me")[1]["name"], "zoey")
        self.error(self.browser.ask("DELETE", "/session", Origin=f"http://{HOST}:{self.port}"), 403, "denied", "this page")
        self.error(self.browser.ask("DELETE", "/session", Origin=f"https://{HOST}"), 403, "denied", "this page")

    def test_the_address(self):
        """is the client's, whatever he says"""
        self.browser.fields["X-Forwarded-For"] = "198.51.100.7, 127.0.0.1"
        self.browser.fields["X-Forwarded-Proto"] = "http"
        self.assertEqual(self.browser.login("zoey", PASSWORD)[0], 200)
        self.assertEqual({row["address"] for row in self.browser.ask("GET", "/me/sessions")[1]["sessions"] if row["current"]}, {CLIENT})
        self.assertEqual({row[0] for row in self.rows("SELECT origin FROM audit_events WHERE action = 'session.begin' ORDER BY id DESC LIMIT 2")}, {CLIENT})
        self.assertIn(f" {CLIENT} zoey ", self.web.logged("GET /api/v1/me/sessions"))

    def test_events_come_at_once(self):
        listener = FarListener(self.browser, "jobs,overlays")
        self.addCleanup(listener.close)
        self.assertEqual(listener.status, 200)
        self.assertEqual(listener.next()[0], "ready")
        for shared in (True, False, True):
            self.rows("UPDATE overlays SET is_shared = ? WHERE id = 2", shared)
            self.rows("INSERT OR REPLACE INTO changes (topic, object, is_deleted) VALUES ('overlay', 2, 0)")
            self.assertEqual(listener.until("overlay", shared=shared)[1]["id"], 2)

    def test_a_large_file(self):
        data = os.urandom(LARGE)
        status, said = self.browser.ask("PUT", "/overlays/2/files/content?path=large", data, If_None_Match="*", Content_Type="application/octet-stream")
        self.assertEqual((status, said["size"]), (201, LARGE))
        self.assertEqual((self.path / "data/sources/2/tree/large").read_bytes(), data)
        self.browser.is_held_to_contract = False
        self.assertEqual(self.browser.ask("GET", "/overlays/2/files/content?path=large")[1], data)

    def test_the_page(self):
        """compressed as it lies there, and with what it tells the browser"""
        with contextlib.closing(self.browser.connect()) as connection:
            connection.request("GET", "/script.js", headers={"Accept-Encoding": "gzip, br", "Host": HOST})
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.getheader("Content-Encoding"), answer.read()), (200, "br", b"brotli"))
            self.assertIn("default-src 'none'", answer.getheader("Content-Security-Policy"))
            tag = answer.getheader("ETag")
        with contextlib.closing(self.browser.connect()) as connection:
            connection.request("GET", "/script.js", headers={"Accept-Encoding": "gzip, br", "Host": HOST, "If-None-Match": tag})
            self.assertEqual(connection.getresponse().status, 304)


class PageTest(ProxyTest):
    def prepare(self):
        super().prepare()
        self.OPTIONS = ("--static", self.path / "web")
        (self.path / "web").mkdir()
        (self.path / "web/script.js").write_bytes(b"x" * 100)
        (self.path / "web/script.js.br").write_bytes(b"brotli")


class TestNginx(Cases, PageTest):
    def begin(self, log):
        block = snippet("nginx").replace("127.0.0.1:8080", f"127.0.0.1:{self.web.port}").replace("listen 443", f"listen 127.0.0.1:{self.port}")
        block = re.sub(r"listen \[::\].*", "", block).replace("/etc/ssl/games.example.org.pem", "cert.pem").replace("/etc/ssl/games.example.org.key", "key.pem")
        places = "".join(f"{kind}_temp_path {self.directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.directory / "nginx.conf").write_text(
            f"daemon off;\nmaster_process off;\npid {self.directory}/pid;\nerror_log stderr;\nevents {{ }}\nhttp {{\naccess_log off;\n{places}{block}}}\n")
        return subprocess.Popen([program("usr/sbin/nginx"), "-p", self.directory, "-c", "nginx.conf", "-e", "stderr"], stdout=log, stderr=log)


class TestCaddy(Cases, PageTest):
    def begin(self, log):
        block = snippet("caddy").replace("127.0.0.1:8080", f"127.0.0.1:{self.web.port}")
        block = block.replace("games.example.org {", f"https://games.example.org:{self.port} {{\n    bind 127.0.0.1\n    tls cert.pem key.pem")
        (self.directory / "Caddyfile").write_text("{\n    admin off\n    auto_https disable_redirects\n}\n" + block)
        home = {"HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory), "XDG_CONFIG_HOME": str(self.directory)}
        return subprocess.Popen([program("usr/bin/caddy"), "run", "--adapter", "caddyfile", "--config", "Caddyfile"], cwd=self.directory,
                                env={**os.environ, **home}, stdout=log, stderr=log)


if __name__ == "__main__":
    del ProxyTest, PageTest
    webthings.main()
