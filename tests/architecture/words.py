"""The words of the product, found in its code: facts, memories, refusals, views."""

import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from domain.shared.event import Event
from domain.shared.refusal import Refusal
from tests.architecture.sources import product


@cache
def facts() -> dict[str, type[Event]]:
    """Every fact there is, by its stored name."""
    _import("domain")
    return {name: kind for name, kind in sorted(Event.named.items()) if kind.__module__.startswith("domain.")}


@cache
def memories() -> tuple[type[Any], ...]:
    """Every class that remembers a stream in order to decide."""
    found = [each for each in _classes("domain") if "STREAM" in vars(each)]
    return tuple(sorted(found, key=lambda each: each.__name__))


@cache
def refusals() -> tuple[type[Refusal], ...]:
    """Every reason for which something may not be done, kinds of reasons too."""
    found = {each for each in _classes("domain", "application", "api") if issubclass(each, Refusal)}
    return tuple(sorted(found, key=lambda each: (each.__module__, each.__name__)))


def _classes(*layers: str) -> Iterator[type[Any]]:
    for name in _import(*layers):
        for found in vars(sys.modules[name]).values():
            if isinstance(found, type) and found.__module__ == name:
                yield found


def _import(*layers: str) -> list[str]:
    """Imports all modules of some layers; the command line's own processes and the page's build stay outside."""
    names = [each.module for each in product() if each.layer in layers and not each.path.startswith("api/web/")]
    for name in names:
        import_module(name)
    return names
