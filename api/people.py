"""The people who ask, as every part of the house shows them: opened, or erased."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

import msgspec

from api.opening import is_damaged, is_erased, opened, shown
from application.ports import Keyring
from projections.view import Reads
from projections.visitors import directory
from projections.visitors.directory import Visitor

Field = Literal["name", "email", "phone", "device", "place", "page"]
FIELDS: tuple[Field, ...] = get_args(Field)


class VisitorShown(msgspec.Struct, frozen=True):
    """What is known of a visitor; everything personal is null once they are erased. What is ``damaged`` is not shown:
    somebody changed what was stored."""

    id: UUID
    first_seen: datetime
    last_seen: datetime
    conversations: int
    erased: bool
    damaged: list[Field]
    name: str | None
    email: str | None
    phone: str | None
    device: dict[str, str] | None
    place: dict[str, str] | None
    page: dict[str, str] | None


async def people(
    tenant: UUID, ids: Sequence[UUID], *, reads: Reads, keyring: Keyring, at_least: int = 0
) -> list[VisitorShown]:
    """These visitors, as far as there are any."""
    async with reads(tenant, directory.NAME, at_least=at_least) as db:
        found = await directory.visitors(db, tenant, list(ids))
    return await visitors_shown(keyring, tenant, found)


async def visitors_shown(keyring: Keyring, tenant: UUID, found: Sequence[Visitor]) -> list[VisitorShown]:
    """Visitors with everything opened that can be opened."""
    values = await opened(keyring, tenant, [getattr(visitor, field) for visitor in found for field in FIELDS])
    width = len(FIELDS)
    return [_shown(visitor, values[n * width : (n + 1) * width]) for n, visitor in enumerate(found)]


def _shown(visitor: Visitor, values: list[object]) -> VisitorShown:
    said = {field: shown(value) for field, value in zip(FIELDS, values, strict=True)}
    is_gone = visitor.is_erased or any(map(is_erased, values))
    times = (visitor.first_seen, visitor.last_seen, visitor.conversations)
    damaged = [field for field, value in zip(FIELDS, values, strict=True) if is_damaged(value)]
    return VisitorShown(visitor.id, *times, is_gone, damaged, **said)
