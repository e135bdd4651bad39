"""What a view is: a module that says what it listens to, how it folds, and whose tables are in the .sql beside it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from psycopg import Connection

from domain.shared.event import Event
from domain.shared.recorded import Recorded

Batch = Sequence[Recorded[Any]]
Database = Connection[tuple[Any, ...]]


class View(Protocol):
    """``VERSION`` grows when tables or fold change: the view is then rebuilt beside the old one."""

    @property
    def NAME(self) -> str: ...

    @property
    def VERSION(self) -> int: ...

    @property
    def LISTENS(self) -> tuple[type[Event], ...]: ...

    @property
    def __file__(self) -> str | None: ...

    def fold(self, batch: Batch, db: Database) -> None:
        """Takes some hundred facts in order, in one transaction whose search path is the view's own schema."""
        ...


def tables_of(view: View) -> str:
    """The SQL that makes a view's tables."""
    return Path(view.__file__ or "").with_suffix(".sql").read_text()


@runtime_checkable
class Reads(Protocol):
    """Connections for questions to views; every row they show is one tenant's."""

    def __call__(self, tenant: UUID, view: str, *, at_least: int = 0) -> AbstractAsyncContextManager[Any]:
        """Waits for a position that the reader has seen elsewhere; raises when the view is not there in time."""
        ...

    def position(self, tenant: UUID, view: str) -> int:
        """How far the view is at least."""
        ...
