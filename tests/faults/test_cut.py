"""The connection to the database is cut after a COMMIT, before its answer: whoever asks again hears what was stored,
and it was stored once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4, uuid5

import asyncpg
import httpx
import msgspec
import pytest
from msgspec.structs import replace

from api.rate_limits import LIMITS
from tests.conftest import Database
from tests.event_log.cutting import Wire, wire_to
from tests.event_log.waiting import eventually
from tests.house import Helpr, Organisation, Visitor, arrived, founded, running, signed_in

BYSTANDERS = 3
RECORDED = """select position, stream_id, version, event_id, command_id from log.events order by position"""
Said = tuple[int, str | None, Any]


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told to slow down."""
    for name in LIMITS:
        monkeypatch.setitem(LIMITS, name, 1_000_000)


@pytest.fixture
async def wire(database: Database) -> AsyncIterator[Wire]:
    async with wire_to(database.runtime) as opened:
        yield opened


@pytest.fixture
async def here(database: Database, wire: Wire, tmp_path: Path) -> AsyncIterator[Helpr]:
    """A Helpr at the end of the wire that is cut."""
    async with running(replace(database, runtime=wire.dsn), tmp_path) as started:
        yield started


@pytest.fixture
async def there(here: Helpr, database: Database, tmp_path: Path) -> AsyncIterator[Helpr]:
    """The same Helpr once more, on a wire of its own, which holds."""
    async with running(database, tmp_path) as started:
        yield started


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Any]:
    """A connection that may do everything."""
    connection = await asyncpg.connect(database.owner)
    yield connection
    await connection.close()


class Write(msgspec.Struct, frozen=True):
    """A write that can be made again, and how many facts it makes."""

    client: httpx.AsyncClient
    actor: UUID
    method: str
    path: str
    body: dict[str, Any]
    facts: int = 1
    key: str = msgspec.field(default_factory=lambda: str(uuid4()))

    def command(self, tenant: UUID) -> UUID:
        """The name under which the log remembers it."""
        return uuid5(uuid5(tenant, str(self.actor)), self.key)

    async def made(self, at: Helpr, told: Counter[int]) -> Said:
        """What the first answer says that is not "try again"; every status is counted, no answer in time as 0."""
        while True:
            headers = {"Idempotency-Key": self.key}
            try:
                answer = await self.client.request(self.method, at.url + self.path, json=self.body, headers=headers)
            except httpx.TimeoutException:
                told[0] += 1
                continue
            told[answer.status_code] += 1
            if answer.status_code != 503:
                return answer.status_code, answer.headers.get("helpr-position"), answer.json()
            assert "retry-after" in answer.headers
            await asyncio.sleep(0.05)


class People(msgspec.Struct, frozen=True):
    """Who writes: an agent, and a visitor with a conversation."""

    agent: httpx.AsyncClient
    agent_id: UUID
    visitor: Visitor

    def some_write(self, dice: Random) -> Write:
        """A message, a note, a new conversation, or a new state of the old one."""
        mine, theirs = "/widget/v1/conversations", f"/v1/conversations/{self.visitor.conversation}"
        words = {"text": f"Words {dice.random()}"}
        by_visitor = (self.visitor.client, self.visitor.id, "POST")
        by_agent = (self.agent, self.agent_id)
        return dice.choice(
            [
                Write(*by_visitor, f"{mine}/{self.visitor.conversation}/messages", words),
                Write(*by_visitor, mine, words, facts=2),
                Write(*by_agent, "POST", f"{theirs}/messages", words),
                Write(*by_agent, "POST", f"{theirs}/notes", words),
            ]
        )


async def people(helpr: Helpr, organisation: Organisation) -> People:
    visitor = await arrived(helpr, organisation)
    await visitor.says("The first words")
    ((role, agent),) = [(role, id) for role, id in organisation.agents.items() if role == "agent"]
    return People(await signed_in(helpr, organisation, role), agent, visitor)


async def keep_writing(
    who: People, at: list[Helpr], dice: Random, is_over: asyncio.Event, told: Counter[int]
) -> list[tuple[Write, Said]]:
    """A bystander, whose writes are in the same batches and the same conversation."""
    done = []
    while not is_over.is_set():
        write = who.some_write(dice)
        done.append((write, await write.made(dice.choice(at), told)))
    return done


async def cut_once(write: Write, wire: Wire, tenant: UUID, at: list[Helpr], dice: Random, told: Counter[int]) -> Said:
    """The answer to the commit of this write is swallowed. Its writer waits, or asks elsewhere as soon as they are cut
    off; afterwards they ask again everywhere, and always hear the same."""
    here, there = at
    cuts = wire.cuts
    wire.swallow_the_next_answer(to=write.command(tenant).bytes, breaks_all=dice.random() < 0.5)
    asking = [asyncio.create_task(write.made(here, told))]
    await eventually(lambda: wire.cuts > cuts, seconds=300)
    if dice.random() < 0.5:
        asking.append(asyncio.create_task(write.made(there, told)))
    answers = [*await asyncio.gather(*asking), await write.made(there, told), await write.made(here, told)]
    assert answers == [answers[0]] * len(answers)
    return answers[0]


async def stored(owner: Any, tenant: UUID, done: list[tuple[Write, Said]]) -> dict[str, int]:
    """What must be nought."""
    rows = await owner.fetch(RECORDED)
    commands = dict(await owner.fetch("select command_id, position from log.commands"))
    facts = Counter(row["command_id"] for row in rows)
    ended = {row["command_id"]: row["position"] for row in rows}
    versions = Counter(row["stream_id"] for row in rows)
    return {
        "not stored once": sum(facts[write.command(tenant)] != write.facts for write, _ in done),
        "answered with another position": sum(
            str(ended[write.command(tenant)]) != position
            or commands[write.command(tenant)] != ended[write.command(tenant)]
            for write, (_, position, _) in done
        ),
        "refused": sum(status != 201 for _, (status, _, _) in done),
        "with an id that another has": len(done) - len({said["id"] for _, (_, _, said) in done}),
        "gaps between positions": rows[-1]["position"] - len(rows),
        "holes in streams": sum(row["version"] > versions[row["stream_id"]] for row in rows),
    }


@pytest.mark.requirement("R-OPS-2")
@pytest.mark.requirement("R-CON-1")
@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("times", [25, pytest.param(500, marks=pytest.mark.soak)])
async def test_what_was_committed_before_the_wire_was_cut_is_stored_once_and_answered_the_same(
    here: Helpr, there: Helpr, wire: Wire, owner: Any, times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    acme, seed = await founded(here, "acme"), Random().randrange(10**6)
    dice, told, is_over = Random(seed), Counter[int](), asyncio.Event()
    who = await people(here, acme)
    done = []
    async with asyncio.TaskGroup() as group:
        bystanders = [
            group.create_task(keep_writing(who, [here, there], Random(f"{seed} {n}"), is_over, told))
            for n in range(BYSTANDERS)
        ]
        for _ in range(times):
            write = who.some_write(dice)
            done.append((write, await cut_once(write, wire, acme.id, [here, there], dice, told)))
        is_over.set()
    for bystander in bystanders:
        done += bystander.result()
    found = await stored(owner, acme.id, done)
    with capsys.disabled():
        print(f"\ncut {wire.cuts} times, seed {seed}: {len(done)} writes, answers {dict(told)}\n{found}")
    assert wire.cuts == times
    assert set(told) <= {201, 503, 0}
    assert set(found.values()) == {0}
