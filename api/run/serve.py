"""The API process: one event loop that serves HTTP and WebSockets."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from api.main import House, opened, web
from api.run.logs import log_to_stderr
from api.settings import Settings
from infrastructure.processes import die_with_parent

BACKLOG = 4096


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; then nothing new is taken and what is under way is finished."""
    die_with_parent()
    log_to_stderr()
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opened(settings) as house, listening(house) as serving:
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[asyncio.Task[None]]:
    """Listens where the settings say; the task ends when the server does."""
    server = Server(
        web(house),
        address=house.settings.host,
        port=house.settings.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        backlog=BACKLOG,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    try:
        yield serving
    finally:
        await house.broadcast.stop()
        server.stop()  # type: ignore[no-untyped-call]
        with suppress(asyncio.CancelledError):
            await serving
