"""An ASGI extension of our server: a body that has come already, and an answer in one piece.

The protocol's own way hears a body and tells an answer in parts, each of which is awaited and looked at. For what is
short and whole that costs more than deciding what to answer (docs/decisions/0015).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

NAME = "helpr.at_once"
"""Where it is found among a scope's extensions. Without it everything goes the protocol's own way."""
Pairs = Iterable[tuple[bytes, bytes]]
Fixed = tuple[tuple[bytes, bytes], ...]


class AtOnce(Protocol):
    def heard(self) -> bytes | None:
        """The whole body, None when some of it is still to come; it can be received all the same."""
        ...

    def answer(self, status: int, always: Fixed, headers: Pairs, body: bytes) -> bool:
        """Tells it; ``always`` are headers that other answers have, too. False when it has to be told in parts."""
        ...


def at_once(scope: Mapping[str, Any]) -> AtOnce | None:
    """The extension, where the server has it."""
    found: AtOnce | None = scope["extensions"].get(NAME) if "extensions" in scope else None
    return found
