"""Key store or KMS away, slow, or answering garbage: service from what is remembered, or 503; never an acknowledgement
of what is not durable, never a word in the clear; and everything heals by itself, every key in its place."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import msgspec
import pytest
from structlog.testing import capture_logs

from api.rate_limits import LIMITS
from application.ports import Unavailable
from domain.accounts.events import Role
from infrastructure.keys import aws_kms, postgres_store, sqlite_store
from tests.conftest import Database
from tests.faults import kms
from tests.faults.kms import Kms
from tests.faults.writing_on import WORD, Crowd, everything_opens
from tests.house import founded, running, signed_in
from tests.keys.localstack import LocalStack
from tests.keys.places import Place, SqlitePlace, key_database

pytestmark = [pytest.mark.requirement("R-INB-3"), pytest.mark.requirement("R-PRI-7")]
REGION = "eu-central-1"
SHORT = 2
"""Seconds of an outage in CI; then what waits for keys is not as patient either."""
LONG = 600


class World(msgspec.Struct, frozen=True):
    """Where the keys lie, the KMS before which somebody stands, and people who write."""

    place: Place
    kms: Kms | None
    crowd: Crowd


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LIMITS:
        monkeypatch.setitem(LIMITS, name, 1_000_000)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second instead of several: what is tried is what happens then."""
    for module in (aws_kms, postgres_store, sqlite_store):
        monkeypatch.setattr(module, "DEADLINE", 1.0)
    monkeypatch.setattr(sqlite_store, "PATIENCE", 500)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        (tmp_path / "keys").mkdir(mode=0o700)
        yield SqlitePlace(tmp_path / "keys" / "keys.sqlite")
    else:
        with key_database(request.getfixturevalue("cluster").owner_dsn) as made:
            yield made


Opens = Callable[..., Any]


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Opens:
    """A Helpr with its keys in a place and under a root, and four people who have written; nothing that it logged holds
    a word of theirs."""

    @asynccontextmanager
    async def opened(place: Place, *, root: str, kept: float) -> AsyncIterator[World]:
        caplog: pytest.LogCaptureFixture = request.getfixturevalue("caplog")
        async with AsyncExitStack() as held:
            settings: dict[str, Any] = {"keys_url": _url(place), "keys_kept": kept}
            before = None
            if root == "kms":
                aws: LocalStack = request.getfixturevalue("aws")
                client = boto3.client("kms", region_name=REGION, endpoint_url=aws.endpoint)
                id = client.create_key()["KeyMetadata"]["KeyId"]
                before = await held.enter_async_context(kms.before(aws.endpoint))
                settings["kms_url"] = f"aws-kms:///{id}?region={REGION}&endpoint={quote(before.endpoint, safe=':/')}"
            said = held.enter_context(capture_logs())
            held.enter_context(caplog.at_level(logging.DEBUG, logger="asyncio"))
            helpr = await held.enter_async_context(running(database, tmp_path, **settings))
            acme = await founded(helpr, "acme")
            crowd = Crowd(helpr, acme, await signed_in(helpr, acme, Role.AGENT))
            await crowd.come(4)
            yield World(place, before, crowd)
            assert await everything_opens(helpr.house) > 0
            assert WORD not in str(said) + caplog.text

    return opened


def _url(place: Place) -> str:
    return f"sqlite://{place.file}" if isinstance(place, SqlitePlace) else place.url


@contextmanager
def missing(world: World, what: str) -> Iterator[None]:
    """The store, or the KMS: it hangs up, or says nothing at all."""
    if what == "store":
        with world.place.away():
            yield
        return
    assert world.kms is not None
    world.kms.mood = kms.silent if what == "silent kms" else kms.away
    yield
    world.kms.mood = kms.well


