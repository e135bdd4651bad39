"""Whether the log is what was written: nothing changed, nothing missing, nothing moved. Needs no key.

Every column is covered by the leaf of its fact, except its position and its moment, which the log gave it: these have
to go on without a gap, and never backwards.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from infrastructure.keys.digests import leaf, same

Db = Connection[tuple[Any, ...]]
PAGE = 2000
ROWS = """select position, recorded_at, hash, tenant_id, stream_kind, stream_id, version, event_id, name, actor_kind,
    actor_id, correlation_id, causation_id, command_id, data
    from log.events order by position"""
VERSIONS = """select position from (
        select position, version, lag(version) over w as before, lag(position) over w as place
        from log.events window w as (partition by tenant_id, stream_id, stream_kind order by version)) each
    where position <= %s and (version <> coalesce(before + 1, least(version, 1)) or position < place)
    order by position limit 1"""


class Damage(msgspec.Struct, frozen=True):
    """The first position at which the log is not what was written, and how one sees it."""

    position: int
    says: str


def verify(db: Db, moved: Callable[[int, int], None]) -> tuple[int, Damage | None]:
    """How many facts were looked at, and the first damage. ``moved`` is told how far it is.

    It reads one snapshot: what is appended meanwhile is left for the next time. ``db`` is no autocommit connection in
    a transaction.
    """
    db.execute("set transaction isolation level repeatable read read only")
    row = db.execute("select count(*), coalesce(max(position), 0) from log.events").fetchone()
    total, head = row or (0, 0)
    looked, damage = _leaves(db, total, moved)
    damages = [each for each in (damage, _version(db, damage.position if damage else head)) if each]
    damages += [end] if not damages and (end := _end(db, head)) else []
    return looked, min(damages, key=lambda each: each.position, default=None)


def _leaves(db: Db, total: int, moved: Callable[[int, int], None]) -> tuple[int, Damage | None]:
    position, moment, looked = 0, None, 0
    with db.cursor("leaves", binary=True) as rows:
        rows.itersize = PAGE
        for row in rows.execute(ROWS):
            looked += 1
            if says := _wrong(row, position, moment):
                return looked, Damage(position + 1 if row[0] > position + 1 else row[0], says)
            position, moment = row[0], row[1]
            if looked % PAGE == 0:
                moved(looked, total)
    moved(looked, total)
    return looked, None


def _wrong(row: tuple[Any, ...], position: int, moment: datetime | None) -> str:
    found, at, hashed, *fact = row
    if found > position + 1:
        return f"{found - position - 1} facts are missing"
    if found <= position:
        return "a position is there twice"
    if moment is not None and at < moment:
        return "its moment is earlier than that of the fact before"
    if not same(leaf(*fact), bytes(hashed)):
        return "what is stored is not what was hashed when it was written"
    return ""


def _version(db: Db, head: int) -> Damage | None:
    row = db.execute(VERSIONS, (head,)).fetchone()
    return Damage(row[0], "its stream has a gap before it, or goes backwards") if row else None


def _end(db: Db, head: int) -> Damage | None:
    """Views cannot be ahead of their log."""
    row = db.execute("select max(position) from views.checkpoints").fetchone()
    furthest = (row and row[0]) or 0
    says = f"the log ends before, but views have folded {furthest - head} facts more"
    return Damage(head + 1, says) if furthest > head else None
