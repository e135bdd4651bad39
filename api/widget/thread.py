"""A visitor's conversation, as they see it: no notes, no assignments."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.asking import page
from api.conversations import wire
from api.conversations.broadcast import VISIBLE
from api.conversations.wire import Change, Receipts
from api.opening import opened, shown
from api.widget.guest import Guest
from application.ports import EventStore, Keyring
from domain.conversations.conversation import Conversation, Status
from domain.conversations.messaging import ConversationIsUnknown
from domain.shared.ids import OrganisationId
from projections.accounts import agents
from projections.conversations import thread
from projections.view import Reads

PAGE = 200


class AgentName(msgspec.Struct, frozen=True):
    name: str


class MyConversation(msgspec.Struct, frozen=True):
    """``sequence`` is where the live stream goes on."""

    changes: list[Change]
    receipts: Receipts
    agents: dict[UUID, AgentName]
    status: Status
    sequence: int


@get("/conversations/{conversation:uuid}", operation_id="readMyConversation")
async def read_conversation(
    conversation: FromPath[UUID],
    guest: NamedDependency[Guest],
    reads: NamedDependency[Reads],
    keyring: NamedDependency[Keyring],
    events: NamedDependency[EventStore],
    at_least: NamedDependency[int],
    after: Annotated[int, QueryParameter(ge=0, le=2**31 - 1)] = 0,
) -> Response[MyConversation]:
    """The last changes of a conversation of one's own, or the first after a sequence."""
    known = await own_conversation(conversation, guest, events)
    position = reads.position(guest.tenant, thread.NAME)
    async with reads(guest.tenant, thread.NAME, at_least=at_least) as db:
        found, _ = await thread.changes(db, guest.tenant, conversation, after=after, limit=PAGE)
        receipts = await thread.receipts(db, guest.tenant, conversation)
    changes = [c for c in await wire.changes(keyring, guest.tenant, found) if c.kind in VISIBLE]
    mine = MyConversation(
        changes=changes,
        receipts=Receipts(receipts.visitor, receipts.agent),
        agents=await _names(guest.tenant, changes, reads, keyring),
        status=known.status,
        sequence=found[-1].sequence if found else after,
    )
    return page(mine, position)


async def own_conversation(conversation: UUID, guest: Guest, events: EventStore) -> Conversation:
    """The memory of a conversation of this visitor's; ConversationIsUnknown for any other."""
    known = await events.load(Conversation, conversation, tenant=OrganisationId(guest.tenant))
    if known.visitor != guest.visitor:
        raise ConversationIsUnknown
    return known


async def _names(tenant: UUID, changes: list[Change], reads: Reads, keyring: Keyring) -> dict[UUID, AgentName]:
    ids = {change.author.id for change in changes if change.author and change.author.kind == "agent"}
    if not ids:
        return {}
    async with reads(tenant, agents.NAME) as db:
        found = await agents.agents(db, tenant, list(ids))
    names = await opened(keyring, tenant, [agent.name for agent in found])
    return {agent.id: AgentName(shown(name)) for agent, name in zip(found, names, strict=True) if shown(name)}
