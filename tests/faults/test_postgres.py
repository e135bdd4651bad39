"""PostgreSQL restarts, is locked, full, or only to be read, while sixteen people write: who cannot be served is told so
and when to come again, what was acknowledged is kept, and all goes on by itself in the same processes."""

import asyncio
import itertools
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest

from api import problems
from api.run.demo.line import Line
from domain.accounts.session import NOTED
from infrastructure.event_log import group_commit
from tests.conftest import Database
from tests.event_log.waiting import eventually
from tests.faults.reckoning import (
    is_settled,
    nothing_acknowledged_is_missing,
    nothing_is_lost_or_doubled,
    the_log_verifies,
)
from tests.faults.standing import Part, Standing, standing, until
from tests.faults.writers import Writers, writing
from tests.house import arrived, founded, running, signed_in

pytestmark = pytest.mark.requirement("R-OPS-2")
SEED = 4
OURS = (Part.PARENT, Part.API, Part.VIEWS, Part.CLOCK)
LOG_LOCK = "select pg_advisory_xact_lock(7305508, 1)"
TABLE_LOCK = "lock table log.events in access exclusive mode"
GUESTS = """select count(pg_terminate_backend(pid)) from pg_stat_activity
    where usename = 'helpr' and application_name <> 'crowd'"""
TOAST = """select current_setting('data_directory') || '/' || pg_relation_filepath(reltoastrelid),
    pg_relation_size(reltoastrelid) from pg_class
    where oid = 'log.events'::regclass"""
READ_ONLY = """do $$ begin
    execute format('alter database %I set default_transaction_read_only = on', current_database());
end $$"""
WAL = "select current_setting('data_directory') || '/pg_wal/' || pg_walfile_name(pg_current_wal_insert_lsn())"


@pytest.fixture(scope="module")
def helpr() -> Iterator[Standing]:
    with standing() as started:
        yield started


@pytest.fixture(scope="module")
async def writers(helpr: Standing) -> AsyncIterator[Writers]:
    """They write through all that happens here, in few words."""
    async with writing(helpr, SEED, longest=20) as begun:
        yield begun


@pytest.fixture
async def served_by_the_same(helpr: Standing, writers: Writers) -> AsyncIterator[None]:
    """Afterwards people are heard and read again, by the processes there were; a crash then loses nothing that was
    acknowledged."""
    before = helpr.pids()
    yield
    heard = await writers.until_somebody_is_heard()
    await until(lambda: helpr.is_ready() and helpr.has_folded(heard), helpr)
    helpr.kill(Part.POSTGRES)
    heard = await writers.until_somebody_is_heard()
    await until(lambda: helpr.whole() and helpr.has_folded(heard), helpr)
    after = helpr.pids()
    assert [after[part] for part in OURS] == [before[part] for part in OURS]
    assert not writers.answers["none"], "somebody was not answered at all"
    await nothing_acknowledged_is_missing(helpr.settings, writers)


async def reads(helpr: Standing, writers: Writers) -> int:
    """What an agent is answered who opens the inbox."""
    line = await Line.to(helpr.url)
    answer = await line.ask("GET", "/v1/conversations", writers.desk[0])
    line.close()
    assert answer.status == 200 or (answer.status == 503 and int(answer.header("retry-after")) > 0)
    return answer.status


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
@pytest.mark.usefixtures("served_by_the_same")
async def test_a_restart(helpr: Standing, writers: Writers, how: signal.Signals) -> None:
    await writers.until_somebody_is_heard()
    before = helpr.kill(Part.POSTGRES, how)
    await until(lambda: helpr.whole(without=before), helpr)


@pytest.mark.parametrize(
    ("lock", "seconds", "is_felt"),
    [
        pytest.param(LOG_LOCK, 3, False, id="the log's own, short"),
        pytest.param(TABLE_LOCK, 7, True, id="the table, short"),
        pytest.param(LOG_LOCK, 30, True, id="the log's own, long", marks=pytest.mark.soak),
        pytest.param(TABLE_LOCK, 30, True, id="the table, long", marks=pytest.mark.soak),
    ],
)
@pytest.mark.usefixtures("served_by_the_same")
async def test_somebody_holds_a_lock(helpr: Standing, writers: Writers, lock: str, seconds: int, is_felt: bool) -> None:
    """A short one is waited for; a long one is not. The inbox can be read meanwhile."""
    with helpr.owning() as owner, owner.transaction():
        owner.execute(lock)
        await writers.goes_on(0.5)
        position, refused = writers.position, writers.answers[503]
        for _ in range(seconds):
            await writers.goes_on(1)
            assert await reads(helpr, writers) == 200
        assert writers.position == position
        assert (writers.answers[503] > refused) == is_felt


def come(crowd: ExitStack, dsn: str) -> int:
    """As many as are let in; how many those were."""
    for count in itertools.count():
        try:
            crowd.enter_context(psycopg.connect(dsn, application_name="crowd", autocommit=True))
        except psycopg.OperationalError:
            return count
    return 0


