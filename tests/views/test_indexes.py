"""However much there is, a page is read from an index: row-level security must not cost that."""

from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from infrastructure.database.connections import connect, walled
from infrastructure.views.generations import serving
from projections import views
from projections.compliance import audit, erasures
from projections.conversations import inbox_queries, thread
from projections.conversations.inbox_queries import Cursor, Sort, StatusFilter
from projections.cursor import LastShown, to_text
from projections.visitors import directory
from tests.conftest import Database

pytestmark = pytest.mark.requirement("R-OPS-3")

ACME, AGENT, ONE = UUID(int=1), UUID(int=2), UUID(int=3)
MOMENT = datetime(2026, 11, 3, tzinfo=UTC)
Question = Callable[[Any], Coroutine[Any, Any, Any]]

IDS = """
    create function pg_temp.id(kind int, n bigint) returns uuid language sql as $$
        select (lpad(to_hex(kind), 8, '0') || lpad(to_hex(n), 24, '0'))::uuid $$;
    create function pg_temp.tenant(n bigint) returns uuid language sql as $$
        select pg_temp.id(0, case when n % 4 = 0 then 99 else 1 end) $$;
"""
FILL = {
    "inbox": """
        insert into inbox select pg_temp.tenant(n), pg_temp.id(1, n), pg_temp.id(2, n),
            case when n % 20 < 2 then 'open' else 'resolved' end, n % 4,
            case when n % 2 = 0 then pg_temp.id(0, 2 + n % 9) end, moment, moment, null, '{}', 2, 'visitor', 'sealed',
            pg_temp.id(3, n), 2, false
        from generate_series(1, 20000) n, lateral (select now() - n * interval '1 minute' as moment) m;
        insert into inbox_people select pg_temp.tenant(n), pg_temp.id(2, n), 'sealed', pg_temp.id(3, n), 1
        from generate_series(1, 20000) n""",
    "thread": """
        insert into thread select pg_temp.tenant(n), pg_temp.id(1, n % 400), n, 'message', now(), pg_temp.id(3, n),
            'agent', pg_temp.id(0, 2), pg_temp.id(2, n), pg_temp.id(3, n), 'agent', pg_temp.id(0, 2), 'sealed', false
        from generate_series(1, 20000) n;
        insert into thread_receipts select pg_temp.tenant(n), pg_temp.id(1, n), 1, 1
        from generate_series(1, 20000) n""",
    "directory": """
        insert into directory (tenant_id, visitor_id, first_seen, last_seen, conversations, is_erased)
        select pg_temp.tenant(n), pg_temp.id(2, n), now(), now() - n * interval '1 minute', 1, false
        from generate_series(1, 20000) n""",
    "erasures": """
        insert into erasures select pg_temp.tenant(n), pg_temp.id(2, n), 'requested', 'proved',
            now() - n * interval '1 minute', now(), now(), 1
        from generate_series(1, 20000) n""",
    "audit": """
        insert into audit select pg_temp.tenant(n), n, 'conversation', pg_temp.id(1, n % 400), n, now(), 'fact',
            'agent', pg_temp.id(0, 2), pg_temp.id(3, n), pg_temp.id(3, n), pg_temp.id(3, n), null
        from generate_series(1, 20000) n""",
}


@pytest.fixture(scope="module")
def filled(module_database: Database) -> Database:
    """20,000 conversations, messages, visitors and entries of two organisations; most conversations are resolved."""
    with psycopg.connect(module_database.owner, autocommit=True) as owner:
        owner.execute(IDS)
        for view, fill in FILL.items():
            owner.execute(f"set search_path = {serving(owner)[view][0].schema}")
            owner.execute(fill)
        owner.execute("analyze")
    return module_database


def inbox(**how: Any) -> Question:
    """A page of the inbox."""
    usual: dict[str, Any] = {"status": StatusFilter.OPEN, "sort": Sort.NEWEST, "assignee": None, "is_unassigned": False}
    return lambda db: inbox_queries.page(db, ACME, **{"after": None, "limit": 50} | usual | how)


def behind(sort: Sort) -> str:
    return to_text(Cursor(sort, 1, MOMENT, ONE))


