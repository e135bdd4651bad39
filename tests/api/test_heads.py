"""What stands before a body comes to its end, in time and in bytes, or the connection does."""

import asyncio
import contextlib

import pytest
import websockets

from api import shell
from api.run import wire
from tests.api.quiet import nothing_happens
from tests.api.raw import answer, said
from tests.api.routes import World
from tests.house import listening_to

pytestmark = pytest.mark.requirement("R-OPS-1")
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: helpr.example\r\n\r\n"
HALF = WHOLE[:30]
LONG = "/" + "\N{SNAIL}" * shell.LONGEST_PATH


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "SLOWEST_HEAD", 0.2)


async def to_the_end(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        return await reader.read()


@pytest.mark.parametrize("content", [b"", b"G", HALF, b"\r\n"], ids=["nothing", "a letter", "half", "an empty line"])
async def test_who_says_no_whole_head_is_not_waited_for(world: World, hurried: None, content: bytes) -> None:
    async with nothing_happens(world.helpr), said(world, content) as reader:
        assert await to_the_end(reader) == b""


async def test_nor_is_who_says_half_of_the_next_one(world: World, hurried: None) -> None:
    async with said(world, WHOLE + HALF) as reader:
        assert (await answer(reader))[0] == b"HTTP/1.1 200 OK"
        assert await to_the_end(reader) == b""


@pytest.mark.parametrize("letters", [HALF, b"\r\n" * 100], ids=["half a head", "empty lines"])
async def test_who_says_a_letter_now_and_then_is_not_waited_for_the_longer(
    world: World, hurried: None, letters: bytes
) -> None:
    async with said(world, WHOLE) as reader:
        await answer(reader)
        with contextlib.suppress(OSError):
            for letter in letters.decode():
                reader._transport.write(letter.encode())  # type: ignore[attr-defined]
                await asyncio.sleep(0.02)
                if reader.at_eof():
                    return
            assert await to_the_end(reader) == b""


async def test_who_has_said_it_may_take_their_time(world: World, hurried: None) -> None:
    """A connection that is kept, and a live one."""
    async with said(world, WHOLE) as reader, listening_to(world.helpr, world.visitor.client) as ears:
        await answer(reader)
        await asyncio.sleep(0.6)
        reader._transport.write(WHOLE)  # type: ignore[attr-defined]
        assert (await answer(reader))[0] == b"HTTP/1.1 200 OK"
        await ears.say("watch", conversation=world.visitor.conversation, after=0)
        await ears.until(lambda frame: frame["type"] == "change")


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
async def test_a_path_that_is_longer_than_any_of_ours_is_not_looked_for(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async def asked(*_: object) -> None:
        raise AssertionError("somebody looked for it")

    monkeypatch.setattr("api.express.Express.answer", asked)
    monkeypatch.setattr("litestar.Litestar.__call__", asked)
    answer = await world.visitor.client.request(method, LONG)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_can_be_done_where_nothing_is_is_not_found_in_a_whole_answer(world: World) -> None:
    answered = await world.visitor.client.request("OPTIONS", "/v1/nowhere")
    assert (answered.status_code, answered.json()["status"]) == (404, 404)


async def test_no_live_connection_is_looked_for_there_either(world: World) -> None:
    with pytest.raises(websockets.InvalidStatus, match="403"):
        await websockets.connect(world.helpr.url.replace("http", "ws") + "/v1/live" + "e" * shell.LONGEST_PATH)
