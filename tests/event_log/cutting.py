"""A wire to PostgreSQL that can be cut at the worst moment: after the COMMIT, before its answer arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec

READY = b"Z\x00\x00\x00\x05I"
"""How PostgreSQL says that it is done and no transaction is open: what was asked for is committed."""


class Wire:
    """A TCP proxy on loopback. ``dsn`` leads through it."""

    def __init__(self, dsn: str) -> None:
        self._target = urlsplit(dsn)
        self._pairs: set[Pair] = set()
        self._awaited: bytes | None = None
        self._breaks_all = True
        self._is_open = True
        self.cuts = 0
        self.dsn = ""

    def swallow_the_next_answer(self, *, to: bytes = b"", breaks_all: bool = True) -> None:
        """The server will do what it is asked next (with these words in it) to the end; its answer will not arrive, its
        connection breaks instead, and perhaps every other with it."""
        self._awaited, self._breaks_all = to, breaks_all

    def cut(self) -> None:
        """Breaks what is open and lets nothing through until ``mend``."""
        self._is_open = False
        self._break(self._pairs)

    def mend(self) -> None:
        self._is_open = True

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        pair = Pair(writer, back)
        self._pairs.add(pair)
        await asyncio.gather(self._ask(pair, reader), self._answer(pair, there))
        self._pairs.discard(pair)

    async def _ask(self, pair: "Pair", source: asyncio.StreamReader) -> None:
        async for data in _read(source, pair.back):
            if self._awaited is not None and self._awaited in data:
                self._awaited, pair.is_doomed = None, True
            pair.back.write(data)

    async def _answer(self, pair: "Pair", source: asyncio.StreamReader) -> None:
        end = b""
        async for data in _read(source, pair.here):
            end = (end + data)[-len(READY) :]
            if not pair.is_doomed:
                pair.here.write(data)
            elif end == READY:
                self.cuts += 1
                self._break(self._pairs if self._breaks_all else {pair})
                return

    def _break(self, pairs: "set[Pair]") -> None:
        for pair in pairs:
            pair.here.transport.abort()
            pair.back.transport.abort()
        self._pairs = self._pairs - pairs


class Pair(msgspec.Struct, eq=False):
    """The two ends of a connection; one that is doomed will hear no more."""

    here: asyncio.StreamWriter
    back: asyncio.StreamWriter
    is_doomed: bool = False


async def _read(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """What comes, until either end is gone."""
    try:
        while data := await source.read(65536):
            yield data
    except OSError:
        pass
    finally:
        sink.close()


@asynccontextmanager
async def wire_to(dsn: str) -> AsyncIterator[Wire]:
    """A wire to the server of a DSN, for as long as the block lasts."""
    wire = Wire(dsn)
    server = await asyncio.start_server(wire.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire.dsn = dsn.replace(f":{urlsplit(dsn).port}/", f":{port}/")
    try:
        yield wire
    finally:
        wire.cut()
        server.close()
        await server.wait_closed()
