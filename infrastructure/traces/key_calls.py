"""Calls to the key store as spans: which question it was, never about whom."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from infrastructure.keys.store import KeyStore
from infrastructure.traces.sending import Traces


def traced(store: KeyStore, traces: Traces) -> KeyStore:
    """The same store; every question to it is a span."""
    return cast(KeyStore, _Traced(store, traces))


class _Traced:
    def __init__(self, store: KeyStore, traces: Traces) -> None:
        self._store, self._traces = store, traces

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        ask = getattr(self._store, name)

        async def asked(*values: Any, **more: Any) -> Any:
            with self._traces.call(f"key store {name}", {"helpr.keys.question": name}):
                return await ask(*values, **more)

        return asked
