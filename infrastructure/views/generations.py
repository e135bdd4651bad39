"""Generations of a view: each in a schema of its own, one of them serving."""

from typing import Any

import msgspec
from psycopg import Connection, sql

from projections.view import View, tables_of

SHARDS = 16
Owner = Connection[tuple[Any, ...]]


class Generation(msgspec.Struct, frozen=True):
    view: str
    number: int

    @property
    def schema(self) -> str:
        return f"{self.view}_{self.number}"


def create(owner: Owner, view: View, *, state: str) -> Generation:
    """Makes the tables of a new generation, empty, with checkpoints at 0."""
    newest = owner.execute("select max(generation) from views.generations where view = %s", (view.NAME,)).fetchone()
    generation = Generation(view.NAME, ((newest and newest[0]) or 0) + 1)
    schema = sql.Identifier(generation.schema)
    owner.execute(sql.SQL("create schema {}").format(schema))
    owner.execute(sql.SQL("set local search_path = {}").format(schema))
    owner.execute(tables_of(view))
    owner.execute("set local search_path = public")
    owner.execute(sql.SQL("grant usage on schema {} to helpr_app, helpr_worker").format(schema))
    for table in tables(owner, generation):
        _protect(owner, generation, table)
    row = (view.NAME, generation.number)
    owner.execute("insert into views.generations values (%s, %s, %s, %s)", (*row, view.VERSION, state))
    owner.execute(
        """insert into views.checkpoints (view, generation, shard, position)
        select %s, %s, s, 0 from generate_series(0, 15) s""",
        row,
    )
    return generation


def publish(owner: Owner, generation: Generation) -> None:
    """Shows this generation's tables in schema "read", in place of another's."""
    for table in tables(owner, generation):
        name = sql.Identifier("read", table)
        owner.execute(sql.SQL("drop view if exists {}").format(name))
        owner.execute(
            sql.SQL("create view {} with (security_invoker = true) as select * from {}").format(
                name, sql.Identifier(generation.schema, table)
            )
        )
        owner.execute(sql.SQL("grant select on {} to helpr_app, helpr_worker").format(name))


def take_over(owner: Owner, new: Generation) -> None:
    """The new generation serves from here on; the old ones are gone. One transaction, the caller's."""
    old = [
        Generation(new.view, number)
        for (number,) in owner.execute(
            "select generation from views.generations where view = %s and generation <> %s", (new.view, new.number)
        )
    ]
    publish(owner, new)
    for generation in old:
        drop(owner, generation)
    owner.execute(
        "update views.generations set state = 'serving' where view = %s and generation = %s", (new.view, new.number)
    )


def drop(owner: Owner, generation: Generation) -> None:
    """Removes a generation with all its rows."""
    owner.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(generation.schema)))
    owner.execute(
        "delete from views.generations where view = %s and generation = %s", (generation.view, generation.number)
    )


def drop_unfinished(owner: Owner, view: View) -> None:
    """Removes what rebuilds left behind that died before they could tidy up. Only whoever may rebuild may do this."""
    query = "select generation from views.generations where view = %s and state = 'filling'"
    for (number,) in owner.execute(query, (view.NAME,)).fetchall():
        drop(owner, Generation(view.NAME, number))


def serving(db: Owner) -> dict[str, tuple[Generation, int]]:
    """The serving generation of each view, and the version of the view that it was made for."""
    query = "select view, generation, version from views.generations where state = 'serving'"
    return {view: (Generation(view, number), version) for view, number, version in db.execute(query)}


def tables(db: Owner, generation: Generation) -> list[str]:
    """The names of a generation's tables."""
    query = "select tablename from pg_tables where schemaname = %s order by 1"
    return [name for (name,) in db.execute(query, (generation.schema,))]


def _protect(owner: Owner, generation: Generation, table: str) -> None:
    """Row-level security for everybody, the owner included: readers see one tenant, workers write for all."""
    name = sql.Identifier(generation.schema, table)
    for statement in (
        "alter table {} enable row level security",
        "alter table {} force row level security",
        "create policy one_tenant on {} for select to helpr_app"
        " using (tenant_id = (select nullif(current_setting('helpr.tenant', true), '')::uuid))",
        "create policy all_tenants on {} to helpr_worker using (true) with check (true)",
        "grant select on {} to helpr_app",
        "grant select, insert, update, delete on {} to helpr_worker",
    ):
        owner.execute(sql.SQL(statement).format(name))
