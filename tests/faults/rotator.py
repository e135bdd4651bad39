"""A process that renews keys without end: ``python -m tests.faults.rotator ROOT URL``. It says "ready", waits for a
line, and says a line for each rotation that came to its end. Whoever started it kills it."""

import asyncio
import sys
import time
from pathlib import Path

from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.tenant_keys import EPOCH
from tests.keys.places import store_at


async def main(root: str, url: str) -> None:
    keyring = TenantKeyring(LocalRootKey(Path(root)), store_at(url))
    await keyring.open_store()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print("begun", flush=True)
    while True:
        print("renewed", await keyring.rotate_due(int(time.time()) + EPOCH + 60), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
