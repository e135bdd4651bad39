"""The embedded PostgreSQL: starts anywhere, alone on its data, and leaves nothing behind."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from infrastructure.database.embedded import EmbeddedPostgres, PostgresFailed, temporary_postgres
from infrastructure.database.installation import identity, programs, unprivileged
from tests.database.conftest import eventually, running_on

Parent = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    with temporary_postgres() as started:
        yield started


def ask(dsn: str, question: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question).fetchone()
        assert row is not None
        return row[0]


def tell(dsn: str, *orders: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for order in orders:
            connection.execute(order)


def dsn_of(data: Path) -> str:
    words = (data / "secrets" / "postgres").read_text()
    return f"postgresql://postgres:{words}@127.0.0.1:{(data / 'run' / 'port').read_text()}/helpr"


@pytest.mark.requirement("R-OPS-3")
def test_it_is_a_postgresql_18_that_speaks_unicode(postgres: EmbeddedPostgres) -> None:
    assert str(ask(postgres.owner_dsn, "show server_version")).startswith("18.")
    assert ask(postgres.owner_dsn, "select upper('straße ñandú')") == "STRASSE ÑANDÚ"
    assert ask(postgres.owner_dsn, "select datlocale from pg_database where datname = 'helpr'") == "PG_UNICODE_FAST"


@pytest.mark.requirement("R-OPS-2")
def test_what_it_acknowledges_is_on_the_disk(postgres: EmbeddedPostgres) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert ask(postgres.owner_dsn, f"show {setting}") == "on", setting


def test_the_running_product_is_no_superuser_and_owns_nothing(postgres: EmbeddedPostgres) -> None:
    rights = "rolsuper or rolinherit or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication"
    assert ask(postgres.runtime_dsn, f"select {rights} from pg_roles where rolname = current_user") is False
    assert ask(postgres.runtime_dsn, "select current_user") == "helpr"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        tell(postgres.runtime_dsn, "create table public.mine (id int)")


def test_nobody_comes_in_without_the_password(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(postgres.runtime_dsn.replace("helpr:", "helpr:not"), "select 1")
    assert ask(postgres.owner_dsn, "show listen_addresses") == "127.0.0.1"
    assert ask(postgres.owner_dsn, "select bool_and(auth_method = 'scram-sha-256') from pg_hba_file_rules") is True


@pytest.mark.requirement("R-PRI-7")
def test_no_word_of_a_query_reaches_the_log(postgres: EmbeddedPostgres) -> None:
    log = postgres.output.stat().st_size
    with psycopg.connect(postgres.runtime_dsn, autocommit=True) as connection:
        connection.execute("create temporary table people (name text unique)")
        connection.execute("insert into people values (%s)", ("Canary Kanarienvogel",))
        for wrong in (
            "insert into people values ('Canary Kanarienvogel')",
            "select 'Canary Kanarienvogel'::uuid",
            "select 'Canary Kanarienvogel' from",
            "do $$ begin raise exception 'Canary Kanarienvogel'; end $$",
            "do $$ begin raise warning 'Canary Kanarienvogel'; end $$",
        ):
            with contextlib.suppress(psycopg.Error):
                connection.execute(wrong)
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("select %s::uuid", ("Canary Kanarienvogel",))
    tell(postgres.owner_dsn, "select pg_reload_conf()")
    eventually(lambda: postgres.output.stat().st_size > log)
    assert "Canary" not in postgres.output.read_text()


def test_passwords_are_for_their_owner_only(postgres: EmbeddedPostgres) -> None:
    secrets = postgres.data / "secrets"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()} == {
        "postgres": 0o600,
        "helpr": 0o600,
    }
    assert not list(postgres.data.glob("*.password"))


def test_a_second_one_on_the_same_data_is_refused_in_a_sentence(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(PostgresFailed, match=r"^Helpr is already running on .*\. Stop it, or use another --data\.$"):
        EmbeddedPostgres(postgres.data).start()
    assert ask(postgres.owner_dsn, "select 1") == 1


@pytest.mark.requirement("R-OPS-2")
def test_it_comes_back_when_it_was_killed(postgres: EmbeddedPostgres) -> None:
    tell(postgres.owner_dsn, "create table if not exists kept as select 7 as seven")
    assert postgres.revive() is False
    os.kill(postgres.pid, signal.SIGKILL)
    eventually(postgres.revive)
    assert ask(postgres.owner_dsn, "select seven from kept") == 7


def test_it_stops_and_starts_again_at_the_same_address(postgres: EmbeddedPostgres) -> None:
    before = postgres.owner_dsn
    tell(before, "create table if not exists stays as select 1")
    postgres.stop()
    assert not running_on(postgres.data / "postgres")
    assert postgres.start() == before
    assert ask(before, "select count(*) from stays") == 1


def test_a_lost_runtime_password_is_drawn_anew(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    (postgres.data / "secrets" / "helpr").unlink()
    postgres.start()
    assert ask(postgres.runtime_dsn, "select 1") == 1


@pytest.mark.parametrize("port", ["", "soon"])
def test_a_port_that_is_no_number_is_nobodys(data: Path, port: str) -> None:
    for name in ("run", "secrets"):
        (data / name).mkdir()
    (data / "secrets" / "postgres").write_text("words")
    (data / "run" / "port").write_text(port)
    assert not EmbeddedPostgres(data).is_running()


@pytest.mark.requirement("R-OPS-2")
def test_who_only_asks_whether_it_runs_draws_no_password(data: Path) -> None:
    """The next start would no longer say that the one which the cluster knows is gone."""
    with EmbeddedPostgres(data):
        (data / "secrets" / "postgres").unlink()
        assert not EmbeddedPostgres(data).is_running()
    assert not (data / "secrets" / "postgres").exists()
    with pytest.raises(PostgresFailed, match="is gone: put it back from a backup"):
        EmbeddedPostgres(data).start()


def test_the_pid_of_a_stranger_does_not_keep_it_from_starting(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    cluster = postgres.data / "postgres"
    with subprocess.Popen(["sleep", "60"], cwd="/", **identity(unprivileged(cluster))) as stranger:
        (cluster / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster}\n1700000000\n5432\n\n127.0.0.1\n")
        try:
            postgres.start()
            assert stranger.poll() is None
        finally:
            stranger.kill()
    assert ask(postgres.owner_dsn, "select 1") == 1


def test_a_settings_mistake_is_told_in_its_own_words(data: Path) -> None:
    broken = EmbeddedPostgres(data, settings={"shared_buffers": "plenty"})
    with pytest.raises(PostgresFailed, match=r"PostgreSQL does not start\. It says: .*shared_buffers"):
        broken.start()
    with EmbeddedPostgres(data) as mended:
        assert ask(mended.owner_dsn, "select 1") == 1


def test_root_is_told_which_folder_shuts_postgresql_out(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    if os.geteuid() == 0:
        with pytest.raises(PostgresFailed, match=f"may not enter {closed}"):
            EmbeddedPostgres(closed / "data").start()
        assert not running_on(data)
    else:
        with EmbeddedPostgres(closed / "data") as postgres:
            assert ask(postgres.owner_dsn, "select 1") == 1


def test_it_runs_from_a_copy_where_its_user_cannot_reach_the_wheel(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = programs(data, None).parents[1]
    home = data / "home"
    home.mkdir(mode=0o700)
    shutil.copytree(wheel, home / wheel.name, ignore=shutil.ignore_patterns("pginstall", "include"))
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), home / f"{wheel.name}.libs")
    monkeypatch.syspath_prepend(str(home))
    with EmbeddedPostgres(data) as postgres:
        assert ask(postgres.owner_dsn, "select 1") == 1
        runs_from = Path(f"/proc/{postgres.pid}/exe").readlink()
    assert runs_from.is_relative_to(home) == (os.geteuid() != 0)
    assert runs_from.is_relative_to(data)
    assert wheel.name not in sys.modules


@pytest.mark.requirement("R-OPS-2")
def test_kill_9_of_the_parent_leaves_no_process_and_loses_nothing(data: Path, parent: Parent) -> None:
    for round_ in range(2):
        process = parent()
        dsn = dsn_of(data)
        tell(dsn, "create table if not exists said (line int)", f"insert into said values ({round_})")
        commands = " ".join(running_on(data).values())
        assert "postgres" in commands
        assert "die_with_parent" in commands
        process.kill()
        process.wait()
        eventually(lambda: not running_on(data), seconds=5)
    with EmbeddedPostgres(data) as postgres:
        assert ask(postgres.owner_dsn, "select array_agg(line order by line) from said") == [0, 1]


@pytest.mark.requirement("R-OPS-2")
def test_kill_9_of_everything_at_once_loses_nothing(data: Path, parent: Parent) -> None:
    process = parent()
    tell(dsn_of(data), "create table said as select 5 as line")
    for pid in sorted(running_on(data), reverse=True):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    with EmbeddedPostgres(data) as postgres:
        assert ask(postgres.owner_dsn, "select line from said") == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_signal_stops_everything_cleanly(data: Path, parent: Parent, number: signal.Signals) -> None:
    process = parent()
    process.send_signal(number)
    assert process.wait(10) == 0
    assert not running_on(data)
    assert "database system is shut down" in (data / "logs" / "postgres.log").read_text()
