"""A process that asks for keys: ``python -m tests.keys.sealer ROOT URL``. It says "ready"; for each line that names
scopes it says digests of their keys; an empty line ends it."""

import asyncio
import sys
from pathlib import Path

from infrastructure.keys.digests import digest
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from tests.keys.keyrings import ACME
from tests.keys.places import store_at


async def main(root: str, url: str) -> None:
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    keyring = TenantKeyring(LocalRootKey(Path(root)), store_at(url))
    await keyring.open_store()
    print("open", keyring.master("any").hex(), flush=True)
    while scopes := (await asyncio.to_thread(sys.stdin.readline)).split():
        keys = [await keyring.keys_for(ACME, [scope]) for scope in scopes]
        print(*(digest(key[scope].key.hex()).hex() for key, scope in zip(keys, scopes, strict=True)), flush=True)
    await keyring.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
