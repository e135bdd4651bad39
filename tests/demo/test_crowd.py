"""A crowd talks with a real Helpr, breaks off, comes back, and has said everything once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

import msgspec
import psycopg
import pytest

from api.run.demo.crowd import Credentials, Crowd
from api.run.demo.dialogues import OURS, read_dialogues
from api.run.demo.hiring import hire
from api.run.demo.journal import Journal
from api.run.demo.people import People, people
from api.run.demo.story import Story, story
from domain.accounts.events import Role
from tests.conftest import Database
from tests.event_log.waiting import eventually
from tests.house import Helpr, running


class Demo(msgspec.Struct, frozen=True):
    """A Helpr with the demo's people in it, and what is to be said there."""

    helpr: Helpr
    people: People
    stories: Sequence[Story]
    journal: Path

    def crowd(self, said: list[int]) -> Crowd:
        journal = Journal(self.journal)
        return Crowd(self.helpr.url, self.people.organisation, journal, said=said.append)

    async def fill(self, said: list[int]) -> bool:
        agents = [Credentials(agent.id, agent.email, self.people.password) for agent in self.people.agents[:4]]
        return await self.crowd(said).fill(agents, self.stories)

    async def facts(self) -> dict[str, int]:
        """How many facts of each name there are."""
        async with await psycopg.AsyncConnection.connect(self.helpr.settings.owner_url) as owner:
            query = "select split_part(name, '.', 2), count(*) from log.events where tenant_id = %s group by 1"
            return dict(await (await owner.execute(query, [self.people.organisation])).fetchall())


@pytest.fixture
async def demo(database: Database, tmp_path: Path) -> AsyncIterator[Demo]:
    async with running(database, tmp_path) as helpr:
        staff = people(helpr.settings)
        await hire(helpr.house, staff)
        agents: list[UUID] = [agent.id for agent in staff.agents[:4]]
        stories = [story(dialogue, agents, f"{helpr.url}/demo") for dialogue in read_dialogues(OURS)]
        yield Demo(helpr, staff, stories, tmp_path / "demo.jsonl")


async def test_a_crowd_that_was_broken_off_goes_on_and_nothing_is_said_twice(demo: Demo) -> None:
    said: list[int] = []
    filling = asyncio.create_task(demo.fill(said))
    await eventually(lambda: len(said) > 25)
    filling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await filling
    before = await demo.facts()
    again: list[int] = []
    assert await demo.fill(again)
    after = await demo.facts()
    moves = [move for told in demo.stories for move in told.moves]
    assert before["MessageSent"] < after["MessageSent"] == sum(again) == sum(told.messages for told in demo.stories)
    assert after["ConversationStarted"] == len(demo.stories)
    assert after["NoteLeft"] == sum(move.what == "notes" for move in moves)
    assert after["VisitorIdentified"] == sum(move.what == "visitor" for move in moves)
    assert not demo.journal.exists()


@pytest.mark.requirement("R-ACC-7")
async def test_an_inbox_that_was_filled_is_not_filled_again_and_its_agents_have_gone_home(demo: Demo) -> None:
    assert await demo.fill([])
    facts = await demo.facts()
    assert facts["SessionEnded"] == facts["SessionStarted"] == 4

    async def is_shown() -> bool:
        said: list[int] = []
        return not await demo.fill(said) and not said

    await eventually(is_shown)
    assert (await demo.facts())["ConversationStarted"] == len(demo.stories)


async def test_the_shop_opens_with_everybody_hired_however_often_it_tries(demo: Demo) -> None:
    await asyncio.gather(*(hire(demo.helpr.house, demo.people) for _ in range(2)))
    facts = await demo.facts()
    assert (facts["OrganisationRegistered"], facts["AgentJoined"]) == (1, len(demo.people.agents))
    assert {agent.role for agent in demo.people.agents} == {*Role} - {Role.ADMIN}
