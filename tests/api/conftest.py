"""One Helpr for the tests of each file, and two organisations in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.house import Helpr, Organisation, founded, running


@pytest.fixture(scope="module")
async def helpr(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Helpr]:
    folder: Path = tmp_path_factory.mktemp("helpr")
    async with running(module_database, folder) as started:
        yield started


@pytest.fixture(scope="module")
async def acme(helpr: Helpr) -> Organisation:
    return await founded(helpr, "acme")


@pytest.fixture(scope="module")
async def other(helpr: Helpr) -> Organisation:
    return await founded(helpr, "other")
