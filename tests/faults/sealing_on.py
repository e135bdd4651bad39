"""Seals and reads whatever happens to the keys, as a process: ``python -m tests.faults.sealing_on ROOT URL NAME FILE``.

It says "ready", seals under old and new scopes, reads back, and forgets its keys from time to time, until it hears a
line; then it says how often something could not be read and ends. What it sealed stands in FILE, a line each.
"""

import asyncio
import random
import sys
from pathlib import Path

import msgspec

from domain.shared.event import Sealed
from infrastructure.keys.facts import encode
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from tests.keys.keyrings import ACME, place, seal
from tests.keys.places import store_at


class Kept(msgspec.Struct, frozen=True):
    """What was sealed, where, and the text that it was."""

    number: int
    text: str
    ciphertext: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.ciphertext, place(self.number))


async def main(root: str, url: str, name: str, file: str) -> None:
    keyring = TenantKeyring(LocalRootKey(Path(root)), store_at(url))
    await keyring.open_store()
    print("ready", flush=True)
    end = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    chance, kept, bad = random.Random(name), list[Kept](), 0
    with Path(file).open("ab") as out:  # noqa: ASYNC230  (nobody else waits in this process)
        while not end.done():
            kept.append(await _seal(keyring, chance, name, len(kept)))
            out.write(msgspec.json.encode(kept[-1]) + b"\n")
            bad += await unreadable(keyring, chance.sample(kept, min(5, len(kept))))
            if chance.random() < 0.05:
                keyring.evict_all()
            await asyncio.sleep(0.002)
    await keyring.close()
    print(f"{len(kept)} sealed, {bad} unreadable", flush=True)


async def _seal(keyring: TenantKeyring, chance: random.Random, name: str, number: int) -> Kept:
    """Half of it under scopes that were there before, half under new ones."""
    scope = f"old:{chance.randrange(1000)}" if chance.random() < 0.5 else f"new:{name}:{number}"
    at = chance.getrandbits(62)
    text = f"{name} {number}"
    return Kept(at, text, (await seal(keyring, text, scope, at=place(at))).ciphertext)


async def unreadable(keyring: TenantKeyring, kept: list[Kept]) -> int:
    """How many of these do not open as what they were."""
    found = await keyring.open(ACME, [each.sealed for each in kept])
    return sum(opened != encode(each.text) for each, opened in zip(kept, found, strict=True))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
