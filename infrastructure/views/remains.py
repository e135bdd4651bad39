"""Looking for what may be left of a person: sealed pieces in every view, and keys that could still open them."""

import asyncio
import time
from typing import Any
from uuid import UUID

from infrastructure.views.folding import shard_of

TABLES = """select g.view, c.table_schema, c.table_name, c.column_name, c.udt_name
    from views.generations g
    join information_schema.columns c on c.table_schema = g.view || '_' || g.generation
    where c.udt_name in ('bytea', '_bytea') order by 1, 2, 3, 4"""
SECONDS = 60
PATIENCE = f"set local statement_timeout = '{SECONDS}s'"
"""All rows of an organisation are looked through, which takes longer than a question of somebody's may."""
HEAD = "select coalesce(max(position), 0) from log.events"
BEHIND = """select count(*) from views.checkpoints c join views.generations g using (view, generation)
    where g.state = 'serving' and c.shard = $1 and c.position < $2"""


class SealedRemains:
    """``workers`` is a pool of the role that sees all rows, ``keyring`` counts keys that live. Views may take
    ``moment`` seconds to hear what has happened."""

    def __init__(self, workers: Any, keyring: Any, *, moment: float = 2.0) -> None:
        self._workers, self._keyring, self._moment = workers, keyring, moment

    async def search(self, tenant: UUID, subject: UUID) -> dict[str, int]:
        """For each place, how many pieces are left. A record names its scopes in the clear, so what is sealed under
        the person's key is found wherever it lies, also where a view is being built anew or was once. Views that have
        not heard everything yet count as a place, too."""
        scope = f"subject:{subject}"
        places = {"keys": await self._keyring.living(tenant, scope)}
        async with self._workers.acquire() as db:
            places["views behind"] = await self._behind(db, shard_of(tenant))
            for view, *where in await db.fetch(TABLES):
                async with db.transaction():
                    await db.execute(PATIENCE)
                    count = await db.fetchval(_query(*where), tenant, scope.encode(), timeout=SECONDS)
                places[f"view {view}"] = places.get(f"view {view}", 0) + count
        return places

    async def _behind(self, db: Any, shard: int) -> int:
        """How many views lack something that has happened by now. They are given a moment: the end of a busy log is
        always a little ahead of them, and nobody would ever be proved to be forgotten there."""
        head, until = await db.fetchval(HEAD), time.monotonic() + self._moment
        while True:
            behind = int(await db.fetchval(BEHIND, shard, head))
            if not behind or time.monotonic() >= until:
                return behind
            await asyncio.sleep(0.02)


def _query(schema: str, table: str, column: str, kind: str) -> str:
    """Names come from the catalogue of our own schemas."""
    place = f'"{schema}"."{table}"'
    if kind == "bytea":
        found = f'position($2 in "{column}") > 0'
    else:
        found = f'exists (select from unnest("{column}") piece where position($2 in piece) > 0)'
    return f"select count(*) from {place} where tenant_id = $1 and {found}"  # noqa: S608
