"""A connection of the owner's, for tools that people call by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from api.settings import Settings


class DatabaseIsAway(Exception):
    """The database does not answer; the message says whom to ask."""


@contextmanager
def owning(settings: Settings, *, autocommit: bool = True) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Raises DatabaseIsAway. What PostgreSQL says of a failure may repeat the DSN: it is not shown."""
    try:
        with psycopg.connect(settings.owner_url, autocommit=autocommit, connect_timeout=5) as db:
            yield db
    except psycopg.OperationalError:
        raise DatabaseIsAway("The database does not answer. Ask: helpr doctor") from None
