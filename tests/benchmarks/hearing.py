"""Live connections for whoever measures: made many at a time, heard by a callback, or never read at all."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import websockets

from tests.benchmarks.desk import address

AT_ONCE = 50


def nothing(_: str | bytes) -> None:
    """Hears and forgets."""


@asynccontextmanager
async def listening(
    url: str, hellos: Sequence[Sequence[str]], told: Callable[[str | bytes], None] = nothing, *, answers: int = 1
) -> AsyncIterator[list[websockets.ClientConnection]]:
    """A connection for each of ``hellos``, which it says first, each from an address of its own; open once each got so
    many answers. What follows is told."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def open_one(number: int, frames: Sequence[str]) -> websockets.ClientConnection:
        async with turn:
            socket = await websockets.connect(
                url,
                compression=None,
                open_timeout=60,
                ping_interval=None,
                additional_headers={"x-forwarded-for": address(number)},
            )
            for said in frames:
                await socket.send(said)
            for _ in range(answers):
                await socket.recv()
            return socket

    async def hear(socket: websockets.ClientConnection) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in socket:
                told(message)

    sockets = list(await asyncio.gather(*map(open_one, itertools.count(), hellos)))
    tasks = [asyncio.create_task(hear(socket)) for socket in sockets]
    try:
        yield sockets
    finally:
        for task in tasks:
            task.cancel()
        for socket in sockets:
            socket.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def stalled(url: str, frames: Sequence[str]) -> AsyncIterator[None]:
    """A connection whose owner has gone to lunch: it asks for everything and reads nothing."""
    socket = await websockets.connect(url, compression=None, max_queue=1, ping_interval=None)
    for said in frames:
        await socket.send(said)
    try:
        yield
    finally:
        socket.transport.abort()
