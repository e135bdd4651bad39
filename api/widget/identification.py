"""A visitor says who they are."""

from typing import Annotated

import msgspec
from litestar import Response, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from api.asking import answer
from api.widget.guest import Guest
from application.ports import Asked, EventStore
from application.visitors import identification
from domain.visitors.identification import LONGEST

Said = Annotated[str, msgspec.Meta(max_length=LONGEST)]


class Introduction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it was."""

    name: Said | None = None
    email: Said | None = None
    phone: Said | None = None


@put("/visitor", operation_id="identifyMyself")
async def identify(
    data: JSONBody[Introduction],
    guest: NamedDependency[Guest],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
) -> Response[Introduction]:
    """Keeps what the visitor says of themselves, unverified and for display only."""
    command = identification.Identify(visitor=guest.visitor, name=data.name, email=data.email, phone=data.phone)
    receipt = await identification.identify(command, asked=asked, events=events)
    return answer(data, receipt)
