"""Places where wrapped keys can lie: stores are opened on them, they go away and come back."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from infrastructure.keys.postgres_store import PostgresKeyStore
from infrastructure.keys.sqlite_store import SqliteKeyStore
from infrastructure.keys.store import KeyStore

_numbers = count(1)


class Place(Protocol):
    """``url`` names it to another process."""

    url: str

    def store(self) -> KeyStore:
        """A store on this place, not opened yet."""
        ...

    @contextmanager
    def away(self) -> Iterator[None]:
        """Inside, nobody can reach what lies here."""
        ...


class SqlitePlace:
    """One file."""

    def __init__(self, file: Path) -> None:
        self.file, self.url = file, f"sqlite:{file}"

    def store(self) -> KeyStore:
        return SqliteKeyStore(self.file)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Somebody holds the file for themselves."""
        holder = sqlite3.connect(self.file, isolation_level=None)
        holder.execute("begin exclusive")
        yield
        holder.close()


class PostgresPlace:
    """One database."""

    def __init__(self, server: str, database: str) -> None:
        self.server, self.database = server, database
        self.url = f"{server.rsplit('/', 1)[0]}/{database}"

    def store(self) -> KeyStore:
        return PostgresKeyStore(self.url)

    @contextmanager
    def away(self) -> Iterator[None]:
        """The database lets nobody in, and whoever was in is thrown out."""
        with psycopg.connect(self.server, autocommit=True) as owner:
            allow = sql.SQL("alter database {} allow_connections {}")
            owner.execute(allow.format(sql.Identifier(self.database), sql.SQL("false")))
            out = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s"
            owner.execute(out, (self.database,))
            yield
            owner.execute(allow.format(sql.Identifier(self.database), sql.SQL("true")))


@contextmanager
def key_database(server: str) -> Iterator[PostgresPlace]:
    """A database for keys alone, gone afterwards."""
    name = f"keys_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as owner:
        owner.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield PostgresPlace(server, name)
        owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def store_at(url: str) -> KeyStore:
    """The store that another process works on."""
    kind, _, path = url.partition(":")
    return SqliteKeyStore(Path(path)) if kind == "sqlite" else PostgresKeyStore(url)
