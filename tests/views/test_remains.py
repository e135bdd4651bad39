"""Looking for what is left of somebody, while the log goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from infrastructure.database import connections
from infrastructure.database.connections import WORKER, connect_pool
from infrastructure.keys.digests import new_id
from infrastructure.views.folding import shard_of
from infrastructure.views.generations import create
from infrastructure.views.rebuilding import _alone, tidy_up
from infrastructure.views.remains import SealedRemains
from tests.conftest import Database
from tests.conversations.talk import in_conversation, one, started
from tests.views import tally
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


SCRAP = """create {what} "{schema}".scrap as
    select '{tenant}'::uuid as tenant_id, convert_to('..subject:{subject}..', 'UTF8') as piece from {where}"""


@pytest.fixture
def scraps(owner: Connection) -> Callable[..., UUID]:
    """Leaves something sealed of somebody in a generation that a killed rebuild has left behind; who it is."""

    def scrap(*, what: str = "table", where: str = "generate_series(1, 3)") -> UUID:
        subject = new_id()
        with owner.transaction():
            schema = create(owner, tally, state="filling").schema
        owner.execute(SCRAP.format(what=what, schema=schema, tenant=ACME, subject=subject, where=where).encode())
        owner.execute(f'grant select on "{schema}".scrap to helpr_worker'.encode())
        return subject

    return scrap


async def test_what_a_killed_rebuild_has_left_is_a_place_until_it_is_tidied_up(
    owner: Connection, scraps: Callable[..., UUID], workers: Any
) -> None:
    subject, remains = scraps(), SealedRemains(workers, NoKeys(), moment=0.1)
    assert (await remains.search(ACME, subject))["view tally"] == 3
    tidy_up(owner, [tally])
    assert "view tally" not in await remains.search(ACME, subject)


async def test_what_is_being_built_just_now_is_not_tidied_up(
    owner: Connection, scraps: Callable[..., UUID], database: Database, workers: Any
) -> None:
    subject = scraps()
    with psycopg.connect(database.owner, autocommit=True) as another, _alone(another, [tally]):
        tidy_up(owner, [tally])
    assert (await SealedRemains(workers, NoKeys(), moment=0.1).search(ACME, subject))["view tally"] == 3


async def test_a_large_organisation_is_searched_for_longer_than_a_question_may_take(
    scraps: Callable[..., UUID], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "DEADLINE", 0.3)
    pool = await connect_pool(database.runtime, role=WORKER, size=1)
    subject = scraps(what="view", where="pg_sleep(0.6)")
    assert (await SealedRemains(pool, NoKeys(), moment=0.1).search(ACME, subject))["view tally"] == 1
    await pool.close()
