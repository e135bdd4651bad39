"""A process that cannot start leaves nothing open behind."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from api.main import opened
from api.settings import Settings
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.wakeups import Wakeups
from tests.conftest import Database
from tests.event_log.waiting import eventually

pytestmark = pytest.mark.requirement("R-OPS-2")


class DoesNotStart(Exception):
    """Whatever is the reason."""


def fails(*_: object) -> None:
    raise DoesNotStart


@pytest.mark.parametrize("part", [(TenantKeyring, "open_store"), (Wakeups, "start")], ids=["early", "late"])
async def test_what_had_started_is_stopped_when_the_next_part_does_not_start(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: tuple[type, str]
) -> None:
    monkeypatch.setattr(*part, fails)
    settings = Settings(
        data=tmp_path,
        database_url=database.runtime,
        owner_url=database.owner,
        keys_url=f"sqlite://{tmp_path}/keys/keys.sqlite",
        kms_url=f"file://{tmp_path}/root/root.key",
    )
    before = asyncio.all_tasks()
    with pytest.raises(DoesNotStart):
        async with opened(settings):
            raise AssertionError("it has started")
    with psycopg.connect(database.owner, autocommit=True) as owner:
        others = "select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        await eventually(lambda: not owner.execute(others).fetchone())
    await eventually(lambda: asyncio.all_tasks() <= before)
