"""The doctor's look at the database: there, new enough, of our schema, its clock right, its views in step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from api.run.doctor.finding import Finding, look, ok, wrong
from infrastructure.database.connections import APP, WORKER
from infrastructure.database.migrations import FILES, OLDEST
from infrastructure.keys.digests import digest
from infrastructure.views.status import ViewStatus, status
from projections import views

Db = psycopg.Connection[tuple[Any, ...]]
LATE, TOO_LATE = 5.0, 60.0
"""Seconds that a view may be behind before one should look, and before something is wrong."""
HELD = 2.0
"""Seconds for which one may be kept waiting."""
OFF, TOO_FAR_OFF = 2.0, 30.0
"""Seconds between two clocks."""
MIGRATE = "helpr migrate brings it up, and so does the next helpr up."
REASONS = {
    "password authentication failed": "It refuses the password.",
    "does not exist": "The database or the role in the DSN does not exist.",
    "too many": "It has no connection left.",
    "starting up": "It is starting up.",
    "shutting down": "It is shutting down.",
    "recovery": "It is recovering.",
}
"""Words of PostgreSQL that say why; anything else it says may repeat parts of the DSN."""


@contextmanager
def connected(dsn: str) -> Iterator[tuple[Db | None, Finding]]:
    """The owner's connection, None when there is none to work with, and what is to be said of it."""
    try:
        db = psycopg.connect(dsn, autocommit=True, connect_timeout=3, options="-c statement_timeout=20s")
    except psycopg.Error as error:
        yield None, wrong("database", _why(error), "Start PostgreSQL, or mend HELPR_DATABASE_OWNER_URL.")
        return
    with db:
        version = db.info.server_version
        says = f"PostgreSQL {version // 10000}.{version % 10000} answers."
        if version < OLDEST:
            mend = f"Helpr needs PostgreSQL {OLDEST // 10000} or newer: move the data there with pg_dump."
            yield None, wrong("database", f"{says} It is too old.", mend)
        else:
            yield db, ok("database", says)


def examine(db: Db, runtime: str) -> Iterator[Finding]:
    """Everything inside the database; no more than its schema when that is not ours."""
    schema = list(_schema(db))
    yield from schema or [ok("schema", f"All {len(FILES)} migrations are applied.")]
    yield _login(runtime)
    if schema:
        return
    yield _clock(db)
    yield from _locks(db)
    yield from _views(status(db))


def _why(error: psycopg.Error) -> str:
    words = str(error)
    return next((reason for sign, reason in REASONS.items() if sign in words), "It does not answer.")


def _schema(db: Db) -> Iterator[Finding]:
    if not _is_there(db, "public.helpr_migrations"):
        yield wrong("schema", "There is none.", f"{MIGRATE} Is this the right database?")
        return
    applied = {name: bytes(found) for name, found in db.execute("select name, digest from public.helpr_migrations")}
    known = {f"{file.parent.name}/{file.name}": digest(file.read_text()) for file in FILES}
    if missing := known.keys() - applied.keys():
        yield wrong("schema", f"It is behind: {', '.join(sorted(missing))} not applied.", MIGRATE)
    if other := {name for name, found in applied.items() if known.get(name) != found}:
        mend = "Run the version of Helpr that made it."
        yield wrong("schema", f"It is another version's: {', '.join(sorted(other))}.", mend)


def _login(runtime: str) -> Finding:
    """The login of the running product: takes both roles, owns nothing."""
    query = """select rolsuper, exists (select from pg_class where relowner = r.oid),
        coalesce(pg_has_role(to_regrole(%s), 'member') and pg_has_role(to_regrole(%s), 'member'), false)
        from pg_roles r where rolname = current_user"""
    try:
        with psycopg.connect(runtime, autocommit=True, connect_timeout=3) as db:
            row = db.execute(query, (APP, WORKER)).fetchone()
    except psycopg.Error as error:
        return wrong("login", _why(error), "Mend HELPR_DATABASE_URL: that is whom the product runs as.")
    is_super, owns, has_roles = row or (False, False, False)
    if not has_roles:
        return wrong("login", "It may not take the product's roles.", f"grant {APP}, {WORKER} to it.")
    if is_super or owns:
        mend = "Give HELPR_DATABASE_URL a login of its own; the owner belongs in HELPR_DATABASE_OWNER_URL."
        return look("login", "It may do more than the product needs.", mend)
    return ok("login", "It takes the product's roles and owns nothing.")


