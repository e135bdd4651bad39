"""A keyring that is found by its topic, as the library's factory does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from eventsourcing.utils import Environment

from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.sqlite_store import SqliteKeyStore


@asynccontextmanager
async def keyring_in(folder: Path) -> AsyncIterator[TenantKeyring]:
    keyring = TenantKeyring(LocalRootKey(folder / "root.key"), SqliteKeyStore(folder / "keys.sqlite"))
    await keyring.open_store()
    try:
        yield keyring
    finally:
        await keyring.close()


@asynccontextmanager
async def opened(environment: Environment) -> AsyncIterator[TenantKeyring]:
    """The keyring in the folder that the environment names."""
    async with keyring_in(Path(environment["KEYS_FOLDER"])) as keyring:
        yield keyring
