"""The people who came, over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.asking import page
from api.caller import Caller
from api.people import VisitorShown, people, visitors_shown
from application.ports import Keyring
from domain.shared.permission import Permission
from domain.visitors.arrival import VisitorIsUnknown
from projections.view import Reads
from projections.visitors import directory


class DirectoryPage(msgspec.Struct, frozen=True):
    """``next`` is what to pass as ``after`` for the next page; null at the end."""

    visitors: list[VisitorShown]
    next: str | None


@get("/visitors", operation_id="listVisitors", opt={"permission": Permission.READ})
async def list_visitors(
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    keyring: NamedDependency[Keyring],
    at_least: NamedDependency[int],
    after: Annotated[str | None, QueryParameter(max_length=200)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Response[DirectoryPage]:
    """Visitors, the last seen first."""
    position = reads.position(caller.tenant, directory.NAME)
    async with reads(caller.tenant, directory.NAME, at_least=at_least) as db:
        found, following = await directory.page(db, caller.tenant, after=after, limit=limit)
    return page(DirectoryPage(await visitors_shown(keyring, caller.tenant, found), following), position)


@get("/visitors/{visitor:uuid}", operation_id="readVisitor", opt={"permission": Permission.READ})
async def read_visitor(
    visitor: FromPath[UUID],
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    keyring: NamedDependency[Keyring],
    at_least: NamedDependency[int],
) -> Response[VisitorShown]:
    """What is known of a visitor."""
    position = reads.position(caller.tenant, directory.NAME)
    found = await people(caller.tenant, [visitor], reads=reads, keyring=keyring, at_least=at_least)
    if not found:
        raise VisitorIsUnknown
    return page(found[0], position)
