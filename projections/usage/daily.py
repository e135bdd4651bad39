"""What is counted each day. It names nobody, so erasure leaves it as it is."""

from collections import Counter
from datetime import UTC, date
from typing import Any
from uuid import UUID

import msgspec

from domain.conversations.events import ConversationResolved, ConversationStarted, MessageSent, Party
from projections.view import Batch, Database

NAME = "daily"
VERSION = 2
LISTENS = (ConversationStarted, MessageSent, ConversationResolved)


class Day(msgspec.Struct, frozen=True):
    day: date
    conversations: int
    visitor_messages: int
    agent_messages: int
    resolved: int


def fold(batch: Batch, db: Database) -> None:
    """Adds the batch to its days (UTC, whatever zone the connection tells times in)."""
    counted: dict[tuple[UUID, date], Counter[str]] = {}
    for recorded in batch:
        day = counted.setdefault((recorded.tenant, recorded.at.astimezone(UTC).date()), Counter())
        match recorded.fact:
            case ConversationStarted():
                day["conversations"] += 1
            case MessageSent(author=author):
                day["visitor_messages" if author.kind is Party.VISITOR else "agent_messages"] += 1
            case ConversationResolved():
                day["resolved"] += 1
    names = ("conversations", "visitor_messages", "agent_messages", "resolved")
    if counted:
        columns = [[tenant for tenant, _ in counted], [day for _, day in counted]]
        db.execute(ADDED, [*columns, *([day[name] for day in counted.values()] for name in names)])


ADDED = """
    insert into daily as d select * from unnest(%s::uuid[], %s::date[], %s::int[], %s::int[], %s::int[], %s::int[])
    on conflict (tenant_id, day) do update set
        conversations = d.conversations + excluded.conversations,
        visitor_messages = d.visitor_messages + excluded.visitor_messages,
        agent_messages = d.agent_messages + excluded.agent_messages,
        resolved = d.resolved + excluded.resolved"""


async def days(db: Any, tenant: UUID, *, first: date, last: date) -> list[Day]:
    """The days on which anything happened, between two days, both included."""
    query = """select day, conversations, visitor_messages, agent_messages, resolved from read.daily
        where tenant_id = $1 and day between $2 and $3 order by day"""
    return [Day(*row) for row in await db.fetch(query, tenant, first, last)]
