"""The outermost layer: security headers on every answer, who may ask from other origins, how much may be said."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from time import perf_counter
from typing import Any

from litestar import Request
from litestar.exceptions import NotFoundException

from api.at_once import Fixed, at_once
from api.body import Body, BodyHasNoEnd, Watch
from api.express import Express, rendered
from api.problems import response_to
from api.request_log import CURRENT

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Answered = Callable[[str, str, int, float], None]
Pairs = Sequence[tuple[bytes, bytes]]

CSP = b"content-security-policy"
PAGES = (
    CSP,
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"font-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'none'",
)
DATA = (CSP, b"default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox")
SAME, CROSS = ((b"cross-origin-resource-policy", whose) for whose in (b"same-origin", b"cross-origin"))
NO_STORE = (b"cache-control", b"no-store")
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
LAST_PROBLEM = ((b"content-type", b"application/problem+json"), (b"connection", b"close"))
"""Of a body that did not come to its end nobody knows where the next request begins."""
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
LONGEST_PATH = 1024
"""Characters. Routers remember paths, also those that lead nowhere."""
NO_METHOD = "NONE"
"""Nobody answers to it, so a refusal names all that somebody does."""
TOO_LARGE = (
    b'{"title":"Too large","status":413,"detail":"A request may have at most 524288 bytes.",'
    b'"errors":[{"field":"body","problem":"is too large"}]}'
)


class Shell:
    """Wraps the application. ``express`` is the short way for writes; ``new_id`` names requests; ``is_secure`` says
    that people come by https; ``answered`` is told the route, the method, the status and the seconds of an answer."""

    def __init__(
        self,
        app: App,
        *,
        express: Express,
        new_id: Callable[[], Any],
        is_secure: bool,
        answered: Answered = lambda *_: None,
    ) -> None:
        self._app, self._express, self._new_id, self._answered = app, express, new_id, answered
        self._watch = Watch()
        always = (*ALWAYS, HSTS) if is_secure else ALWAYS
        self._data = (*always, NO_STORE, DATA, SAME)
        self._widget = (*always, NO_STORE, DATA, CROSS, *CORS)
        self._script = (*always, PAGES, CROSS)
        self._pages = (*always, PAGES, SAME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        CURRENT.set(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = id = self._new_id()
        is_too_long = len(scope["path"]) > LONGEST_PATH
        if scope["type"] != "http":
            await (_hang_up(receive, send) if is_too_long else self._app(scope, receive, send))
            return
        begun = perf_counter()
        always = self._always(scope["path"])

        def own(status: int) -> Pairs:
            """What this answer, which is given now, says besides."""
            self._answered(scope.get("path_template", ""), scope["method"], status, perf_counter() - begun)
            return ((b"helpr-request-id", str(id).encode()), *_rate_limit(state.get("rate_limit")))

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = message.get("headers", ())
                known = {name.lower() for name, _ in said}
                told = (header for header in (*always, *own(message["status"])) if header[0] not in known)
                message["headers"] = [*said, *told]
            await send(message)

        told: Send = headed
        if always is self._widget and scope["method"] == "OPTIONS":
            await _tell(told, 204, PREFLIGHT, b"")
            return
        if scope["method"] == "HEAD":
            scope, told = {**scope, "method": "GET"}, _without_body(told)
        if scope["method"] == "OPTIONS":
            # Litestar's own answer knows only the first route of a path; its refusal of a method names them all.
            scope, told = {**scope, "method": NO_METHOD}, _as_options(told)
        whole = at_once(scope)
        body = Body(receive, self._watch, whole)
        try:
            if is_too_long:
                await _tell(told, *rendered(response_to(Request(scope), NotFoundException())))  # type: ignore[arg-type]
            elif answer := await self._express.answer(scope, body):
                status, headers, content = answer
                headers += own(status)
                if whole is None or not whole.answer(status, always, headers, content):
                    await _tell(send, status, [*headers, *always], content)
            elif await body.is_too_large(scope["headers"]):
                await _tell(told, 413, LAST_PROBLEM, TOO_LARGE)
            else:
                await self._app(scope, body.receive, told)
        except BodyHasNoEnd as error:
            await _tell(told, *rendered(response_to(Request(scope), error)))  # type: ignore[arg-type]

    def _always(self, path: str) -> Fixed:
        """The headers of every answer at a path."""
        if path.startswith("/widget/"):
            return self._widget
        if path.startswith("/v1/"):
            return self._data
        return self._script if path == "/widget.js" else self._pages


async def _hang_up(receive: Receive, send: Send) -> None:
    """Nobody gets a live connection here."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})


async def _tell(send: Send, status: int, headers: Pairs, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _without_body(send: Send) -> Send:
    """HEAD is GET whose body stays here."""

    async def told(message: Message) -> None:
        is_body = message["type"] == "http.response.body"
        await send({**message, "body": b""} if is_body else message)

    return told


def _as_options(send: Send) -> Send:
    """What is refused because nobody can do it anywhere says what can be done here; what is not here is not here."""
    silent, tell = _without_body(send), send

    async def told(message: Message) -> None:
        nonlocal tell
        if message.get("status") == 405:
            allow = [header for header in message["headers"] if header[0].lower() == b"allow"]
            message, tell = {**message, "status": 204, "headers": allow}, silent
        await tell(message)

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
