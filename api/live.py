"""A live connection: who it is, what it is told, and when it has to go."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import msgspec
import structlog
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from api.problems import AWAY
from application.ports import Claims, Damaged, TokenRefused, Tokens

log = structlog.get_logger()
AnySocket = WebSocket[Any, Any, Any]
MOST_WAITING = 256 * 1024
"""Bytes that may wait for a slow reader before it is let go."""
STALLED = 10.0
"""Seconds for which one who has missed much may read nothing of it."""
GOODBYE = 1.0
"""Seconds in which one who is let go may take the reason."""
LARGEST_FRAME = 4096
MOST_FRAMES = 300
"""What a client may say in ten seconds: a page that comes back watches fifty conversations at once."""
PING = 25.0
SILENCE = 70.0
HELLO_WITHIN = 10.0
RENEW = 600
"""A fresh token is pushed when the old one has so many seconds left."""
LOOK = 3.0
"""Seconds after which a connection is asked again whether it may stay: sessions also end by time."""
REFUSED, TOO_SLOW, TOO_LARGE, TOO_MANY, GONE, RESTARTING, BROKEN = 4401, 4408, 1009, 4429, 4410, 1012, 1011


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello", forbid_unknown_fields=True):
    """The first thing a client says, and again when its token was renewed."""

    token: str


class Pong(msgspec.Struct, frozen=True, tag_field="type", tag="pong", forbid_unknown_fields=True):
    """Still here."""


def frame(type: str, **content: Any) -> bytes:
    """A message to a client."""
    return msgspec.json.encode({"type": type, **content})


@cache
def _decoder(frames: Any) -> msgspec.json.Decoder[Any]:
    """One for all sockets that say the same frames: with many of them it is memory that counts."""
    return msgspec.json.Decoder(frames)


class Connection:
    """One socket of an audience that says certain frames. ``may_stay`` is asked at each hello and every few seconds."""

    __slots__ = (
        "__weakref__", "_audience", "_bytes", "_code", "_counted", "_decoder", "_frames", "_gone_out", "_heard",
        "_may_stay", "_renewed", "_socket", "_tokens", "_waiting", "_wake", "claims",
    )  # fmt: skip

    def __init__(
        self,
        socket: AnySocket,
        tokens: Tokens,
        audience: str,
        frames: Any,
        *,
        may_stay: Callable[[Claims], Awaitable[bool]],
    ) -> None:
        self._socket, self._tokens, self._audience, self._may_stay = socket, tokens, audience, may_stay
        self._decoder = _decoder(frames)
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._wake = asyncio.Event()
        self._gone_out: asyncio.Event | None = None
        self._code = 0
        self._heard = self._counted = time.monotonic()
        self._renewed = self._frames = 0
        self.claims: Claims | None = None

    @property
    def is_closing(self) -> bool:
        return self._code != 0

    def push(self, message: bytes) -> None:
        """Queues a message; a reader for whom too much is waiting is let go instead."""
        if self._code:
            return
        self._waiting.append(message)
        self._bytes += len(message)
        if self._bytes > MOST_WAITING:
            self.close(TOO_SLOW)
        self._wake.set()

    def close(self, code: int) -> None:
        """Lets the client go; what still waits is not sent."""
        self._code = self._code or code
        self._waiting.clear()
        self._wake.set()
        if self._gone_out:
            self._gone_out.set()

    async def room(self) -> None:
        """Waits until a client has read most of what it was sent: what is fetched for it comes faster than it goes out.
        One that reads nothing meanwhile is let go."""
        while self._bytes > MOST_WAITING // 2 and not self._code:
            gone_out = self._gone_out = self._gone_out or asyncio.Event()
            gone_out.clear()
            try:
                async with asyncio.timeout(STALLED):
                    await gone_out.wait()
            except TimeoutError:
                self.close(TOO_SLOW)

    def fail(self, error: BaseException) -> None:
        """Lets the client go because of a mistake of ours: its kind is noted, its words may hold data."""
        kind = type(error).__name__
        if isinstance(error, AWAY):
            log.warning("live is away", error=kind)
            return self.close(RESTARTING)
        if isinstance(error, Damaged):
            log.critical("damaged", error=kind)
        else:
            log.error("live is broken", error=kind)
        return self.close(BROKEN)

    async def serve(self, welcome: Callable[[], bytes], hear: Callable[[Any], Awaitable[None]]) -> None:
        """Until either side has enough. ``hear`` is told every frame but hello and pong, one after the other;
        ``welcome`` makes the answer to the first hello."""
        await self._socket.accept()
        tasks = [asyncio.create_task(work) for work in (self._read(welcome, hear), self._write(), self._keep_alive())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if error := next((task.exception() for task in done if task.exception()), None):
                self.fail(error)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # Somebody who reads nothing does not take a goodbye either.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(GOODBYE):
                    await self._socket.close(code=self._code or 1000)

    async def _read(self, welcome: Callable[[], bytes], hear: Callable[[Any], Awaitable[None]]) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while not self._code:
                text = await self._socket.receive_text()
                self._heard = time.monotonic()
                if len(text) > LARGEST_FRAME:
                    return self.close(TOO_LARGE)
                if self._are_too_many():
                    return self.close(TOO_MANY)
                await self._take(text, welcome, hear)
        return None

    def _are_too_many(self) -> bool:
        if self._heard - self._counted >= 10:
            self._counted, self._frames = self._heard, 0
        self._frames += 1
        return self._frames > MOST_FRAMES

    async def _take(self, text: str, welcome: Callable[[], bytes], hear: Callable[[Any], Awaitable[None]]) -> None:
        try:
            said = self._decoder.decode(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            why = "is nested too deeply" if isinstance(error, RecursionError) else error
            self.push(frame("problem", detail=f"This frame cannot be read: {why}"))
            return
        match said:
            case Hello(token=token):
                await self._greet(token, welcome)
            case Pong():
                pass
            case _ if self.claims is None:
                self.close(REFUSED)
            case _:
                await hear(said)

    async def _greet(self, token: str, welcome: Callable[[], bytes]) -> None:
        try:
            claims = self._tokens.check(token, self._audience)
        except TokenRefused:
            return self.close(REFUSED)
        is_other = self.claims is not None and (claims.tenant, claims.id) != (self.claims.tenant, self.claims.id)
        if is_other or not await self._may_stay(claims):
            return self.close(REFUSED)
        is_first, self.claims = self.claims is None, claims
        if is_first:
            self.push(welcome())
        return None

    async def _write(self) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while not self._code:
                await self._wake.wait()
                self._wake.clear()
                batch, self._waiting = self._waiting, []
                for message in batch:
                    if self._code:
                        break
                    await self._socket.send_text(message.decode())
                    self._bytes -= len(message)
                    if self._gone_out:
                        self._gone_out.set()

    async def _keep_alive(self) -> None:
        started = pinged = looked = time.monotonic()
        while not self._code:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            if self.claims is None and now - started > HELLO_WITHIN:
                self.close(REFUSED)
            if now - self._heard > SILENCE:
                self.close(GONE)
            if now - pinged >= PING:
                pinged = now
                self.push(frame("ping"))
            if self.claims is not None and now - looked >= LOOK:
                looked = now
                if not await self._may_stay(self.claims):
                    self.close(REFUSED)
            self._renew()

    def _renew(self) -> None:
        claims = self.claims
        if claims is None:
            return
        left = claims.until - time.time()
        if left <= 0:
            self.close(REFUSED)
        elif left <= RENEW and self._renewed != claims.until:
            self._renewed = claims.until
            token, _ = self._tokens.issue(self._audience, claims.tenant, claims.id, claims.session)
            self.push(frame("token", token=token))
