#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/openapi.yaml and the routes of left4me-web: each tells of the other, and what it says of a route is what the route asks for."""

import unittest

import webcontract
import webworld

SUCCESS = range(200, 300)


def schemas(schema, seen):
    """All that a schema is made of."""
    schema = webcontract.resolve(schema)
    if id(schema) in seen:
        return
    seen.add(id(schema))
    yield schema
    for part in (*schema.get("properties", {}).values(), *schema.get("oneOf", ()), *([schema["items"]] if "items" in schema else [])):
        yield from schemas(part, seen)


class TestContract(unittest.TestCase):
    def test_each_route_is_documented(self):
        """and what is documented is a route"""
        self.assertEqual(sorted(route.key for route in webcontract.routes(webworld.PROGRAM)), sorted(webcontract.operations()))

    def test_who_may(self):
        default = webcontract.document()["security"]
        for route in webcontract.routes(webworld.PROGRAM):
            with self.subTest(route=route.key):
                want = [{"session": []}, {"token": [route.scope]}]
                want = {"anybody": [], "session": want[:1]}.get(route.access, want)
                operation = webcontract.operations()[route.key]
                self.assertEqual(operation.get("security", default), want)
                self.assertEqual(route.scope == "admin", route.access == "admin")
                words = [word for bit, word in enumerate(webcontract.GRANTS) if route.need >> bit & 1]
                self.assertEqual(operation.get("x-grant"), words[0] if words else None)

    def test_bodies(self):
        kinds = {"json": "application/json", "optional": "application/json", "bytes": "application/octet-stream"}
        for route in webcontract.routes(webworld.PROGRAM):
            with self.subTest(route=route.key):
                body = webcontract.operations()[route.key].get("requestBody")
                self.assertEqual(bool(body), route.body != "empty")
                if body:
                    self.assertEqual(list(body["content"]), [kinds[route.body]])
                    self.assertEqual(body.get("required", False), route.body != "optional")

    def test_what_makes_something(self):
        """can be asked for with a key; and what is a job can be waited for"""
        for (method, path), operation in webcontract.operations().items():
            names = {parameter["name"] for parameter in operation["parameters"]}
            with self.subTest(method=method, path=path):
                self.assertEqual("Idempotency-Key" in names, method == "POST" and bool({"201", "202"} & set(operation["responses"])))
                self.assertEqual("wait" in names, "202" in operation["responses"])

    def test_what_is_answered_is_all_there(self):
        """a field of an answer is always there, perhaps null; and all words of the document mean something"""
        seen = set()
        for key, operation in webcontract.operations().items():
            self.assertIn("default", operation["responses"], key)
            self.assertTrue(any(int(status) in SUCCESS for status in operation["responses"] if status != "default"), key)
            self.assertTrue(operation["summary"] and operation["tags"], key)
            for response in operation["responses"].values():
                for media in webcontract.resolve(response).get("content", {}).values():
                    for schema in schemas(media.get("schema", {}), seen):
                        self.assertLessEqual(set(schema), webcontract.WORDS, schema)
                        self.assertEqual(sorted(schema.get("required", ())), sorted(schema.get("properties", ())), schema)

    def test_nothing_is_left_over(self):
        """each schema and each response of the document is used"""
        text = webcontract.DOCUMENT.read_text()
        for section in ("responses", "schemas"):
            for name in webcontract.document()["components"][section]:
                self.assertTrue(f"'#/components/{section}/{name}'" in text, name)

    def test_the_version(self):
        text = (webcontract.DOCUMENT.parents[1] / "meson.build").read_text()
        self.assertIn(f"version: '{webcontract.document()['info']['version']}'", text)


class TestChecking(unittest.TestCase):
    """That what is wrong would be found."""

    def test_answers(self):
        user = {"id": 1, "name": "bill", "role": "user", "active": True, "password": True, "totp": False, "created": 1, "login": None}
        for change in ({}, {"login": 5}):
            webcontract.check_answer("GET", "/me", 200, "application/json", {**user, **change})
        for change in ({"more": 1}, {"id": "1"}, {"id": True}, {"id": 0}, {"role": "king"}, {"active": 1}, {"active": None}, {"login": "x"}):
            with self.assertRaises(webcontract.Mismatch):
                webcontract.check_answer("GET", "/me", 200, "application/json", {**user, **change})
        for name in user:
            with self.assertRaises(webcontract.Mismatch):
                webcontract.check_answer("GET", "/me", 200, "application/json", {key: value for key, value in user.items() if key != name})
        for status, kind, value in ((201, "application/json", user), (200, "text/plain", b"x"), (200, None, None), (404, "application/json", user)):
            with self.assertRaises(webcontract.Mismatch):
                webcontract.check_answer("GET", "/me", status, kind, value)

    def test_values(self):
        for value, schema in ((5, {"type": "string"}), (True, {"type": "integer"}), ([1, "x"], {"type": "array", "items": {"type": "integer"}}),
                              ("x", {"oneOf": [{"type": "integer"}, {"const": "y"}]}), ("abc", {"maxLength": 2}), ("abc", {"pattern": "^b"}),
                              (5, {"maximum": 4}), ({"a": 1}, {"type": "object", "additionalProperties": {"type": "string"}})):
            with self.assertRaises(webcontract.Mismatch):
                webcontract.check(value, schema, "value")
        with self.assertRaises(webcontract.Mismatch):
            webcontract.check(5, {"multipleOf": 5}, "value")


if __name__ == "__main__":
    webworld.main()
