"""Places for keys, stores on them, and an AWS."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from infrastructure.keys.store import KeyStore
from tests.keys.localstack import LocalStack, localstack
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


@pytest.fixture(scope="session")
def aws(request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    """A LocalStack for the whole run; says how long that took."""
    with localstack() as started, pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "nobody")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        took = f"LocalStack: {started.installing:.1f} s to install, {started.starting:.1f} s to start"
        plugins = request.config.pluginmanager
        with plugins.getplugin("capturemanager").global_and_fixture_disabled():
            plugins.getplugin("terminalreporter").write_line(f"\n{took}")
        yield started
