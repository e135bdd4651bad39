"""One PostgreSQL for the whole run, and a fresh, migrated database for whoever asks for one."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import msgspec
import psycopg
import pytest
from psycopg import sql

from infrastructure.database.embedded import RUNTIME_LOGIN, EmbeddedPostgres, temporary_postgres
from infrastructure.database.migrations import migrate
from projections import views

pytest_plugins = ("tests.shown", "tests.keys.aws")
TEMPLATE = "helpr_template"
_numbers = count(1)


class Database(msgspec.Struct, frozen=True):
    """A migrated database: ``owner`` may do everything, ``runtime`` is the login that takes the product's roles."""

    owner: str
    runtime: str


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of its own, with fsync on as everywhere."""
    with temporary_postgres() as started:
        with psycopg.connect(started.owner_dsn, autocommit=True) as owner:
            owner.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
        migrate(_named(started.owner_dsn, TEMPLATE), views.ALL, runtime_login=RUNTIME_LOGIN)
        yield started


@pytest.fixture
def database(cluster: EmbeddedPostgres) -> Iterator[Database]:
    """A fresh database for one test."""
    with fresh_database(cluster) as made:
        yield made


@pytest.fixture(scope="module")
def module_database(cluster: EmbeddedPostgres) -> Iterator[Database]:
    """A fresh database for the tests of one file."""
    with fresh_database(cluster) as made:
        yield made


@contextmanager
def fresh_database(cluster: EmbeddedPostgres, *, template: str = TEMPLATE) -> Iterator[Database]:
    """A copy of the migrated template, or of another database, gone afterwards."""
    name = f"helpr_{next(_numbers)}"
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as owner:
        make = sql.SQL("create database {} template {}")
        owner.execute(make.format(sql.Identifier(name), sql.Identifier(template)))
        yield Database(_named(cluster.owner_dsn, name), _named(cluster.runtime_dsn, name))
        owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _named(dsn: str, database: str) -> str:
    return dsn.rsplit("/", 1)[0] + "/" + database
