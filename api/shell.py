"""The outermost layer: security headers on every answer, who may ask from other origins, how much may be said."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from litestar.exceptions import HTTPException

from api.request_log import CURRENT

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Answered = Callable[[str, str, int, float], None]

PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
DATA = "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
PROBLEM = (b"content-type", b"application/problem+json")
HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"helpr-position, retry-after"),
)
PREFLIGHT = (
    *CORS,
    (b"access-control-allow-methods", b"GET, POST, PUT"),
    (b"access-control-allow-headers", b"authorization, content-type, idempotency-key, helpr-min-position"),
    (b"access-control-max-age", b"86400"),
)


LARGEST_BODY = 512 * 1024
"""Bytes of a request: the longest message, every character of it escaped, and then some."""
MOST_DRAINED = 256 * 1024 * 1024
"""Bytes that are read and dropped, so that whoever says too much hears why instead of losing the connection."""
SLOWEST = 15.0
"""Seconds in which a body has to come: whoever says half of it and stays is not waited for."""
TOO_LARGE = (
    413,
    (
        b'{"title":"Too large","status":413,"detail":"A request may have at most 524288 bytes.",'
        b'"errors":[{"field":"body","problem":"is too large"}]}'
    ),
)
TOO_SLOW = (
    408,
    (
        b'{"title":"Too slow","status":408,"detail":"The request did not come to its end in time.",'
        b'"errors":[{"field":"body","problem":"The request did not come to its end in time."}]}'
    ),
)


class BodyIsSlow(HTTPException):
    """A body does not come to its end."""

    status_code = 408
    detail = "The request did not come to its end in time."


class Shell:
    """Wraps the application. ``new_id`` names requests; ``is_secure`` says that people come by https; ``answered`` is
    told the route, the method, the status and the seconds of every answer."""

    def __init__(
        self, app: App, *, new_id: Callable[[], Any], is_secure: bool, answered: Answered = lambda *_: None
    ) -> None:
        self._app, self._new_id, self._answered = app, new_id, answered
        self._always = (*ALWAYS, HSTS) if is_secure else ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        CURRENT.set(scope)
        scope.setdefault("state", {})
        id = scope["state"]["request_id"] = self._new_id()
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        path: str = scope["path"]
        is_widget = path.startswith("/widget/")
        is_data = path.startswith(("/v1/", "/widget/"))
        added = [
            *self._always,
            (b"helpr-request-id", str(id).encode()),
            *(((b"cache-control", b"no-store"),) if is_data else ()),
            (b"content-security-policy", (DATA if is_data else PAGES).encode()),
            (b"cross-origin-resource-policy", b"cross-origin" if is_widget or path == "/widget.js" else b"same-origin"),
            *(CORS if is_widget else ()),
        ]

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = scope.get("path_template", "")
                self._answered(route, scope["method"], message["status"], perf_counter() - begun)
                known = {name.lower() for name, _ in message.get("headers", ())}
                limit = _rate_limit(scope["state"].get("rate_limit"))
                headers = [header for header in (*added, *limit) if header[0] not in known]
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        told: Send = headed
        if is_widget and scope["method"] == "OPTIONS":
            await told({"type": "http.response.start", "status": 204, "headers": list(PREFLIGHT)})
            await told({"type": "http.response.body", "body": b""})
            return
        if scope["method"] == "HEAD":
            scope, told = {**scope, "method": "GET"}, _without_body(told)
        body = Body(receive)
        try:
            refusal = TOO_LARGE if await body.is_too_large(scope) else None
        except BodyIsSlow:
            refusal = TOO_SLOW
        if refusal is not None:
            await told({"type": "http.response.start", "status": refusal[0], "headers": [PROBLEM]})
            await told({"type": "http.response.body", "body": refusal[1]})
            return
        await self._app(scope, body.receive, told)


class Body:
    """A request's body, read up to its limit before anybody looks at it; what is more is dropped. Raises BodyIsSlow."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: list[Message] = []
        self._until = asyncio.get_running_loop().time() + SLOWEST
        self._is_whole = False

    async def is_too_large(self, scope: Scope) -> bool:
        """Reads a body that does not say its size, or says too much; a small one is left to be read."""
        said = next((value for name, value in scope["headers"] if name == b"content-length"), None)
        is_chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
        if not is_chunked and (said is None or (said.isdigit() and int(said) <= LARGEST_BODY)):
            return False
        size, more = 0, True
        while more and size <= MOST_DRAINED:
            message = await self._next()
            size += len(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)
            if size <= LARGEST_BODY:
                self._kept.append(message)
        return size > LARGEST_BODY

    async def receive(self) -> Message:
        """What was read already, then what comes."""
        return self._kept.pop(0) if self._kept else await self._next()

    async def _next(self) -> Message:
        """What comes after the body may take its time: that somebody has gone."""
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise BodyIsSlow from None
        self._is_whole = not message.get("more_body", False)
        return message


def _without_body(send: Send) -> Send:
    """HEAD is GET whose body stays here."""

    async def told(message: Message) -> None:
        is_body = message["type"] == "http.response.body"
        await send({**message, "body": b""} if is_body else message)

    return told


def _rate_limit(found: tuple[str, int, int, int] | None) -> tuple[tuple[bytes, bytes], ...]:
    """What is left of the limit that was counted last, in the fields of the IETF's draft (RateLimit header fields)."""
    if found is None:
        return ()
    name, most, left, seconds = found
    return (
        (b"ratelimit-policy", f'"{name}";q={most};w=60'.encode()),
        (b"ratelimit", f'"{name}";r={max(left, 0)};t={seconds}'.encode()),
    )