ORDERED: dict[str, Question] = {
    f"the inbox, {status} by {sort}{', deep down' if after else ''}": inbox(status=status, sort=sort, after=after)
    for status in StatusFilter
    for sort in Sort
    for after in (None, behind(sort))
} | {
    "mine": inbox(assignee=AGENT),
    "the thread": lambda db: thread.changes(db, ACME, ONE, limit=100),
    "the thread before a change": lambda db: thread.changes(db, ACME, ONE, before=5000, limit=100),
    "the thread after a change": lambda db: thread.changes(db, ACME, ONE, after=5000, limit=100),
    "the directory": lambda db: directory.page(db, ACME, after=None, limit=50),
    "the directory, deep down": lambda db: directory.page(db, ACME, after=to_text(LastShown(MOMENT, ONE)), limit=50),
    "the erasures": lambda db: erasures.page(db, ACME, after=None, limit=50),
    "the erasures, deep down": lambda db: erasures.page(db, ACME, after=to_text(LastShown(MOMENT, ONE)), limit=50),
    "the trail": lambda db: audit.trail(db, ACME, ONE, "conversation", after=0, limit=50),
}
"""Read in the order of an index, so that a page costs the same however much lies behind it."""
FOUND: dict[str, Question] = {
    "unassigned": inbox(is_unassigned=True),
    "all of mine": inbox(assignee=AGENT, status=StatusFilter.ALL),
    "some rows": lambda db: inbox_queries.rows(db, ACME, [ONE]),
    "receipts": lambda db: thread.receipts(db, ACME, ONE),
    "some visitors": lambda db: directory.visitors(db, ACME, [ONE]),
    "an erasure": lambda db: erasures.erasure(db, ACME, ONE),
}
"""Found by an index; some are few enough to be sorted then."""
FORGETTING = {"inbox_of_visitor", "thread_of_visitor"}
"""By these the rows of somebody who is forgotten are found."""


class Overheard:
    """A database that only listens."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        self.asked.append((query, values))
        return []

    async def fetchrow(self, query: str, *values: Any) -> None:
        self.asked.append((query, values))


async def overheard(question: Question) -> tuple[str, tuple[Any, ...]]:
    """The query of a question, and its values."""
    listening = Overheard()
    await question(listening)
    (asked,) = listening.asked
    return asked


def steps(plan: Any) -> Iterator[Any]:
    """Every step of a plan."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from steps(inner)


async def plans(filled: Database, question: Question) -> list[list[Any]]:
    """How PostgreSQL answers a question in the API's role: for these values, and for any."""
    query, values = await overheard(question)
    asked = walled(query, len(values) + 1)
    db = await connect(filled.runtime)
    try:
        known = await db.fetchval(f"explain (format json) {asked}", *values, ACME)
    finally:
        await db.close()
    with psycopg.connect(filled.runtime, options="-c role=helpr_app") as app:
        row = app.execute(f"explain (generic_plan, format json) {asked}").fetchone()
    assert row is not None
    return [list(steps(plan[0]["Plan"])) for plan in (msgspec.json.decode(known), row[0])]


def read_whole(plan: list[Any]) -> list[str]:
    """The tables that are read from one end to the other."""
    return [step["Relation Name"] for step in plan if step["Node Type"] == "Seq Scan"]


@pytest.mark.parametrize("question", ORDERED.values(), ids=ORDERED)
async def test_a_page_comes_from_an_index_in_its_order(filled: Database, question: Question) -> None:
    for plan in await plans(filled, question):
        assert not read_whole(plan)
        assert not [step["Node Type"] for step in plan if "Sort" in step["Node Type"]]
        assert not [step["Filter"] for step in plan if "'open'" in step.get("Filter", "")], "the few among the many"


@pytest.mark.parametrize("question", FOUND.values(), ids=FOUND)
async def test_what_is_looked_for_is_found_by_an_index(filled: Database, question: Question) -> None:
    for plan in await plans(filled, question):
        assert not read_whole(plan)
        assert any("Index" in step["Node Type"] for step in plan)


def test_every_view_whose_rows_grow_with_traffic_is_looked_at() -> None:
    assert set(FILL) | {"agents", "daily"} == {view.NAME for view in views.ALL}


async def test_no_index_is_kept_that_no_question_reads(filled: Database) -> None:
    """Every fact pays for an index."""
    read = {
        step["Index Name"]
        for question in (ORDERED | FOUND).values()
        for plan in await plans(filled, question)
        for step in plan
        if "Index Name" in step
    }
    with psycopg.connect(filled.owner) as owner:
        schemas = [generation.schema for generation, _ in serving(owner).values()]
        kept = owner.execute(
            """select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
            where not i.indisprimary and c.relnamespace::regnamespace::text = any(%s)""",
            [schemas],
        ).fetchall()
    assert {name for (name,) in kept} - read == FORGETTING
