"""Whatever comes over the wire that is no proper HTTP is refused or the connection is closed: nothing happens, nobody
learns anything, and the next one is served."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random

import pytest

from tests.api.quiet import nothing_happens
from tests.conftest import Database
from tests.house import Helpr, running

pytestmark = pytest.mark.requirement("R-OPS-1")
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
TELLING = (b"traceback", b"python", b".py", b"litestar", b"exception", b"rust")
GOOD = b"GET /healthz HTTP/1.1\r\nHost: helpr.example\r\n"
POST = b"POST /v1/session HTTP/1.1\r\nHost: helpr.example\r\nHelpr-Request: x\r\nContent-Type: application/json\r\n"
BODY = b'{"email":"a@b.example","password":"x"}'
NEXT = b"GET /healthz HTTP/1.1\r\nHost: helpr.example\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKY = POST + CHUNKED + b"\r\n26\r\n" + BODY + b"\r\n0\r\n\r\n"
SHAPES = {
    "nothing but bytes": bytes(range(256)) * 8,
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
    "HTTP/2 out of the blue": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 64,
    "HTTP/0.9": b"GET /\r\n\r\n",
    "a version that is none": b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n",
    "a method with a space": b"G ET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method of 100,000 letters": b"G" * 100_000 + b" / HTTP/1.1\r\n\r\n",
    "a line that is no header": GOOD + b"this is none\r\n\r\n",
    "a header with a space in its name": GOOD + b"Bad Name: 1\r\n\r\n",
    "a header without a name": GOOD + b": 1\r\n\r\n",
    "NUL in a header": GOOD + b"X: a\x00b\r\n\r\n",
    "a header that goes on in the next line": GOOD + b"X: a\r\n b\r\n\r\n",
    "a lone carriage return": GOOD + b"X: a\rY: b\r\n\r\n",
    "a megabyte of a header": GOOD + b"X: " + b"x" * 2**20 + b"\r\n\r\n",
    "10,000 headers": GOOD + b"".join(b"X-%d: 1\r\n" % n for n in range(10_000)) + b"\r\n",
    "a megabyte of a path": b"GET /" + b"x" * 2**20 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes in a path": b"GET /v1/\xff\xfe\xc0\xaf HTTP/1.1\r\nHost: a\r\n\r\n",
    "NUL in a path": b"GET /v1/\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "no path": b"GET  HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT helpr.example:443 HTTP/1.1\r\nHost: helpr.example:443\r\n\r\n",
    "two lengths": POST + b"Content-Length: 38\r\nContent-Length: 0\r\n\r\n" + BODY + NEXT,
    "two lengths in one": POST + b"Content-Length: 38, 0\r\n\r\n" + BODY + NEXT,
    "less than no length": POST + b"Content-Length: -1\r\n\r\n" + BODY + NEXT,
    "a length with a sign": POST + b"Content-Length: +38\r\n\r\n" + BODY + NEXT,
    "a length in hexadecimal": POST + b"Content-Length: 0x26\r\n\r\n" + BODY + NEXT,
    "a length beyond all numbers": POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n" + BODY,
    "a length of five thousand digits": POST + b"Content-Length: " + b"0" * 5000 + b"38\r\n\r\n" + BODY,
    "a length and chunks": POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n" + NEXT,
    "chunks and a length": POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + NEXT,
    "chunks that are not the last coding": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + NEXT,
    "a coding that nobody knows": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + NEXT,
    "chunks in HTTP/1.0": POST.replace(b"HTTP/1.1", b"HTTP/1.0") + CHUNKED + b"\r\n0\r\n\r\n" + NEXT,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + NEXT,
    "a chunk without a size": POST + CHUNKED + b"\r\n\r\n" + BODY,
    "a chunk of no number": POST + CHUNKED + b"\r\nzz\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk beyond all numbers": POST + CHUNKED + b"\r\n" + b"f" * 40 + b"\r\n" + BODY,
    "a chunk that is longer than it says": POST + CHUNKED + b"\r\n1\r\n" + BODY + b"\r\n0\r\n\r\n" + NEXT,
    "a megabyte about a chunk": POST + CHUNKED + b"\r\n1;" + b"x" * 2**20 + b"\r\n{\r\n0\r\n\r\n",
}


@pytest.fixture(scope="module")
async def helpr(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Helpr]:
    async with running(module_database, tmp_path_factory.mktemp("helpr")) as started:
        yield started


async def answered(helpr: Helpr, content: bytes, *, seconds: float = 1) -> bytes:
    """All that comes back for these bytes, until the connection is closed or nothing comes any more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", helpr.settings.port)
    said = b""
    with suppress(OSError, TimeoutError):
        writer.write(content)
        while part := await asyncio.wait_for(reader.read(65536), seconds):
            said += part
    writer.transport.abort()
    return said


