"""``helpr up`` on databases that somebody else runs: one for the log, one for the keys."""

import signal
from collections.abc import Callable

import psycopg
import pytest

from infrastructure.database.embedded import EmbeddedPostgres
from tests.demo.conftest import Up

Starts = Callable[..., Up]


@pytest.fixture(scope="module")
def elsewhere(cluster: EmbeddedPostgres) -> dict[str, str]:
    """Two empty databases on a server that is already there."""
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as owner:
        for name in ("elsewhere", "elsewhere_keys"):
            owner.execute(f"create database {name}")
    server = cluster.owner_dsn.rsplit("/", 1)[0]
    return {"HELPR_DATABASE_URL": f"{server}/elsewhere", "HELPR_KEYS_URL": f"{server}/elsewhere_keys"}


@pytest.mark.requirement("R-OPS-3")
def test_it_starts_no_database_keeps_its_data_there_and_finds_it_again(up: Starts, elsewhere: dict[str, str]) -> None:
    started = up(**elsewhere)
    assert "Starting PostgreSQL" not in started.printed
    counts = started.counts()
    assert counts["open"] + counts["resolved"] == 40
    assert not (started.data / "postgres").exists()
    assert not (started.data / "keys").exists()
    started.signal(signal.SIGTERM)
    again = up(**elsewhere)
    assert again.counts() == counts
    again.signal(signal.SIGTERM)
    with psycopg.connect(elsewhere["HELPR_KEYS_URL"]) as keys:
        tables = keys.execute("select relname from pg_stat_user_tables").fetchall()
        assert tables
