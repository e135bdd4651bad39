"""A log of one's own: as the product sees it, and as its owner does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from infrastructure.database.connections import connect
from infrastructure.keys.keyring import TenantKeyring
from tests.conftest import Database
from tests.event_log.keyring import keyring_in
from tests.event_log.process import Process, process_on


@pytest.fixture
async def app(database: Database) -> AsyncIterator[Any]:
    """A connection in the role that appends."""
    connection = await connect(database.runtime)
    yield connection
    await connection.close()


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Any]:
    """A connection that may do everything."""
    connection = await asyncpg.connect(database.owner)
    yield connection
    await connection.close()


@pytest.fixture
async def keys(tmp_path: Path) -> AsyncIterator[TenantKeyring]:
    """A keyring of its own."""
    async with keyring_in(tmp_path) as keyring:
        yield keyring


@pytest.fixture
async def process(database: Database, keys: TenantKeyring) -> AsyncIterator[Callable[[], Awaitable[Process]]]:
    """Starts what one process of the product has of the log; each knows only what it has read itself."""
    async with AsyncExitStack() as opened:

        async def start() -> Process:
            return await opened.enter_async_context(process_on(database.runtime, keys))

        yield start


@pytest.fixture
async def here(process: Callable[[], Awaitable[Process]]) -> Process:
    return await process()


@pytest.fixture
async def there(process: Callable[[], Awaitable[Process]]) -> Process:
    """Another process on the same log."""
    return await process()
