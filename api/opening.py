"""Opens what views and the log give: one question to the keyring for everything that is shown together."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from application.ports import Damaged, Keyring
from domain.shared.event import Erased, Sealed


async def opened(keyring: Keyring, tenant: UUID, fields: Sequence[Sealed | None]) -> list[Any]:
    """The plain value of each field, in order: None where there was none, Erased where a key was destroyed, Damaged
    where it does not open in its place. Raises Unavailable when the keys cannot be had."""
    sealed = [field for field in fields if field is not None]
    plain = iter(await keyring.open_each(tenant, sealed) if sealed else ())
    return [None if field is None else _value(field, next(plain)) for field in fields]


def shown(value: Any) -> Any:
    """A value as it goes out: what was erased or is damaged is nothing, and stands beside what says which."""
    return None if isinstance(value, Erased | Damaged) else value


def is_damaged(*values: Any) -> bool:
    """Whether one of the values is not what was stored."""
    return any(isinstance(value, Damaged) for value in values)


def _value(field: Sealed, plain: bytes | Damaged | None) -> Any:
    if isinstance(plain, Damaged):
        return plain
    return Erased(field.place.field) if plain is None else msgspec.msgpack.decode(plain)
