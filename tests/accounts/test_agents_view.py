"""The colleagues of an organisation, as they see each other."""

from typing import Any
from uuid import UUID

import pytest

from domain.accounts.agent import Agent
from domain.accounts.events import AgentJoined, PasswordRehashed, Role
from domain.shared.ids import AgentId, OrganisationId
from projections.accounts import agents as view
from projections.accounts.agents import agents
from tests.shown import Happened, Shown, forgotten, happened

pytestmark = pytest.mark.requirement("R-ACC-3")
VIEW = view

anna, ben, cleo = (AgentId(UUID(int=number)) for number in (1, 2, 3))


def joined(agent: AgentId, name: str, role: Role = Role.AGENT) -> Happened:
    """An agent joins."""
    fact = AgentJoined(
        agent=agent, organisation=OrganisationId(UUID(int=9)), role=role, name=name,
        email=f"{name}@acme.example", password="$argon2id$…",
    )  # fmt: skip
    return happened(Agent, agent, fact)


async def names(shown: Shown, **how: Any) -> list[str | None]:
    return [each.name for each in await shown.asked(agents, **how)]


async def test_a_colleague_has_a_name_an_address_and_a_role(shown: Shown) -> None:
    await shown.given(joined(anna, "Anna", Role.OWNER))
    (found,) = await shown.asked(agents)
    assert (found.id, found.name, found.email, found.role) == (anna, "Anna", "Anna@acme.example", "owner")


async def test_who_joined_first_comes_first_whatever_their_id(shown: Shown) -> None:
    await shown.given(joined(cleo, "Cleo"), joined(anna, "Anna"), joined(ben, "Ben"))
    assert await names(shown) == ["Cleo", "Anna", "Ben"]


async def test_one_can_ask_for_some_of_them(shown: Shown) -> None:
    await shown.given(joined(cleo, "Cleo"), joined(anna, "Anna"), joined(ben, "Ben"))
    assert await names(shown, ids=[ben, cleo, UUID(int=99)]) == ["Cleo", "Ben"]
    assert await names(shown, ids=[]) == []


async def test_a_new_password_changes_nothing_that_colleagues_see(shown: Shown) -> None:
    await shown.given(joined(anna, "Anna"))
    before = await shown.asked(agents)
    await shown.given(happened(Agent, anna, PasswordRehashed(agent=anna, password="$argon2id$other")))
    assert await shown.asked(agents) == before


@pytest.mark.requirement("R-PRI-2")
async def test_a_forgotten_agent_keeps_a_place_without_a_name(shown: Shown) -> None:
    await shown.given(joined(anna, "Anna"), joined(ben, "Ben"), forgotten(anna))
    first, second = await shown.asked(agents)
    assert (first.id, first.name, first.email, first.role) == (anna, None, None, "agent")
    assert second.name == "Ben"


@pytest.mark.requirement("R-PRI-2")
async def test_who_joins_after_they_were_forgotten_leaves_no_name(shown: Shown) -> None:
    await shown.given(forgotten(anna), joined(anna, "Anna"))
    assert await names(shown) == [None]
