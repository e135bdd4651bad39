"""Between Helpr and its KMS: passes on what is said, or does what a KMS does on a bad day."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

Answer = bytes | None
"""An HTTP answer; None hangs up."""
Mood = Callable[[bytes, Callable[[], Awaitable[bytes]]], Awaitable[Answer]]
"""Given a request and a way to have it answered well, says what is answered."""


async def well(request: bytes, ask: Callable[[], Awaitable[bytes]]) -> Answer:
    return await ask()


async def away(request: bytes, ask: Callable[[], Awaitable[bytes]]) -> Answer:
    return None


async def silent(request: bytes, ask: Callable[[], Awaitable[bytes]]) -> Answer:
    await asyncio.sleep(3600)
    return None


def slow(seconds: float) -> Mood:
    async def answer(request: bytes, ask: Callable[[], Awaitable[bytes]]) -> Answer:
        await asyncio.sleep(seconds)
        return await ask()

    return answer


def saying(body: bytes, status: str = "200 OK", kind: str = "application/x-amz-json-1.1") -> Mood:
    """Always the same."""

    async def answer(request: bytes, ask: Callable[[], Awaitable[bytes]]) -> Answer:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    return answer


def mixed_up(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Mood:
    """A good answer of which something is changed."""

    async def answer(request: bytes, ask: Callable[[], Awaitable[bytes]]) -> Answer:
        _, _, body = (await ask()).partition(b"\r\n\r\n")
        return await saying(json.dumps(change(json.loads(body))).encode())(request, ask)

    return answer


def giving(key: bytes) -> Mood:
    """Whatever is unwrapped, this comes out."""
    return mixed_up(lambda said: said | ({"Plaintext": b64encode(key).decode()} if "Plaintext" in said else {}))


async def cut_short(request: bytes, ask: Callable[[], Awaitable[bytes]]) -> Answer:
    return (await ask())[:-20]


GARBAGE = {
    "a page of a proxy": saying(b"<html><h1>502 Bad Gateway</h1></html>", "502 Bad Gateway", "text/html"),
    "a page that says it is well": saying(b"<html>It works!</html>", kind="text/html"),
    "somebody else's key": giving(bytes(range(32))),
    "a key that is too short": giving(bytes(range(16))),
    "an answer cut short": cut_short,
    "another ciphertext": mixed_up(
        lambda said: said | ({"CiphertextBlob": b64encode(bytes(160)).decode()} if "CiphertextBlob" in said else {})
    ),
}


class Kms:
    """``endpoint`` leads through it; ``mood`` may be changed at any time, ``was_asked`` is set by each question."""

    def __init__(self, endpoint: str) -> None:
        self._target = urlsplit(endpoint)
        self.mood: Mood = well
        self.was_asked = asyncio.Event()
        self.endpoint = ""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _message(reader):
                self.was_asked.set()
                answer = await self.mood(request, lambda said=request: self._ask(said))  # type: ignore[misc]
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if self.mood is cut_short:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            writer.write(request)
            answer = await _message(reader)
        finally:
            writer.close()
        return answer


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer; nothing when there are no more."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    lines = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lines[0].split(b":")[1]) if lines else 0)


@asynccontextmanager
async def before(endpoint: str) -> AsyncIterator[Kms]:
    """A KMS before the one at ``endpoint``."""
    kms = Kms(endpoint)
    server = await asyncio.start_server(kms.accept, "127.0.0.1", 0)
    kms.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield kms
    finally:
        server.close()
