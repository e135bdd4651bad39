"""The API process: one event loop that serves HTTP and WebSockets."""

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
import uvicorn
import uvloop

from api.main import House, opened, web
from api.origin import warm
from api.run.demo.hiring import hire
from api.run.demo.people import people
from api.run.leaving import Leaving
from api.run.logs import log_to_stderr
from api.run.port import BACKLOG, sockets_on
from api.run.scraping import Scraping
from api.run.versions import refuse_other_version
from api.run.wire import BoundedProtocol
from api.settings import Settings
from api.shell import App
from infrastructure.event_log.db_functions import refuse_db_functions
from infrastructure.processes import die_with_parent

DRAIN = 20.0
"""Seconds for what is under way to be finished; whoever has not said all of their request by then is not waited for."""
KEPT_ALIVE = 75
"""Seconds after which an idle connection is closed: longer than proxies keep theirs."""
LONGEST_FRAME = 16 * 1024 * 1024
"""Bytes of a frame that the server still reads: whoever says too much hears so from the application, which takes far
less."""
METRICS = "127.0.0.1"
"""Metrics leave this machine by the operator's own proxy, if at all."""
log = structlog.get_logger()


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; then nothing new is taken and what is under way is finished."""
    die_with_parent()
    log_to_stderr(settings.log_level)
    refuse_db_functions()
    refuse_other_version(settings.database_url)
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opened(settings) as house:
        if settings.is_demo:
            await hire(house, people(settings))
        async with scraped(house):
            await _until_stopped(house, stop)


@asynccontextmanager
async def scraped(house: House) -> AsyncIterator[None]:
    """Tells Prometheus on a port of its own, if the settings say so. Nobody is served worse because that is taken."""
    port = house.settings.metrics_port
    if not port:
        yield
        return
    try:
        with socket.create_server((METRICS, port)):
            pass
    except OSError as error:
        log.error("metrics are not served", error=type(error).__name__)
        yield
        return
    async with answering(Scraping(house), METRICS, port):
        yield


async def _until_stopped(house: House, stop: asyncio.Event) -> None:
    app = Leaving(web(house), let_go=house.broadcast.let_go)
    async with listening(house, app) as serving:
        await asyncio.to_thread(warm)
        _settle()
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await app.leave(house.settings.port)


def _settle() -> None:
    """What was made at the start stays: Python's collector need not look through it again, nor after every seventh
    request. It took a tenth of the time of a message."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@asynccontextmanager
async def listening(house: House, app: App | None = None) -> AsyncIterator[asyncio.Task[None]]:
    """Listens where the settings say; the task ends when the server does."""
    async with answering(app or web(house), house.settings.host, house.settings.port) as serving:
        try:
            yield serving
        finally:
            await house.broadcast.stop()


@asynccontextmanager
async def answering(app: Any, host: str, port: int) -> AsyncIterator[asyncio.Task[None]]:
    """Answers by an ASGI application, until the end; then what is under way is finished. Raises PortIsTaken,
    AddressIsWrong: the server itself would end the process without a word."""
    sockets = sockets_on(host, port, otherwise=f"HELPR_PORT={port + 1}")
    server = Server(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="websockets-sansio",
            ws_max_size=LONGEST_FRAME,
            # The application asks by itself whether somebody is still there.
            ws_ping_interval=None,
            ws_per_message_deflate=False,
            lifespan="off",
            backlog=BACKLOG,
            timeout_keep_alive=KEPT_ALIVE,
            timeout_graceful_shutdown=int(DRAIN),
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
    )
    serving = asyncio.create_task(server.serve(sockets))
    try:
        yield serving
    finally:
        server.should_exit = True
        await serving


class Server(uvicorn.Server):
    """Signals are not the server's: whoever started it ends it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