@pytest.mark.parametrize("shape", SHAPES)
async def test_what_is_no_request_is_refused(helpr: Helpr, shape: str) -> None:
    async with nothing_happens(helpr):
        said = await answered(helpr, SHAPES[shape])
        alive = await answered(helpr, GOOD + b"Connection: close\r\n\r\n")
    statuses = [int(status) for status in STATUS.findall(said)]
    assert len(statuses) <= 1
    assert all(400 <= status < 500 for status in statuses)
    assert not [word for word in TELLING if word in said.lower()]
    assert STATUS.findall(alive) == [b"200"]


@pytest.mark.parametrize("target", [b"http://helpr.example/healthz", b"http://elsewhere.example/healthz", b"/healthz"])
async def test_a_target_is_its_path_wherever_it_says_it_is(helpr: Helpr, target: bytes) -> None:
    said = await answered(helpr, b"GET " + target + b" HTTP/1.1\r\nHost: helpr.example\r\nConnection: close\r\n\r\n")
    assert STATUS.findall(said) == [b"200"]
    assert b"elsewhere" not in said


async def test_what_comes_in_one_breath_is_answered_in_its_order(helpr: Helpr) -> None:
    many = [NEXT, NEXT.replace(b"/healthz", b"/v1/nothing"), NEXT.replace(b"GET", b"PURGE")] * 20
    async with nothing_happens(helpr):
        said = await answered(helpr, b"".join(many))
    assert STATUS.findall(said) == [b"200", b"404", b"405"] * 20


@pytest.mark.parametrize("number", [50, pytest.param(1000, marks=pytest.mark.soak)])
async def test_who_says_a_letter_at_a_time_keeps_nobody_waiting(helpr: Helpr, number: int) -> None:
    async with nothing_happens(helpr):
        slow = [await asyncio.open_connection("127.0.0.1", helpr.settings.port) for _ in range(number)]
        for letter in GOOD:
            for _, writer in slow:
                writer.write(bytes([letter]))
        assert STATUS.findall(await answered(helpr, GOOD + b"Connection: close\r\n\r\n")) == [b"200"]
        for _, writer in slow:
            writer.transport.abort()


@pytest.mark.parametrize("tries", [150, pytest.param(2000, marks=pytest.mark.soak)])
async def test_requests_with_wrong_bytes_in_them_are_no_mistakes_of_ours(helpr: Helpr, tries: int) -> None:
    """A good request of each kind with a few bytes exchanged, taken out or doubled, always the same ones."""
    dice, good = Random(1), [GOOD + b"\r\n", POST + b"Content-Length: 38\r\n\r\n" + BODY, CHUNKY]
    async with nothing_happens(helpr):
        for n in range(tries):
            content = bytearray(good[n % len(good)])
            for _ in range(dice.randint(1, 4)):
                at = dice.randrange(len(content))
                content[at : at + dice.randint(0, 2)] = dice.randbytes(dice.randint(0, 3))
            said = await answered(helpr, bytes(content), seconds=0.1)
            assert not [status for status in STATUS.findall(said) if status >= b"500"], (bytes(content), said)
        assert STATUS.findall(await answered(helpr, GOOD + b"Connection: close\r\n\r\n")) == [b"200"]
