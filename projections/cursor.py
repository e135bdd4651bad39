"""Cursors: where a page of a list ended, as a word that is opaque to whoever gets it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from domain.shared.refusal import Malformed

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
C = TypeVar("C", bound=msgspec.Struct)


class LastShown(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last row of a page, in a list that is ordered by a moment and an id."""

    moment: Moment
    id: UUID


def to_text(cursor: msgspec.Struct) -> str:
    """A cursor as it goes out."""
    return urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")


def from_text(text: str, kind: type[C]) -> C:
    """The place a cursor names. Malformed for one of another kind, and for one that was made up: also of a moment that
    is none in UTC, which the database would be the first to stumble over."""
    try:
        cursor = msgspec.msgpack.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=kind)
        for part in astuple(cursor):
            if isinstance(part, datetime):
                part.astimezone(UTC)
    except (ValueError, OverflowError, msgspec.MsgspecError):
        raise Malformed("after", "is not a cursor of this list") from None
    return cursor
