"""Having a person forgotten, over HTTP, and seeing how far that is."""

from datetime import datetime
from functools import reduce
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from api.asking import POSITION, page
from api.caller import Caller
from application.compliance import erasure
from application.compliance.erasure import EraseVisitor, SubjectIsUnknown
from application.ports import Asked, EventStore, History, Knows, Unavailable
from domain.compliance.erasure import Erasure
from domain.compliance.events import ErasureReason
from domain.shared.ids import VisitorId
from domain.shared.permission import Permission
from projections.compliance import erasures
from projections.view import Reads


class ErasureWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the person is to be forgotten."""

    reason: Annotated[ErasureReason, msgspec.Meta(description="requested, child, inactive or unlawful")]


class ErasureShown(msgspec.Struct, frozen=True):
    """Decided: there is no way back. Shredded: the keys are destroyed. Proved: every place was searched for remains."""

    visitor: UUID
    reason: erasures.Reason
    state: erasures.State
    decided_at: datetime
    shredded_at: datetime | None
    proved_at: datetime | None
    keys: int


class Erasures(msgspec.Struct, frozen=True):
    """``next`` is what to pass as ``after`` for the next page; null at the end."""

    erasures: list[ErasureShown]
    next: str | None


@post(
    "/visitors/{visitor:uuid}/erasure",
    operation_id="eraseVisitor",
    opt={"permission": Permission.ERASE},
    status_code=202,
)
async def erase_visitor(
    visitor: FromPath[UUID],
    data: JSONBody[ErasureWanted],
    caller: NamedDependency[Caller],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
    visitors: NamedDependency[Knows],
    reads: NamedDependency[Reads],
    history: NamedDependency[History],
) -> Response[ErasureShown]:
    """Decides to forget a visitor. Their keys are destroyed within a second; the answer says how far that is."""
    command = EraseVisitor(visitor=VisitorId(visitor), reason=data.reason)
    receipt = await erasure.erase_visitor(command, asked=asked, events=events, visitors=visitors)
    try:
        shown = await _erasure(reads, caller.tenant, visitor, at_least=receipt.position)
    except Unavailable:
        # What was decided is decided, also while its view is behind.
        happened = await history.stream(caller.tenant, Erasure.STREAM, visitor)
        shown = _shown(reduce(erasures.after, happened[1:], erasures.after(None, happened[0])))
    return Response(shown, status_code=202, headers={POSITION: str(receipt.position)})


@get("/visitors/{visitor:uuid}/erasure", operation_id="readErasure", opt={"permission": Permission.ERASE})
async def read_erasure(
    visitor: FromPath[UUID],
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    at_least: NamedDependency[int],
) -> Response[ErasureShown]:
    """How far the forgetting of a visitor is."""
    position = reads.position(caller.tenant, erasures.NAME)
    return page(await _erasure(reads, caller.tenant, visitor, at_least=at_least), position)


@get("/erasures", operation_id="listErasures", opt={"permission": Permission.ERASE})
async def list_erasures(
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    at_least: NamedDependency[int],
    after: Annotated[str | None, QueryParameter(max_length=200)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Response[Erasures]:
    """Who was or is being forgotten, the newest first."""
    position = reads.position(caller.tenant, erasures.NAME)
    async with reads(caller.tenant, erasures.NAME, at_least=at_least) as db:
        found, following = await erasures.page(db, caller.tenant, after=after, limit=limit)
    return page(Erasures([_shown(each) for each in found], following), position)


async def _erasure(reads: Reads, tenant: UUID, visitor: UUID, *, at_least: int) -> ErasureShown:
    async with reads(tenant, erasures.NAME, at_least=at_least) as db:
        found = await erasures.erasure(db, tenant, visitor)
    if found is None:
        raise SubjectIsUnknown
    return _shown(found)


def _shown(found: erasures.Erasure) -> ErasureShown:
    return ErasureShown(
        visitor=found.subject,
        reason=found.reason,
        state=found.state,
        decided_at=found.decided_at,
        shredded_at=found.shredded_at,
        proved_at=found.proved_at,
        keys=found.keys,
    )
