"""The doctor: whatever is made wrong is seen, with what mends it; and a healthy Helpr is said to be healthy."""

import json
import os
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.run.doctor import database, machine
from api.run.doctor.examining import show
from api.run.doctor.finding import Verdict, ok, wrong
from tests.operations.conftest import SECRET_WORDS, Installation

pytestmark = pytest.mark.requirement("R-OPS-3")


def of(installation: Installation, check: str, verdict: Verdict = Verdict.WRONG, **others: str) -> str:
    """What is said of a check with this verdict; fails when nothing is."""
    found = [f for f in installation.findings(check, **others) if f.verdict is verdict]
    assert found, installation.findings(**others)
    assert all(f.mend for f in found)
    return " ".join(f"{f.says} {f.mend}" for f in found)


def test_what_is_well_is_said_to_be_well(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "DIST", _built(installation.data))
    found = installation.findings()
    assert [finding for finding in found if finding.verdict is not Verdict.OK] == []
    checks = ["pages", "data", "permissions", "disk", "port", "database", "schema", "login", "clock", "locks", "views"]
    assert [finding.check for finding in found] == [*checks, "root key", "key store", "keys"]


def _built(data: Path) -> Path:
    for file in ("console/index.html", "widget/widget.js"):
        (data / "dist" / file).parent.mkdir(parents=True)
        (data / "dist" / file).touch()
    return data / "dist"


def test_looking_changes_nothing_and_makes_nothing(installation: Installation) -> None:
    before = {file: file.stat().st_mtime_ns for file in installation.data.rglob("*")}
    assert SECRET_WORDS not in str(installation.findings())
    assert {file: file.stat().st_mtime_ns for file in installation.data.rglob("*")} == before
    empty = installation.data / "empty"
    installation.findings(HELPR_DATA=str(empty), HELPR_DATABASE_URL="", HELPR_DATABASE_OWNER_URL="")
    assert not empty.exists()


def test_settings_that_cannot_be_read_or_that_nobody_reads(installation: Installation) -> None:
    assert "HELPR_PORT must be a number" in of(installation, "settings", HELPR_PORT="many")
    assert "HELPR_KEYS_URL must lie outside" in of(
        installation, "settings", HELPR_KEYS_URL=installation.environment["HELPR_DATABASE_URL"]
    )
    assert "HELPR_DATABSE_URL" in of(installation, "settings", Verdict.LOOK, HELPR_DATABSE_URL="x")


def test_what_loses_events_is_set(installation: Installation) -> None:
    assert "Unset it" in of(installation, "environment", POSTGRES_ENABLE_DB_FUNCTIONS="yes")


def test_pages_that_are_not_built(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "DIST", installation.data / "nowhere")
    assert "not built" in of(installation, "pages")


def test_folders_and_files_that_others_may_read_or_write(installation: Installation) -> None:
    for file in ("root/root.key", "keys/keys.sqlite"):
        (installation.data / file).chmod(0o640)
        assert f"chmod go-rwx {installation.data / file}" in of(installation, "permissions")
        (installation.data / file).chmod(0o600)
    (installation.data / "secrets").mkdir(mode=0o700)
    (installation.data / "secrets" / "postgres").write_text("a password")
    (installation.data / "secrets" / "postgres").chmod(0o644)
    assert "secrets/postgres" in of(installation, "permissions")
    installation.data.chmod(0o777)
    assert "chmod go-w" in of(installation, "data")


@pytest.mark.parametrize(("free", "verdict"), [(1 << 20, Verdict.WRONG), (1 << 30, Verdict.LOOK)])
def test_a_disk_that_is_nearly_full(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, free: int, verdict: Verdict
) -> None:
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert "ake room" in of(installation, "disk", verdict)


