"""Reads the marks on facts: which fields are personal, which name the scopes they are sealed under."""

from collections.abc import Iterable, Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

import msgspec

from domain.shared.event import Erased, Event, PersonalMark, ScopeMark, Sealed


class Marks(msgspec.Struct, frozen=True):
    """``personal`` gives the plain type of each personal field, ``scopes`` the kind of scope that a field names, and
    ``clear`` the type of everything else."""

    personal: dict[str, Any]
    scopes: dict[str, str]
    clear: dict[str, Any]


@cache
def marks_of(kind: type[Event]) -> Marks:
    """The marks of a fact; raises TypeError for a mark in a place that could not be sealed."""
    personal: dict[str, Any] = {}
    scopes: dict[str, str] = {}
    clear: dict[str, Any] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is ClassVar or hint is ClassVar:
            _refuse_hidden(kind, name, get_args(hint), set())
        elif (plain := _personal(kind, name, hint)) is not None:
            _refuse_default(kind, name)
            personal[name] = plain
        else:
            clear[name] = hint
            for mark in getattr(hint, "__metadata__", ()):
                if isinstance(mark, ScopeMark):
                    scopes[name] = mark.kind
            _refuse_hidden(kind, name, get_args(hint)[:1] if name in scopes else (hint,), set())
    if personal and not scopes:
        raise TypeError(f"{kind.__name__} holds personal data but no field says whose")
    return Marks(personal, scopes, clear)


def check_all() -> int:
    """Reads the marks of every fact there is, so that a wrong one stops the start; gives their number."""
    return len([marks_of(kind) for kind in Event.named.values()])


def _personal(kind: type[Event], name: str, hint: Any) -> Any:
    """The plain type of a personal field, None for one that is not personal."""
    if _is_personal(hint):
        if any(isinstance(mark, ScopeMark) for mark in hint.__metadata__):
            raise TypeError(f"{kind.__name__}.{name}: what is personal is sealed and cannot say under which scope")
        plain = _plain(hint)
        _refuse_hidden(kind, name, (plain,), set())
        return plain
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType) and any(_is_personal(part) for part in arguments):
        others = [part for part in arguments if not _is_personal(part) and part is not NoneType]
        if others or sum(map(_is_personal, arguments)) > 1:
            raise TypeError(f"{kind.__name__}.{name}: a personal field is personal whatever it holds")
        return _personal(kind, name, next(filter(_is_personal, arguments)))
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis and _is_personal(arguments[0]):
        return tuple[_personal(kind, name, arguments[0]), ...]  # type: ignore[misc]
    return None


def _is_personal(hint: Any) -> bool:
    return any(isinstance(mark, PersonalMark) for mark in getattr(hint, "__metadata__", ()))


def _plain(hint: Any) -> Any:
    """``Personal[T]`` without Sealed and Erased is T."""
    parts = tuple(part for part in get_args(get_args(hint)[0]) if part not in (Sealed, Erased))
    return Union[parts]  # noqa: UP007


def _refuse_default(kind: type[Event], name: str) -> None:
    """A fact that was stored before the field came would give its default, as if that were ciphertext."""
    [field] = [field for field in msgspec.structs.fields(kind) if field.name == name]
    if field.default_factory is not msgspec.NODEFAULT or field.default not in (None, msgspec.NODEFAULT):
        raise TypeError(f"{kind.__name__}.{name}: the only default of a personal field is None")


def _refuse_hidden(kind: type, name: str, hints: Iterable[Any], seen: set[Any]) -> None:
    """No mark may stand where nobody would see it: in dictionaries, nested structures, class variables."""
    for hint in hints:
        if any(isinstance(mark, PersonalMark | ScopeMark) for mark in getattr(hint, "__metadata__", ())):
            raise TypeError(f"{kind.__name__}.{name}: a mark here would not be seen, and the data stored in the clear")
        _refuse_hidden(kind, name, _inside(hint, seen), seen)


def _inside(hint: Any, seen: set[Any]) -> Iterator[Any]:
    """What a type is made of: its arguments, what it is another name for, the fields of a structure of any kind."""
    yield from get_args(hint)
    for other_name in ("__supertype__", "__value__"):
        if hasattr(hint, other_name):
            yield getattr(hint, other_name)
    structure = get_origin(hint) or hint
    if isinstance(structure, type) and structure not in seen:
        seen.add(structure)
        yield from get_type_hints(structure, include_extras=True).values()
