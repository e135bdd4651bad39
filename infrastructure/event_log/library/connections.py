"""psycopg connections for the threads of an application of the library, and its names for what goes wrong."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Semaphore
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing import persistence
from psycopg.conninfo import make_conninfo

from infrastructure.database import connections as ours

Db = psycopg.Connection[tuple[Any, ...]]


class Connections:
    """At most so many connections; each is lent to one thread at a time, and a broken one is replaced."""

    def __init__(self, connect: Callable[[], Db], *, most: int = 8, patience: float = 30.0) -> None:
        self._connect, self._patience = connect, patience
        self._turns = Semaphore(most)
        self._free: deque[Db] = deque()
        self._is_closed = False

    @contextmanager
    def lent(self) -> Iterator[Db]:
        """A connection in autocommit mode; raises the library's errors in place of psycopg's."""
        if not self._turns.acquire(timeout=self._patience):
            raise persistence.ConnectionUnavailableError("no connection to the log has come free in time")
        try:
            with named_as_in_the_library():
                connection = self._free.pop() if self._free else self.another()
                try:
                    yield connection
                finally:
                    self._take_back(connection)
        finally:
            self._turns.release()

    def another(self) -> Db:
        """A connection of one's own, to listen on; whoever asks closes it."""
        if self._is_closed:
            raise persistence.ConnectionPoolClosedError
        return self._connect()

    def close(self) -> None:
        self._is_closed = True
        while self._free:
            self._free.pop().close()

    def _take_back(self, connection: Db) -> None:
        is_idle = connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
        if is_idle and not self._is_closed:
            self._free.append(connection)
        else:
            connection.close()


def connect_to_log(dsn: str, tenant: UUID) -> Db:
    """A connection in the role that appends, which sees one organisation where row-level security asks."""
    settings = make_conninfo(
        dsn,
        options=f"-c role={ours.APP} -c helpr.tenant={tenant} -c idle_in_transaction_session_timeout=15s",
        application_name="helpr library",
        connect_timeout=int(ours.DEADLINE),
        keepalives_idle=ours.KEEPALIVE_IDLE,
        keepalives_interval=ours.KEEPALIVE_INTERVAL,
        keepalives_count=ours.KEEPALIVE_COUNT,
        tcp_user_timeout=ours.UNHEARD,
    )
    return psycopg.connect(settings, autocommit=True)


@contextmanager
def named_as_in_the_library() -> Iterator[None]:
    """psycopg and the library both name errors as PEP 249 does."""
    try:
        yield
    except psycopg.Error as error:
        for kind in type(error).__mro__:
            if kind.__module__ == "psycopg" and issubclass(kind, psycopg.DatabaseError | psycopg.InterfaceError):
                raise getattr(persistence, kind.__name__)(str(error)) from error
        raise persistence.PersistenceError(str(error)) from error
