"""Facts happen, views follow the log, somebody asks: what are they shown?

Everything is real: the log's own function, sealed fields, folds in the role of a worker, answers in the role of the
API. Whatever happens in one organisation happens under the same ids in another one as well, so that each test sees
whether a view keeps them apart.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self
from uuid import UUID

import msgspec
import psycopg
import pytest

from domain.compliance.erasure import Erasure
from domain.compliance.events import ErasureDecided, ErasureReason
from domain.shared.event import Event, Sealed
from domain.shared.recorded import Actor, ActorKind
from infrastructure.database.connections import connect_pool, connect_worker, reading
from infrastructure.event_log.appending import AppendRequest, FactRow, columns
from infrastructure.event_log.group_commit import APPEND
from infrastructure.event_log.pages import LogPages
from infrastructure.keys.digests import new_id
from infrastructure.keys.facts import ScopeKey, plain, scopes_of, seal
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.sqlite_store import SqliteKeyStore
from infrastructure.views.folding import Folding, commit
from infrastructure.views.generations import SHARDS, serving
from projections.view import View
from tests.conftest import Database

SOMEBODY = Actor(ActorKind.SYSTEM, UUID(int=0))
BACKDATED = """insert into log.events (position, tenant_id, stream_kind, stream_id, version, event_id, name,
    recorded_at, actor_kind, actor_id, correlation_id, command_id, data, hash)
    select coalesce(max(position), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 from log.events"""
UNREADABLE = "(its key was destroyed)"


class Memory(Protocol):
    STREAM: ClassVar[str]


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """Facts in one stream, at once. ``at`` is when, if that matters."""

    kind: str
    stream: UUID
    facts: tuple[Event, ...]
    by: Actor = SOMEBODY
    at: datetime | None = None


def happened(
    memory: type[Memory], stream: UUID, *facts: Event, by: Actor = SOMEBODY, at: datetime | None = None
) -> Happened:
    """These facts, in a stream of this kind."""
    return Happened(kind=memory.STREAM, stream=stream, facts=facts, by=by, at=at)


def forgotten(subject: UUID) -> Happened:
    """It is decided that this person is to be forgotten."""
    return happened(Erasure, subject, ErasureDecided(subject=subject, reason=ErasureReason.REQUESTED))


def sealed(tenant: UUID, what: Happened, *, after: int, keys: Mapping[str, ScopeKey]) -> tuple[FactRow, ...]:
    """The facts as they are stored, behind a version of their stream."""
    rows = []
    for version, fact in enumerate(what.facts, start=after + 1):
        event_id = new_id()
        data = seal(fact, tenant=tenant, stream=what.stream, version=version, event_id=event_id, keys=keys).data
        rows.append(FactRow(what.kind, what.stream, version, event_id, fact.NAME, data))
    return tuple(rows)


def as_request(tenant: UUID, rows: tuple[FactRow, ...], *, by: Actor = SOMEBODY) -> AppendRequest:
    """What goes into log.append."""
    return AppendRequest(
        tenant=tenant, command=new_id(), fingerprint=b"", made=None, end=rows[-1].version, actor=by,
        correlation=new_id(), causation=None, facts=rows,
    )  # fmt: skip


class Shown:
    """Two organisations, ``acme`` and ``other``; the questions are acme's."""

    def __init__(
        self, pool: Any, worker: psycopg.Connection[Any], keyring: TenantKeyring, view: View, *, most: int
    ) -> None:
        self.pool, self.keyring, self._worker = pool, keyring, worker
        self._folding = Folding(worker, view, serving(worker)[view.NAME][0])
        self._pages = LogPages(worker, most=most)
        self.acme, self.other = new_id(), new_id()
        self._versions: dict[tuple[str, UUID], int] = {}

    async def given(self, *happenings: Happened) -> Self:
        """This happens, in this order."""
        for what in happenings:
            after = self._versions.get((what.kind, what.stream), 0)
            for tenant in (self.other, self.acme):
                scopes = {scope for fact in what.facts for scope in scopes_of(fact)}
                keys = await self.keyring.keys_for(tenant, scopes)
                rows = sealed(tenant, what, after=after, keys=keys)
                await self._append(as_request(tenant, rows, by=what.by), what.at)
            self._versions[what.kind, what.stream] = after + len(what.facts)
        return self

    async def _append(self, request: AppendRequest, at: datetime | None) -> None:
        """As the product does it; at another time than now only past its function."""
        if at is None:
            (answer,) = await self.pool.fetch(APPEND, *columns([request]))
            assert answer["outcome"] == "done"
            return
        for row, hashed in zip(request.facts, columns([request])[-1], strict=True):
            await self.pool.execute(
                BACKDATED, request.tenant, row.kind, row.stream, row.version, row.event_id, row.name, at,
                request.actor.kind, request.actor.id, request.correlation, request.command, row.data, hashed,
            )  # fmt: skip

    async def asked(self, question: Callable[..., Awaitable[Any]], *asked: Any, **how: Any) -> Any:
        """What acme is shown, opened. The other's rows stay away even from a question that asks for them."""
        self._fold()
        async with reading(self.pool, self.acme) as db:
            found = await question(db, self.acme, *asked, **how)
            foreign = await question(db, self.other, *asked, **how)
        async with reading(self.pool, new_id()) as db:
            assert foreign == await question(db, self.other, *asked, **how)
        return await self.opened(found)

    async def opened(self, found: Any) -> Any:
        """The same with everything sealed opened."""
        match found:
            case Sealed():
                (words,) = await self.keyring.open(self.acme, [found])
                return UNREADABLE if words is None else plain(found, words)
            case msgspec.Struct():
                fields = {name: await self.opened(getattr(found, name)) for name in found.__struct_fields__}
                return msgspec.structs.replace(found, **fields)
            case list() | tuple():
                return type(found)([await self.opened(each) for each in found])
            case _:
                return found

    def _fold(self) -> None:
        head, position = self._pages.head(), self._folding.checkpoints()[0]
        while position < head:
            page = self._pages.between(position, head)
            commit([self._folding], page, range(SHARDS), position, page[-1].position)
            position = page[-1].position


@pytest.fixture(params=[1, 500], ids=["fact by fact", "in one batch"])
async def shown(request: pytest.FixtureRequest, module_database: Database, tmp_path: Path) -> AsyncIterator[Shown]:
    """The VIEW that a file of tests is about, over a real log, folded one fact at a time and many at once: the rules
    are the same."""
    keyring = TenantKeyring(LocalRootKey(tmp_path / "root.key"), SqliteKeyStore(tmp_path / "keys.sqlite"))
    await keyring.open_store()
    pool = await connect_pool(module_database.runtime, size=1)
    with connect_worker(module_database.runtime) as worker:
        yield Shown(pool, worker, keyring, request.module.VIEW, most=request.param)
    await pool.close()
    await keyring.close()
