"""Answers in one piece: on the wire they are what they would be in parts."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.run.wire import Exchange
from tests.api.quiet import nothing_happens
from tests.api.raw import answer, raw, said
from tests.api.routes import ROUTES, World

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-CON-1")]
(SEND,) = [route for route in ROUTES if route.name == "sendMessage"]
OF_ITS_OWN = (b"date", b"helpr-request-id", b"ratelimit", b"connection")


def message(world: World, id: UUID, *more: str, version: str = "1.1") -> bytes:
    """Somebody's words in a request that can be told from others, and come again."""
    body = json.dumps({"text": "hello", "id": str(id)}).encode()
    length = "\r\n".join((f"Content-Length: {len(body)}", f"Idempotency-Key: {id}", *more))
    return raw(world, SEND, body, length=length, version=version)


def of_all(headers: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return {name: value for name, value in headers.items() if name not in OF_ITS_OWN}


@pytest.mark.parametrize(
    ("version", "more"), [("1.1", ["Connection: close"]), ("1.0", [])], ids=["closing", "HTTP/1.0"]
)
async def test_in_one_piece_and_in_parts_the_answer_is_the_same(world: World, version: str, more: list[str]) -> None:
    id = uuid4()
    async with said(world, message(world, id)) as reader:
        status, headers, body = await answer(reader)
        assert not reader.at_eof()
    async with said(world, message(world, id, *more, version=version)) as reader:
        again, others, same = await answer(reader)
        assert await reader.read() == b"", "and the connection ends"
    assert status == again == b"HTTP/1.1 201 Created"
    assert json.loads(body)["id"] == str(id)
    assert same == body
    assert of_all(others) == of_all(headers)
    assert others[b"connection"] == b"close"
    assert b"connection" not in headers


async def test_a_body_that_comes_later_is_waited_for(world: World) -> None:
    id = uuid4()
    request = message(world, id)
    head, _, body = request.partition(b"\r\n\r\n")
    async with said(world, head + b"\r\n\r\n" + body[:7]) as reader:
        await asyncio.sleep(0.05)
        reader._transport.write(body[7:])  # type: ignore[attr-defined]
        status, _, told = await answer(reader)
    assert status == b"HTTP/1.1 201 Created"
    assert json.loads(told)["id"] == str(id)


async def test_what_comes_in_one_breath_is_answered_in_its_order_and_stored_once(world: World) -> None:
    ids = [uuid4() for _ in range(20)]
    before = await world.helpr.house.reader.head()
    async with said(world, b"".join(message(world, id) for id in ids * 2)) as reader:
        told = [json.loads((await answer(reader))[2])["id"] for _ in ids * 2]
    assert told == [str(id) for id in ids * 2]
    assert await world.helpr.house.reader.head() == before + len(ids)


async def test_who_is_refused_is_refused_in_one_piece_and_heard_again(world: World) -> None:
    empty = b'{"text": ""}'
    refused = raw(world, SEND, empty, length=f"Content-Length: {len(empty)}")
    async with nothing_happens(world.helpr), said(world, refused * 2) as reader:
        for _ in range(2):
            status, headers, body = await answer(reader)
            assert status == b"HTTP/1.1 422 Unprocessable Entity"
            assert headers[b"content-type"] == b"application/problem+json"
            assert json.loads(body)["errors"][0]["field"] == "text"


def cycle(**state: Any) -> Any:
    """What an exchange knows of uvicorn, and what was written."""
    written: list[bytes] = []
    usual = {
        "response_started": False, "response_complete": False, "disconnected": False, "keep_alive": True,
        "more_body": False, "body": bytearray(b"{}"), "flow": SimpleNamespace(write_paused=False),
        "message_event": asyncio.Event(), "transport": SimpleNamespace(write=written.append),
        "on_response": lambda: None, "written": written,
    }  # fmt: skip
    return SimpleNamespace(**usual | state)


@pytest.mark.parametrize(
    "state",
    [
        {"response_started": True},
        {"disconnected": True},
        {"keep_alive": False},
        {"flow": SimpleNamespace(write_paused=True)},
    ],
    ids=["already answered", "gone", "the last one", "not reading"],
)
def test_what_needs_a_closer_look_is_told_in_parts(state: dict[str, Any]) -> None:
    special, usual = cycle(**state), cycle()
    assert not Exchange(special, []).answer(200, (), [], b"{}")
    assert special.written == []
    assert Exchange(usual, []).answer(200, (), [], b"{}"), "else it is told at once"
    assert usual.written == [b"HTTP/1.1 200 OK\r\n\r\n{}"]


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"\r\n\r\n<script>"])
def test_no_header_begins_another_one(value: bytes) -> None:
    asked = cycle()
    assert not Exchange(asked, []).answer(200, (), [(b"helpr-position", value)], b"{}")
    assert asked.written == []


def test_a_body_is_whole_when_all_of_it_has_come() -> None:
    assert Exchange(cycle(), []).heard() == b"{}"
    assert Exchange(cycle(more_body=True), []).heard() is None
    assert Exchange(cycle(disconnected=True), []).heard() is None
