"""A process that adds keys to a store: ``python -m tests.keys.adder URL NAME MANY``. It says "ready", waits for a line,
adds one key at a time, destroys every tenth of its own, and ends."""

import asyncio
import sys
from uuid import UUID

from infrastructure.keys.store import WrappedKey
from tests.keys.places import store_at


async def main(url: str, name: str, many: int) -> None:
    store = store_at(url)
    await store.open()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for number in range(many):
        own, shared = f"{name}:{number}", f"shared:{number}"
        keys = [WrappedKey(UUID(int=1), scope, 1, 1, f"{name} {scope}".encode()) for scope in (own, shared)]
        await store.add(keys)
        if number % 10 == 0:
            await store.destroy(UUID(int=1), own)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
