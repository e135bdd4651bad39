"""What a conversation looked like at an earlier moment."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from application.ports import History
from domain.conversations.conversation import Conversation
from domain.conversations.messaging import visitor_of
from domain.shared.recorded import Recorded

PAGE = 1000


class Moment(msgspec.Struct, frozen=True):
    """The memory at that moment, and the facts that had happened by then."""

    conversation: Conversation
    facts: list[Recorded[Any]]


async def as_it_was(tenant: UUID, conversation: UUID, at: datetime, *, history: History) -> Moment:
    """Replays the log up to a moment, that moment included; ConversationIsUnknown when it had not started by then."""
    known, facts, version = Conversation(), list[Recorded[Any]](), 0
    while page := await history.stream(tenant, Conversation.STREAM, conversation, after=version, most=PAGE):
        by_then = [recorded for recorded in page if recorded.at <= at]
        for recorded in by_then:
            known = known.after(recorded.fact)
        facts += by_then
        version = page[-1].version
        if len(by_then) < len(page):
            break
    visitor_of(known)
    return Moment(known, facts)
