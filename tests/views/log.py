"""A log to write into, with keys of its own."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from infrastructure.event_log.appending import FactRow, columns
from infrastructure.keys.facts import ScopeKey, scopes_of
from tests.shown import Happened, as_request, sealed

REQUESTS = ("uuid", "uuid", "bytea", "uuid", "int", "text", "uuid", "uuid", "uuid")
FACTS = ("int", "text", "uuid", "int", "uuid", "text", "bytea", "bytea")
ARRAYS = ", ".join(f"%s::{name}[]" for name in REQUESTS + FACTS)
APPEND = f"select outcome, position from log.append({ARRAYS})"
Key = tuple[UUID, str]


class Log:
    """Remembers the version of every stream and the key of every scope; all that happens at once is one request."""

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self._db = db
        self._versions: dict[tuple[UUID, str, UUID], int] = {}
        self._keys: dict[Key, ScopeKey] = {}
        self.rows: list[tuple[UUID, FactRow]] = []

    def write(self, tenant: UUID, *happenings: Happened) -> int:
        """The position of the last fact."""
        return self.append(tenant, [row for what in happenings for row in self.sealed(tenant, what)])

    def sealed(self, tenant: UUID, what: Happened) -> tuple[FactRow, ...]:
        """The next facts of a stream, ready to be stored."""
        stream = (tenant, what.kind, what.stream)
        scopes = {scope for fact in what.facts for scope in scopes_of(fact)}
        keys = {scope: self._keys.setdefault((tenant, scope), _key(len(self._keys))) for scope in scopes}
        rows = sealed(tenant, what, after=self._versions.get(stream, 0), keys=keys)
        self._versions[stream] = rows[-1].version
        return rows

    def append(self, tenant: UUID, rows: Sequence[FactRow]) -> int:
        """Rows as they are, whatever is in them."""
        values = columns([as_request(tenant, tuple(rows))])
        answer = self._db.execute(APPEND, values).fetchone()
        assert answer is not None
        assert answer[0] == "done"
        self.rows += [(tenant, row) for row in rows]
        return int(answer[1])


def _key(number: int) -> ScopeKey:
    return ScopeKey(1, number.to_bytes(32))
