"""The clockwork's process: what follows from facts, and what is due at a time. Of several, one works at a time."""

import asyncio
import contextlib
import signal
import time
from functools import partial
from typing import Any

import structlog
import uvloop
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from api.main import House, opened
from api.request_log import place_of
from api.run.logs import log_to_stderr
from api.run.versions import refuse_other_version
from api.settings import Settings
from application.compliance import erasure
from application.ports import Asked, Unavailable
from application.visitors import forgetting
from domain.compliance.events import ErasureDecided, KeysDestroyed
from domain.shared.recorded import Recorded
from infrastructure.database.connections import WORKER, connect, connect_pool
from infrastructure.database.lost import AWAY
from infrastructure.event_log.db_functions import refuse_db_functions
from infrastructure.processes import die_with_parent
from infrastructure.reactions.reacting import Reaction, Reactor
from infrastructure.views.remains import SealedRemains

log = structlog.get_logger()
LEADER = "select pg_try_advisory_lock(7305511, 0)"


def keep_time(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT."""
    die_with_parent()
    log_to_stderr(settings.log_level)
    refuse_db_functions()
    refuse_other_version(settings.database_url)
    with contextlib.suppress(asyncio.CancelledError):
        uvloop.run(_keep_time(settings))


async def _keep_time(settings: Settings) -> None:
    me = asyncio.current_task()
    assert me is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, me.cancel)
    async with opened(settings, process="clock") as house:
        workers = await connect_pool(settings.database_url, role=WORKER, size=2)
        reactor = Reactor(house.reader, house.pool, reactions(house, workers))
        house.follower.also(reactor.heard)
        try:
            while True:
                with contextlib.suppress(*AWAY):
                    await _lead(house, reactor)
                await asyncio.sleep(0.5)
        finally:
            workers.terminate()


async def _lead(house: House, reactor: Reactor) -> None:
    """Works while this process holds the lock; the lock dies with its connection."""
    connection = await connect(house.settings.database_url)
    try:
        if not await connection.fetchval(LEADER):
            return
        scheduler = _scheduler(house)
        scheduler.start()
        reacting = asyncio.create_task(reactor.run())
        try:
            while not reacting.done():
                await connection.execute("select 1")
                await asyncio.wait({reacting}, timeout=2)
        finally:
            scheduler.shutdown(wait=False)
            reacting.cancel()
            (end,) = await asyncio.gather(reacting, return_exceptions=True)
            if isinstance(end, Exception):
                log.critical("reactions have stopped", error=type(end).__name__, where=place_of(end))
    finally:
        connection.terminate()


def reactions(house: House, workers: Any) -> list[Reaction]:
    """What follows from what."""
    remains = SealedRemains(workers, house.keyring)

    async def destroy_keys(recorded: Recorded[Any], asked: Asked) -> None:
        await erasure.shred(recorded.fact.subject, asked=asked, events=house.events, keyring=house.keyring)

    async def forget(recorded: Recorded[Any], asked: Asked) -> None:
        await forgetting.forget(recorded.fact.subject, asked=asked, events=house.events)

    async def prove(recorded: Recorded[Any], asked: Asked) -> None:
        await erasure.prove(recorded.fact.subject, asked=asked, events=house.events, remains=remains)

    return [
        Reaction("compliance.destroy keys when erasure is decided", (ErasureDecided,), destroy_keys),
        Reaction("visitors.forget when erasure is decided", (ErasureDecided,), forget),
        Reaction("compliance.prove when keys are destroyed", (KeysDestroyed,), prove),
    ]


def _scheduler(house: House) -> AsyncIOScheduler:
    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(partial(_begin_epochs, house), "interval", hours=1, id="key epochs", coalesce=True)
    scheduler.add_job(partial(_put_back_tombstones, house), "interval", minutes=1, id="tombstones", coalesce=True)
    return scheduler


async def _begin_epochs(house: House) -> None:
    """Tenants whose newest key is older than an epoch get a new one; what older keys wrap is wrapped anew."""
    try:
        await house.keyring.rotate_due(int(time.time()))
    except Unavailable as error:
        log.warning("key epochs wait", error=type(error).__name__)


async def _put_back_tombstones(house: House) -> None:
    """Nearly always there is nothing to do but to note how far that is known, so that no start has far to read."""
    try:
        await house.tombstones.put_back()
    except (Unavailable, *AWAY) as error:
        log.warning("tombstones wait", error=type(error).__name__)
