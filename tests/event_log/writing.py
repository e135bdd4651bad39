"""What these tests write in the log: small facts in streams that nobody else uses."""

from typing import Any
from uuid import UUID

from domain.conversations.events import MessagesRead, Party
from domain.shared.event import Event
from domain.shared.ids import OrganisationId
from domain.shared.recorded import Actor, ActorKind
from infrastructure.event_log.appending import AppendRequest, FactRow, Outcome, columns, outcomes
from infrastructure.event_log.group_commit import APPEND
from infrastructure.keys.digests import new_id
from infrastructure.keys.facts import seal

ACME, OTHER = OrganisationId(UUID(int=1)), OrganisationId(UUID(int=2))
ALICE = Actor(ActorKind.AGENT, UUID(int=3))
READ = MessagesRead(reader=Party.AGENT, up_to=1)


def row(
    stream: UUID,
    version: int,
    fact: Event = READ,
    *,
    tenant: UUID = ACME,
    kind: str = "conversation",
) -> FactRow:
    """A fact without personal data, ready to be stored as this version of a stream."""
    event_id = new_id()
    data = seal(fact, tenant=tenant, stream=stream, version=version, event_id=event_id, keys={}).data
    return FactRow(kind, stream, version, event_id, fact.NAME, data)


def request(
    *facts: FactRow, tenant: UUID = ACME, command: UUID | None = None, fingerprint: bytes = b"!"
) -> AppendRequest:
    """A command of Alice's with these facts."""
    command = command or new_id()
    return AppendRequest(
        tenant=tenant,
        command=command,
        fingerprint=fingerprint,
        made=facts[0].stream if facts else None,
        end=sum(fact.stream == facts[0].stream for fact in facts) + facts[0].version - 1 if facts else 0,
        actor=ALICE,
        correlation=command,
        causation=None,
        facts=facts,
    )


async def append(connection: Any, *batch: AppendRequest) -> list[Outcome]:
    """One call of log.append."""
    return outcomes(await connection.fetch(APPEND, *columns(batch)), len(batch))
