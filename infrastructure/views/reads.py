"""Reading views: one tenant's rows, not before the view has reached the position that the reader asks for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from application.ports import Unavailable
from infrastructure.database.connections import reading
from infrastructure.views.positions import Positions


class ViewIsBehind(Unavailable):
    """The view has not reached the position yet that was asked for."""


class ViewReads:
    """Connections for questions to views, from a pool of the role that may only read."""

    def __init__(self, pool: Any, positions: Positions) -> None:
        self._pool, self._positions = pool, positions

    @asynccontextmanager
    async def __call__(self, tenant: UUID, view: str, *, at_least: int = 0) -> AsyncIterator[Any]:
        """A connection that sees one tenant's rows; raises ViewIsBehind when the view does not get there in time."""
        if at_least and not await self._positions.reached(view, tenant, at_least):
            raise ViewIsBehind
        async with reading(self._pool, tenant) as db:
            yield db

    def position(self, tenant: UUID, view: str) -> int:
        """How far the view is at least, as this process knows."""
        return self._positions.of(view, tenant)
