"""What a change of a conversation answers."""

from uuid import UUID

import msgspec
from litestar import Response

from api.asking import answer
from application.ports import Receipt


class Changed(msgspec.Struct, frozen=True):
    """The conversation, and how much has happened in it now."""

    conversation: UUID
    sequence: int


def changed(conversation: UUID, receipt: Receipt) -> Response[Changed]:
    """The answer to a change that was taken, or that was so already."""
    return answer(Changed(conversation, receipt.version), receipt)