def _clock(db: Db) -> Finding:
    row = db.execute(
        """select extract(epoch from clock_timestamp())::float8, coalesce(extract(epoch from
        (select recorded_at from log.events order by position desc limit 1) - clock_timestamp()), 0)::float8"""
    ).fetchone()
    theirs, ahead = row or (0.0, 0.0)
    if ahead > OFF:
        mend = "Facts keep that moment until the clock is there. Set the database's clock by NTP."
        return wrong("clock", f"The last fact is dated {ahead:,.0f} s in the future.", mend)
    apart = abs(time.time() - theirs)
    says = f"This machine and the database are {apart:,.1f} s apart."
    if apart > TOO_FAR_OFF:
        return wrong("clock", says, "Set both clocks by NTP: sessions and tokens go by them.")
    return look("clock", says, "Set both clocks by NTP.") if apart > OFF else ok("clock", says)


def _locks(db: Db) -> Iterator[Finding]:
    """Whoever keeps others waiting: a process that hangs, a connection whose other end is gone, somebody's psql."""
    query = """select b.pid, b.state, count(distinct w.pid), extract(epoch from max(now() - w.query_start))::float8
        from pg_stat_activity w cross join lateral unnest(pg_blocking_pids(w.pid)) as held (pid)
        join pg_stat_activity b on b.pid = held.pid
        where w.datname = current_database() and now() - w.query_start > make_interval(secs => %s)
        group by b.pid, b.state order by b.pid"""
    holding = db.execute(query, (HELD,)).fetchall()
    for pid, state, waiting, seconds in holding:
        says = f"A connection of PostgreSQL's ({pid}, {state}) has kept {waiting} others waiting for {seconds:,.0f} s."
        yield wrong("locks", says, f"What it was doing is undone, and tried again if it is ours: kill -INT {pid}, or "
                    f"select pg_terminate_backend({pid}).")  # fmt: skip
    if not holding:
        yield ok("locks", "Nobody is kept waiting.")


def _views(found: list[ViewStatus]) -> Iterator[Finding]:
    serving = {line.view: line for line in found if line.state == "serving"}
    ills = [ill for view in views.ALL if (ill := _ill(view.NAME, view.VERSION, serving.get(view.NAME)))]
    yield from ills or [ok("views", f"All {len(views.ALL)} are in step.")]
    for line in found:
        if line.state == "filling":
            says = f"{line.view} is being built anew, {line.lag:,} facts to go."
            yield look("views", says, "If nobody builds it any more, helpr migrate removes it: nobody is proved to be "
                       "forgotten meanwhile.")  # fmt: skip


def _ill(name: str, version: int, line: ViewStatus | None) -> Finding | None:
    if line is None or line.version != version:
        return wrong("views", f"{name} is not of this version.", f"helpr up builds it; or: helpr views rebuild {name}")
    if line.lag < 0:
        mend = "The log was put back from an older copy: see docs/operations.md, then helpr views rebuild."
        return wrong("views", f"{name} has folded {-line.lag:,} facts that the log does not have.", mend)
    if line.parked:
        return wrong("views", f"{name} has parked {line.parked:,} streams.", f"helpr views replay {name}")
    if line.lag and line.seconds > LATE:
        says = f"{name} is {line.lag:,} facts and {line.seconds:,.0f} s behind."
        mend = "Does a view worker run? Read logs/views.log; it goes on where it stands."
        return wrong("views", says, mend) if line.seconds > TOO_LATE else look("views", says, mend)
    return None


def _is_there(db: Db, table: str) -> bool:
    row = db.execute("select to_regclass(%s) is not null", (table,)).fetchone()
    return bool(row and row[0])
