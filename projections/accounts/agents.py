"""The colleagues of an organisation."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.accounts.events import AgentJoined
from domain.compliance.events import ErasureDecided
from domain.shared.event import Place, Sealed
from domain.shared.recorded import Recorded
from projections.rows import Key, forgotten_among, load, remember_forgotten, write
from projections.view import Batch, Database

NAME = "agents"
VERSION = 2
LISTENS = (AgentJoined, ErasureDecided)
Role = Literal["owner", "admin", "agent", "compliance", "analyst"]


class Entry(msgspec.Struct, frozen=True):
    """A row of the table, column by column."""

    tenant_id: UUID
    agent_id: UUID
    role: Role
    joined_position: int
    joined_version: int
    joined_event: UUID
    name: bytes | None
    email: bytes | None


def fold(batch: Batch, db: Database) -> None:
    """Agents come; those who are forgotten keep their place without a name."""
    keys = {_subject(recorded) for recorded in batch}
    entries = load(db, "agents", Entry, keys)
    forgotten = forgotten_among(db, "agents_forgotten", keys)
    for recorded in batch:
        key = _subject(recorded)
        match recorded.fact:
            case AgentJoined() as joined:
                entries[key] = _joined(recorded, joined)
            case ErasureDecided():
                forgotten.add(key)
        if key in forgotten and key in entries:
            entries[key] = replace(entries[key], name=None, email=None)
    write(db, "agents", list(entries.values()))
    remember_forgotten(db, "agents_forgotten", [_subject(r) for r in batch if isinstance(r.fact, ErasureDecided)])


def _subject(recorded: Recorded[Any]) -> Key:
    about = recorded.fact.subject if isinstance(recorded.fact, ErasureDecided) else recorded.fact.agent
    return recorded.tenant, about


def _joined(recorded: Recorded[Any], joined: AgentJoined) -> Entry:
    place = (recorded.position, recorded.version, recorded.event_id)
    name, email = (f.ciphertext if isinstance(f, Sealed) else None for f in (joined.name, joined.email))
    return Entry(recorded.tenant, joined.agent, joined.role.value, *place, name, email)


class Agent(msgspec.Struct, frozen=True):
    """A colleague; the name and the address are still sealed."""

    id: UUID
    role: Role
    name: Sealed | None
    email: Sealed | None


async def agents(db: Any, tenant: UUID, ids: list[UUID] | None = None) -> list[Agent]:
    """All agents of an organisation, or these, in the order they joined."""
    query = f"""select {", ".join(Entry.__struct_fields__)} from read.agents
        where tenant_id = $1 and ($2::uuid[] is null or agent_id = any($2)) order by joined_position"""  # noqa: S608
    return [_agent(Entry(*row)) for row in await db.fetch(query, tenant, ids)]


def _agent(entry: Entry) -> Agent:
    def sealed(field: str, ciphertext: bytes | None) -> Sealed | None:
        place = Place(
            entry.tenant_id, entry.agent_id, entry.joined_version, entry.joined_event, AgentJoined.NAME, field
        )
        return None if ciphertext is None else Sealed(ciphertext, place)

    return Agent(entry.agent_id, entry.role, sealed("name", entry.name), sealed("email", entry.email))
