"""A visitor whose erasure was decided is forgotten here, too."""

from uuid import UUID

from application.ports import Asked, EventStore, Receipt
from domain.visitors import forgetting
from domain.visitors.visitor import Visitor


async def forget(visitor: UUID, *, asked: Asked, events: EventStore) -> Receipt:
    """Nobody resumes this visitor's conversations any more."""
    return await events.change(Visitor, visitor, forgetting.forget, asked=asked)
