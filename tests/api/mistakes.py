"""Everything that can be wrong with a request, made from what its route says that it takes."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from tests.api.routes import Route, resolved

JSON_TYPES: dict[str, Any] = {
    "string": "words",
    "integer": 7,
    "number": 1.5,
    "boolean": True,
    "array": ["words"],
    "object": {"words": 1},
    "null": None,
}
OTHER_CONTENT = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/xml", "?")
NO_IDS = ("nothing", "0", "-1", "%00", "%FF", "..%2F..%2Fetc%2Fpasswd", "null", "x" * 3000, "' or 1=1--")
HUGE = 10**30
LONG = "x" * 20_000
NO_MOMENT = urlsafe_b64encode(msgspec.msgpack.encode(("0001-01-01T00:00:00+14:00", UUID(int=1)))).decode().rstrip("=")
"""A cursor of a moment that is none in UTC."""
SAID = ("text", "name", "email", "phone")


class Mistake(msgspec.Struct, frozen=True):
    """``field`` is what the answer has to name, "" where nothing can be named. ``asked`` replaces parts of a good
    request."""

    what: str
    field: str
    asked: dict[str, Any]


def of(route: Route, good: dict[str, Any]) -> Iterator[Mistake]:
    """All of them. ``good`` is a body that the route takes."""
    yield from in_the_query(route)
    yield from in_the_path(route)
    yield from in_the_headers(route)
    if route.body is not None:
        yield from in_the_body(route, good)


def in_the_body(route: Route, good: dict[str, Any]) -> Iterator[Mistake]:
    """Bodies that a route must not take."""
    assert route.body is not None
    for what, field, body in _wrong_objects(route.body, good):
        yield Mistake(what, field, {"json": body})
    for kind, value in JSON_TYPES.items():
        if kind != "object":
            yield Mistake(f"the body is {kind}", "body", {"json": value})
    yield Mistake("the body is two objects", "body", _raw(b"{}{}"))
    yield Mistake("no body", "body", _raw(b""))
    yield Mistake("blanks only", "body", _raw(b"  \n"))
    yield Mistake("half a body", "body", _raw(json.dumps(good)[:-1].encode()))
    yield Mistake("no JSON", "body", _raw(b"<xml/>"))
    yield Mistake("invalid UTF-8", "body", _raw(json.dumps({**good, "text": "~"}).encode().replace(b"~", b"\xff")))
    yield Mistake("half a character", "body", _raw(json.dumps({**good, "text": "\ud800"}).encode()))
    yield Mistake("UTF-16", "body", _raw(json.dumps(good).encode("utf-16")))
    yield Mistake("not a number", "body", _raw(b'{"text": NaN}'))
    yield Mistake("100,000 arrays deep", "body", _raw(b"[" * 100_000 + b"]" * 100_000))
    yield Mistake("100,000 objects deep", "body", _raw(b'{"page":' * 100_000 + b"{}" + b"}" * 100_000))
    for kind in OTHER_CONTENT:
        yield Mistake(f"the body says it is {kind}", "Content-Type", _raw(json.dumps(good).encode(), kind))


def in_the_query(route: Route) -> Iterator[Mistake]:
    """Parameters that a route must not take."""
    yield Mistake("an unknown parameter", "surprise", {"params": {"surprise": "1"}})
    for parameter in route.named("query"):
        name = parameter["name"]
        if parameter["required"]:
            yield Mistake(f"{name} is missing", name, {"params": {name: None}})
        for what, value in _wrong_texts(name, resolved(parameter["schema"])):
            yield Mistake(f"{name} is {what}", name, {"params": {name: value}})


def in_the_path(route: Route) -> Iterator[Mistake]:
    """Ids that are none: nothing is found under them."""
    for parameter in route.named("path"):
        name = parameter["name"]
        for value in NO_IDS:
            yield Mistake(f"{name} is {value[:20]}", "", {"path": {name: value}})


def in_the_headers(route: Route) -> Iterator[Mistake]:
    """What requests say beside their bodies."""
    wrong = {
        "Idempotency-Key": ["x" * 201, "schlüssel".encode("latin-1"), "key\tkey"],
        "Helpr-Min-Position": ["-1", "1.5", "first", "", "9" * 19, "9" * 3000, "٣".encode()],
    }
    for parameter in route.named("header"):
        for value in wrong.get(parameter["name"], ()):
            yield Mistake(
                f"{parameter['name']}: {value[:20]!r}", parameter["name"], {"headers": {parameter["name"]: value}}
            )


def _raw(content: bytes, kind: str = "application/json") -> dict[str, Any]:
    return {"content": content, "headers": {"Content-Type": kind}}


def _wrong_objects(schema: dict[str, Any], good: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "an unknown field", "surprise", {**good, "surprise": 1}
    for name, described in schema["properties"].items():
        if name in schema.get("required", ()):
            yield f"{name} is missing", name, {key: value for key, value in good.items() if key != name}
        property = resolved(described)
        for kind, value in JSON_TYPES.items():
            if kind != property["type"] and not (kind == "null" and property.get("nullable")):
                yield f"{name} is {kind}", name, {**good, name: value}
        for what, value in _wrong_values(name, property):
            yield f"{name} is {what}", name, {**good, name: value}
        if property["type"] == "object":
            for what, field, value in _wrong_objects(property, dict(good.get(name, {}))):
                yield f"{name}: {what}", field if field == "surprise" else f"{name}.{field}", {**good, name: value}


def _wrong_values(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values of the right type that are wrong all the same."""
    if schema["type"] == "integer":
        yield from (("negative", -1), ("zero", 0), ("beyond 32 bits", 2**31), ("beyond 64 bits", 2**64), ("huge", HUGE))
    if schema["type"] != "string":
        return
    yield "with NUL", "wor\x00ds"

    if "enum" in schema or "format" in schema:
        yield from (("unknown", "surprise"), ("empty", ""), ("blank", " "), ("long", LONG))
    elif schema.get("maxLength"):
        yield "too long", "x" * (int(schema["maxLength"]) + 1)
    if name in SAID:
        yield from (("empty", ""), ("blank", " \n\t\u00a0\u2003"), ("long", LONG))


def _wrong_texts(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong by the schema; of several kinds of text each is wrong in the same ways."""
    match schema["type"] if "type" in schema else schema["anyOf"][0]["type"]:
        case "integer":
            yield from (
                ("a word", "many"),
                ("a fraction", "1.5"),
                ("negative", "-1"),
                ("huge", str(HUGE)),
                ("empty", ""),
            )
            if "maximum" in schema:
                yield "more than the most", str(int(schema["maximum"]) + 1)
            if "minimum" in schema:
                yield "less than the least", str(int(schema["minimum"]) - 1)
        case "string":
            yield from (("unknown", "surprise"), ("with NUL", "a\x00b"), ("long", "x" * 5000), ("empty", ""))
            if name == "after":
                yield "made up", NO_MOMENT
