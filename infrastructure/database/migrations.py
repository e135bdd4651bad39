"""The schema and its history: SQL files in order, then a generation of every view."""

from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from infrastructure.keys.digests import digest
from infrastructure.views import generations
from infrastructure.views.generations import Owner
from infrastructure.views.rebuilding import rebuild
from projections.view import View

HERE = Path(__file__).parent.parent
FILES = (
    HERE / "event_log" / "schema.sql",
    HERE / "event_log" / "library" / "tracking.sql",
    HERE / "views" / "schema.sql",
    HERE / "reactions" / "schema.sql",
)


class SchemaIsForeign(Exception):
    """A migration that ran here is not the one that this version of the product knows."""


def migrate(
    owner_dsn: str,
    views: Sequence[View],
    *,
    runtime_login: str | None = None,
    progress: Callable[[str, int, int], None] = lambda view, done, total: None,
) -> None:
    """Brings the database to this version, one process at a time; views that have changed are rebuilt beside the old
    ones. ``runtime_login`` is the login that takes the roles of the product."""
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("select pg_advisory_lock(7305508, 0)")
        owner.execute(
            """create table if not exists public.helpr_migrations
            (name text primary key, digest bytea not null, applied_at timestamptz not null default now())"""
        )
        for file in FILES:
            _apply(owner, file)
        # An owner who is no superuser must be allowed to fill views in the role that may write them.
        owner.execute("grant helpr_worker to current_user")
        if runtime_login:
            owner.execute(sql.SQL("grant helpr_app, helpr_worker to {}").format(sql.Identifier(runtime_login)))
        for view in views:
            _bring_up(owner, view, progress)


def _apply(owner: Owner, file: Path) -> None:
    name, text = f"{file.parent.name}/{file.name}", file.read_text()
    found = owner.execute("select digest from public.helpr_migrations where name = %s", (name,)).fetchone()
    if found is None:
        with owner.transaction():
            owner.execute(text)
            owner.execute("insert into public.helpr_migrations values (%s, %s)", (name, digest(text)))
    elif bytes(found[0]) != digest(text):
        raise SchemaIsForeign(f"{name} was applied here in another form; this database is another version's.")


def _bring_up(owner: Owner, view: View, progress: Callable[[str, int, int], None]) -> None:
    known = generations.serving(owner).get(view.NAME)
    if known is None or known[1] != view.VERSION:
        rebuild(owner, view, progress=progress)
