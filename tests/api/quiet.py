"""Nothing happens: no fact, no query that goes on, no mistake of ours in the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from structlog.testing import capture_logs

from tests.house import Helpr

RUNNING = """select application_name, state, query from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
    and state <> 'idle'"""


@asynccontextmanager
async def nothing_happens(helpr: Helpr) -> AsyncIterator[None]:
    """Fails if anything was stored inside, if a query is still running a while after, or if we made a mistake."""
    before = await helpr.house.reader.head()
    with capture_logs() as said:
        yield
        await no_query_is_left(helpr)
    assert await helpr.house.reader.head() == before, "something was stored"
    assert [line for line in said if line["log_level"] in ("error", "critical")] == []


async def no_query_is_left(helpr: Helpr, *, seconds: float = 15) -> None:
    """Waits until the database is idle; fails if it does not get there."""
    owner = await asyncpg.connect(helpr.settings.owner_url)
    try:
        for _ in range(round(seconds / 0.02)):
            if not (found := await owner.fetch(RUNNING)):
                return
            await asyncio.sleep(0.02)
    finally:
        await owner.close()
    raise AssertionError([dict(row) for row in found])
