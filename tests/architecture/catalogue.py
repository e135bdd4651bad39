"""The catalogue of facts, docs/events.md: what each is called in the log, what it says, how each field is stored."""

from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from inspect import cleandoc
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from domain.shared.event import Event
from infrastructure.keys.marks import marks_of
from tests.architecture.sources import contexts
from tests.architecture.words import facts

INTRODUCTION = """
# What can happen

Every fact that the log holds, by its stored name. A name is for ever, and so is what it means: a change adds a field
with a default, and what means something else gets a name of its own. A field that is *sealed* can be read only while
the keys of all its scopes live; everything else is readable without any key.
"""


def page() -> str:
    """docs/events.md."""
    return "\n".join([INTRODUCTION.strip(), *(line for word in sorted(contexts("domain")) for line in _context(word))])


def shape(kind: type[Event]) -> dict[str, str]:
    """The fields of a fact as they are stored; when this changes, the corpus needs a sample of the new shape."""
    marks = marks_of(kind)
    return {field: f"{type_of(hint)}{_mark(kind, field)}" for field, hint in (marks.clear | marks.personal).items()}


def type_of(hint: Any) -> str:
    """A type in words: ids by their name, choices by their values, structures by what is in them."""
    origin, inner = get_origin(hint), [part for part in get_args(hint) if part is not Ellipsis]
    if origin is Annotated:
        return type_of(inner[0])
    if isinstance(origin, type) and issubclass(origin, (dict, list, tuple, set, frozenset)):
        return f"{origin.__name__}[{', '.join(map(type_of, inner))}]"
    if inner:
        return " or ".join(dict.fromkeys("nothing" if part is NoneType else type_of(part) for part in inner))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "/".join(str(member.value) for member in hint)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return f"{hint.__name__}({', '.join(f'{n}: {type_of(h)}' for n, h in get_type_hints(hint).items())})"
    return str(hint.__name__)


def _mark(kind: type[Event], field: str) -> str:
    marks = marks_of(kind)
    if field in marks.scopes:
        return f", names the {marks.scopes[field]}"
    return ", personal" if field in marks.personal else ""


def _context(word: str) -> Iterator[str]:
    says = import_module(f"domain.{word}.events").__doc__ or ""
    yield from ("", f"## {word}", "", cleandoc(says))
    for name, kind in facts().items():
        if kind.__module__ == f"domain.{word}.events":
            yield from _fact(name, kind)


def _fact(name: str, kind: type[Event]) -> Iterator[str]:
    yield from ("", f"### {name}", "", " ".join(cleandoc(kind.__doc__ or "").split()))
    rows = list(_rows(kind))
    if rows:
        yield from ("", "| field | holds | stored |", "|---|---|---|", *rows)


def _rows(kind: type[Event]) -> Iterator[str]:
    marks = marks_of(kind)
    sealed = " and ".join(f"{scope}:{field}" for field, scope in sorted(marks.scopes.items()))
    defaults = {field.name for field in msgspec.structs.fields(kind) if not field.required}
    for field in msgspec.structs.fields(kind):
        hint = marks.personal.get(field.name, marks.clear.get(field.name))
        optional = " or nothing" if field.name in marks.personal and field.name in defaults else ""
        stored = f"sealed under {sealed}" if field.name in marks.personal else "in the clear"
        if field.name in marks.scopes:
            stored += f", names the {marks.scopes[field.name]}"
        yield f"| `{field.name}` | {type_of(hint)}{optional} | {stored} |"
