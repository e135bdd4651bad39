"""News of the inbox, step by step: what they say of how far they go, and what is held back meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest

from api.conversations.news import News
from domain.conversations.conversation import Conversation
from domain.conversations.events import ConversationReopened
from domain.shared.recorded import Actor, ActorKind, Recorded
from projections.conversations import inbox, inbox_queries

pytestmark = pytest.mark.requirement("R-CON-1")
TENANT = uuid4()
NOBODY = cast(Any, None)


class Log:
    """What has happened, and how far the view is. Whoever reads it gets what they found once it ``goes_on``."""

    def __init__(self) -> None:
        self.facts: list[Recorded[Any]] = []
        self.view = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    def happens(self) -> list[Recorded[Any]]:
        """A page with one more fact."""
        stream, actor, id = uuid4(), Actor(ActorKind.SYSTEM, TENANT), uuid4()
        self.facts.append(
            Recorded(
                position=len(self.facts) + 1, tenant=TENANT, kind=Conversation.STREAM, stream=stream, version=1,
                event_id=id, at=datetime.now(UTC), actor=actor, correlation=id, causation=None, command=id,
                fact=ConversationReopened(),
            )
        )  # fmt: skip
        return self.facts[-1:]

    async def head(self) -> int:
        return len(self.facts)

    async def after(self, position: int, *, most: int = 500) -> list[Recorded[Any]]:
        found = self.facts[position : position + most]
        await self.goes_on.wait()
        return found

    def position(self, tenant: UUID, view: str) -> int:
        return self.view

    @asynccontextmanager
    async def __call__(self, tenant: UUID, view: str, *, at_least: int = 0) -> AsyncIterator[None]:
        yield


class Agent:
    """A connection that keeps the positions it was told."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def push(self, message: bytes) -> None:
        self.told.append(msgspec.json.decode(message)["position"])

    async def room(self) -> None: ...

    async def hears(self, position: int) -> None:
        """Waits until that was told; fails when it is not."""
        async with asyncio.timeout(5):
            while position not in self.told:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.fixture
async def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    async def rows(*_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(inbox_queries, "rows", rows)
    return Log()


@pytest.fixture
async def news(log: Log) -> AsyncIterator[News]:
    made = News(cast(Any, log), cast(Any, log), NOBODY)
    made.start()
    yield made
    await made.stop()


async def test_nobody_is_told_of_a_position_whose_facts_were_not_heard_of_yet(log: Log, news: News) -> None:
    agent = Agent()
    await news.subscribe(TENANT, cast(Any, agent), 0)
    first, second = log.happens(), log.happens()
    log.view = 2
    news.follow(first)
    await agent.hears(1)
    news.follow(second)
    await agent.hears(2)
    assert agent.told == [1, 2]


async def test_what_happens_while_the_past_is_fetched_is_told_behind_it(log: Log, news: News) -> None:
    agent, other = Agent(), Agent()
    await news.subscribe(TENANT, cast(Any, other), 0)
    news.follow(log.happens())
    log.goes_on.clear()
    subscribing = asyncio.create_task(news.subscribe(TENANT, cast(Any, agent), 0))
    await asyncio.sleep(0.05)
    news.follow(log.happens())
    log.view = 2
    news.moved(inbox.NAME)
    await other.hears(2)
    assert agent.told == []
    log.goes_on.set()
    await subscribing
    assert agent.told == [1, 2]
