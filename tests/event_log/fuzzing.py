"""One process of writers that do everything wrong that callers do: collide, give up, ask again, ask otherwise.

It keeps a journal of what it asked for and of what it was told, line by line, so that a process that is killed leaves a
true one. Run by tests/faults/test_many_writers.py; the DSN comes in LOG_DSN.
"""

import asyncio
import os
import random
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from infrastructure.database.connections import connect, connect_pool
from infrastructure.event_log.appending import AppendRequest, FactRow, Outcome
from infrastructure.event_log.group_commit import GroupCommit
from infrastructure.keys.digests import new_id
from infrastructure.processes import die_with_parent
from tests.event_log.writing import request, row

HOT = [UUID(int=1_000 + number) for number in range(20)]
BATCHERS = 2


class Asked(msgspec.Struct, frozen=True, tag=True):
    """A command was sent, with so many facts."""

    command: UUID
    facts: int


class Told(msgspec.Struct, frozen=True, tag=True):
    """A command was answered; ``events`` are the ids of the facts it was sent with, in order."""

    command: UUID
    what: str
    position: int
    events: tuple[UUID, ...]


class Wrong(msgspec.Struct, frozen=True, tag=True):
    """An answer that cannot be."""

    command: UUID
    why: str


Line = Asked | Told | Wrong


class Journal:
    """Each line is in the file before anything else happens."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, line: Line) -> None:
        os.write(self._file, msgspec.json.encode(line) + b"\n")


class Writer:
    def __init__(self, logs: list[GroupCommit], pool: Any, journal: Journal, dice: random.Random) -> None:
        self._logs, self._pool, self._journal, self._dice = logs, pool, journal, dice
        self._heads: dict[UUID, int] = {}

    async def write_until(self, position: int) -> None:
        while await self._command() < position:
            pass

    async def _command(self) -> int:
        """One command, decided again twice at most; the last position it heard of."""
        command, streams = new_id(), self._some_streams()
        for _ in range(3):
            asked = request(*self._decide(streams), command=command)
            outcome = await self._send(asked)
            if outcome.what != "conflict":
                await self._ask_again(asked, outcome)
                return outcome.position
            await self._look(streams)
        return 0

    def _some_streams(self) -> list[UUID]:
        many = self._dice.choice((1, 1, 1, 2, 3))
        return list({self._dice.choice(HOT) if self._dice.random() < 0.6 else new_id() for _ in range(many)})

    def _decide(self, streams: list[UUID]) -> list[FactRow]:
        facts = []
        for stream in streams:
            head = self._heads.get(stream, 0)
            facts += [row(stream, head + n) for n in range(1, 1 + self._dice.choice((1, 1, 5, 20, 50)))]
        return facts

    async def _send(self, asked: AppendRequest) -> Outcome:
        """Until there is an answer: some callers give up at any moment, and come back with the same command."""
        self._journal.write(Asked(asked.command, len(asked.facts)))
        while True:
            sending = asyncio.create_task(self._dice.choice(self._logs).append(asked))
            gives_up = self._dice.random() < 0.05
            await asyncio.wait([sending], timeout=self._dice.random() * 0.004 if gives_up else None)
            if sending.cancel():
                await asyncio.wait([sending])
            if not sending.cancelled():
                outcome = await sending
                self._told(asked, outcome)
                return outcome

    def _told(self, asked: AppendRequest, outcome: Outcome) -> None:
        events = tuple(fact.event_id for fact in asked.facts)
        self._journal.write(Told(asked.command, outcome.what, outcome.position, events))
        if outcome.what in ("done", "repeated"):
            for fact in asked.facts:
                self._heads[fact.stream] = max(self._heads.get(fact.stream, 0), fact.version)

    async def _ask_again(self, asked: AppendRequest, outcome: Outcome) -> None:
        again = self._dice.random()
        if again < 0.05:
            repeated = await self._send(asked)
            if repeated != Outcome("repeated", outcome.made, outcome.position, outcome.version):
                self._journal.write(Wrong(asked.command, f"{outcome} was repeated as {repeated}"))
        elif again < 0.07:
            other = request(row(new_id(), 1), command=asked.command, fingerprint=b"?")
            reused = await self._dice.choice(self._logs).append(other)
            if reused.what != "reused":
                self._journal.write(Wrong(asked.command, f"another command under its name was {reused.what}"))

    async def _look(self, streams: list[UUID]) -> None:
        query = "select stream_id, max(version) from log.events where stream_id = any($1) and tenant_id = $2 group by 1"
        while True:
            try:
                found = await self._pool.fetch(query, streams, UUID(int=1))
            except Exception:
                await asyncio.sleep(0.01)
                continue
            self._heads.update(dict(found))
            return


async def run(file: Path, *, writers: int, until: int, seed: int) -> None:
    dsn = os.environ["LOG_DSN"]
    pool = await connect_pool(dsn, size=2)
    logs = [GroupCommit(lambda: connect(dsn), patience=60, crowd=3) for _ in range(BATCHERS)]
    async with AsyncExitStack() as opened:
        opened.push_async_callback(pool.close)
        for log in logs:
            log.start()
            opened.push_async_callback(log.stop)
        journal = Journal(file)
        await asyncio.gather(
            *[Writer(logs, pool, journal, random.Random(f"{seed} {n}")).write_until(until) for n in range(writers)]
        )


if __name__ == "__main__":
    where, writers, until, seed, parent = sys.argv[1:]
    die_with_parent(parent=int(parent))
    asyncio.run(run(Path(where), writers=int(writers), until=int(until), seed=int(seed)))
