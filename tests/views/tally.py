"""A view for tests: how many facts each conversation has seen, and all together.

What it folds twice it counts twice, and what is ``poisoned`` it cannot fold.
"""

from collections import Counter
from collections.abc import Callable
from uuid import UUID

from domain.conversations.events import ConversationResolved, ConversationStarted, MessageSent
from projections.view import Batch, Database

NAME = "tally"
VERSION = 1
LISTENS = (ConversationStarted, MessageSent, ConversationResolved)

poisoned: set[UUID] = set()
meanwhile: list[Callable[[], None]] = []
"""What happens while a batch is folded, each once."""


class CannotBeFolded(Exception):
    """The fold has met a fact that it was not written for."""


def fold(batch: Batch, db: Database) -> None:
    for recorded in batch:
        if recorded.stream in poisoned:
            raise CannotBeFolded(recorded.stream)
        db.execute(
            """insert into tally values (%s, %s, 1, %s) on conflict (tenant_id, stream_id)
            do update set facts = tally.facts + 1, version = excluded.version""",
            (recorded.tenant, recorded.stream, recorded.version),
        )
    for tenant, facts in Counter(recorded.tenant for recorded in batch).items():
        db.execute(
            """insert into tally_total values (%s, %s) on conflict (tenant_id)
            do update set facts = tally_total.facts + excluded.facts""",
            (tenant, facts),
        )
    while meanwhile:
        meanwhile.pop()()
