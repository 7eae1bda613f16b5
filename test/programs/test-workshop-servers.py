#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""test-workshop-servers: servers of the Workshop that fail, stall, lie or lead elsewhere, and what a build makes of it.

usage: test-workshop-servers.py WORKSHOP_SYNC [unittest's options]
"""

import json
import os
import resource
import tempfile
import threading
import time

from workshopworld import Case, main

import steam
from steam import Item, campaign


class Servers(Case):
    """Servers that are slow, broken, or lie."""

    def test_faults_that_pass(self):
        item, good = self.one(steam.status(503), steam.status(500), steam.status(408))
        done = self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual(len(done.said("7 'Item 7': tried again", "has a fault (status 503)")), 1)
        self.assertEqual(len(self.mirror.of_files(7)), 4)

    def test_faults_that_do_not_pass(self):
        item, good = self.one(*[steam.status(503)] * 9)
        done = self.sync([7, 8], tries=3)
        self.assert_left_out(done, "has a fault (status 503)", good)
        self.assertEqual(len(self.mirror.of_files(7)), 3)

    def test_faults_for_good(self):
        for code, why in ((404, "does not have it"), (403, "does not hand it out"), (401, "wants a password"),
                          (410, "any more"), (451, "answers with status 451")):
            with self.subTest(code):
                self.mirror.requests.clear()
                item, good = self.one(steam.status(code, WWW_Authenticate="Basic realm=x"))
                self.assert_left_out(self.sync([7, 8]), why, good)
                self.assertEqual(len(self.mirror.of_files(7)), 1)

    def test_asked_to_come_back_later(self):
        item, good = self.one(steam.status(429, Retry_After=17))
        done = self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual(len(done.said("tried again in 0.0 s", "asked too often (status 429)")), 1)
        item, good = self.one(steam.status(429, Retry_After=250))
        item.updated += 1
        done = self.sync([7, 8])
        self.assertEqual(len(done.said("tried again in 0.2 s")), 1)

    def test_asked_to_come_back_much_later(self):
        item, good = self.one(steam.status(503, Retry_After=301))
        done = self.sync([7, 8])
        self.assert_left_out(done, "it asks for a pause of 301 seconds", good)
        self.assertEqual(len(self.mirror.of_files(7)), 1)

    def test_a_body_that_breaks_off_goes_on_where_it_was(self):
        item, good = self.one(steam.cut(500), steam.cut(700), size=5000)
        done = self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual([request.range for request in self.mirror.of_files(7)], [None, "bytes=500-", "bytes=1200-"])
        self.assertEqual(self.mirror.of_files(7)[1].headers["If-Range"], item.etag)
        self.assertEqual(done.result["bytes_fetched"], item.size + good.size)

    def test_a_body_that_ends_too_early_and_says_it_is_all(self):
        item, good = self.one(steam.cut(500, tell_length=False), size=5000)
        done = self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual(len(done.said(f"the server sent 500 bytes of {item.size}")), 1)
        self.assertEqual(self.mirror.of_files(7)[1].range, "bytes=500-")

    def test_without_a_validator_nothing_can_go_on(self):
        item, good = self.one(steam.without_validator(500), size=5000)
        self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual([request.range for request in self.mirror.of_files(7)], [None, None])

    def test_changed_while_it_breaks_off(self):
        """The server has another file by now, and says so: then it is fetched whole."""
        item, good = self.one(self.with_etag('"before"', 500), size=5000)
        self.sync([7, 8])
        self.assert_overlay([item, good])
        second = self.mirror.of_files(7)[1]
        self.assertEqual((second.range, second.headers["If-Range"]), ("bytes=500-", '"before"'))

    @staticmethod
    def with_etag(etag, n):
        def answer(handler, item):
            handler.head(200, item, 0, etag=etag)
            handler.send(item.data[:n])
            handler.hang_up()
        return answer

    def test_a_part_of_something_else(self):
        """The server does not care for If-Range and sends the rest of another file."""
        item, good = self.one(size=5000)
        item.answers = [steam.cut(500), steam.other(b"?" * item.size, etag='"new"')]
        done = self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual([request.range for request in self.mirror.of_files(7)], [None, "bytes=500-", None])
        self.assertEqual(len(done.said("it was changed while it was fetched")), 1)

    def test_a_part_of_something_else_that_says_it_is_the_same(self):
        """Only reading it shows that the pieces do not go together: it is fetched once more, in one piece."""
        item, good = self.one(size=5000)
        item.answers = [steam.cut(500), steam.other(b"?" * item.size, etag=item.etag)]
        done = self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual([request.range for request in self.mirror.of_files(7)], [None, "bytes=500-", None])
        self.assertEqual(len(done.said("fetched anew: what was put together is damaged")), 1)

    def test_a_part_from_another_place(self):
        def shifted(handler, item):
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes 400-{item.size - 1}/{item.size}")
            handler.send_header("Content-Length", str(item.size - 400))
            handler.end_headers()
            handler.send(item.data[400:])
        item, good = self.one(steam.cut(500), shifted, size=5000)
        self.sync([7, 8])
        self.assert_overlay([item, good])

    def test_a_part_that_does_not_say_which(self):
        def nameless(handler, item):
            handler.reply(206, item.data[500:])
        item, good = self.one(steam.cut(500), nameless, size=5000)
        self.assert_left_out(self.sync([7, 8]), "sends a part and does not say which", good)

    def test_a_range_that_is_not_there(self):
        item, good = self.one(steam.cut(500), steam.status(416), size=5000)
        self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual([request.range for request in self.mirror.of_files(7)], [None, "bytes=500-", None])

    def test_lies_about_the_size(self):
        item, good = self.one(file_size="10")
        self.assert_left_out(self.sync([7, 8]), f"the server has {item.size} bytes of it, the Workshop says 10", good)
        item, good = self.one(file_size="100000")
        self.assert_left_out(self.sync([7, 8]), "the Workshop says 100000", good)
        self.assertEqual(self.cached(7), [])

    def test_a_body_without_end(self):
        item, good = self.one(steam.endless)
        self.assert_left_out(self.sync([7, 8]), "sends more than the", good)
        self.assertEqual(self.cached(7), [])

    def test_headers_without_end(self):
        item, good = self.one(steam.endless_headers)
        done = self.sync([7, 8])
        self.assertEqual(len(done.said("warning: 7 'Item 7': left out")), 1)
        self.assert_overlay([good])

    def test_an_error_with_a_body_without_end(self):
        def answer(handler, item):
            handler.send_response(404)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            while handler.send(b"%x\r\n%s\r\n" % (65536, bytes(65536))):
                pass
        item, good = self.one(answer)
        self.assert_left_out(self.sync([7, 8]), "the server does not have it (status 404)", good)

    def test_compressed_though_nobody_asked(self):
        item, good = self.one(steam.zipped)
        self.assert_left_out(self.sync([7, 8]), "the Workshop says", good)

    def test_a_server_that_stalls(self):
        released = threading.Event()
        self.addCleanup(released.set)
        item, good = self.one(steam.hold(500, released), size=5000)
        done = self.sync([7, 8], stall_s=1)
        self.assert_overlay([item, good])
        self.assertGreaterEqual(len(done.said("7 'Item 7': tried again", "silent or too slow")), 1)
        self.assertEqual(self.mirror.of_files(7)[1].range, "bytes=500-")

    def test_nobody_is_there(self):
        closed = steam.socket.socket()
        closed.bind(("127.0.0.1", 0))
        self.addCleanup(closed.close)
        item, good = self.one(file_url=f"https://127.0.0.1:{closed.getsockname()[1]}/ugc/7/")
        self.assert_left_out(self.sync([7, 8], tries=2), "nobody answers there", good)

    def test_not_one_download_comes(self):
        for id in (1, 2, 3):
            self.mirror.put(Item(id, campaign("m"), answers=[steam.status(503)] * 9))
        done = self.fail_sync([1, 2, 3], tries=2)
        self.assertEqual(done.code, 69)
        self.assertIn("not one of 3 items could be fetched: 127.0.0.1", done.error)

    def test_a_disk_that_is_full(self):
        """A limit for the size of files stands in for it. What was written until then is not lost."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
        item, good = self.one(size=50000)
        done = self.fail_sync([7, 8], process={"preexec_fn": limit, "restore_signals": False})
        self.assertEqual((done.code, done.error), (1, "writing to the cache: File too large"))
        self.assertEqual(list((self.dir / f"builds/{self.build}/upper").iterdir()), [])
        self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual(self.mirror.of_files(7)[-1].range, "bytes=3000-")

    def test_many_that_are_all_broken_once(self):
        items = [Item(id, campaign("m", 3000), answers=[steam.cut(id * 20)]) for id in range(1, 101)]
        self.mirror.put(*items)
        done = self.sync(range(1, 101), parallel=16)
        self.assert_overlay(items)
        self.assertEqual(done.result["bytes_fetched"], sum(item.size for item in items))

    def test_a_limited_rate(self):
        """It is for all of them together, and who waits for its turn is not one who stalls."""
        items = [Item(id, campaign("m", 8000000)) for id in (1, 2, 3)]
        self.mirror.put(*items)
        begun = time.monotonic()
        self.sync([1, 2, 3], rate="8M")         # libcurl reads up to 1.6 MB of each before it looks at the clock
        self.assertGreaterEqual(time.monotonic() - begun, 2)
        self.assert_overlay(items)

    def test_downloads_are_parallel(self):
        """Each waits until all of them are on their way."""
        released = threading.Event()
        self.addCleanup(released.set)
        items = [Item(id, campaign("m", 5000), answers=[steam.hold(100, released, go_on=True)]) for id in (1, 2, 3, 4)]
        self.mirror.put(*items)
        process = self.start([1, 2, 3, 4], parallel=4)
        self.mirror.wait_for(lambda mirror: len(mirror.notes) == 4, "all bodies are held")
        released.set()
        done = self.finish(process)
        self.assertEqual((done.code, done.error), (0, ""))
        self.assert_overlay(items)

    def test_one_download_at_a_time(self):
        """The second is asked for when the first is there."""
        def answer(handler, item):
            handler.head(200, item, 0)
            handler.mirror.note(f"begun {item.id}")
            handler.send(item.data[:-1])
            handler.mirror.note(f"ended {item.id}")         # or will be with one byte more
            handler.send(item.data[-1:])
        items = [Item(id, campaign("m", 5000), answers=[answer]) for id in (1, 2, 3)]
        self.mirror.put(*items)
        self.sync([1, 2, 3], parallel=1)
        self.assertEqual([note.split()[0] for note in self.mirror.notes], ["begun", "ended"] * 3)
        self.assert_overlay(items)


class Redirections(Case):
    def setUp(self):
        super().setUp()
        self.elsewhere = steam.Mirror(self.certificate, ("127.0.0.2",))
        self.addCleanup(self.elsewhere.close)

    def assert_untouched(self):
        self.assertEqual((self.elsewhere.connections, self.elsewhere.requests), ({}, []))

    def test_to_another_place(self):
        item, good = self.one(steam.redirect("/ugc/7/again"))
        self.sync([7, 8], parallel=1)
        self.assert_overlay([item, good])
        self.assertEqual([request.path for request in self.mirror.of_files(7)], ["/ugc/7/", "/ugc/7/again"])

    def test_to_an_address_that_is_not_public(self):
        item, good = self.one(steam.redirect(f"{self.elsewhere.url}/ugc/7/"))
        self.elsewhere.put(item)
        done = self.sync([7, 8])
        self.assert_left_out(done, "the name leads to 127.0.0.2, which is this machine and not the internet", good)
        self.assert_untouched()
        self.assertEqual(len(self.mirror.of_files(7)), 1)

    def test_a_link_to_an_address_that_is_not_public(self):
        for host in ("127.0.0.2", "[::1]", "[::ffff:127.0.0.2]", "2130706434", "0x7f000002", "127.2", "0177.0.0.2"):
            with self.subTest(host):
                item, good = self.one(file_url=f"https://{host}:{self.elsewhere.port}/ugc/7/")
                self.elsewhere.put(item)
                done = self.sync([7, 8])
                self.assertEqual(len(done.said("warning: 7 'Item 7': left out: ", "not the internet")), 1,
                                 "\n".join(done.lines))
                self.assert_untouched()

    def test_a_name_that_leads_to_an_address_that_is_not_public(self):
        """Here the Web API's own address is allowed, and what `localhost` leads to is not."""
        item, good = self.one(file_url=f"https://localhost:{self.mirror.port}/ugc/7/")
        self.elsewhere.put(item, good)
        before = self.mirror.connections.get("127.0.0.1", 0)
        done = self.sync([7, 8], api=self.elsewhere.url, address="127.0.0.2")
        self.assertEqual(len(done.said("warning: 7 'Item 7': left out: the name leads to ", "is this machine")), 1)
        self.assertEqual(self.mirror.connections.get("127.0.0.1", 0), before)

    def test_the_api_at_an_address_that_is_not_public(self):
        done = self.fail_sync([7], api=self.elsewhere.url)
        self.assertEqual((done.code, done.error), (4, "the Workshop cannot be asked: the name leads to 127.0.0.2, "
                                                      "which is this machine and not the internet"))
        self.assert_untouched()

    def test_to_something_that_is_not_https(self):
        for url in (f"http://127.0.0.1:{self.elsewhere.port}/", "ftp://127.0.0.1/", "file:///etc/passwd",
                    "gopher://127.0.0.1/"):
            with self.subTest(url):
                item, good = self.one(steam.redirect(url))
                self.assert_left_out(self.sync([7, 8]), "one that is not https", good)

    def test_in_a_circle(self):
        item, good = self.one(*[steam.redirect("/ugc/7/")] * 50)
        self.assert_left_out(self.sync([7, 8]), "from one place to the next without end", good)
        self.assertLessEqual(len(self.mirror.of_files(7)), 5)

    def test_with_a_password(self):
        item, good = self.one(steam.redirect(f"https://me:secret@127.0.0.1:{self.mirror.port}/ugc/7/x"))
        done = self.sync([7, 8])
        self.assertEqual(len(done.said("warning: 7 'Item 7': left out", "password")), 1, "\n".join(done.lines))
        self.assertEqual(len(self.mirror.of_files(7)), 1)

    def test_with_a_body_without_end(self):
        item, good = self.one(steam.redirect("/ugc/7/again", body=bytes(65536)))
        done = self.sync([7, 8])
        self.assertEqual(len(done.said("warning: 7 'Item 7': left out")), 1, "\n".join(done.lines))
        self.assert_overlay([good])

    def test_by_the_environment(self):
        """Neither a proxy nor a password that somebody has set up for others."""
        item, good = self.one()
        (self.dir / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
        proxy = f"http://127.0.0.2:{self.elsewhere.port}"
        self.sync([7, 8], process={"env": os.environ | {"HOME": str(self.dir), "https_proxy": proxy,
                                                        "ALL_PROXY": proxy, "HTTPS_PROXY": proxy}})
        self.assert_overlay([item, good])
        self.assert_untouched()
        self.assertFalse([request for request in self.mirror.requests if "Authorization" in request.headers])

    def test_of_the_api(self):
        self.mirror.api_answers = [steam.redirect(f"{self.elsewhere.url}/")]
        done = self.fail_sync([7])
        self.assertIn("sends us elsewhere (status 302)", done.error)
        self.assert_untouched()

    def test_a_certificate_of_nobody(self):
        item, good = self.one()
        other_ca = steam.make_certificates(tempfile.mkdtemp(dir=self.scratch))[0]
        done = self.fail_sync([7], ca=other_ca, tries=2)
        self.assertEqual(done.code, 69)
        self.assertIn("the certificate of the server is not valid", done.error)

    def test_a_certificate_of_somebody_else(self):
        elsewhere = steam.Mirror(steam.make_certificates(tempfile.mkdtemp(dir=self.scratch), ["DNS:other"])[1],
                                 ("127.0.0.1",))
        self.addCleanup(elsewhere.close)
        item, good = self.one(file_url=f"{elsewhere.url}/ugc/7/")
        self.assert_left_out(self.sync([7, 8], tries=2), "the certificate of the server is not valid", good)
        self.assertEqual(elsewhere.requests, [])


class Api(Case):
    def test_faults_that_pass(self):
        item, good = self.one()
        self.mirror.api_answers = [steam.status(503), steam.status(429, Retry_After=3),
                                   lambda handler, _: handler.reply(200, b"<html>nothing here</html>"),
                                   lambda handler, _: handler.reply(200, b'{"response":{}}')]
        done = self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual(len(done.said("note: the Workshop is asked again")), 4)

    def test_faults_that_do_not_pass(self):
        item, good = self.one()
        self.sync([7, 8])
        self.publish()
        self.mirror.api_answers = [steam.status(500)] * 20
        done = self.fail_sync([7, 8], tries=3)
        self.assertEqual(done.code, 69)
        self.assertIn("the Workshop cannot be asked: 127.0.0.1", done.error)
        self.assertEqual(list((self.dir / f"builds/{self.build}/upper").iterdir()), [])
        self.assertEqual(len(self.mirror.of_api()), 4)

    def test_one_of_many_questions_fails(self):
        data = campaign("m")
        self.mirror.put(*(Item(id, data) for id in range(1, 301)))
        self.mirror.api_answers = [steam.status(404)]
        done = self.fail_sync(range(1, 301))
        self.assertIn("the Workshop cannot be asked", done.error)
        self.assertEqual(self.mirror.of_files(), [])

    def test_an_answer_without_end(self):
        self.mirror.api_answers = [steam.endless] * 3
        self.assertIn("sends more than the 8388608 bytes", self.fail_sync([7], tries=2).error)

    def test_an_answer_about_something_else(self):
        item, good = self.one()
        self.mirror.items[99] = Item(99, campaign("m"))
        answer = json.dumps({"response": {"publishedfiledetails": [
            self.mirror.details(99), self.mirror.details(8), self.mirror.details(8) | {"title": "again"}]}})
        self.mirror.api_answers = [lambda handler, _: handler.reply(200, answer.encode())]
        done = self.sync([7, 8])
        self.assertEqual(len(done.said("warning: 7: left out: the Workshop says nothing about it")), 1)
        self.assertEqual(self.item(8)["title"], "Item 8")
        self.assert_overlay([good])


if __name__ == "__main__":
    main()
