"""Facts to bytes and back. Personal fields are sealed whole; everything else stays readable without any key."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from application.ports import Damaged, Unavailable
from domain.shared.event import Erased, Event, Place, Sealed
from infrastructure.keys import record
from infrastructure.keys.marks import marks_of
from infrastructure.keys.record import ScopeRef

encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


class ScopeKey(msgspec.Struct, frozen=True):
    """The key of a scope, and its generation."""

    generation: int
    key: bytes


class ScopeKeys(Protocol):
    async def keys_for(self, tenant: UUID, scopes: Iterable[str]) -> Mapping[str, ScopeKey]:
        """The keys to seal under, made where there are none; raises SubjectIsForgotten for a destroyed scope."""
        ...


class UnknownFact(Unavailable):
    """The log holds a fact that this version of the product does not know. Other processes may be newer."""


class BrokenFact(Damaged):
    """What the log holds under this name is no such fact."""


def scopes_of(fact: Event) -> tuple[str, ...]:
    """The scopes under which the personal fields of a fact are sealed; empty when it has none."""
    marks = marks_of(type(fact))
    for name in marks.personal:
        if getattr(fact, name) is not None:
            return tuple(sorted([_scope(kind, getattr(fact, field)) for field, kind in marks.scopes.items()]))
    return ()


@lru_cache(maxsize=4096)
def _scope(kind: str, name: Any) -> str:
    return f"{kind}:{name}"


class Kept(msgspec.Struct, frozen=True):
    """A fact as it is stored, a msgpack map with sealed records for its personal fields, and as the log gives it."""

    data: bytes
    fact: Event


def seal(
    fact: Event, *, tenant: UUID, stream: UUID, version: int, event_id: UUID, keys: Mapping[str, ScopeKey]
) -> Kept:
    """Seals the personal fields of a fact for this place, under the keys of its scopes.

    Raises TypeError for a field that is Sealed or Erased already: the ciphertext would become the text.
    """
    marks = marks_of(type(fact))
    stored = {name: getattr(fact, name) for name in marks.clear}
    sealed: dict[str, Sealed] = {}
    refs: list[ScopeRef] = []
    under: list[bytes] = []
    for name in marks.personal:
        stored[name] = value = getattr(fact, name)
        if value is None:
            continue
        _refuse_sealed(fact, name, value)
        if not refs:
            for scope in scopes_of(fact):
                refs.append(ScopeRef(scope, keys[scope].generation))
                under.append(keys[scope].key)
        place = Place(tenant, stream, version, event_id, fact.NAME, name)
        stored[name] = record.seal(under, refs, encode(value), place)
        sealed[name] = Sealed(stored[name], place)
    return Kept(encode(stored), replace(fact, **sealed) if sealed else fact)


def _refuse_sealed(fact: Event, name: str, value: Any) -> None:
    if any(isinstance(part, Sealed | Erased) for part in (value if isinstance(value, tuple) else (value,))):
        raise TypeError(f"{fact.NAME}.{name} is sealed or erased already")


def unfold(name: str, data: bytes, *, tenant: UUID, stream: UUID, version: int, event_id: UUID) -> Event:
    """The fact that is stored under a name, its personal fields Sealed. Needs no key; raises UnknownFact,
    BrokenFact."""
    kind = Event.named.get(name)
    if kind is None:
        raise UnknownFact(name)
    decode, fields, personal = _stored_form(kind)
    try:
        stored = decode(data)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BrokenFact(name) from error
    values = {field: getattr(stored, field) for field in fields}
    for field in personal:
        if values[field] is not None:
            values[field] = Sealed(values[field], Place(tenant, stream, version, event_id, name, field))
    return kind(**values)


def plain(sealed: Sealed, opened: bytes) -> Any:
    """The value that was sealed, from its opened bytes."""
    return _decoder(sealed.place.name, sealed.place.field)(opened)


@cache
def _decoder(name: str, field: str) -> Callable[[bytes], Any]:
    return msgspec.msgpack.Decoder(marks_of(Event.named[name]).personal[field]).decode


@cache
def _stored_form(kind: type[Event]) -> tuple[Callable[[bytes], Any], tuple[str, ...], tuple[str, ...]]:
    """A twin of the fact whose personal fields are bytes; fields that came later keep their defaults."""
    marks = marks_of(kind)
    fields: list[Any] = []
    for field in msgspec.structs.fields(kind):
        stored = bytes | None if field.name in marks.personal else marks.clear[field.name]
        if field.default is not msgspec.NODEFAULT:
            fields.append((field.name, stored, field.default))
        elif field.default_factory is not msgspec.NODEFAULT:
            fields.append((field.name, stored, msgspec.field(default_factory=field.default_factory)))
        else:
            fields.append((field.name, stored))
    twin = msgspec.defstruct(f"Stored{kind.__name__}", fields, kw_only=True)
    return msgspec.msgpack.Decoder(twin).decode, tuple(f[0] for f in fields), tuple(marks.personal)
