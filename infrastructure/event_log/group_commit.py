"""Many requests, one commit: while a batch is being made durable the next one gathers.

Where very many wait, the next one is on its way to PostgreSQL meanwhile, over a second connection, and stands there
before the lock of the log: neither side waits for the other.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from time import perf_counter
from typing import Any

import asyncpg

from infrastructure.database.lost import LOST
from infrastructure.event_log.appending import (
    PLACEHOLDERS,
    AppendRequest,
    Claim,
    LogUnavailable,
    Outcome,
    columns,
    outcomes,
)
from infrastructure.event_log.lane import Lane

APPEND = f"select * from log.append({', '.join(f'${n}' for n in range(1, PLACEHOLDERS + 1))})"  # noqa: S608
AWAY = (
    *LOST,
    LogUnavailable,
    asyncpg.PostgresSystemError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
)

TICK = 0.1
"""Seconds between two looks at who has waited too long."""
Done = tuple[AppendRequest, Outcome]
Waiting = tuple[AppendRequest, "asyncio.Future[Outcome]"]


class GroupCommit:
    """Appends to the log over one connection, over two while ``crowd`` requests wait. ``connect`` opens one, again
    whenever it was lost.

    A request that was under way when the connection broke is sent again: its command id makes the log answer with the
    first outcome if it had been stored. After ``patience`` seconds without an answer callers get LogUnavailable.
    ``written`` is told of every commit: requests, facts, seconds; ``shared`` of whose it was and how long it took;
    ``stored`` of what was stored now, in its order, with the moment that the log gave it.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Any]],
        *,
        most_facts: int = 500,
        crowd: int = 250,
        most_waiting: int = 20_000,
        patience: float = 5.0,
        written: Callable[[int, int, float], None] = lambda requests, facts, seconds: None,
        shared: Callable[[list[AppendRequest], float], None] | None = None,
        stored: Callable[[list[Done], datetime], None] | None = None,
    ) -> None:
        self._written, self._shared, self._stored = written, shared, stored
        self._most_facts, self._crowd, self._most_waiting, self._patience = most_facts, crowd, most_waiting, patience
        self._waiting: deque[Waiting] = deque()
        self._pending: dict[asyncio.Future[Outcome], float] = {}
        self._claimed: set[Claim] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._lanes = (Lane(connect, least=1), Lane(connect, least=crowd))
        self._is_stopped = False
        self.batches = self.facts = 0

    @property
    def waiting(self) -> int:
        """How many requests have no answer yet."""
        return len(self._pending)

    def start(self) -> None:
        for lane in self._lanes:
            lane.task = asyncio.create_task(self._run(lane), name="group commit")
        self._give_up()

    async def stop(self) -> None:
        """Takes nothing new, finishes what is waiting, then lets go of the connection."""
        self._is_stopped = True
        if self._pending:
            await asyncio.wait(list(self._pending), timeout=self._patience)
        if self._watch:
            self._watch.cancel()
        for lane in self._lanes:
            if lane.task:
                lane.task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await lane.task
            lane.drop()
        self._fail_all()

    async def append(self, request: AppendRequest, *, within: float = math.inf) -> Outcome:
        """Waits until the request is durable, repeated, reused or in conflict, for so many seconds at most.

        Raises LogUnavailable, and whatever stands against this very request.
        """
        if self._is_stopped or len(self._waiting) >= self._most_waiting:
            raise LogUnavailable
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome] = loop.create_future()
        self._pending[answer] = loop.time() + min(self._patience, within)
        self._waiting.append((request, answer))
        self._wake()
        try:
            return await answer
        finally:
            del self._pending[answer]

    def _give_up(self) -> None:
        """Whoever has waited too long is told so. One clock for all: a timer for each costs more than its append."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for answer in [answer for answer, until in self._pending.items() if until <= now and not answer.done()]:
            answer.set_exception(LogUnavailable())
        self._watch = loop.call_later(min(TICK, self._patience / 4), self._give_up)

    def _wake(self) -> None:
        for lane in self._lanes:
            if len(self._waiting) >= lane.least:
                lane.wake.set()

    async def _run(self, lane: Lane) -> None:
        while True:
            await lane.wake.wait()
            lane.wake.clear()
            has_written = False
            while len(self._waiting) >= lane.least and (batch := self._next_batch()):
                claims = {claim for request, _ in batch for claim in request.claims}
                self._claimed |= claims
                try:
                    await self._write(lane, batch)
                finally:
                    self._claimed -= claims
                has_written = True
            if has_written:
                # What waited only for what was under way here may begin elsewhere.
                self._wake()

    def _next_batch(self) -> list[Waiting]:
        batch: list[Waiting] = []
        later: deque[Waiting] = deque()
        claimed = set(self._claimed)
        size = 0
        while self._waiting and size < self._most_facts:
            waiting = self._waiting.popleft()
            if waiting[1].done():
                continue
            claims = waiting[0].claims
            if claimed.isdisjoint(claims):
                batch.append(waiting)
                size += len(waiting[0].facts) or 1
            else:
                later.append(waiting)
            claimed |= claims
        self._waiting = later + self._waiting
        return batch

    async def _write(self, lane: Lane, batch: list[Waiting]) -> None:
        begun = perf_counter()
        try:
            found, moment = await self._append(lane, [request for request, _ in batch])
        except AWAY:
            lane.drop()
            self._waiting.extendleft(reversed([waiting for waiting in batch if not waiting[1].done()]))
            await asyncio.sleep(0.05)
        except Exception as error:
            await self._isolate(lane, batch, error)
        else:
            self.batches += 1
            facts = sum(len(request.facts) for request, _ in batch)
            self.facts += facts
            seconds = perf_counter() - begun
            for (_, answer), outcome in zip(batch, found, strict=True):
                if not answer.done():
                    answer.set_result(outcome)
            self._written(len(batch), facts, seconds)
            if self._shared:
                self._shared([request for request, _ in batch], seconds)
            if self._stored and moment:
                became = zip(batch, found, strict=True)
                self._stored([(request, outcome) for (request, _), outcome in became if outcome.what == "done"], moment)

    async def _isolate(self, lane: Lane, batch: list[Waiting], error: Exception) -> None:
        """One bad request must not take the others down: write them one by one."""
        if len(batch) > 1:
            for waiting in batch:
                await self._write(lane, [waiting])
        elif not batch[0][1].done():
            batch[0][1].set_exception(error)

    async def _append(self, lane: Lane, requests: list[AppendRequest]) -> tuple[list[Outcome], datetime | None]:
        """What became of each, and when what was done now is said to have happened."""
        async with asyncio.timeout(self._patience):
            rows = await lane.fetch(APPEND, *columns(requests))
        return outcomes(rows, len(requests)), next((row[5] for row in rows if row[5]), None)

    def _fail_all(self) -> None:
        while self._waiting:
            _, answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(LogUnavailable())
