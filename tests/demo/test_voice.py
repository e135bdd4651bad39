"""Somebody who asks until they are answered."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from api.run.demo import voice
from api.run.demo.voice import NobodyAnswers, TurnedAway, Voice

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
FINE = b'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"ok"'
NO = b'HTTP/1.1 403 Forbidden\r\ncontent-length: 26\r\n\r\n{"detail": "Not for you."}'


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[Voice]:
    """A server that gives these answers, one a question, each in two pieces; nothing instead of b"": it hangs up."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await _asked(reader):
            answer = left.pop(0)
            if not answer:
                break
            writer.write(answer[:20])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(answer[20:])
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        asking = Voice(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        yield asking
        asking.hang_up()


async def _asked(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        return bool(await reader.readuntil(b"\r\n\r\n"))
    return False


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "TRIES", 2)


async def test_it_asks_again_after_silence_and_when_it_is_told_to_come_later() -> None:
    async with answering(b"", BUSY, FINE, FINE) as asking:
        for _ in range(2):
            assert (await asking.ask("GET", "/", {})).body == b'"ok"'


async def test_a_no_is_a_no() -> None:
    async with answering(NO) as asking:
        with pytest.raises(TurnedAway, match=r"403 Not for you\."):
            await asking.ask("GET", "/", {})


async def test_when_nobody_answers_it_says_where_it_asked(impatient: None) -> None:
    async with answering(b"", b"") as asking:
        with pytest.raises(NobodyAnswers, match=r"http://127\.0\.0\.1:"):
            await asking.ask("GET", "/", {})
