"""The trail of what happened: who did what, when, caused by what."""

import importlib
import pkgutil
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import pytest

import domain
from domain.conversations.events import ConversationResolved, MessageSent
from domain.shared.event import Event
from domain.shared.recorded import Actor, ActorKind
from infrastructure.event_log.reading import LogReader
from projections.compliance import audit
from projections.compliance.audit import Entry, trail, whole_trail
from tests.conversations.talk import agent_says, anna, in_conversation, one, started, two, vera, visitor_says
from tests.shown import SOMEBODY, Shown, forgotten

pytestmark = pytest.mark.requirement("R-PRI-1")
VIEW = audit


async def of_conversation(shown: Shown, *, after: int = 0, limit: int = 50) -> Any:
    return await shown.asked(trail, one, "conversation", after=after, limit=limit)


async def test_each_fact_is_an_entry_of_who_did_what_and_when(shown: Shown) -> None:
    by_vera, by_anna = Actor(ActorKind.VISITOR, vera), Actor(ActorKind.AGENT, anna)
    await shown.given(in_conversation(one, started(), visitor_says("Hello"), by=by_vera))
    await shown.given(in_conversation(one, agent_says("Good day"), ConversationResolved(), by=by_anna))
    found = await of_conversation(shown)
    assert [(each.version, each.fact, each.actor_kind, each.actor_id) for each in found] == [
        (1, "conversations.ConversationStarted", "visitor", vera),
        (2, MessageSent.NAME, "visitor", vera),
        (3, MessageSent.NAME, "agent", anna),
        (4, "conversations.ConversationResolved", "agent", anna),
    ]
    assert found[0].at == found[1].at < found[2].at
    assert found[0].command_id == found[1].command_id != found[2].command_id


async def test_an_entry_says_all_that_the_log_knows_around_the_fact(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), by=SOMEBODY))
    (fact,) = await LogReader(shown.pool).stream(shown.acme, "conversation", one)
    assert await of_conversation(shown) == [
        Entry(
            fact.tenant, fact.stream, fact.kind, fact.version, fact.position, fact.at, fact.fact.NAME,
            fact.actor.kind.value, fact.actor.id, fact.event_id, fact.command, fact.correlation, fact.causation,
        )
    ]  # fmt: skip


async def test_a_trail_goes_on_behind_a_version_and_ends(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), *(visitor_says("Hello") for _ in range(4))))
    await shown.given(in_conversation(two, started()))
    assert [each.version for each in await of_conversation(shown, limit=2)] == [1, 2]
    assert [each.version for each in await of_conversation(shown, after=2, limit=9)] == [3, 4, 5]
    assert await of_conversation(shown, after=5) == []
    assert await shown.asked(trail, one, "visitor", after=0, limit=9) == []


@pytest.mark.parametrize("most", [1, 4, 7, 8])
async def test_the_whole_trail_comes_page_after_page(shown: Shown, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(audit, "PAGE", most)
    await shown.given(in_conversation(one, started(), *(visitor_says("Hello") for _ in range(6))))
    assert [each.version for each in await shown.asked(whole)] == list(range(1, 8))


async def whole(db: Any, tenant: UUID) -> list[Entry]:
    return [entry async for entry in whole_trail(lambda: nullcontext(db), tenant, one, "conversation")]


@pytest.mark.requirement("R-PRI-2")
async def test_forgetting_takes_nothing_from_the_trail_and_stands_in_it(shown: Shown) -> None:
    await shown.given(in_conversation(one, started(), visitor_says("Hello")))
    before = await of_conversation(shown)
    await shown.given(forgotten(vera))
    assert await of_conversation(shown) == before
    (decided,) = await shown.asked(trail, vera, "erasure", after=0, limit=9)
    assert decided.fact == "compliance.ErasureDecided"


def test_every_fact_of_the_product_is_audited() -> None:
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        importlib.import_module(module.name)
    facts = {kind for kind in Event.named.values() if kind.__module__.startswith("domain.")}
    assert set(audit.LISTENS) == facts
    assert len(facts) > 20
