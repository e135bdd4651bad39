"""A request's body: read before anybody looks at it, up to a size and for a while."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from litestar.exceptions import HTTPException

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

LARGEST_BODY = 512 * 1024
"""Bytes of a request: the longest message, every character of it escaped, and then some."""
MOST_DRAINED = 256 * 1024 * 1024
"""Bytes that are read and dropped, so that whoever says too much hears why instead of losing the connection."""
SLOWEST = 15.0
"""Seconds in which a body has to come: whoever says half of it and stays is not waited for."""


class BodyIsSlow(HTTPException):
    """A body does not come to its end."""

    status_code = 408
    detail = "The request did not come to its end in time."


class Body:
    """A request's body, read up to its limit before anybody looks at it; what is more is dropped. Raises BodyIsSlow."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: list[Message] = []
        self._until = asyncio.get_running_loop().time() + SLOWEST
        self._is_whole = False

    async def is_too_large(self, scope: MutableMapping[str, Any]) -> bool:
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

    async def whole(self) -> bytes | None:
        """All of it, None when whoever spoke has gone; it can still be read once more. Raises BodyIsSlow."""
        message = await self._next()
        self._kept.append(message)
        while message["type"] == "http.request" and message.get("more_body", False):
            message = await self._next()
            self._kept.append(message)
        if message["type"] != "http.request":
            return None
        return message["body"] if len(self._kept) == 1 else b"".join(kept["body"] for kept in self._kept)

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
