"""Reading views: one tenant's rows, not before the view has reached the position that the reader asks for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from application.ports import Unavailable
from domain.shared.refusal import Refusal
from infrastructure.database.connections import reading
from infrastructure.event_log.reading import LogReader
from infrastructure.views.positions import Positions

SOON = 0.25
"""Seconds after which somebody who waits for a position is asked whether there is such a position at all."""


class ViewIsBehind(Unavailable):
    """The view has not reached the position yet that was asked for."""


class PositionIsAhead(Refusal):
    """So much has not happened yet: no answer has ever given this position."""


class ViewReads:
    """Connections for questions to views, from a pool of the role that may only read."""

    def __init__(self, pool: Any, positions: Positions) -> None:
        self._pool, self._positions = pool, positions

    @asynccontextmanager
    async def __call__(self, tenant: UUID, view: str, *, at_least: int = 0) -> AsyncIterator[Any]:
        """A connection that sees one tenant's rows; raises ViewIsBehind when the view does not get there in time,
        PositionIsAhead when nothing can get there."""
        if at_least:
            await self._wait(tenant, view, at_least)
        async with reading(self._pool, tenant) as db:
            yield db

    async def _wait(self, tenant: UUID, view: str, at_least: int) -> None:
        if await self._positions.reached(view, tenant, at_least, within=SOON):
            return
        if at_least > await LogReader(self._pool).head():
            raise PositionIsAhead
        if not await self._positions.reached(view, tenant, at_least):
            raise ViewIsBehind

    def position(self, tenant: UUID, view: str) -> int:
        """How far the view is at least, as this process knows."""
        return self._positions.of(view, tenant)
