"""Whether the database is of this version: every process looks when it starts."""

import psycopg
from psycopg import sql

from infrastructure.database.connections import APP
from infrastructure.database.migrations import refuse_other_schema
from projections import views


class SchemaIsBehind(Exception):
    """The database lacks what this version needs; the message says how it gets there."""


def refuse_other_version(dsn: str) -> None:
    """Raises SchemaIsForeign for a database of another version, a newer one perhaps, and SchemaIsBehind for one that
    was not brought up to this one. Says nothing of a database that does not answer: whoever asks waits for it."""
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as db:
            db.execute(sql.SQL("set role {}").format(sql.Identifier(APP)))
            missing = refuse_other_schema(db, views.ALL)
    except psycopg.OperationalError:
        return
    except psycopg.Error:
        # A role that is not there, a table that it may not read: nobody has run this version's migrations here.
        missing = ["roles and rights"]
    if missing:
        raise SchemaIsBehind(f"The database lacks {', '.join(missing)}. Bring it up first: helpr migrate")
