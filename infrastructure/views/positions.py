"""How far each view is, as the workers tell: who has written can wait until they can read it."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

from infrastructure.database.lost import AWAY
from infrastructure.views.folding import shard_of
from infrastructure.views.generations import SHARDS

QUERY = """select c.view, c.shard, c.position from views.checkpoints c
    join views.generations g using (view, generation) where g.state = 'serving'"""
LOOK = 0.25
"""Seconds after which somebody who waits looks for themselves: a wake-up may have been lost."""


class Positions:
    """Follows the wake-ups of channel helpr_views. ``moved`` is told of every view that has moved."""

    def __init__(self, pool: Any, moved: Callable[[str], None] = lambda view: None) -> None:
        self._pool, self._moved = pool, moved
        self._known: dict[tuple[str, int], int] = {}
        self._crashes = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    def of(self, view: str, tenant: UUID) -> int:
        """The position that a tenant's rows of a view have reached at least."""
        return self._known.get((view, shard_of(tenant)), 0)

    def told(self, payload: str) -> None:
        """A worker's wake-up: ``view,view,… position mask``, the mask's bits naming the shards; or "" after a gap."""
        if not payload:
            self._begin_to_look()
            return
        views, position, mask = payload.split()
        bits = int(mask, 16)
        shards = [shard for shard in range(SHARDS) if bits >> shard & 1]
        for view in views.split(","):
            for shard in shards:
                self._learn(view, shard, int(position))
            self._moved(view)
        self._wake()

    def forget(self) -> None:
        """The server may have crashed, and views stand where they stood on its disk: what was told is no longer so."""
        self._known.clear()
        self._crashes += 1

    async def look(self) -> None:
        """Reads all positions from the database; when it is away, what is known stays. However many wait, one looks."""
        await asyncio.shield(self._begin_to_look())

    def _begin_to_look(self) -> asyncio.Task[None]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._read())
        return self._looking

    async def _read(self) -> None:
        with contextlib.suppress(*AWAY):
            crashes, rows = self._crashes, await self._pool.fetch(QUERY)
            if crashes != self._crashes:
                return
            for view, shard, position in rows:
                self._learn(view, shard, position)
            for view in {view for view, _, _ in rows}:
                self._moved(view)
            self._wake()

    async def reached(self, view: str, tenant: UUID, position: int, *, within: float = 2.0) -> bool:
        """Waits until the view is there; False when that takes longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self.of(view, tenant) < position:
                    await self._movement()
        return self.of(view, tenant) >= position

    async def _movement(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await asyncio.wait_for(waiting, LOOK)
        except TimeoutError:
            await self.look()
        finally:
            self._waiting.discard(waiting)

    def _learn(self, view: str, shard: int, position: int) -> None:
        self._known[view, shard] = max(position, self._known.get((view, shard), 0))

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
