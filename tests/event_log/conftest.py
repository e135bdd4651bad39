"""A log of one's own: as the product sees it, and as its owner does."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from infrastructure.database.connections import connect
from tests.conftest import Database


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
