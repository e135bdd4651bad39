"""The schema and its history: SQL files in order, then a generation of every view."""

from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from infrastructure.keys.digests import digest
from infrastructure.views import generations
from infrastructure.views.generations import Owner
from infrastructure.views.rebuilding import rebuild_all, tidy_up
from projections.view import View

HERE = Path(__file__).parent.parent
FILES = (
    HERE / "event_log" / "schema.sql",
    HERE / "event_log" / "library" / "tracking.sql",
    HERE / "views" / "schema.sql",
    HERE / "reactions" / "schema.sql",
)


OLDEST = 150000
"""The oldest PostgreSQL on which the schema runs, as it numbers itself."""


class SchemaIsForeign(Exception):
    """The database was brought up by another version of the product, a newer one perhaps; the message says by what one
    sees that."""


class DatabaseIsTooOld(Exception):
    """This PostgreSQL is older than the schema needs; the message says how old."""


class OwnerMayNot(Exception):
    """The login that runs the migrations may not do so; the message says which it is."""


def migrate(
    owner_dsn: str,
    views: Sequence[View],
    *,
    runtime_login: str | None = None,
    progress: Callable[[str, int, int], None] = lambda view, done, total: None,
    waiting: Callable[[], None] = lambda: None,
) -> list[str]:
    """Brings the database to this version, one process at a time, and gives the names of what it applied or built;
    views that have changed are rebuilt beside the old ones. ``runtime_login`` is the login that takes the roles of the
    product; ``waiting`` is called when another process is at it.

    Raises DatabaseIsTooOld, SchemaIsForeign, OwnerMayNot; nothing is changed then that this version did not make.
    """
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        if owner.info.server_version < OLDEST:
            version = owner.info.server_version // 10000
            raise DatabaseIsTooOld(f"This is PostgreSQL {version}. Helpr needs PostgreSQL {OLDEST // 10000} or newer.")
        _lock(owner, waiting)
        try:
            return _bring_all_up(owner, views, runtime_login, progress)
        except psycopg.errors.InsufficientPrivilege:
            raise OwnerMayNot(
                "The login of HELPR_DATABASE_OWNER_URL may not make schemas or roles here: let it own the database, "
                "and give it CREATEROLE."
            ) from None


def refuse_other_schema(db: Owner, views: Sequence[View]) -> list[str]:
    """Raises SchemaIsForeign when the database is another version's: when it has what this one does not know. What this
    one knows and the database does not have is given: it is behind."""
    applied, known = _applied(db), {_name(file): digest(file.read_text()) for file in FILES}
    if newer := sorted(applied.keys() - known.keys()):
        raise SchemaIsForeign(f"This database was made by a newer version of Helpr ({', '.join(newer)}). Run that one.")
    if other := sorted(name for name, found in applied.items() if found != known[name]):
        raise SchemaIsForeign(f"{', '.join(other)} was applied here in another form; this is another version's.")
    serving = generations.serving(db) if "views/schema.sql" in applied else {}
    ahead = sorted(v.NAME for v in views if v.NAME in serving and serving[v.NAME][1] > v.VERSION)
    if ahead:
        raise SchemaIsForeign(f"The views {', '.join(ahead)} were built by a newer version of Helpr. Run that one.")
    return [name for name in known if name not in applied]


def _lock(owner: Owner, waiting: Callable[[], None]) -> None:
    row = owner.execute("select pg_try_advisory_lock(7305508, 0)").fetchone()
    if row and not row[0]:
        waiting()
        owner.execute("select pg_advisory_lock(7305508, 0)")


def _bring_all_up(
    owner: Owner, views: Sequence[View], runtime_login: str | None, progress: Callable[[str, int, int], None]
) -> list[str]:
    done = []
    missing = refuse_other_schema(owner, views)
    owner.execute(
        """create table if not exists public.helpr_migrations
        (name text primary key, digest bytea not null, applied_at timestamptz not null default now())"""
    )
    for file in FILES:
        if _name(file) in missing:
            _apply(owner, file)
            done.append(_name(file))
    # Every process looks at its start whether the schema is its own.
    owner.execute("grant select on public.helpr_migrations to helpr_app, helpr_worker")
    # An owner who is no superuser must be allowed to fill views in the role that may write them.
    owner.execute("grant helpr_worker to current_user")
    if runtime_login:
        owner.execute(sql.SQL("grant helpr_app, helpr_worker to {}").format(sql.Identifier(runtime_login)))
    serving = generations.serving(owner)
    old = [v for v in views if v.NAME not in serving or serving[v.NAME][1] != v.VERSION]
    tidy_up(owner, [view for view in views if view not in old])
    rebuild_all(owner, old, progress=progress)
    return [*done, *(f"view {view.NAME}" for view in old)]


def _applied(db: Owner) -> dict[str, bytes]:
    row = db.execute("select to_regclass('public.helpr_migrations') is not null").fetchone()
    if not row or not row[0]:
        return {}
    return {name: bytes(found) for name, found in db.execute("select name, digest from public.helpr_migrations")}


def _apply(owner: Owner, file: Path) -> None:
    text = file.read_text()
    with owner.transaction():
        owner.execute(text)
        owner.execute("insert into public.helpr_migrations values (%s, %s)", (_name(file), digest(text)))


def _name(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"
