"""Rows of a view, many at a time: one statement to load what a batch touches, one to write it back."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Literal, TypeVar, get_args
from uuid import UUID

import msgspec
from msgspec.structs import asdict
from psycopg import sql

from projections.view import Database

AT_ONCE = 500
R = TypeVar("R", bound=msgspec.Struct)
ActorKind = Literal["agent", "visitor", "system"]
"""Who did it, as rows say it."""
Key = tuple[UUID, UUID]
"""Tenant and id: the primary key of most rows."""


def load(db: Database, table: str, kind: type[R], keys: Iterable[Key]) -> dict[Key, R]:
    """The rows of these keys. The fields of ``kind`` are the table's columns; the first two are the key."""
    wanted = list(keys)
    if not wanted:
        return {}
    rows = db.execute(_loading(table, kind.__struct_fields__), _arrays(wanted))
    return {(row[0], row[1]): kind(*row) for row in rows}


def write(db: Database, table: str, rows: Sequence[msgspec.Struct], *, key: int = 2) -> None:
    """Inserts the rows, or replaces those with the same first ``key`` columns; no two may have the same. They travel as
    JSON, from which PostgreSQL makes each column's own type: measured at half the effort of a statement a row."""
    for start in range(0, len(rows), AT_ONCE):
        chunk = rows[start : start + AT_ONCE]
        names = chunk[0].__struct_fields__
        sealed = _sealed(type(chunk[0]))
        values = [_with_hex(row, sealed) for row in chunk] if sealed else chunk
        db.execute(_writing(table, names, key), (msgspec.json.encode(values).decode(),))


@cache
def _loading(table: str, names: tuple[str, ...]) -> bytes:
    query = sql.SQL("select {} from {} t join unnest(%s::uuid[], %s::uuid[]) w (a, b) on {} = w.a and {} = w.b").format(
        sql.SQL(", ").join(sql.Identifier("t", name) for name in names),
        sql.Identifier(table),
        sql.Identifier("t", names[0]),
        sql.Identifier("t", names[1]),
    )
    return query.as_bytes()


@cache
def _writing(table: str, names: tuple[str, ...], key: int) -> bytes:
    columns, keys = (sql.SQL(", ").join(map(sql.Identifier, some)) for some in (names, names[:key]))
    replaced = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(n)) for n in names[key:])
    query = sql.SQL(
        """insert into {0} ({1}) select {1} from json_populate_recordset(null::{0}, %s::json)
        on conflict ({2}) do update set {3}"""
    ).format(sql.Identifier(table), columns, keys, replaced)
    return query.as_bytes()


@cache
def _sealed(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that hold bytes; everything else is JSON as it is."""
    return tuple(field.name for field in msgspec.structs.fields(kind) if _holds_bytes(field.type))


def _holds_bytes(hint: Any) -> bool:
    return hint is bytes or any(map(_holds_bytes, get_args(hint)))


def _with_hex(row: msgspec.Struct, sealed: Iterable[str]) -> dict[str, Any]:
    values = asdict(row)
    for name in sealed:
        values[name] = _hex(values[name])
    return values


def _hex(value: Any) -> Any:
    """Bytes as PostgreSQL reads them."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return [_hex(each) for each in value] if isinstance(value, list) else value


def forgotten_among(db: Database, table: str, people: Iterable[Key]) -> set[Key]:
    """Who of these people was forgotten before: nothing more is kept of them. A table of the view's own remembers, for
    what a person did may be folded after they were forgotten, when its stream was parked meanwhile."""
    wanted = list(people)
    if not wanted:
        return set()
    query = sql.SQL(
        """select tenant_id, subject from {} f
        join unnest(%s::uuid[], %s::uuid[]) w (a, b) on f.tenant_id = w.a and f.subject = w.b"""
    ).format(sql.Identifier(table))
    return set(db.execute(query, _arrays(wanted)))


def remember_forgotten(db: Database, table: str, people: Iterable[Key]) -> None:
    """From now on nothing of these people is kept in this view."""
    wanted = list(people)
    if wanted:
        query = sql.SQL("insert into {} select * from unnest(%s::uuid[], %s::uuid[]) on conflict do nothing")
        db.execute(query.format(sql.Identifier(table)), _arrays(wanted))


def _arrays(keys: Sequence[Key]) -> tuple[list[UUID], list[UUID]]:
    return [tenant for tenant, _ in keys], [id for _, id in keys]