def test_a_port_on_which_somebody_else_listens(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", int(installation.environment["HELPR_PORT"]))):
        assert "helpr up --port" in of(installation, "port")


def test_a_folder_whose_postgres_was_killed_or_outlived_its_helpr(installation: Installation) -> None:
    cluster = installation.data / "postgres"
    cluster.mkdir(mode=0o700)
    home = {"HELPR_DATABASE_URL": "", "HELPR_DATABASE_OWNER_URL": ""}
    assert "Nothing runs" in of(installation, "running", Verdict.LOOK, **home)
    (cluster / "postmaster.pid").write_text(f"{os.getpid()}\n")
    assert "was killed here" in of(installation, "running", Verdict.LOOK, **home)
    before = Path.cwd()
    os.chdir(cluster)
    try:
        assert f"kill -INT {os.getpid()}" in of(installation, "running", Verdict.WRONG, **home)
    finally:
        os.chdir(before)


def test_a_database_that_does_not_answer_keeps_its_password_to_itself(installation: Installation) -> None:
    said = of(installation, "database", HELPR_DATABASE_OWNER_URL="postgresql://helpr:hush@127.0.0.1:1/helpr")
    assert "does not answer" in said
    owner = installation.owner.split("@")[1]
    said = of(installation, "database", HELPR_DATABASE_OWNER_URL=f"postgresql://postgres:hush@{owner}")
    assert "refuses the password" in said
    odd = str(installation.findings(HELPR_DATABASE_OWNER_URL="postgresql//helpr:hush@db"))
    assert "hush" not in said + odd


def test_a_database_that_is_too_old(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OLDEST", 990000)
    assert "too old" in of(installation, "database")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("drop table public.helpr_migrations", "There is none"),
        ("delete from public.helpr_migrations where name like 'reactions%'", "reactions/schema.sql not applied"),
        ("update public.helpr_migrations set digest = 'other' where name like 'views%'", "another version's: views/"),
        ("insert into public.helpr_migrations values ('later.sql', '')", "another version's: later.sql"),
    ],
)
def test_a_schema_that_is_behind_or_not_ours(installation: Installation, change: str, says: str) -> None:
    installation.execute(change)
    assert says in of(installation, "schema")


def test_a_login_that_may_do_too_little_or_too_much(installation: Installation) -> None:
    installation.execute("create role nobody_much login password 'words'")
    try:
        poor = f"postgresql://nobody_much:words@{installation.owner.split('@')[1]}"
        assert "may not take" in of(installation, "login", HELPR_DATABASE_URL=poor)
        assert "whoever ran the migrations" in of(installation, "database", HELPR_DATABASE_OWNER_URL=poor)
    finally:
        installation.execute("drop role nobody_much")
    assert "may do more" in of(installation, "login", Verdict.LOOK, HELPR_DATABASE_URL=installation.owner)


@pytest.mark.parametrize(("apart", "verdict"), [(10, Verdict.LOOK), (-90, Verdict.WRONG)])
def test_clocks_that_are_apart(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, apart: int, verdict: Verdict
) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + apart)
    assert "NTP" in of(installation, "clock", verdict)


LAST = "where position = (select max(position) from log.events)"


@pytest.mark.parametrize(
    ("check", "change", "says"),
    [
        ("clock", f"update log.events set recorded_at = now() + interval '1 hour' {LAST}", "in the future"),
        ("views", "update views.generations set version = version - 1 where view = 'inbox'", "inbox is not of this"),
        ("views", "delete from views.generations where view = 'thread'", "thread is not of this version"),
        ("views", f"delete from log.events {LAST}", "that the log does not have"),
        (
            "views",
            "insert into views.parked select 'inbox', generation, tenant_id, stream_kind, stream_id, position, 'Oh' "
            f"from log.events, views.generations {LAST} and view = 'inbox'",
            "helpr views replay inbox",
        ),
        (
            "views",
            "update log.events set recorded_at = now() - interval '10 minutes'; "
            "update views.checkpoints set position = 1 where view = 'daily'",
            "daily is",
        ),
    ],
)
def test_what_is_wrong_in_the_database_is_seen(installation: Installation, check: str, change: str, says: str) -> None:
    installation.execute(change)
    assert says in of(installation, check)


