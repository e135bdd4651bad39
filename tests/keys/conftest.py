"""Places for keys, and stores on them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from infrastructure.keys.store import KeyStore
from tests.keys.places import Place, SqlitePlace, key_database

Opens = Callable[[], Awaitable[KeyStore]]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Both real stores in turn."""
    if request.param == "sqlite":
        yield SqlitePlace(tmp_path / "keys.sqlite")
    else:
        with key_database(request.getfixturevalue("cluster").owner_dsn) as made:
            yield made


@pytest.fixture
async def another(place: Place) -> AsyncIterator[Opens]:
    """Opens one more store on the place."""
    opened: list[KeyStore] = []

    async def open_one() -> KeyStore:
        store = place.store()
        opened.append(store)
        await store.open()
        return store

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(another: Opens) -> KeyStore:
    return await another()