@pytest.mark.parametrize(
    ("place", "what"),
    [("sqlite", "store"), ("postgres", "store"), ("sqlite", "kms"), ("postgres", "silent kms")],
    indirect=["place"],
)
@pytest.mark.parametrize("seconds", [SHORT, pytest.param(LONG, marks=pytest.mark.soak)])
async def test_an_outage_loses_nothing_and_ends_by_itself(
    place: Place, world: Opens, what: str, seconds: int, request: pytest.FixtureRequest
) -> None:
    if seconds == SHORT:
        request.getfixturevalue("impatient")
    async with world(place, root="local" if what == "store" else "kms", kept=0.5 if seconds == SHORT else 60) as there:
        crowd: Crowd = there.crowd
        crowd.go_on()
        for kind in ("arrive", "read"):
            await crowd.until(kind, 201 if kind == "arrive" else 200)
        with missing(there, what):
            await asyncio.sleep(seconds)
            for kind in ("say", "arrive", "read"):
                await crowd.until(kind, 503)
        for kind, status in (("say", 201), ("arrive", 201), ("read", 200)):
            await crowd.until(kind, status)
        await crowd.stop()
        await crowd.everything_is_there()
        assert await everything_opens(crowd.helpr.house) > 0


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("place", "what"), [("sqlite", "store"), ("postgres", "kms")], indirect=["place"])
async def test_whose_keys_are_remembered_is_served(place: Place, world: Opens, what: str) -> None:
    """And whoever needs a key that is not, is told to come again; nothing of theirs is kept."""
    async with world(place, root="local" if what == "store" else "kms", kept=60) as there:
        crowd: Crowd = there.crowd
        head = await crowd.helpr.house.reader.head()
        with missing(there, what):
            for visitor in crowd.people:
                await crowd.say(visitor)
            path = f"/v1/conversations/{crowd.people[0].conversation}"
            assert await crowd.ask("read", crowd.agent, "GET", path)
            assert crowd.answers["say", 503] == crowd.answers["read", 503] == 0
            if what == "store":
                wanted = {"organisation": str(crowd.organisation.id)}
                client = crowd.helpr.client()
                assert await crowd.ask("arrive", client, "POST", "/widget/v1/session", json=wanted) is None
            else:
                await crowd.come(1)
                with pytest.raises(Unavailable):
                    await founded(crowd.helpr, "other")
        said = [recorded for recorded in await crowd.helpr.house.reader.after(head) if recorded.kind == "visitor"]
        assert len(said) == (0 if what == "store" else 1)
        await crowd.come(1)
        await crowd.everything_is_there()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("impatient")
async def test_garbage_from_the_kms_is_taken_for_no_key(place: Place, world: Opens) -> None:
    """Not for that of an organisation that is known, nor for that of a new one."""
    async with world(place, root="kms", kept=0.2) as there:
        crowd: Crowd = there.crowd
        crowd.go_on()
        for number, (name, garbage) in enumerate(kms.GARBAGE.items()):
            there.kms.mood = garbage
            if name != "another ciphertext":
                await crowd.until("say", 503)
            with pytest.raises(Unavailable):
                await founded(crowd.helpr, f"never-{number}")
            there.kms.mood = kms.well
            for kind, status in (("say", 201), ("arrive", 201), ("read", 200)):
                await crowd.until(kind, status)
            await founded(crowd.helpr, f"new-{number}")
        await crowd.stop()
        await crowd.everything_is_there()


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
async def test_a_slow_kms_holds_up_only_who_needs_it(place: Place, world: Opens) -> None:
    """Twenty new organisations wait for their first keys; the people of another one write, read and come meanwhile."""
    async with world(place, root="kms", kept=60) as there:
        crowd: Crowd = there.crowd
        there.kms.mood = kms.slow(2.5)
        there.kms.was_asked.clear()
        waiting = [asyncio.create_task(founded(crowd.helpr, f"new-{number}")) for number in range(20)]
        await there.kms.was_asked.wait()
        await crowd.come(2)
        for visitor in crowd.people:
            await crowd.say(visitor)
            assert await crowd.ask("read", crowd.agent, "GET", f"/v1/conversations/{visitor.conversation}")
        assert not [task for task in waiting if task.done()]
        assert not [status for _, status in crowd.answers if status == 503]
        there.kms.mood = kms.well
        for task in waiting:
            with suppress(Unavailable):
                await task
        await crowd.everything_is_there()
