#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: who may do what. Each route that there is, asked by each kind of person about each kind of thing: what is answered
follows from its row in --routes."""

import webcontract
import webmatrix
import webworld
from webmatrix import ABSENT, SAMPLES, VIEW, Matrix, Sample
from webworld import WebTest


def target(route, number, sample):
    path = route.path.replace("#", str(number), 1)
    return path.replace("#", str(ABSENT)).replace("*", "0" * 32) + sample.query


def gate(route, actor, thing):
    """(status, kind) with which he is turned away before the route is run; None: he may."""
    if route.access == "anybody":
        return None
    if actor.user is None or not actor.is_alive:
        return 401, "denied"
    if route.access == "admin" and not actor.is_admin:
        return 403, "denied"
    if actor.scope and (route.access == "session" or webmatrix.SCOPES.index(actor.scope) < webmatrix.SCOPES.index(route.scope)):
        return 403, "denied"
    if thing and not actor.may(thing) & VIEW:
        return 404, "not-found"
    if thing and actor.may(thing) & route.need != route.need:
        return 403, "denied"
    return None


class TestAccess(WebTest):
    SETTINGS = "requests = 0\n"

    def setUp(self):
        super().setUp()
        self.host(webmatrix.script())
        self.matrix = Matrix(self)

    def ask(self, route, actor, number, sample, **fields):
        said = actor.browser.ask(route.method, target(route, number, sample), sample.body, **fields)
        self.guarded(route, actor.browser.answer)
        return said

    def guarded(self, route, answer):
        """Nobody keeps it, nobody frames it, no other page reads it, and it leads nowhere else."""
        for name, want in (("Cache-Control", "no-store"), ("X-Frame-Options", "DENY"), ("X-Content-Type-Options", "nosniff"),
                           ("Cross-Origin-Resource-Policy", "same-origin"), ("Access-Control-Allow-Origin", None), ("Location", None)):
            self.assertEqual(answer.getheader(name), want, (route, name))
        self.assertFalse(300 <= answer.status < 400, route)

    def refused(self, route, actor, number, *want):
        sample = Sample(0, {"json": {}, "bytes": b""}.get(route.body))
        self.error(self.ask(route, actor, number, sample), *want)

    def allowed(self, route, actor, number):
        sample = SAMPLES[route.key]
        if number is None and "#" in route.path:
            number = Sample.of(sample.number, self.matrix, actor)
        body = Sample.of(sample.body, self.matrix, actor)
        said = self.ask(route, actor, number, Sample(0, body, query=sample.query), **sample.fields)
        self.assertTrue(sample.is_expected(said[0]), said)
        if route.changes:
            self.matrix.restore()

    def check(self, route, actor, thing, seen):
        want = gate(route, actor, thing)
        if want:
            self.refused(route, actor, thing.id if thing else ABSENT, *want)
            return
        self.allowed(route, actor, thing.id if thing else None)
        seen.add(route.key)

    def things(self, route, with_absent=False):
        """Those that it can be about."""
        things = self.matrix.things(route.object, SAMPLES[route.key].also) if route.is_about_a_thing else [None]
        return things if with_absent or not route.is_about_a_thing else things[:-1]

    def test_the_matrix(self):
        seen = set()
        for route in webcontract.routes(webworld.PROGRAM):
            self.assertIn(route.key, SAMPLES, "a route that nobody knows how to ask: add its row to SAMPLES")
            for thing in self.things(route, with_absent=True):
                for actor in self.matrix.actors if route.access != "anybody" else self.matrix.actors[:2]:
                    with self.subTest(route=route, actor=actor, thing=thing):
                        self.check(route, actor, thing, seen)
        self.assertEqual(seen, set(SAMPLES), "a sample that nobody may ask for")

    def test_what_no_token_is_good_for(self):
        """one that was stolen makes no other, and locks nobody out; and it is worth no more than its user"""
        wanted = {("DELETE", "/session"), ("PUT", "/me/password"), ("GET", "/me/sessions"), ("DELETE", "/me/sessions/#"),
                  ("GET", "/me/tokens"), ("POST", "/me/tokens"), ("DELETE", "/me/tokens/#"),
                  ("GET", "/me/totp"), ("POST", "/me/totp"), ("PUT", "/me/totp"), ("DELETE", "/me/totp")}
        self.assertEqual({route.key for route in webcontract.routes(webworld.PROGRAM) if route.access == "session"}, wanted)
        actor = next(actor for actor in self.matrix.actors if actor.is_admin and actor.scope == "admin")
        for route in webcontract.routes(webworld.PROGRAM):
            if route.key in wanted:
                with self.subTest(route=route):
                    self.error(actor.browser.ask(route.method, target(route, 1, SAMPLES[route.key])), 403, "denied", "a token is not enough")
        self.assertEqual(actor.browser.ask("GET", "/users")[0], 200)
        self.matrix.change(f"UPDATE users SET role = 'user' WHERE id = {actor.user}")
        self.error(actor.browser.ask("GET", "/users"), 403, "denied", "only an admin")
        self.matrix.change(f"UPDATE users SET is_active = 0 WHERE id = {actor.user}")
        self.error(actor.browser.ask("GET", "/me"), 401, "denied")

    def test_the_things_of_others(self):
        """a session or a token of somebody else is not there, whoever asks"""
        owner, admin = self.matrix.actors[2], self.matrix.actors[1]
        for route in webcontract.routes(webworld.PROGRAM):
            if route.object != "own":
                continue
            for actor, other in ((owner, admin), (admin, owner)):
                for number in (SAMPLES[route.key].number(self.matrix, other), ABSENT):
                    with self.subTest(route=route, actor=actor, number=number):
                        self.error(actor.browser.ask(route.method, target(route, number, SAMPLES[route.key])), 404, "not-found", "no such")

    def test_where_it_comes_from(self):
        """whatever changes something is not done for another page, whoever is logged in"""
        owner, admin = self.matrix.actors[2], self.matrix.actors[1]
        for route in webcontract.routes(webworld.PROGRAM):
            if not route.changes:
                continue
            things = self.matrix.things(route.object) if route.is_about_a_thing else [None]
            for actor in (owner, admin) if route.access != "admin" else (admin,):
                for fields in ({"Origin": None, "Sec_Fetch_Site": None}, {"Origin": "http://evil.example"}, {"Origin": "null", "Sec_Fetch_Site": None},
                               {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site", "Origin": None}):
                    with self.subTest(route=route, actor=actor, fields=fields):
                        said = self.ask(route, actor, things[0].id if things[0] else ABSENT, Sample(0, {} if route.body != "empty" else None), **fields)
                        self.error(said, 403, "denied", "page")

    def test_nothing_is_known_to_nobody(self):
        """of what is not there and of what he may not see one is told the same"""
        plain = next(actor for actor in self.matrix.actors if actor.name == "plain")
        for route in webcontract.routes(webworld.PROGRAM):
            if route.is_about_a_thing and route.access == "user":
                said = [self.ask(route, plain, number, Sample(0, {} if route.body != "empty" else None)) for number in (self.matrix.things(route.object)[0].id, ABSENT)]
                self.assertEqual(*said, route)

    def documented(self, parameter):
        """The routes that have it."""
        for route in webcontract.routes(webworld.PROGRAM):
            if any(one["name"] == parameter for one in webcontract.operations()[route.key]["parameters"]):
                yield route

    def sample_body(self, route):
        return Sample.of(SAMPLES[route.key].body, self.matrix, self.matrix.actors[1 if route.access == "admin" else 2])

    def nested(self, schema):
        """A field of the body, what is in it, and that with something besides, of each object in it."""
        for name, part in schema["properties"].items():
            part = webcontract.resolve(part)
            row = webcontract.resolve(part.get("items", {})) if part.get("type") == "array" else part
            if row.get("type") == "object":
                self.assertNotIn("additionalProperties", row)
                yield {name: [{"nobody_knows": 1}] if row is not part else {"nobody_knows": 1}}

    def test_what_is_not_documented(self):
        """in a body is refused, in what is inside of it too; and what is documented is known"""
        for route in webcontract.routes(webworld.PROGRAM):
            if route.body not in ("json", "optional"):
                continue
            with self.subTest(route=route):
                ask, known = self.asker(route, self.things(route)[0]), self.sample_body(route) or {}
                schema = webcontract.resolve(webcontract.operations()[route.key]["requestBody"]["content"]["application/json"]["schema"])
                self.assertNotIn("additionalProperties", schema)
                self.error(ask({**known, "nobody_knows": 1}), 400, "invalid", "not known")
                for part in self.nested(schema):
                    self.assertEqual(ask({**known, **part})[0], 400, part)
                for name in schema["properties"]:
                    said = ask({name: 0.5})[1]
                    self.assertNotIn("not known", said and said.get("error", {}).get("message", ""), name)
                self.matrix.restore()

    def test_paths_that_lead_out(self):
        """are refused, however they are written, by each route that is asked for one"""
        for route in self.documented("path"):
            ask_as = self.matrix.actors[2]
            for raw in ("..", "../x", "a/../b", "%2e%2e/x", "..%2fx", "%2e%2e%2fx", "/etc/passwd", "%2fetc%2fpasswd", "a%00", "%00", "a%00/../b", "a%0ab",
                        "%c0%ae%c0%ae/x", "..%c0%afx", "%ff", "%ed%a0%80", "a//b", "./a", "a/.", "%", "%zz"):
                with self.subTest(route=route, raw=raw):
                    status, said = self.ask(route, ask_as, self.things(route)[0].id, Sample(0, b"x" if route.body == "bytes" else None, query=f"?path={raw}"), If_Match="*")
                    self.error((status, said), 400, "invalid", field=said["error"]["field"])
            # Decoded once, these are names like any other, which are not there or are what the game is told.
            for raw in ("%252e%252e%252fx", "..%255cx", "%ef%bc%8e%ef%bc%8e", "%e2%80%a5"):
                with self.subTest(route=route, raw=raw):
                    status, said = self.ask(route, ask_as, self.things(route)[0].id, Sample(0, b"x" if route.body == "bytes" else None, query=f"?path={raw}"), If_Match="*")
                    self.assertLess(status, 500, said)

    def asker(self, route, thing=None):
        """A function that asks it as who may, with the same number and body each time."""
        actor = self.matrix.actors[1 if route.access == "admin" else 2]
        sample, number = SAMPLES[route.key], thing.id if thing else None
        if "#" in route.path and not thing:
            number = Sample.of(sample.number, self.matrix, actor)
        wanted = Sample.of(sample.body, self.matrix, actor)

        def ask(body=None, **fields):
            return self.ask(route, actor, number, Sample(0, wanted if body is None else body, query=sample.query), **{**sample.fields, **fields})
        return ask

    def test_versions(self):
        """what is edited is replaced by who has seen it as it is"""
        for route in self.documented("If-Match"):
            n_replaced = 0
            for thing in self.things(route):
                ask = self.asker(route, thing)
                if ask(If_Match="*")[0] not in (200, 201):
                    continue  # a thing that has nothing of the kind
                n_replaced += 1
                with self.subTest(route=route, thing=thing):
                    self.error(ask(If_Match=None), 428, "invalid", "If-Match")
                    for etag in ('"no such version"', "1", '"1', '""', 'W/"1"', '"1", "2"'):
                        self.error(ask(If_Match=etag), 412, "conflict")
                self.matrix.restore()
            self.assertGreater(n_replaced, 0, route)

    def test_a_new_version(self):
        """the version that one was told is good once"""
        owner = self.matrix.actors[2].browser
        for path, method, body in (("/blueprints/1", "PUT", SAMPLES["PUT", "/blueprints/#"].body), ("/servers/1", "PATCH", {"name": "renamed"})):
            owner.ask("GET", path)
            etag = owner.answer.getheader("ETag")
            status, said = owner.ask(method, path, body, If_Match=etag)
            self.assertEqual((status, f'"{said["revision"]}"'), (200, owner.answer.getheader("ETag")), said)
            self.assertNotEqual(owner.answer.getheader("ETag"), etag)
            self.error(owner.ask(method, path, body, If_Match=etag), 412, "conflict")

    def test_twice(self):
        """whatever makes something makes it once for one key, and is answered the same; for another body the key is not good"""
        for route in self.documented("Idempotency-Key"):
            with self.subTest(route=route):
                ask = self.asker(route, self.things(route)[0])
                first = ask(Idempotency_Key="a")
                self.assertTrue(SAMPLES[route.key].is_expected(first[0]), first)
                again = ask(Idempotency_Key="a")
                if again[0] == 409:
                    self.error(again, 409, "exists", "shown once")
                else:
                    self.assertEqual(again, first)
                if route.body in ("json", "optional"):
                    self.error(ask({"something": "else"}, Idempotency_Key="a"), 409, "exists", "choose a new one")
                self.matrix.restore()

    def test_lists(self):
        """have what one sees, and nothing else"""
        of_server = {"view", "operate", "console", "files", "manage"}
        for actor in self.matrix.actors:
            if actor.user and actor.is_alive:
                has_all, has_server = actor.may(self.matrix.things("job")[2]), actor.name in of_server
                for kind, all_of_them, of_everybody, with_server in (("jobs", {1, 2, 3}, set(), {1}), ("servers", {1}, set(), {1}),
                                                                     ("blueprints", {1, 2, 3}, {2}, set()), ("overlays", {1, 2, 3, 4, 5}, {1, 3}, set())):
                    with self.subTest(actor=actor, kind=kind):
                        want = all_of_them if has_all else of_everybody | (with_server if has_server else set())
                        want |= {4} if kind == "overlays" and actor.name == "files" else set()
                        self.assertEqual({row["id"] for row in actor.browser.ask("GET", f"/{kind}")[1][kind]}, want)


if __name__ == "__main__":
    webworld.main()
