"""A wire to PostgreSQL that can be cut at the worst moment: after the COMMIT, before its answer arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Wire:
    """A TCP proxy on loopback. ``dsn`` leads through it."""

    def __init__(self, dsn: str) -> None:
        self._target = urlsplit(dsn)
        self._writers: set[asyncio.StreamWriter] = set()
        self._awaited: bytes | None = None
        self._is_armed = False
        self._is_open = True
        self.cuts = 0
        self.dsn = ""

    def swallow_the_next_answer(self, *, to: bytes = b"") -> None:
        """The server will do what it is asked next (with these words in it); its answer will not arrive, the
        connection breaks instead."""
        self._awaited, self._is_armed = to, False

    def cut(self) -> None:
        """Breaks what is open and lets nothing through until ``mend``."""
        self._is_open = False
        self._break()

    def mend(self) -> None:
        self._is_open = True

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._writers |= {writer, back}
        await asyncio.gather(self._carry(reader, back), self._carry(there, writer, answers=True))

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool = False) -> None:
        try:
            while data := await source.read(65536):
                if not answers and self._awaited is not None and self._awaited in data:
                    self._awaited, self._is_armed = None, True
                if answers and self._is_armed:
                    self._is_armed = False
                    self.cuts += 1
                    self._break()
                    return
                sink.write(data)
        except OSError:
            pass
        finally:
            sink.close()

    def _break(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


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
