"""The keyring for threads that know nothing of asyncio."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from threading import Thread
from uuid import UUID

from infrastructure.keys.facts import ScopeKey, ScopeKeys

OpensKeyring = Callable[[], AbstractAsyncContextManager[ScopeKeys]]


class KeysOnAThread:
    """Opens a keyring when it is first needed, on an event loop of its own, and asks it from there."""

    def __init__(self, opens: OpensKeyring) -> None:
        self._opens, self._opened = opens, AsyncExitStack()
        self._keys: ScopeKeys | None = None
        self._opening = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="keys of the library", daemon=True)
        self._thread.start()

    def keys_for(self, tenant: UUID, scopes: Iterable[str]) -> Mapping[str, ScopeKey]:
        """The keys to seal under; raises what the keyring raises."""
        return asyncio.run_coroutine_threadsafe(self._ask(tenant, scopes), self._loop).result()

    def close(self) -> None:
        """May be called twice."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._opened.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _ask(self, tenant: UUID, scopes: Iterable[str]) -> Mapping[str, ScopeKey]:
        async with self._opening:
            if self._keys is None:
                self._keys = await self._opened.enter_async_context(self._opens())
        return await self._keys.keys_for(tenant, scopes)
