"""What is counted each day, over HTTP."""

from datetime import date
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.asking import page
from api.caller import Caller
from domain.shared.permission import Permission
from domain.shared.refusal import Malformed
from projections.usage import daily
from projections.usage.daily import Day
from projections.view import Reads

LONGEST = 3660


class Days(msgspec.Struct, frozen=True):
    """The days on which anything happened (UTC), in order."""

    days: list[Day]


@get("/usage/daily", operation_id="readDays", opt={"permission": Permission.REPORTS})
async def read_days(
    first: Annotated[date, QueryParameter(description="the first day, 2026-11-01")],
    last: Annotated[date, QueryParameter(description="the last day, that one included")],
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    at_least: NamedDependency[int],
) -> Response[Days]:
    """Conversations, messages of either side and resolutions, day by day."""
    if not 0 <= (last - first).days <= LONGEST:
        raise Malformed("last", "must not be before first, nor more than ten years after it")
    position = reads.position(caller.tenant, daily.NAME)
    async with reads(caller.tenant, daily.NAME, at_least=at_least) as db:
        days = await daily.days(db, caller.tenant, first=first, last=last)
    return page(Days(days), position)
