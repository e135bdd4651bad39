"""What is counted each day, without naming anybody."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.conversations.events import ConversationResolved
from domain.shared.event import Event
from domain.shared.recorded import Recorded
from infrastructure.database.connections import connect_worker
from projections.usage import daily
from projections.usage.daily import Day, days
from tests.conftest import Database
from tests.conversations.talk import agent_notes, agent_says, in_conversation, one, started, two, vera, visitor_says
from tests.shown import SOMEBODY, Shown, forgotten

pytestmark = pytest.mark.requirement("R-ANA-1")
VIEW = daily

monday, tuesday, thursday = date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 5)


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


async def week(shown: Shown, first: date = monday, last: date = thursday) -> Any:
    return await shown.asked(days, first=first, last=last)


async def test_a_day_counts_what_began_what_each_side_said_and_what_was_resolved(shown: Shown) -> None:
    said = (visitor_says("a"), visitor_says("b"), agent_says("c"), agent_notes("not counted"), ConversationResolved())
    await shown.given(in_conversation(one, started(), *said, at=at(monday)))
    await shown.given(in_conversation(two, started(), visitor_says("a"), at=at(monday, 13)))
    counted = Day(monday, conversations=2, visitor_messages=3, agent_messages=1, resolved=1)
    assert await week(shown) == [counted]


async def test_a_day_ends_at_midnight_utc_and_days_without_anything_are_left_out(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), at=at(monday, 23, 59)))
    await shown.given(in_conversation(one, visitor_says("a"), at=at(tuesday, 0, 0)))
    await shown.given(in_conversation(one, ConversationResolved(), at=at(thursday)))
    assert await week(shown) == [Day(monday, 1, 0, 0, 0), Day(tuesday, 0, 1, 0, 0), Day(thursday, 0, 0, 0, 1)]


async def test_first_and_last_day_are_part_of_the_answer(shown: Shown) -> None:
    for number, day in enumerate((monday, tuesday, thursday)):
        await shown.given(in_conversation(UUID(int=20 + number), started(), at=at(day)))
    assert [each.day for each in await week(shown, monday, tuesday)] == [monday, tuesday]
    assert [each.day for each in await week(shown, tuesday, tuesday)] == [tuesday]
    assert await week(shown, thursday, monday) == []


async def test_what_is_told_late_counts_on_its_own_day(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), at=at(tuesday)))
    await shown.given(in_conversation(two, started(), at=at(monday)))
    assert await week(shown) == [Day(monday, 1, 0, 0, 0), Day(tuesday, 1, 0, 0, 0)]


@pytest.mark.requirement("R-PRI-2")
async def test_forgetting_changes_no_count(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("a"), agent_says("b"), at=at(monday)))
    before = await week(shown)
    await shown.given(forgotten(vera))
    assert await week(shown) == before == [Day(monday, 1, 1, 1, 0)]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_the_zone_of_the_connection_moves_no_fact_to_another_day(zone: str, module_database: Database) -> None:
    tenant = UUID(int=16)
    with connect_worker(module_database.runtime) as db, db.transaction(force_rollback=True):
        db.execute("select set_config('timezone', %s, true)", (zone,))
        midnight = db.execute("select timestamptz '2026-11-03 00:00+00'").fetchone()
        assert midnight is not None
        db.execute("set local search_path = daily_1")
        daily.fold([_recorded(tenant, started(), midnight[0])], db)
        assert _stored(db, tenant) == [(tuesday, 1)]


def test_a_time_told_in_another_zone_counts_on_its_day_in_utc(module_database: Database) -> None:
    tenant, early = UUID(int=16), datetime(2026, 11, 3, 1, tzinfo=timezone(timedelta(hours=9)))
    with connect_worker(module_database.runtime) as db, db.transaction(force_rollback=True):
        db.execute("set local search_path = daily_1")
        daily.fold([_recorded(tenant, started(), early)], db)
        assert _stored(db, tenant) == [(monday, 1)]


def _stored(db: psycopg.Connection[Any], tenant: UUID) -> list[Any]:
    return db.execute("select day, conversations from daily where tenant_id = %s", (tenant,)).fetchall()


def _recorded(tenant: UUID, fact: Event, moment: datetime) -> Recorded[Event]:
    return Recorded(
        position=1, tenant=tenant, kind="conversation", stream=one, version=1, event_id=one, at=moment,
        actor=SOMEBODY, correlation=one, causation=None, command=one, fact=fact,
    )  # fmt: skip
