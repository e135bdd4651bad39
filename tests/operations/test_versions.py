"""Whoever runs their own PostgreSQL brings it up by one command; a Helpr of another version does not touch it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from infrastructure.database.embedded import EmbeddedPostgres
from tests.database.conftest import HOUSE
from tests.house import free_port
from tests.operations.conftest import Installation
from tests.operations.processes import started
from tests.operations.test_log import command

pytestmark = pytest.mark.requirement("R-OPS-3")
NEWER = "insert into public.helpr_migrations values ('knowledge/schema.sql', '')"
NEWER_VIEW = "update views.generations set version = version + 1 where view = 'inbox'"
BEHIND = "delete from public.helpr_migrations where name like 'reactions%'"
PROCESSES = (("run", "api"), ("run", "views"), ("run", "clock"))
EVERYBODY = (*PROCESSES, ("up",), ("migrate",))


@pytest.fixture
def own(cluster: EmbeddedPostgres, tmp_path: Path) -> Iterator[Installation]:
    """An empty database of somebody's own: its owner is no superuser, and the product has a login beside."""
    place = cluster.owner_dsn.split("@", 1)[1].rsplit("/", 1)[0]
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as admin:
        admin.execute("create role own_owner login createrole password 'words'")
        admin.execute("grant helpr_app, helpr_worker to own_owner with admin option")
        admin.execute("create role own_login login noinherit password 'words'")
        admin.execute("create database own owner own_owner")
        environment = {
            "HELPR_DATA": str(tmp_path),
            "HELPR_DATABASE_URL": f"postgresql://own_login:words@{place}/own",
            "HELPR_DATABASE_OWNER_URL": f"postgresql://own_owner:words@{place}/own",
            "HELPR_PORT": str(free_port()),
        }
        try:
            yield Installation(tmp_path, environment["HELPR_DATABASE_OWNER_URL"], environment)
        finally:
            admin.execute("drop database own with (force)")
            for role in ("own_owner", "own_login"):
                admin.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(role)))


def test_a_database_of_ones_own_is_brought_up_once_and_says_what_was_done(own: Installation) -> None:
    first = command(own, "migrate")
    assert first.returncode == 0, first.stderr
    assert "applied event_log/schema.sql" in first.stdout
    assert "built view inbox" in first.stdout
    again = command(own, "migrate")
    assert (again.returncode, again.stdout) == (0, "The database is of this version already; nothing was done.\n")
    found = own.findings()
    assert [f for f in found if f.verdict == "wrong" and f.check in ("database", "schema", "login", "views")] == []


def test_two_at_once_do_it_once(own: Installation) -> None:
    """The second waits, and then finds nothing to do."""
    words = [sys.executable, "-m", "api.cli", "migrate"]
    surroundings = os.environ | own.environment
    both = [
        subprocess.Popen(words, cwd=HOUSE, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("nothing was done" in out for out, _ in said) == [False, True], said


def test_who_waits_says_so(own: Installation) -> None:
    with psycopg.connect(own.owner, autocommit=True) as other:
        other.execute("select pg_advisory_lock(7305508, 0)")
        words = [sys.executable, "-u", "-m", "api.cli", "migrate"]
        process = subprocess.Popen(
            words, cwd=HOUSE, env=os.environ | own.environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert "Another helpr is at it" in process.stdout.readline()
    assert process.wait(60) == 0
    process.stdout.close()


def test_an_owner_who_may_not_is_told_so(own: Installation, cluster: EmbeddedPostgres) -> None:
    own.environment["HELPR_DATABASE_OWNER_URL"] = own.environment["HELPR_DATABASE_URL"]
    done = command(own, "migrate")
    assert done.returncode == 1
    assert done.stderr.startswith("The login of HELPR_DATABASE_OWNER_URL may not make schemas or roles here")


@pytest.mark.parametrize("words", EVERYBODY)
@pytest.mark.parametrize("change", [NEWER, NEWER_VIEW])
def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(
    installation: Installation, words: tuple[str, ...], change: str
) -> None:
    installation.execute(change)
    state = "select view, generation, version, state from views.generations order by 1, 2"
    before = installation.execute(state)
    done = command(installation, *words)
    assert done.returncode == 1
    assert "by a newer version of Helpr" in done.stderr
    assert done.stderr.endswith("Run that one.\n")
    assert done.stderr.count("\n") == 1
    assert installation.execute(state) == before


@pytest.mark.parametrize("words", PROCESSES)
def test_a_database_that_is_behind_is_not_served_and_one_command_mends_it(
    installation: Installation, words: tuple[str, ...]
) -> None:
    installation.execute(BEHIND)
    installation.execute("drop table log.reactions")
    done = command(installation, *words)
    said = "The database lacks reactions/schema.sql. Bring it up first: helpr migrate\n"
    assert (done.returncode, done.stderr) == (1, said)
    assert "applied reactions/schema.sql" in command(installation, "migrate").stdout
    assert "wrong" not in {finding.verdict for finding in installation.findings("schema")}


async def test_a_database_that_is_away_is_said_in_a_sentence_or_waited_for(installation: Installation) -> None:
    """No password, no traceback: a view worker waits, who migrates is told."""
    nowhere = "postgresql://helpr:hush@127.0.0.1:1/helpr"
    installation.environment |= {"HELPR_DATABASE_URL": nowhere, "HELPR_DATABASE_OWNER_URL": nowhere}
    for words in (("migrate",), ("up",)):
        done = command(installation, *words)
        assert (done.returncode, done.stderr) == (1, "The database does not answer. Ask: helpr doctor\n")
    api = command(installation, "run", "api")
    assert api.returncode == 1
    assert '"event":"the process ends"' in api.stderr
    assert "hush" not in api.stderr
    assert "Traceback" not in api.stderr
    async with started(installation, "views") as worker:
        line = await worker.until_said("views are away")
        assert line["error"] == "OperationalError"
    assert "hush" not in worker.text()
