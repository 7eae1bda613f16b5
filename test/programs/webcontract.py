# SPDX-License-Identifier: MIT
"""webcontract: docs/openapi.yaml, and whether an answer is what it says: all that is documented, and nothing else.

Of JSON Schema there is what the document uses; a word that is not known here is an error of the document. Whatever it does not
name is not there: objects are closed, unless they say additionalProperties."""

import functools
import pathlib
import re
import subprocess

import yaml

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/openapi.yaml"
PREFIX = "/api/v1"
METHODS = ("get", "post", "put", "patch", "delete")
GRANTS = ("view", "operate", "console", "files", "manage")
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
WORDS = {"$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "const", "oneOf", "minimum", "maximum",
         "minLength", "maxLength", "pattern", "description", "examples", "default"}


class Mismatch(AssertionError):
    pass


@functools.cache
def document():
    return yaml.safe_load(DOCUMENT.read_text())


def resolve(thing):
    while isinstance(thing, dict) and "$ref" in thing:
        at = document()
        for part in thing["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        thing = at
    return thing


# ---- values -----------------------------------------------------------------------------------

def is_of(value, names):
    return any(isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool)) for name in names)


def check_object(value, schema, where):
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            raise Mismatch(f"{where}: there is no '{name}'")
    for name, part in value.items():
        if name in properties:
            check(part, properties[name], f"{where}.{name}")
        elif schema.get("additionalProperties") is None:
            raise Mismatch(f"{where}: '{name}' is not documented")
        elif schema["additionalProperties"] is not True:
            check(part, schema["additionalProperties"], f"{where}.{name}")


def check_one_of(value, schemas, where):
    reasons = []
    for schema in schemas:
        try:
            check(value, schema, where)
            return
        except Mismatch as mismatch:
            reasons.append(str(mismatch))
    raise Mismatch(f"{where}: none of them fits: {reasons}")


def check_size(value, schema, where):
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            raise Mismatch(f"{where}: {value!r} is too short or too long")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise Mismatch(f"{where}: {value!r} is not like {schema['pattern']}")
    elif isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        raise Mismatch(f"{where}: {value} is too small or too large")


def check(value, schema, where):
    """That the value is what the schema says, to the last field."""
    if unknown := set(schema) - WORDS:
        raise Mismatch(f"{where}: the document says {unknown}, which nobody checks")
    schema = resolve(schema)
    if "oneOf" in schema:
        check_one_of(value, schema["oneOf"], where)
    if "type" in schema and not is_of(value, schema["type"] if isinstance(schema["type"], list) else [schema["type"]]):
        raise Mismatch(f"{where}: {value!r} is no {schema['type']}")
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        raise Mismatch(f"{where}: {value!r} is none of {schema.get('enum', schema.get('const'))}")
    check_size(value, schema, where)
    if isinstance(value, dict) and "type" in schema:
        check_object(value, schema, where)
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            check(item, schema["items"], f"{where}[{i}]")


# ---- what the program itself says --------------------------------------------------------------

class Route:
    """A line of --routes."""

    def __init__(self, line):
        self.method, path, self.access, self.scope, self.object, need, self.body, self.body_max = line.split("\t")
        self.path = path.removeprefix(PREFIX)
        self.key = self.method, self.path
        self.need, self.body_max = int(need), int(self.body_max)

    def __repr__(self):
        return f"{self.method} {self.path}"

    @property
    def is_about_a_thing(self):
        return self.object not in ("none", "own")

    @property
    def changes(self):
        return self.method != "GET"


def routes(program):
    said = subprocess.run([program, "--routes"], capture_output=True, text=True, check=True).stdout
    return [Route(line) for line in said.splitlines()]


# ---- operations -------------------------------------------------------------------------------

def parameters(path_item, operation):
    return [resolve(parameter) for parameter in (*path_item.get("parameters", ()), *operation.get("parameters", ()))]


def as_route(path, item):
    """"/jobs/#" of "/jobs/{job}", as --routes writes it."""
    types = {parameter["name"]: resolve(parameter["schema"])["type"] for parameter in parameters(item, {}) if parameter["in"] == "path"}
    return re.sub(r"\{(\w+)\}", lambda match: {"integer": "#", "string": "*"}[types[match[1]]], path)


@functools.cache
def operations():
    """By method and path, as --routes writes them."""
    return {(method.upper(), as_route(path, item)): {**operation, "parameters": parameters(item, operation)}
            for path, item in document()["paths"].items() for method, operation in item.items() if method in METHODS}


@functools.cache
def patterns():
    return [(method, re.compile(route.replace("#", r"\d+").replace("*", "[0-9a-f]{32}") + r"\Z"), operation)
            for (method, route), operation in operations().items()]


def find(method, path):
    for its_method, pattern, operation in patterns():
        if its_method == method and pattern.match(path):
            return operation
    return None


def check_answer(method, target, status, kind, value):
    """What was answered to a request; `kind` is the content type, `value` the body, JSON read."""
    path = target.partition("?")[0]
    where = f"{method} {path} {status}"
    operation = find("GET" if method == "HEAD" else method, path)
    if not operation or method == "HEAD":
        return
    responses = operation["responses"]
    if status < 400 and str(status) not in responses:
        raise Mismatch(f"{where}: this status is not documented")
    content = resolve(responses.get(str(status), responses["default"])).get("content", {})
    if kind is None:
        if content:
            raise Mismatch(f"{where}: the answer has no body")
        return
    if kind.partition(";")[0] not in content:
        raise Mismatch(f"{where}: an answer of the type {kind} is not documented")
    if kind == "application/json":
        check(value, content[kind].get("schema", {}), where)
