"""The demo: an organisation and the people who work there."""

from uuid import uuid5

import msgspec

from api.settings import Settings
from domain.accounts.events import Role
from domain.shared.ids import AgentId, OrganisationId
from infrastructure.database.cluster import password

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
    role: Role


class People(msgspec.Struct, frozen=True):
    """Who can sign in; they share a password that was drawn for this data folder."""

    organisation: OrganisationId
    agents: list[Employee]
    password: str


def people(settings: Settings) -> People:
    """Who works at the demo's shop."""
    organisation = OrganisationId(settings.demo_organisation)
    agents = [
        Employee(AgentId(uuid5(organisation, word)), name, f"{word}@kettle.example", role) for name, word, role in STAFF
    ]
    (settings.data / "secrets").mkdir(parents=True, mode=0o700, exist_ok=True)
    drawn = "".join(filter(str.isalnum, password(settings.data, "demo")))
    return People(organisation, agents, drawn[:12])
