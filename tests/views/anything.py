"""Facts of every kind there is, made from their own type hints: whatever is added to the language is made here, too."""

import importlib
import pkgutil
import zlib
from collections.abc import Iterator
from enum import Enum
from random import Random
from types import NoneType, UnionType
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

import domain
from domain.shared.event import Event
from infrastructure.keys.marks import marks_of

THEIR_OWN = ("visitor", "agent", "erasure")
"""Kinds of streams that have a person's id."""


def streams() -> dict[str, tuple[type[Event], ...]]:
    """What can happen in each kind of stream; what begins one comes first."""
    found: dict[str, tuple[type[Event], ...]] = {}
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        for memory in vars(importlib.import_module(module.name)).values():
            if isinstance(memory, type) and "STREAM" in vars(memory):
                event = get_type_hints(memory.after)["event"]  # type: ignore[attr-defined]
                found[memory.STREAM] = get_args(event) or (event,)  # type: ignore[attr-defined]
    return found


def stream_of(person: UUID, kind: str) -> UUID:
    """The stream of this kind that is about a person."""
    return person if kind in THEIR_OWN else UUID(int=person.int + (zlib.crc32(kind.encode()) << 64))


def life_of(person: UUID, words: str, listens: set[type[Event]], random: Random) -> dict[str, list[Event]]:
    """Everything that a view listens to happens to this person, but that they are forgotten: stream by stream."""
    lives: dict[str, list[Event]] = {}
    for stream, (first, *others) in streams().items():
        if stream != "erasure" and listens & {first, *others}:
            random.shuffle(others)
            lives[stream] = [made(kind, person, words, random) for kind in (first, *others) if kind in listens]
    return lives


def made(kind: type[Event], person: UUID, words: str, random: Random) -> Event:
    """A fact about a person; every personal field holds these words."""
    marks = marks_of(kind)
    fields = {name: _with_words(hint, words) for name, hint in marks.personal.items()}
    for name, hint in marks.clear.items():
        fields[name] = person if marks.scopes.get(name) == "subject" else _any(hint, random)
    return kind(**fields)


def _with_words(hint: Any, words: str) -> Any:
    if hint is str:
        return words
    if get_origin(hint) is dict:
        return {"words": words}
    assert get_origin(hint) is tuple, f"say here how words are put into {hint}"
    return tuple(_with_words(inner, words) for inner in get_args(hint)[:1])


def _any(hint: Any, random: Random) -> Any:
    """A value of a type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _any(arguments[0], random)
    if origin in (Union, UnionType):
        return _any(next(inner for inner in arguments if inner is not NoneType), random)
    if origin is dict:
        return {_any(arguments[0], random): _any(arguments[1], random)}
    if origin in (tuple, list):
        return origin([_any(arguments[0], random)])
    if isinstance(hint, NewType):
        return _any(hint.__supertype__, random)
    return _simple(hint, random)


def _simple(kind: type, random: Random) -> Any:
    if issubclass(kind, Enum):
        return random.choice(list(kind))
    if issubclass(kind, msgspec.Struct):
        return kind(**{name: _any(hint, random) for name, hint in _fields(kind)})
    values: dict[type, Any] = {UUID: UUID(int=random.getrandbits(128)), int: 1, str: "text", bytes: b"x", bool: True}
    return values[kind]


def _fields(kind: type[msgspec.Struct]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(kind, include_extras=True)
    return ((name, hints[name]) for name in kind.__struct_fields__)
