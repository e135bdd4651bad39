"""Opens what views and the log give: one question to the keyring for everything that is shown together."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from application.ports import Keyring
from domain.shared.event import Erased, Sealed


async def opened(keyring: Keyring, tenant: UUID, fields: Sequence[Sealed | None]) -> list[Any]:
    """The plain value of each field, in order: None where there was none, Erased where a key was destroyed.

    Raises Unavailable when the keys cannot be had, Damaged when a field does not open in its place.
    """
    sealed = [field for field in fields if field is not None]
    plain = iter(await keyring.open(tenant, sealed) if sealed else ())
    return [None if field is None else _value(field, next(plain)) for field in fields]


def shown(value: Any) -> Any:
    """A value as it goes out: what was erased is nothing."""
    return None if isinstance(value, Erased) else value


def _value(field: Sealed, plain: bytes | None) -> Any:
    return Erased(field.place.field) if plain is None else msgspec.msgpack.decode(plain)