@pytest.mark.usefixtures("served_by_the_same")
async def test_there_is_no_connection_left(helpr: Standing, writers: Writers) -> None:
    """Somebody has taken all of them, and those that we had are cut."""
    with helpr.owning() as owner, ExitStack() as crowd:
        dsn = helpr.settings.database_url
        async with asyncio.timeout(120):
            while come(crowd, dsn) or owner.execute(GUESTS).fetchone() != (0,):  # noqa: ASYNC110
                await asyncio.sleep(0)
            await writers.until_somebody_is_refused()
            while await reads(helpr, writers) != 503 or helpr.is_ready():
                come(crowd, dsn)


@pytest.mark.usefixtures("served_by_the_same")
async def test_it_is_only_to_be_read(helpr: Standing, writers: Writers) -> None:
    """As when a standby has taken its place: what is there is shown."""
    with helpr.owning() as owner:
        owner.execute("set default_transaction_read_only = off")
        owner.execute("alter system set default_transaction_read_only = on")
        try:
            owner.execute("select pg_reload_conf()")
            await writers.until_somebody_is_refused()
            await writers.goes_on(0.5)
            position = writers.position
            for _ in range(3):
                await writers.goes_on(0.3)
                assert await reads(helpr, writers) == 200
            assert writers.position == position
        finally:
            owner.execute("alter system reset default_transaction_read_only")
            owner.execute("select pg_reload_conf()")


@contextmanager
def full(file: Path) -> Iterator[None]:
    """Nothing can be written to this file: the kernel says that no space is left on the device."""
    aside, nothing, was_there = file.with_name("aside"), file.with_name("full"), file.exists()
    if was_there:
        aside.hardlink_to(file)
    nothing.symlink_to("/dev/full")
    nothing.replace(file)
    try:
        yield
    finally:
        # In one step: PostgreSQL makes a file that is missing, and writes in it.
        if was_there:
            aside.replace(file)
        else:
            file.unlink()


@pytest.mark.usefixtures("served_by_the_same")
async def test_the_disk_is_full_for_what_is_long(helpr: Standing, writers: Writers) -> None:
    """PostgreSQL keeps long values apart, in a file that is empty so far. It refuses, and goes on itself."""
    with helpr.owning() as owner:
        [[file, size]] = owner.execute(TOAST).fetchall()
        assert size == 0
    with full(Path(file)):
        said = writers.begins_to_say(5_000)
        await writers.until_somebody_is_refused()
        assert await reads(helpr, writers) == 200
        assert not said.done()
    await said


@pytest.mark.usefixtures("served_by_the_same")
async def test_the_disk_is_full_for_the_journal(helpr: Standing, writers: Writers) -> None:
    """Then PostgreSQL stops, and cannot start before there is room."""
    await writers.until_somebody_is_heard()
    with helpr.owning() as owner:
        [[now]] = owner.execute(WAL).fetchall()
        next_one = Path(now).with_name(f"{int(Path(now).name, 16) + 1:024X}")
        with full(next_one):
            with suppress(psycopg.OperationalError):
                owner.execute("select pg_switch_wal()")
            await writers.until_somebody_is_refused()
            assert not helpr.is_ready()
            assert await reads(helpr, writers) == 503
            await writers.goes_on(3)


@pytest.mark.usefixtures("served_by_the_same")
async def test_the_disk_is_full_when_it_is_to_start(helpr: Standing, writers: Writers) -> None:
    """It is tried until there is room."""
    with full(helpr.at.data / "postgres" / "postmaster.opts"):
        helpr.kill(Part.POSTGRES)
        await writers.until_somebody_is_refused()
        await writers.goes_on(3)
        assert "No space left on device" in helpr.last_words("postgres")
        assert not helpr.is_ready()


async def test_whoever_is_signed_in_reads_on_while_that_cannot_be_noted(database: Database, tmp_path: Path) -> None:
    """Every five minutes it is noted that an agent is still there."""
    async with running(database, tmp_path) as one:
        acme = await founded(one, "acme")
        visitor, agent = await arrived(one, acme), await signed_in(one, acme)
        await visitor.says("Hello?")
        room = f"/v1/conversations/{visitor.conversation}/messages"
        with psycopg.connect(database.owner, autocommit=True) as owner:
            owner.execute(READ_ONLY)
            owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'helpr'")
            one.house.door._now = lambda: time.time() + NOTED
            await eventually(partial(is_answered, agent))
            assert (await agent.post(room, json={"text": "Yes."})).status_code == 503


async def is_answered(agent: httpx.AsyncClient) -> bool:
    """Whether the inbox opens; nothing else is answered than that a part is away."""
    answer = await agent.get("/v1/conversations")
    assert answer.status_code in (200, 503)
    return answer.status_code == 200


async def test_after_all_of_it_everything_is_there_once(helpr: Standing, writers: Writers) -> None:
    await writers.end()
    await until(lambda: is_settled(helpr, writers), helpr, seconds=120)
    count = await nothing_is_lost_or_doubled(helpr.settings, writers)
    facts = the_log_verifies(helpr.settings)
    print(f"\n{count:,} messages, {facts:,} facts; answers {dict(writers.answers)}")


@pytest.mark.parametrize("kind", group_commit.AWAY, ids=lambda kind: kind.__name__)
def test_whatever_the_log_takes_for_a_part_that_is_away_is_answered_so(kind: type[Exception]) -> None:
    assert issubclass(kind, problems.AWAY)
