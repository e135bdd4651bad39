"""Rows of a view, many at a time: one statement to load what a batch touches, one to write it back."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

import msgspec
from psycopg import sql

from projections.view import Database

R = TypeVar("R", bound=msgspec.Struct)
Key = tuple[UUID, UUID]
"""Tenant and id: the primary key of most rows."""


def load(db: Database, table: str, kind: type[R], keys: Iterable[Key]) -> dict[Key, R]:
    """The rows of these keys. The fields of ``kind`` are the table's columns; the first two are the key."""
    names = kind.__struct_fields__
    wanted = list(keys)
    query = sql.SQL("select {} from {} t join unnest(%s::uuid[], %s::uuid[]) w (a, b) on {} = w.a and {} = w.b").format(
        sql.SQL(", ").join(sql.Identifier("t", name) for name in names),
        sql.Identifier(table),
        sql.Identifier("t", names[0]),
        sql.Identifier("t", names[1]),
    )
    rows = db.execute(query, ([a for a, _ in wanted], [b for _, b in wanted])).fetchall()
    return {(row[0], row[1]): kind(*row) for row in rows}


def write(db: Database, table: str, rows: Sequence[msgspec.Struct], *, key: int = 2) -> None:
    """Inserts the rows, or replaces those with the same first ``key`` columns."""
    if not rows:
        return
    names = rows[0].__struct_fields__
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    places = sql.SQL(", ").join(sql.Placeholder() for _ in names)
    replaced = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(n)) for n in names[key:])
    query = sql.SQL("insert into {} ({}) values ({}) on conflict ({}) do update set {}").format(
        sql.Identifier(table), columns, places, sql.SQL(", ").join(map(sql.Identifier, names[:key])), replaced
    )
    with db.cursor() as cursor:
        cursor.executemany(query, [msgspec.structs.astuple(row) for row in rows])


def forgotten_among(db: Database, table: str, people: Iterable[Key]) -> set[Key]:
    """Who of these people was forgotten before: nothing more is kept of them. A table of the view's own remembers, for
    what a person did may be folded after they were forgotten, when its stream was parked meanwhile."""
    wanted = list(people)
    query = sql.SQL(
        """select tenant_id, subject from {} f
        join unnest(%s::uuid[], %s::uuid[]) w (a, b) on f.tenant_id = w.a and f.subject = w.b"""
    ).format(sql.Identifier(table))
    return set(db.execute(query, ([a for a, _ in wanted], [b for _, b in wanted])).fetchall())


def remember_forgotten(db: Database, table: str, people: Iterable[Key]) -> None:
    """From now on nothing of these people is kept in this view."""
    query = sql.SQL("insert into {} values (%s, %s) on conflict do nothing").format(sql.Identifier(table))
    db.cursor().executemany(query, list(people))
