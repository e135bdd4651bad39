"""A line to a running Helpr: one connection that stays open, one question at a time.

It speaks as much HTTP as Helpr's own API answers with, at a quarter of what a client for all servers costs: on the
machine that also runs the product, what the crowd of the demo takes is missing there.
"""

import asyncio
from typing import Self, cast
from urllib.parse import urlsplit

import msgspec

CONTENT_LENGTH = b"\r\ncontent-length:"
PATIENCE = 30.0
Headers = dict[str, str]


class LineIsDead(ConnectionError):
    """Nobody answers any more; whether the last question was heard is not known."""


class Answer(msgspec.Struct, frozen=True):
    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """The first header of this name, "" if there is none."""
        wanted = f"{name.lower()}:"
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return next((line[len(wanted) :].strip() for line in lines if line.lower().startswith(wanted)), "")


class Line(asyncio.Protocol):
    """Made by ``Line.to``; ``ask`` waits for the answer before the next question may be put."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._heard = b""

    @classmethod
    async def to(cls, url: str) -> Self:
        """Opens a line to ``http://host:port``; raises OSError."""
        place = urlsplit(url)
        host, port = place.hostname or "", place.port or 80
        _, line = await asyncio.get_running_loop().create_connection(lambda: cls(place.netloc), host, port)
        return line

    async def ask(self, method: str, path: str, headers: Headers, content: object = None) -> Answer:
        """One question with JSON content, or none; raises LineIsDead."""
        body = b"" if content is None else msgspec.json.encode(content)
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        kind = "content-type: application/json\r\n" if body else ""
        head = f"{method} {path} HTTP/1.1\r\nhost: {self._host}\r\n{fields}{kind}content-length: {len(body)}\r\n\r\n"
        return await self.send(head.encode("latin-1") + body)

    async def send(self, request: bytes) -> Answer:
        """One question, ready to be sent; raises LineIsDead."""
        if self._transport is None or self._transport.is_closing():
            raise LineIsDead
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._answer
        except TimeoutError:
            self.close()
            raise LineIsDead from None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LineIsDead())

    def data_received(self, data: bytes) -> None:
        self._heard += data
        end = self._heard.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._heard[:end]
        start = head.lower().find(CONTENT_LENGTH)
        size = int(head[start + len(CONTENT_LENGTH) :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        whole = end + 4 + size
        if len(self._heard) < whole:
            return
        body, self._heard = self._heard[end + 4 : whole], self._heard[whole:]
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(int(head[9:12]), head, body))
