"""Writes take the short way from the server to their route, past what a framework does for every request.

Litestar's own way costs a write more than sealing and storing it. The routes, their doors and the answers are the same
on both ways, and the short one takes only what is plain: a body that says its size, is JSON and fits, in a path without
a query. Everything else goes the long way and hears there what is wrong with it (docs/decisions/0015).
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, get_origin
from uuid import UUID

import msgspec
from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api.body import Body, is_small
from api.problems import response_to

Scope = MutableMapping[str, Any]
Pairs = list[tuple[bytes, bytes]]
METHODS = frozenset({"POST", "PUT"})
JSON = b"application/json"
HOST = re.compile(rb"[\w.:\[\]-]+")
encode = msgspec.json.Encoder().encode


class Headers:
    """What a request says besides its body, found by a name in any case. Most of it nobody ever asks for."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = raw

    def get(self, name: str, default: Any = None) -> Any:
        """The value, as Litestar's own headers give it."""
        value = self._raw.get(_as_sent(name))
        return default if value is None else value.decode("latin-1")


@lru_cache(maxsize=256)
def _as_sent(name: str) -> bytes:
    return name.lower().encode("latin-1")


class Said(Request[Any, Any, Any]):
    """A request that was heard to its end. It is Litestar's for whoever looks at it, without what nobody looks at."""

    def __init__(self, scope: Scope, headers: Headers, body: bytes) -> None:
        self.scope = scope  # type: ignore[assignment]
        self._heard, self._content = headers, body

    @property
    def headers(self) -> Headers:  # type: ignore[override]
        return self._heard

    @property
    def cookies(self) -> dict[str, str]:
        pairs = (pair.partition("=") for pair in self._heard.get("cookie", "").split(";"))
        return {name.strip(): value.strip() for name, _, value in pairs}

    async def body(self) -> bytes:
        return self._content


class Way(msgspec.Struct, frozen=True):
    """A route that can be reached directly: its door, what it takes from the path, and what its body has to be."""

    handler: HTTPRouteHandler
    template: str
    enter: Callable[[Any], Awaitable[None]]
    decode: Callable[[bytes], Any]
    takes_request: bool


class Express:
    """The short way to all routes of an application that can be reached by it."""

    def __init__(self, application: Litestar) -> None:
        ways = dict(_ways(application))
        self.routes = frozenset(ways)
        self._ways = [(method, _pattern(path), way) for (method, path), way in ways.items()]
        self._way = lru_cache(maxsize=4096)(self._look)

    async def answer(self, scope: Scope, body: Body) -> tuple[int, Pairs, bytes] | None:
        """Status, headers and body; None when a request has to go the long way. Raises BodyIsSlow."""
        if scope["method"] not in METHODS or scope["query_string"]:
            return None
        way, path = self._way(scope["method"], scope["path"])
        if way is None or (headers := _plain(scope["headers"])) is None or (content := await body.whole()) is None:
            return None
        try:
            data = way.decode(content)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        scope["route_handler"], scope["path_template"] = way.handler, way.template
        said = Said(scope, headers, content)
        try:
            await way.enter(said)
            if way.takes_request:
                response = await way.handler.fn(request=said, **path, data=data)
            else:
                response = await way.handler.fn(**path, data=data)
        except Exception as error:
            response = response_to(said, error)
        return rendered(response)

    def _look(self, method: str, path: str) -> tuple[Way | None, Mapping[str, UUID]]:
        for known, pattern, way in self._ways:
            if known == method and (found := pattern.fullmatch(path)):
                return way, {name: UUID(text) for name, text in found.groupdict().items()}
        return None, {}


def _plain(pairs: Sequence[tuple[bytes, bytes]]) -> Headers | None:
    """The headers of JSON that says its size; None when anything about them needs a closer look."""
    said = dict(pairs)
    is_plain = (
        len(said) == len(pairs)
        and said.get(b"content-type") == JSON
        and is_small(said.get(b"content-length", b""))
        and b"transfer-encoding" not in said
        and HOST.fullmatch(said.get(b"host", b"")) is not None
    )
    return Headers(said) if is_plain else None


def rendered(response: Response[Any]) -> tuple[int, Pairs, bytes]:
    """Status, headers and body of a response that sets no cookies."""
    content = encode(response.content)
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    headers.append((b"content-type", str(response.media_type).encode() if response.media_type else JSON))
    headers.append((b"content-length", b"%d" % len(content)))
    return response.status_code or 200, headers, content


def _ways(application: Litestar) -> Iterator[tuple[tuple[str, str], Way]]:
    for route in application.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method in METHODS and (way := _way(route, handler)):
                    yield (method, route.path_format), way


def _way(route: HTTPRoute, handler: HTTPRouteHandler) -> Way | None:
    """The short way to a route of agents or visitors that takes ids and a body, and answers for itself."""
    wanted = handler.parsed_fn_signature.parameters
    ids = {name for name, parameter in route.path_parameters.items() if parameter.type is UUID}
    enter = handler.resolve_before_request()
    if "data" not in wanted or wanted.keys() - ids - {"data", "request"} or len(ids) < len(route.path_parameters):
        return None
    if handler.opt.get("audience") == "everybody" or enter is None:
        return None
    if get_origin(handler.parsed_fn_signature.return_type.annotation) is not Response:
        return None
    kind = wanted["data"].annotation
    return Way(handler, route.path_format, enter, msgspec.json.Decoder(kind).decode, "request" in wanted)


def _pattern(path: str) -> re.Pattern[str]:
    """Ids as they are written by us; however else one may write them, the long way understands."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.escape(path)))
