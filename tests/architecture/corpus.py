"""Samples of every fact that was ever stored, byte for byte. They are added to, never changed:

python -m tests.architecture.corpus --add
"""

import hashlib
import sys
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from domain.shared.event import Event, Place, Sealed
from infrastructure.keys import record
from infrastructure.keys.facts import ScopeKey, plain, scopes_of, seal, unfold
from infrastructure.keys.marks import marks_of
from tests.architecture.catalogue import shape
from tests.architecture.words import facts
from tests.keys.keyrings import unseal

FILE = Path(__file__).with_name("corpus.jsonl")
TENANT, STREAM, EVENT = (UUID(f"0193d0a0-0000-7000-8000-00000000000{n}") for n in (1, 2, 3))
VERSION = 7
PLAIN: dict[Any, Any] = {
    str: "Ünïcode ✓ “as it was”",
    bytes: bytes(range(32)),
    int: 41,
    bool: True,
    float: 0.5,
    UUID: UUID("0193d0a0-0000-7000-8000-0000000000aa"),
    date: date(2026, 11, 24),
    datetime: datetime.fromisoformat("2026-11-24T10:00:00+00:00"),
}


class Sample(msgspec.Struct, frozen=True):
    """A fact as it was stored (hexadecimal), the shape that it had then, and what it held once it was opened."""

    name: str
    shape: dict[str, str]
    stored: str
    holds: dict[str, Any]


def samples() -> list[Sample]:
    """All samples, oldest first."""
    return [msgspec.json.decode(line, type=Sample) for line in FILE.read_text().splitlines()]


def loaded(sample: Sample) -> dict[str, Any]:
    """What today's product reads in a sample, opened and in plain JSON values; raises what keeps it from being read."""
    place = {"tenant": TENANT, "stream": STREAM, "version": VERSION, "event_id": EVENT}
    fact = unfold(sample.name, bytes.fromhex(sample.stored), **place)  # type: ignore[arg-type]
    opened = {field: _opened(getattr(fact, field)) for field in fact.__struct_fields__}
    return dict(msgspec.to_builtins(opened))


def missing() -> Iterator[Sample]:
    """Samples of the facts that have none of today's shape."""
    kept = [(sample.name, sample.shape) for sample in samples()]
    for name, kind in facts().items():
        if (name, shape(kind)) not in kept:
            yield from _fresh(name, kind)


def _fresh(name: str, kind: type[Event]) -> Iterator[Sample]:
    """So many that every choice occurs, and one with as little in it as there may be."""
    marks = marks_of(kind)
    hints = marks.clear | marks.personal
    for turn in range(max(map(_choices, hints.values()), default=1)):
        yield _sample(name, kind, {field: _value(hint, turn) for field, hint in hints.items()})
    needed = {field.name for field in msgspec.structs.fields(kind) if field.required}
    if needed != set(hints) or any(map(_may_be_nothing, hints.values())):
        bare = {field: None if _may_be_nothing(hint) else _value(hint, 0) for field, hint in hints.items()}
        yield _sample(name, kind, {field: value for field, value in bare.items() if field in needed})


def _sample(name: str, kind: type[Event], values: dict[str, Any]) -> Sample:
    fact = kind(**values)
    keys = {scope: ScopeKey(1, _key(scope)) for scope in scopes_of(fact)}
    stored = seal(fact, tenant=TENANT, stream=STREAM, version=VERSION, event_id=EVENT, keys=keys).data
    return Sample(name, shape(kind), stored.hex(), dict(msgspec.to_builtins(fact)))


def _value(hint: Any, turn: int) -> Any:
    origin, inner = get_origin(hint), [part for part in get_args(hint) if part not in (Ellipsis, NoneType)]
    if origin is Annotated:
        return _value(inner[0], turn)
    if origin is dict:
        return {_value(inner[0], turn): _value(inner[1], turn)}
    if isinstance(origin, type) and issubclass(origin, (list, tuple, set, frozenset)):
        return origin([_value(inner[0], turn)])
    if inner:
        return _value(inner[0], turn)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[turn % len(hint)]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint(**{name: _value(part, turn) for name, part in get_type_hints(hint).items()})
    return PLAIN[getattr(hint, "__supertype__", hint)]


def _choices(hint: Any) -> int:
    """Of how many values the longest enumeration in a type has."""
    parts = list(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        parts += get_type_hints(hint).values()
    own = len(hint) if isinstance(hint, type) and issubclass(hint, Enum) else 1
    return max([own, *map(_choices, parts)])


def _may_be_nothing(hint: Any) -> bool:
    return NoneType in get_args(hint)


def _opened(value: Any) -> Any:
    if not isinstance(value, Sealed):
        return value
    keys = [_key(ref.scope) for ref in record.scopes_of(value.ciphertext)]
    place = Place(TENANT, STREAM, VERSION, EVENT, value.place.name, value.place.field)
    return plain(value, unseal(keys, value.ciphertext, place))


def _key(scope: str) -> bytes:
    return hashlib.sha256(f"corpus {scope}".encode()).digest()


if __name__ == "__main__" and sys.argv[1:] == ["--add"]:
    added = list(missing())
    with FILE.open("a") as file:
        file.writelines(msgspec.json.encode(sample).decode() + "\n" for sample in added)
    print(f"{len(added)} samples added to {FILE.name}")
