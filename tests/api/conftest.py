"""One Helpr for the tests of each file, and two organisations in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.rate_limits import LIMITS
from tests.api.routes import World, founded_world
from tests.conftest import Database
from tests.house import Helpr, Organisation, founded, running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the keys are."""
    return tmp_path_factory.mktemp("helpr")


@pytest.fixture(scope="module")
async def helpr(module_database: Database, folder: Path) -> AsyncIterator[Helpr]:
    async with running(module_database, folder) as started:
        yield started


@pytest.fixture(scope="module")
async def second(helpr: Helpr, module_database: Database, folder: Path) -> AsyncIterator[Helpr]:
    """The same Helpr once more: another server, another view worker, on the same database and keys."""
    async with running(module_database, folder) as started:
        yield started


@pytest.fixture(scope="module")
async def acme(helpr: Helpr) -> Organisation:
    return await founded(helpr, "acme")


@pytest.fixture(scope="module")
async def other(helpr: Helpr) -> Organisation:
    return await founded(helpr, "other")


@pytest.fixture(scope="module")
async def world(helpr: Helpr, acme: Organisation) -> World:
    return await founded_world(helpr, acme)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told to slow down: the tests of a file ask more than people do."""
    for name in LIMITS:
        monkeypatch.setitem(LIMITS, name, 1_000_000)