def test_a_view_that_is_being_built_anew(installation: Installation) -> None:
    installation.execute("insert into views.generations select view, 9, version, 'filling' from views.generations")
    assert "inbox is being built anew" in str(installation.findings("views"))


def _other_key(data: Path) -> None:
    (data / "root" / "root.key").write_bytes(bytes(32))


def in_store(statement: str) -> Callable[[Path], None]:
    """Changes the key store, past everybody."""

    def change(data: Path) -> None:
        with closing(sqlite3.connect(data / "keys" / "keys.sqlite")) as file, file:
            assert file.execute(statement).rowcount > 0

    return change


OLDER = "delete from scope_keys where scope like 'subject:%' and wrapped is not null"
"""As if it had been put back from before the visitor came."""
TENANTS = "delete from tenant_keys where hex(tenant) not like '000000000000%'"
AGAIN = "update scope_keys set wrapped = x'01' where wrapped is null"
"""As if it had been put back from before somebody was forgotten."""


@pytest.mark.requirement("R-PRI-7")
@pytest.mark.parametrize(
    ("check", "change", "says"),
    [
        ("root key", lambda data: (data / "root/root.key").unlink(), "is not there"),
        ("root key", lambda data: (data / "root/root.key").chmod(0o644), "Others can read the root key"),
        ("root key", lambda data: (data / "root/root.key").write_bytes(b"short"), "not a root key of 32 bytes"),
        ("root key", _other_key, "did not wrap these keys"),
        ("key store", lambda data: (data / "keys/keys.sqlite").unlink(), "the log holds facts"),
        ("key store", lambda data: (data / "keys/keys.sqlite").write_bytes(b"no database" * 99), "does not answer"),
        ("key store", in_store("delete from scope_keys where scope = 'master:cell'"), "master key is not in it"),
        (
            "keys",
            in_store(TENANTS),
            "1 organisations of this log have no keys",
        ),
        ("keys", in_store(OLDER), "older than the database"),
        ("keys", in_store(AGAIN), "1 people who were forgotten have keys again"),
    ],
)
def test_keys_that_are_missing_or_not_those_of_this_database(
    installation: Installation, check: str, change: Callable[[Path], Any], says: str
) -> None:
    change(installation.data)
    assert says in of(installation, check)


def test_a_key_database_that_is_away_and_a_root_key_that_nobody_understands(installation: Installation) -> None:
    assert "does not answer" in of(installation, "key store", HELPR_KEYS_URL="postgresql://127.0.0.1:1/keys")
    empty = f"{installation.owner.rsplit('/', 1)[0]}/postgres"
    assert "the log holds facts" in of(installation, "key store", HELPR_KEYS_URL=empty)
    with psycopg.connect(empty) as db:
        assert db.execute("select to_regclass('scope_keys')").fetchone() == (None,)


def test_a_line_a_check_and_one_when_something_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    found = [ok("disk", "There is room. " * 20), wrong("views", "They stand still.", "helpr views replay")]
    assert show(found[:1], as_json=False) == 0
    assert show(found, as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok", "Nothing", "ok", "wrong", "Mend"]
    assert "\x1b" not in "".join(lines)
    assert show(found, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)[1] == {
        "check": "views", "verdict": "wrong", "says": "They stand still.", "mend": "helpr views replay",
    }  # fmt: skip


def test_a_helpr_that_waits_for_its_parts(installation: Installation) -> None:
    with _answering(int(installation.environment["HELPR_PORT"]), b'{"status":"not ready","parts":{"keys":false}}'):
        assert "waits for its keys" in of(installation, "running")


def test_metrics_that_could_not_be_served(installation: Installation) -> None:
    with _answering(int(installation.environment["HELPR_PORT"]), b'{"status":"ready","parts":{}}'):
        assert "metrics not on 127.0.0.1:1." in of(installation, "running", Verdict.LOOK, HELPR_METRICS_PORT="1")


@contextmanager
def _answering(port: int, body: bytes) -> Iterator[None]:
    """Somebody who answers 503 with this body, whatever is asked."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", port), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
