"""A past for a Helpr that is measured: dialogues of real people, sealed and appended in bulk as the product does it.

Nothing goes through the API, and yet the log is what the API would have left: a visitor who arrived, their
conversation, every text sealed under their key, every command remembered.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from random import Random
from typing import Any
from uuid import UUID, uuid5

import msgspec
import psycopg

from api.main import key_store, root_key
from api.run.demo.dialogues import file_of_dialogues, read_dialogues
from api.run.demo.people import people
from api.run.demo.story import Words
from api.settings import Settings
from domain.conversations.conversation import Conversation
from domain.conversations.events import Author, ConversationStarted, MessageSent, Party
from domain.shared.event import Event
from domain.shared.ids import AgentId, MessageId, VisitorId
from domain.shared.recorded import Actor, ActorKind
from domain.visitors.events import VisitorArrived, VisitorIdentified
from domain.visitors.visitor import Visitor
from infrastructure.event_log.appending import AppendRequest, FactRow
from infrastructure.event_log.synchronous import append
from infrastructure.keys.digests import digest, new_id
from infrastructure.keys.facts import ScopeKey, seal
from infrastructure.keys.keyring import TenantKeyring

SECRET = "what this browser remembers"
AT_ONCE = 100
"""Conversations in one commit."""


class Told(msgspec.Struct, frozen=True):
    """Somebody who came, and what they talked about: its version and all facts of both."""

    visitor: UUID
    conversation: UUID
    version: int
    facts: int


def tell(settings: Settings, dialogues: Sequence[Sequence[Words]]) -> list[Told]:
    """Appends these dialogues, each with a visitor of its own; gives who came, in order."""
    return asyncio.run(_tell(settings, dialogues))


def dialogues(number: int, *, messages: int = 0) -> list[list[Words]]:
    """So many dialogues, shuffled by a fixed seed and repeated as often as needed; with ``messages`` each is filled up
    by what others said until it has so many."""
    known = [dialogue.messages for dialogue in read_dialogues(file_of_dialogues()[0])]
    Random(4).shuffle(known)
    if not messages:
        return list(islice(cycle(known), number))
    words: Iterator[Words] = (each for dialogue in cycle(known) for each in dialogue)
    return [list(islice(words, messages)) for _ in range(number)]


async def _tell(settings: Settings, wanted: Sequence[Sequence[Words]]) -> list[Told]:
    staff = people(settings)
    tenant, agents = staff.organisation, [agent.id for agent in staff.agents[:4]]
    keyring = TenantKeyring(root_key(settings.kms_url), key_store(settings.keys_url))
    await keyring.open_store()
    told: list[Told] = []
    try:
        with psycopg.connect(settings.owner_url, autocommit=True) as log:
            for start in range(0, len(wanted), AT_ONCE):
                some = wanted[start : start + AT_ONCE]
                visitors = [VisitorId(new_id()) for _ in some]
                keys = await keyring.keys_for(tenant, [f"subject:{visitor}" for visitor in visitors])
                requests = []
                for turn, (visitor, words) in enumerate(zip(visitors, some, strict=True), start=start):
                    conversation = new_id()
                    request = _request(tenant, visitor, conversation, words, agents[turn % len(agents)], keys)
                    requests.append(request)
                    told.append(Told(visitor, conversation, len(words) + 1, len(request.facts)))
                append(log, requests)
    finally:
        await keyring.close()
    return told


def _request(
    tenant: UUID,
    visitor: VisitorId,
    conversation: UUID,
    words: Sequence[Words],
    agent: AgentId,
    keys: Mapping[str, ScopeKey],
) -> AppendRequest:
    arrived = VisitorArrived(
        visitor=visitor,
        secret=digest(SECRET),
        device={"browser": "Firefox", "system": "Linux"},
        place={"city": "Utrecht", "country": "NL"},
        page={"url": "https://kettle.example/shop"},
    )
    named = VisitorIdentified(visitor=visitor, name=f"Visitor {visitor.hex[-6:]}")
    said = [
        MessageSent(
            visitor=visitor,
            author=Author(Party.VISITOR, visitor) if each.side == "visitor" else Author(Party.AGENT, agent),
            message=MessageId(new_id()),
            text=each.text,
        )
        for each in words
    ]
    facts = (
        *_rows(tenant, Visitor.STREAM, visitor, (arrived, named), keys),
        *_rows(tenant, Conversation.STREAM, conversation, (ConversationStarted(visitor=visitor), *said), keys),
    )
    command = uuid5(tenant, conversation.hex)
    return AppendRequest(
        tenant=tenant,
        command=command,
        fingerprint=digest("past"),
        made=conversation,
        end=2,
        actor=Actor(ActorKind.VISITOR, visitor),
        correlation=command,
        causation=None,
        facts=facts,
    )


def _rows(
    tenant: UUID, kind: str, stream: UUID, facts: Sequence[Event], keys: Mapping[str, ScopeKey]
) -> Iterator[FactRow]:
    for version, fact in enumerate(facts, start=1):
        place: dict[str, Any] = {"tenant": tenant, "stream": stream, "version": version, "event_id": new_id()}
        data = seal(fact, keys=keys, **place).data
        yield FactRow(kind, stream, version, place["event_id"], fact.NAME, data)
