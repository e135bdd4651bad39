"""AWS KMS on a bad day: whatever it answers, nothing is taken for a key that is none, and nobody waits for ever."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from infrastructure.keys import aws_kms
from infrastructure.keys.aws_kms import AwsKms
from infrastructure.keys.root_key import KeysUnavailable

KEY, CONTEXT = bytes(range(32)), {"tenant": str(UUID(int=1)), "epoch": "1"}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")


def answer(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + body


def said(**details: object) -> bytes:
    return answer(json.dumps(details).encode())


GARBAGE = {
    "nothing": b"",
    "no HTTP": b"\x16\x03\x01\x02 hello\r\n\r\n",
    "no JSON": answer(b"<html>It works!</html>"),
    "no UTF-8": answer(b'{"Plaintext": "\xff\xfe"}'),
    "no object": answer(b"[]"),
    "null": answer(b"null"),
    "an empty object": answer(b"{}"),
    "an empty body": answer(b""),
    "cut short": answer(b'{"Plaintext": "', length=500),
    "no base64": said(Plaintext="***", CiphertextBlob="***"),
    "no text": said(Plaintext=7, CiphertextBlob={"a": 1}),
    "empty values": said(Plaintext="", CiphertextBlob=""),
    "null values": said(Plaintext=None, CiphertextBlob=None),
    "500": answer(b"oops", "500 Internal Server Error"),
    "a refusal": answer(b'{"__type": "AccessDeniedException"}', "400 Bad Request"),
    "a redirect": answer(b"", "302 Found"),
    "slow down": answer(b'{"__type": "ThrottlingException"}', "400 Bad Request"),
}


@asynccontextmanager
async def speaking(words: bytes | None) -> AsyncIterator[AwsKms]:
    """A KMS that always says the same and hangs up; None: it begins to answer and never comes to an end."""
    end = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(size.split(b":")[1]))
        writer.write(answer(b"", length=1_000_000) if words is None else words)
        while words is None and not end.is_set():
            writer.write(b" ")
            await asyncio.sleep(0.05)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield AwsKms("some-key", region="eu-central-1", endpoint=f"http://127.0.0.1:{port}")
    finally:
        server.close()
        end.set()


@pytest.mark.parametrize("words", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_is_no_key(words: bytes) -> None:
    async with speaking(words) as root:
        with pytest.raises(KeysUnavailable):
            await root.unwrap(b"wrapped", CONTEXT)
        with pytest.raises(KeysUnavailable):
            await root.wrap(KEY, CONTEXT)


@pytest.mark.parametrize("size", [1, 16, 31, 33, 64])
async def test_what_has_another_size_is_no_key(size: int) -> None:
    async with speaking(said(Plaintext=b64encode(bytes(size)).decode())) as root:
        with pytest.raises(KeysUnavailable):
            await root.unwrap(b"wrapped", CONTEXT)


async def test_a_good_answer_is_taken_all_the_same() -> None:
    async with speaking(said(Plaintext=b64encode(KEY).decode(), CiphertextBlob="AAAA")) as root:
        assert await root.unwrap(b"wrapped", CONTEXT) == KEY
        assert await root.wrap(KEY, CONTEXT) == bytes(3)


async def test_a_kms_that_trickles_is_given_up_and_does_not_hold_up_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_kms, "DEADLINE", 0.2)
    async with speaking(None) as root:
        asked = [asyncio.create_task(root.unwrap(b"wrapped", CONTEXT)) for _ in range(50)]
        elsewhere = asyncio.to_thread(lambda: "served")
        assert await asyncio.wait_for(elsewhere, 2) == "served"
        done = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 5)
    assert {type(each) for each in done} == {KeysUnavailable}


async def test_nobody_there_is_unavailable() -> None:
    async with speaking(b"") as gone:
        pass
    with pytest.raises(KeysUnavailable):
        await gone.wrap(KEY, CONTEXT)


async def test_without_credentials_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(KeysUnavailable):
        await AwsKms("some-key", region="eu-central-1").wrap(KEY, CONTEXT)


async def test_what_kms_said_stands_in_no_error_message() -> None:
    """It may be half a key."""
    secret = b64encode(KEY).decode()
    async with speaking(answer(f'{{"Plaintext": "{secret}"'.encode())) as root:
        with pytest.raises(KeysUnavailable) as caught:
            await root.unwrap(b"wrapped", CONTEXT)
    assert secret not in repr(caught.getrepr())
    assert caught.value.__cause__ is None
