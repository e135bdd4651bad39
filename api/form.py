"""What every request has to look like, whatever it asks for: no unknown names, nothing that nobody could read."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from litestar.exceptions import ClientException, HTTPException
from litestar.handlers.base import BaseRouteHandler

from api.asking import AnyRequest, at_least, key_of
from domain.shared.refusal import Malformed

ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""An even number of backslashes before it are backslashes themselves."""
JSON = "application/json"
NOT_SAID = {"data", "request", "socket", "state"}


class OnlyJson(HTTPException):
    """The body of a request is JSON, and says so."""

    status_code = 415
    detail = "Content-Type: must be application/json"


async def check(request: AnyRequest) -> None:
    """A Litestar hook before each request. Raises Malformed, OnlyJson."""
    if request.scope["query_string"]:
        for name in request.query_params:
            if name not in _understood(request.route_handler):
                raise Malformed(name, "is unknown here")
    await at_least(request)
    key_of(request)
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    body = await request.body()
    if body and request.headers.get("content-type") != JSON and request.content_type[0] != JSON:
        raise OnlyJson
    if b"\\u0000" in body and ESCAPED_NUL.search(body):
        raise Malformed(_where(body), "must not contain NUL characters")


@cache
def _understood(handler: BaseRouteHandler) -> frozenset[str]:
    """The parameters that a route takes in its query."""
    parameters = set(handler.parsed_fn_signature.parameters)
    return frozenset(parameters - set(handler.resolve_dependencies()) - NOT_SAID)


def _where(body: bytes) -> str:
    """The first field that has a NUL in it."""
    try:
        return next(_fields_with_nul(msgspec.json.decode(body), ""), "body")
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise ClientException("The JSON is malformed.") from None


def _fields_with_nul(value: Any, path: str) -> Iterator[str]:
    match value:
        case str() if "\x00" in value:
            yield path
        case dict():
            for name, inner in value.items():
                if "\x00" in name:
                    yield path or "body"
                yield from _fields_with_nul(inner, f"{path}.{name}" if path else name)
        case list():
            for inner in value:
                yield from _fields_with_nul(inner, path)
