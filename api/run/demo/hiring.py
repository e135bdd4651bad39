"""The demo's organisation is founded and its people join, unless they have; part of an API process's start."""

import asyncio
import contextlib
from uuid import uuid5

from api.main import House
from api.run.demo.people import NAME, SLUG, Employee, People
from application.accounts.registration import Join, RegisterOrganisation, is_colleague, join, register_organisation
from application.ports import Asked
from domain.accounts.joining import AgentHasJoined
from domain.accounts.organisation import OrganisationIsRegistered
from domain.shared.recorded import Actor, ActorKind


async def hire(house: House, people: People) -> None:
    """Safe to repeat, and to break off anywhere."""
    command = RegisterOrganisation(organisation=people.organisation, name=NAME, slug=SLUG)
    with contextlib.suppress(OrganisationIsRegistered):
        await register_organisation(command, asked=_asked(people, "register"), events=house.events)
    await asyncio.gather(*(_join(house, people, agent) for agent in people.agents))


async def _join(house: House, people: People, agent: Employee) -> None:
    if await is_colleague(people.organisation, agent.id, events=house.events):
        return
    command = Join(
        agent=agent.id,
        organisation=people.organisation,
        role=agent.role,
        name=agent.name,
        email=agent.email,
        password=people.password,
    )
    with contextlib.suppress(AgentHasJoined):
        await join(
            command,
            asked=_asked(people, agent.email),
            events=house.events,
            keyring=house.keyring,
            passwords=house.passwords,
        )


def _asked(people: People, what: str) -> Asked:
    command = uuid5(people.organisation, what)
    actor = Actor(ActorKind.SYSTEM, people.organisation)
    return Asked(tenant=people.organisation, actor=actor, command=command, fingerprint=b"demo", correlation=command)
