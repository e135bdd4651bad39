"""The demo: an organisation, the people who work there, and a crowd that fills their inbox through the public API."""

import asyncio
from collections.abc import Callable
from uuid import uuid5

import msgspec

from api.main import House, opened
from api.settings import Settings
from application.accounts.registration import Join, RegisterOrganisation, join, register_organisation
from application.ports import Asked
from domain.accounts.events import Role
from domain.accounts.joining import AgentHasJoined
from domain.accounts.organisation import OrganisationIsRegistered
from domain.shared.ids import AgentId, OrganisationId
from domain.shared.recorded import Actor, ActorKind
from infrastructure.database.cluster import password

Said = Callable[[str], None]
NAME, SLUG = "Kiosk & Kettle", "kiosk-and-kettle"
STAFF = (
    ("Olga Lindqvist", "olga", Role.OWNER),
    ("Amir Haddad", "amir", Role.AGENT),
    ("Bea Novotná", "bea", Role.AGENT),
    ("Chidi Okafor", "chidi", Role.AGENT),
    ("Cora Meyer", "cora", Role.COMPLIANCE),
    ("Ana Duarte", "ana", Role.ANALYST),
)


class Employee(msgspec.Struct, frozen=True):
    id: AgentId
    name: str
    email: str
    role: str


class People(msgspec.Struct, frozen=True):
    """Who can sign in; they share a password that was drawn for this data folder."""

    organisation: OrganisationId
    agents: list[Employee]
    password: str


def prepare(settings: Settings, *, said: Said) -> People:
    """Makes the organisation and its agents unless they are there; who they are."""
    organisation = OrganisationId(settings.demo_organisation)
    agents = [
        Employee(AgentId(uuid5(organisation, word)), name, f"{word}@kettle.example", role.value)
        for name, word, role in STAFF
    ]
    drawn = "".join(filter(str.isalnum, password(settings.data, "demo")))
    people = People(organisation, agents, drawn[:12])
    said("Preparing the demo")
    asyncio.run(_hire(settings, people))
    return people


async def _hire(settings: Settings, people: People) -> None:
    async with opened(settings) as house:
        asked = _asked(people, "register")
        command = RegisterOrganisation(organisation=people.organisation, name=NAME, slug=SLUG)
        try:
            await register_organisation(command, asked=asked, events=house.events)
        except OrganisationIsRegistered:
            return
        await asyncio.gather(*(_join(house, people, agent) for agent in people.agents))


async def _join(house: House, people: People, agent: Employee) -> None:
    command = Join(
        agent=agent.id,
        organisation=people.organisation,
        role=Role(agent.role),
        name=agent.name,
        email=agent.email,
        password=people.password,
    )
    try:
        await join(
            command,
            asked=_asked(people, agent.email),
            events=house.events,
            keyring=house.keyring,
            passwords=house.passwords,
        )
    except AgentHasJoined:
        return


def _asked(people: People, what: str) -> Asked:
    command = uuid5(people.organisation, what)
    actor = Actor(ActorKind.SYSTEM, people.organisation)
    return Asked(tenant=people.organisation, actor=actor, command=command, fingerprint=b"demo", correlation=command)


def fill(
    settings: Settings,
    url: str,
    people: People,
    *,
    progress: Callable[[str, int, int], None],
    stopped: Callable[[], bool],
) -> None:
    """A crowd of visitors and agents talks, unless it has talked before."""
