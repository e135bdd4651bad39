"""Looking for what is left of somebody, while the log goes on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from infrastructure.database.connections import WORKER, connect_pool
from infrastructure.keys.digests import new_id
from infrastructure.views.folding import shard_of
from infrastructure.views.remains import SealedRemains
from tests.conftest import Database
from tests.conversations.talk import in_conversation, one, started
from tests.views.conftest import Connection
from tests.views.log import Log

pytestmark = pytest.mark.requirement("R-PRI-2")
ACME = UUID(int=1)


class NoKeys:
    async def living(self, tenant: UUID, scope: str) -> int:
        return 0


@pytest.fixture
async def workers(database: Database) -> AsyncIterator[Any]:
    pool = await connect_pool(database.runtime, role=WORKER, size=1)
    yield pool
    await pool.close()


async def test_views_may_take_a_moment_to_hear_what_has_happened(log: Log, owner: Connection, workers: Any) -> None:
    """On a busy log they are behind whenever somebody looks."""
    end = log.write(ACME, in_conversation(one, started()))
    searching = asyncio.create_task(SealedRemains(workers, NoKeys(), moment=20).search(ACME, new_id()))
    await asyncio.sleep(0.1)
    assert not searching.done()
    log.write(ACME, in_conversation(new_id(), started()))
    owner.execute("update views.checkpoints set position = %s where shard = %s", (end, shard_of(ACME)))
    found = await searching
    assert set(found.values()) == {0}


async def test_views_that_stay_behind_are_a_place_where_something_may_be(log: Log, workers: Any) -> None:
    log.write(ACME, in_conversation(one, started()))
    found = await SealedRemains(workers, NoKeys(), moment=0.1).search(ACME, new_id())
    assert found["views behind"] > 0
