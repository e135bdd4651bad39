"""docs/operations.md: its commands exist and do what it says; every metric and every check of the doctor has a line."""

import argparse
import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from api.cli import _parser
from api.metrics import Metrics
from api.run.doctor.finding import Verdict
from api.run.scraping import FAMILIES
from infrastructure.database.embedded import RUNTIME_LOGIN, EmbeddedPostgres
from infrastructure.database.installation import programs
from infrastructure.database.migrations import migrate
from projections import views
from tests.conftest import Database
from tests.database.conftest import HOUSE
from tests.house import arrived, founded, running
from tests.operations.conftest import SECRET_WORDS, Installation
from tests.operations.processes import started
from tests.operations.test_log import command

PAGE = (HOUSE / "docs" / "operations.md").read_text()
pytestmark = pytest.mark.requirement("R-OPS-3")


def run(title: str, **places: object) -> str:
    """Runs a block of the page, as it stands there; what it says. Fails when it does."""
    [block] = re.findall(rf"<!-- tested: {title} -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
    block = block.replace("uv run python", sys.executable).replace("uv run helpr", f"{sys.executable} -m api.cli")
    path = f"{programs(HOUSE, None)}:{os.environ['PATH']}"
    surroundings = {name: str(value) for name, value in places.items()}
    done = subprocess.run(
        ["bash", "-euc", block], cwd=HOUSE, env={**os.environ, "PATH": path, **surroundings},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder into which PostgreSQL's user can go."""
    made = Path(mkdtemp(prefix="helpr-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.mark.requirement("R-OPS-2")
async def test_what_was_backed_up_while_it_ran_is_restored_and_all_of_it_opens(place: Path) -> None:
    data, new = place / "data", place / "new"
    safe = {name: place / name.lower() for name in ("BACKUP", "KEYS", "SAFE")}
    for folder in (data, *safe.values()):
        folder.mkdir()
    with EmbeddedPostgres(data) as postgres:
        migrate(postgres.owner_dsn, views.ALL, runtime_login=RUNTIME_LOGIN)
        async with running(Database(postgres.owner_dsn, postgres.runtime_dsn), data) as helpr:
            vera = await arrived(helpr, await founded(helpr, "acme"))
            await vera.says(SECRET_WORDS)
            run("back up", DATA=data, **safe)
    shutil.rmtree(data)
    said = run("restore", NEW=new, **safe)
    assert "Nothing is wrong" in said
    with EmbeddedPostgres(new) as postgres:
        installation = Installation(new, postgres.owner_dsn, {"HELPR_DATA": str(new)})
        examined = await asyncio.to_thread(installation.findings)
        found = [f for f in examined if f.check not in ("running", "pages", "views")]
        assert [finding for finding in found if finding.verdict is not Verdict.OK] == []
        assert "They are those of this database" in str(found)
        async with running(Database(postgres.owner_dsn, postgres.runtime_dsn), new) as helpr:
            shown = await helpr.client(**dict(vera.client.headers)).get(f"/widget/v1/conversations/{vera.conversation}")
            assert SECRET_WORDS in shown.text


@pytest.mark.requirement("R-OPS-2")
async def test_database_and_keys_are_dumped_and_restored_into_databases_of_their_own(
    database: Database, cluster: EmbeddedPostgres, place: Path
) -> None:
    """With managed PostgreSQL: nothing but dumps, and the root key."""
    server = {kind: dsn.rsplit("/", 1)[0] for kind, dsn in (("o", cluster.owner_dsn), ("r", cluster.runtime_dsn))}
    names = ("keys_before", "keys_after", "log_after")
    folders = {name: place / name.lower() for name in ("BACKUP", "KEYS")}
    for folder in folders.values():
        folder.mkdir()
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as owner:
        try:
            for name in names:
                owner.execute(f"create database {name}")
            keys = {"keys_url": f"{server['o']}/keys_before"}
            async with running(database, place, **keys) as helpr:
                vera = await arrived(helpr, await founded(helpr, "acme"))
                await vera.says(SECRET_WORDS)
                run("dump", HELPR_DATABASE_OWNER_URL=database.owner, **folders)
                run("dump the keys", HELPR_KEYS_URL=keys["keys_url"], **folders)
            new = {"NEW_OWNER_URL": f"{server['o']}/log_after", "NEW_KEYS_URL": f"{server['o']}/keys_after"}
            run("restore a dump", **new, **folders)
            run("restore the keys", **new, **folders)
            there = Installation(place, new["NEW_OWNER_URL"], {
                "HELPR_DATA": str(place), "HELPR_DATABASE_OWNER_URL": new["NEW_OWNER_URL"],
                "HELPR_DATABASE_URL": f"{server['r']}/log_after", "HELPR_KEYS_URL": new["NEW_KEYS_URL"],
            })  # fmt: skip
            assert "of this version already" in command(there, "migrate").stdout
            found = await asyncio.to_thread(there.findings)
            assert [f for f in found if f.verdict is Verdict.WRONG and f.check != "pages"] == []
            restored = Database(new["NEW_OWNER_URL"], f"{server['r']}/log_after")
            async with running(restored, place, keys_url=new["NEW_KEYS_URL"]) as helpr:
                client = helpr.client(**dict(vera.client.headers))
                assert SECRET_WORDS in (await client.get(f"/widget/v1/conversations/{vera.conversation}")).text
        finally:
            for name in names:
                owner.execute(f"drop database if exists {name} with (force)")


@pytest.mark.requirement("R-PRI-2")
async def test_people_who_were_forgotten_are_forgotten_again_when_old_keys_came_back(
    installation: Installation, place: Path
) -> None:
    """As the page says it: the store of before, and a start."""
    keys, back = installation.data / "keys" / "keys.sqlite", place / "keys.sqlite"
    with psycopg.connect(installation.owner) as owner:
        query = "select tenant_id from log.events where name = 'compliance.KeysDestroyed'"
        [(tenant,)] = owner.execute(query).fetchall()
    shutil.copy(keys, back)
    with closing(sqlite3.connect(back)) as store, store:
        living = "select wrapped from scope_keys where wrapped is not null and tenant = ? and scope like 'subject:%'"
        wrapped = store.execute(living, (tenant.bytes,)).fetchone()[0]
        store.execute("update scope_keys set wrapped = ? where wrapped is null", (wrapped,))
        store.execute("delete from followed")
    shutil.copy(back, keys)
    assert "1 people who were forgotten have keys again" in await said_of_keys(installation)
    async with started(installation, "clock") as clock:
        assert (await clock.until_said("keys were destroyed again"))["facts"] == 1
    assert "They are those of this database" in await said_of_keys(installation)


async def said_of_keys(installation: Installation) -> str:
    return str(await asyncio.to_thread(installation.findings, "keys"))


def test_a_dump_is_restored_into_an_empty_database(
    installation: Installation, cluster: EmbeddedPostgres, place: Path
) -> None:
    run("dump", HELPR_DATABASE_OWNER_URL=installation.owner, BACKUP=place)
    new = f"{cluster.owner_dsn.rsplit('/', 1)[0]}/put_back"
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as owner:
        owner.execute("create database put_back")
        try:
            run("restore a dump", NEW_OWNER_URL=new, BACKUP=place)
            runtime = f"{cluster.runtime_dsn.rsplit('/', 1)[0]}/put_back"
            found = installation.findings(HELPR_DATABASE_OWNER_URL=new, HELPR_DATABASE_URL=runtime)
            assert [f for f in found if f.verdict is not Verdict.OK and f.check != "pages"] == []
        finally:
            owner.execute("drop database put_back with (force)")


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`(?:HELPR_\w+=\S+ )?helpr ([a-z][^`]*)`", PAGE))))
def test_a_command_that_is_named_is_one(command: str) -> None:
    parsed = _parser().parse_args(command.replace("\n", " ").split())
    assert isinstance(parsed, argparse.Namespace)


def test_every_metric_has_an_alarm_with_a_threshold_and_a_mend() -> None:
    ours = {family.name for family in Metrics().registry.collect() if family.name.startswith("helpr_")}
    lines = re.findall(r"^\| `(.*?[=><] ?[\d.ri].*?)`.*? \| (.+?) \| (.+?) \|$", PAGE, re.M)
    named = {name for alarm, _, _ in lines for name in re.findall(r"helpr_\w+", alarm)}
    assert {re.sub(r"_(total|sum|count|bucket)$", "", name) for name in named} == {
        *ours,
        *FAMILIES,
        "helpr_database_up",
        "helpr_reaction_lag_seconds",
    }
    assert len(lines) == len(re.findall("^[|] `", PAGE[PAGE.index("At 3 a.m.") :], re.M))
    assert all(means and mend for _, means, mend in lines)


def can_ring(alarm: str) -> bool:
    """Series of two selectors with different labels are only compared where it is said which labels do not count, and
    what counts for the whole product is added up over its processes."""
    labels = {frozenset(re.findall(r"(\w+)(?:=~|=)\"", found)) | {found} for found in re.findall(r"{(.*?)}", alarm)}
    return len(labels) < 2 or "ignoring(" in alarm or "on(" in alarm


@pytest.mark.parametrize("alarm", re.findall(r"^\| `(helpr_.*?|.*?helpr_.*?)`.*? \|", PAGE, re.M))
def test_an_alarm_can_ring(alarm: str) -> None:
    assert can_ring(alarm)


def test_one_that_never_can_would_be_found() -> None:
    assert not can_ring('rate(a{found="x"}[5m]) > rate(a{found="y"}[5m])')
    assert can_ring('rate(a{found="x"}[5m]) > ignoring(found) rate(a{found="y"}[5m])')


def test_every_check_of_the_doctor_has_a_line() -> None:
    lines = re.findall(r"^\| doctor: (.*?) \|", PAGE, re.M)
    named = {name for line in lines for name in re.findall(r"`([a-z ]+)`", line)}
    source = "".join(file.read_text() for file in (HOUSE / "api" / "run" / "doctor").glob("*.py"))
    assert named == set(re.findall(r"(?:ok|look|wrong)\(\s*\"([a-z ]+)\"", source))
