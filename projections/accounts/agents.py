"""The colleagues of an organisation."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.accounts.events import AgentJoined
from domain.compliance.events import ErasureDecided
from domain.shared.event import Place, Sealed
from projections.rows import load, write
from projections.view import Batch, Database

NAME = "agents"
VERSION = 1
LISTENS = (AgentJoined, ErasureDecided)


class Entry(msgspec.Struct, frozen=True):
    """A row of the table, column by column."""

    tenant_id: UUID
    agent_id: UUID
    role: str
    joined_version: int
    joined_event: UUID
    name: bytes | None
    email: bytes | None


def fold(batch: Batch, db: Database) -> None:
    """Agents come; those who are forgotten keep their place without a name."""
    entries = load(db, "agents", Entry, {(r.tenant, getattr(r.fact, "subject", r.stream)) for r in batch})
    for recorded in batch:
        match recorded.fact:
            case AgentJoined(agent=agent, role=role, name=Sealed(ciphertext=name), email=Sealed(ciphertext=email)):
                key = (recorded.tenant, agent)
                entries[key] = Entry(*key, role.value, recorded.version, recorded.event_id, name, email)
            case ErasureDecided(subject=subject) if known := entries.get((recorded.tenant, subject)):
                entries[recorded.tenant, subject] = replace(known, name=None, email=None)
    write(db, "agents", list(entries.values()))


class Agent(msgspec.Struct, frozen=True):
    """A colleague; the name and the address are still sealed."""

    id: UUID
    role: str
    name: Sealed | None
    email: Sealed | None


async def agents(db: Any, tenant: UUID, ids: list[UUID] | None = None) -> list[Agent]:
    """All agents of an organisation, or these, in the order they joined."""
    query = """select tenant_id, agent_id, role, joined_version, joined_event, name, email from read.agents
        where tenant_id = $1 and ($2::uuid[] is null or agent_id = any($2)) order by agent_id"""
    return [_agent(Entry(*row)) for row in await db.fetch(query, tenant, ids)]


def _agent(entry: Entry) -> Agent:
    def sealed(field: str, ciphertext: bytes | None) -> Sealed | None:
        place = Place(
            entry.tenant_id, entry.agent_id, entry.joined_version, entry.joined_event, AgentJoined.NAME, field
        )
        return Sealed(ciphertext, place) if ciphertext else None

    return Agent(entry.agent_id, entry.role, sealed("name", entry.name), sealed("email", entry.email))
