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
    return None if type(value) is Erased or isinstance(value, Damaged) else value


def is_erased(value: Any) -> bool:
    """Whether this is what is left of something erased. Goes by the very type: a Struct's class is an abstract one, and
    to ask that by ``isinstance`` takes longer than all the rest of a row."""
    return type(value) is Erased


def is_damaged(value: Any) -> bool:
    """Whether this is not what was stored."""
    return isinstance(value, Damaged)


def _value(field: Sealed, plain: bytes | Damaged | None) -> Any:
    if isinstance(plain, bytes):
        return msgspec.msgpack.decode(plain)
    return Erased() if plain is None else plain
