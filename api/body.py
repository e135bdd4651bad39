"""A request's body: read before anybody looks at it, up to a size and for a while."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from litestar.exceptions import HTTPException

from api.at_once import AtOnce

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

LARGEST_BODY = 512 * 1024
"""Bytes of a request: the longest message, every character of it escaped, and then some."""
MOST_DRAINED = 256 * 1024 * 1024
"""Bytes that are read and dropped, so that whoever says too much hears why instead of losing the connection."""
SLOWEST = 15.0
"""Seconds in which a body has to come: whoever says half of it and stays is not waited for."""


class BodyHasNoEnd(HTTPException):
    """Nobody knows where the next request would begin: the connection ends with the answer."""

    def __init__(self) -> None:
        super().__init__(headers={"connection": "close"})


class BodyIsSlow(BodyHasNoEnd):
    """A body does not come to its end."""

    status_code = 408
    detail = "The request did not come to its end in time."


class BodyIsBroken(BodyHasNoEnd):
    """A body comes in chunks that are none, or its sender has gone."""

    status_code = 400
    detail = "The request did not come to its end."


class Watch:
    """One clock for all bodies that are awaited: a timer for each costs more than reading one."""

    def __init__(self) -> None:
        self._until: dict[asyncio.Task[Any], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def over(self, receive: Receive, until: float) -> Message:
        """The next part of a body; raises BodyIsSlow when it has not come by then, on the loop's clock."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("bodies are read by tasks")
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SLOWEST / 20, self._look, loop)
        self._until[task] = until
        try:
            return await receive()
        except asyncio.CancelledError:
            if task in self._until:
                raise
            task.uncancel()
            raise BodyIsSlow from None
        finally:
            self._until.pop(task, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task in [task for task, until in self._until.items() if until <= now]:
            del self._until[task]
            task.cancel()
        self._timer = loop.call_later(SLOWEST / 20, self._look, loop) if self._until else None


class Body:
    """A request's body, read up to its limit before anybody looks at it; what is more is dropped. Raises BodyIsSlow."""

    def __init__(self, receive: Receive, watch: Watch, at_once: AtOnce | None = None) -> None:
        self._receive, self._watch, self._at_once = receive, watch, at_once
        self._kept: list[Message] = []
        self._until = asyncio.get_running_loop().time() + SLOWEST
        self._is_whole = False

    async def is_too_large(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Reads a body that does not say its size, or says too much; a small one is left to be read. Raises
        BodyIsBroken."""
        said = next((value for name, value in headers if name == b"content-length"), None)
        is_chunked = any(name == b"transfer-encoding" for name, _ in headers)
        if not is_chunked and (said is None or is_small(said)):
            return False
        size, more = 0, True
        while more and size <= MOST_DRAINED:
            message = await self._next()
            if message["type"] != "http.request":
                raise BodyIsBroken
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
            if size <= LARGEST_BODY:
                self._kept.append(message)
        return size > LARGEST_BODY

    async def whole(self) -> bytes | None:
        """All of a small one, None when whoever spoke has gone; it can still be read once more."""
        if self._at_once is not None and (heard := self._at_once.heard()) is not None:
            return heard
        message = await self._next()
        self._kept.append(message)
        while message["type"] == "http.request" and message.get("more_body", False):
            message = await self._next()
            self._kept.append(message)
        if message["type"] != "http.request":
            return None
        if len(self._kept) == 1:
            body: bytes = message["body"]
            return body
        return b"".join(kept["body"] for kept in self._kept)

    async def receive(self) -> Message:
        """What was read already, then what comes."""
        return self._kept.pop(0) if self._kept else await self._next()

    async def _next(self) -> Message:
        """What comes after the body may take its time: that somebody has gone."""
        if self._is_whole:
            return await self._receive()
        message = await self._watch.over(self._receive, self._until)
        self._is_whole = not message.get("more_body", False)
        return message


def is_small(said: bytes) -> bool:
    """Whether a Content-Length is one that is taken. Python reads no numbers of thousands of digits, not even zeros."""
    return len(said) < 20 and said.isdigit() and int(said) <= LARGEST_BODY
