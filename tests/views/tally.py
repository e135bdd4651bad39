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
    if bad := poisoned.intersection(recorded.stream for recorded in batch):
        raise CannotBeFolded(bad)
    counts = Counter((r.tenant, r.stream) for r in batch)
    db.execute(
        """insert into tally select * from unnest(%s::uuid[], %s::uuid[], %s::int[]) on conflict (tenant_id, stream_id)
        do update set facts = tally.facts + excluded.facts""",
        ([tenant for tenant, _ in counts], [stream for _, stream in counts], list(counts.values())),
    )
    totals = Counter(recorded.tenant for recorded in batch)
    db.execute(
        """insert into tally_total select * from unnest(%s::uuid[], %s::int[]) on conflict (tenant_id)
        do update set facts = tally_total.facts + excluded.facts""",
        (list(totals), list(totals.values())),
    )
    while meanwhile:
        meanwhile.pop()()
