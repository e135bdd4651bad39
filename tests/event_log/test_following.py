"""Following the log: every fact once, in order, whatever is lost on the way."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from domain.shared.event import Event
from domain.shared.recorded import Recorded
from infrastructure.database.connections import connect
from infrastructure.event_log.following import LogFollower
from infrastructure.event_log.reading import LogReader
from infrastructure.keys.digests import new_id
from infrastructure.wakeups import Wakeups
from tests.conftest import Database
from tests.event_log.process import Process
from tests.event_log.waiting import eventually
from tests.event_log.writing import append, request, row

pytestmark = pytest.mark.requirement("R-CON-1")

Page = Sequence[Recorded[Event]]
NEVER = 3600.0


class Seen(list[int]):
    """The positions that a follower was shown."""

    def follow(self, page: Page) -> None:
        self.extend(found.position for found in page)

    def are(self, many: int) -> bool:
        return len(self) == many


@asynccontextmanager
async def following(reader: LogReader, *followed: Callable[[Page], None], poll: float) -> AsyncIterator[LogFollower]:
    follower = LogFollower(reader, followed, poll=poll)
    await follower.start()
    try:
        yield follower
    finally:
        await follower.stop()


@pytest.fixture
async def reader(process: Callable[[], Awaitable[Process]]) -> LogReader:
    return (await process()).reader


async def test_a_follower_begins_behind_what_has_happened_and_misses_nothing_afterwards(
    app: Any, reader: LogReader
) -> None:
    await append(app, request(row(new_id(), 1)))
    seen, also = Seen(), Seen()
    async with following(reader, seen.follow, also.follow, poll=NEVER) as follower:
        await append(app, *[request(row(new_id(), 1), row(new_id(), 1)) for _ in range(700)])
        follower.wake()
        await eventually(lambda: follower.position == 1401)
    assert seen == also == list(range(2, 1402))


async def test_a_lost_wakeup_only_delays(app: Any, reader: LogReader) -> None:
    seen = Seen()
    async with following(reader, seen.follow, poll=0.01):
        await append(app, request(row(new_id(), 1)))
        await eventually(lambda: seen == [1])


async def test_a_follower_outlives_the_absence_of_the_log(
    database: Database, app: Any, owner: Any, reader: LogReader
) -> None:
    seen = Seen()
    async with following(reader, seen.follow, poll=0.01):
        for position in range(1, 6):
            await owner.execute(
                """select pg_terminate_backend(pid) from pg_stat_activity
                where usename = 'helpr' and datname = current_database()"""
            )
            connection = await connect(database.runtime)
            await append(connection, request(row(new_id(), 1)))
            await connection.close()
            await eventually(partial(seen.are, position))
    assert seen == [1, 2, 3, 4, 5]


async def test_one_who_cannot_follow_does_not_hold_up_the_others(app: Any, reader: LogReader) -> None:
    def stumble(page: Page) -> None:
        raise ValueError

    seen = Seen()
    with capture_logs() as said:
        async with following(reader, stumble, seen.follow, poll=0.01):
            await append(app, request(row(new_id(), 1)))
            await append(app, request(row(new_id(), 1)))
            await eventually(lambda: seen == [1, 2])
    assert {line["event"] for line in said} == {"a follower failed"}


@pytest.mark.parametrize(
    ("spoilt", "error"),
    [({"name": "conversations.ToldByANewerVersion"}, "UnknownFact"), ({"data": b"\xc1"}, "BrokenFact")],
    ids=["only a newer version knows it", "it is damaged"],
)
async def test_a_fact_that_cannot_be_read_is_told_of_once_and_holds_up_nothing(
    app: Any, reader: LogReader, spoilt: dict[str, Any], error: str
) -> None:
    seen, told = Seen(), list[tuple[int, Any]]()
    unreadable = replace(row(new_id(), 1), **spoilt)
    with capture_logs() as said:
        follower = LogFollower(
            reader, (seen.follow,), unreadable=lambda fact: told.append((fact.position, fact.stream))
        )
        await follower.start()
        await append(app, request(row(new_id(), 1)), request(unreadable), request(row(new_id(), 1)))
        await append(app, request(replace(unreadable, version=2)))
        follower.wake()
        await eventually(lambda: follower.position == 4)
        await append(app, request(row(new_id(), 1)))
        follower.wake()
        await eventually(lambda: follower.position == 5)
        await follower.stop()
    assert seen == [1, 3, 5]
    assert told == [(2, unreadable.stream), (4, unreadable.stream)]
    assert [(line["position"], line["error"]) for line in said] == [(2, error), (4, error)]


class Deaf:
    """A connection that looks well and answers nothing."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, query: str, **how: Any) -> str:
        raise TimeoutError


@asynccontextmanager
async def listening(dsn: str, told: Callable[[str], None], **how: Any) -> AsyncIterator[Wakeups]:
    wakeups = Wakeups(partial(connect, dsn), **how)
    wakeups.on("helpr_log", told)
    wakeups.start()
    try:
        yield wakeups
    finally:
        await wakeups.stop()


async def test_a_wakeup_arrives_with_its_payload(database: Database, app: Any) -> None:
    told: list[str] = []
    async with listening(database.runtime, told.append):
        await eventually(lambda: told == [""])
        await append(app, request(row(new_id(), 1)))
        await eventually(lambda: told == ["", "1"])


async def test_whoever_listens_is_told_to_catch_up_after_a_reconnection(
    database: Database, app: Any, owner: Any
) -> None:
    told: list[str] = []

    def times_told(times: int) -> bool:
        return told.count("") == times

    async with listening(database.runtime, told.append, ping_every=NEVER):
        for times in range(1, 4):
            await eventually(partial(times_told, times))
            await owner.execute(
                """select pg_terminate_backend(pid) from pg_stat_activity
                where query ilike 'listen%' and datname = current_database()"""
            )
        await eventually(partial(times_told, 4))
        await append(app, request(row(new_id(), 1)))
        await eventually(lambda: told[-1] == "1")


async def test_the_end_of_a_connection_is_told_before_the_next_one_begins(database: Database, owner: Any) -> None:
    told: list[str] = []

    async def once() -> Any:
        if told:
            raise ConnectionRefusedError
        return await connect(database.runtime)

    wakeups = Wakeups(once)
    wakeups.on("helpr_log", told.append)
    wakeups.when_lost(partial(told.append, "lost"))
    wakeups.start()
    await eventually(lambda: told == [""])
    await owner.execute(
        """select pg_terminate_backend(pid) from pg_stat_activity
        where query ilike 'listen%' and datname = current_database()"""
    )
    await eventually(lambda: told == ["", "lost"])
    await wakeups.stop()


async def test_a_silent_death_of_the_connection_is_noticed_by_asking(database: Database) -> None:
    told: list[str] = []
    opened: list[Any] = []

    async def deaf_at_first() -> Any:
        connection = await connect(database.runtime)
        opened.append(connection)
        return connection if len(opened) > 1 else Deaf(connection)

    wakeups = Wakeups(deaf_at_first, ping_every=0.01)
    wakeups.on("helpr_log", told.append)
    wakeups.start()
    await eventually(lambda: len(opened) == 2 and told == ["", ""])
    await wakeups.stop()


async def test_a_database_that_is_away_at_the_start_is_waited_for(database: Database) -> None:
    told: list[str] = []
    tries = 0

    async def late() -> Any:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ConnectionRefusedError
        return await connect(database.runtime)

    wakeups = Wakeups(late)
    wakeups.on("helpr_log", told.append)
    wakeups.start()
    await eventually(lambda: told == [""])
    await wakeups.stop()
    assert tries == 3
