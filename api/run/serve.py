"""The API process: one event loop that serves HTTP and WebSockets."""

import asyncio
import signal
from contextlib import suppress

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from api.main import opened, web
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
    async with opened(settings) as house:
        server = Server(
            web(house),
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            backlog=BACKLOG,
            log_enabled=False,
        )
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await house.broadcast.stop()
        server.stop()  # type: ignore[no-untyped-call]
        with suppress(asyncio.CancelledError):
            await serving
