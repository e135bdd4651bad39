"""``helpr up``: everything on one machine, as one group of processes that live and die together."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import msgspec
import psycopg
from msgspec.structs import replace

from api.run.owning import DatabaseIsAway
from api.run.port import sockets_on
from api.settings import DIST, Settings, login_of
from infrastructure.database.embedded import RUNTIME_LOGIN, EmbeddedPostgres, PostgresFailed
from infrastructure.database.migrations import migrate
from infrastructure.event_log.db_functions import refuse_db_functions
from infrastructure.processes import Child, ProcessGroup
from projections import views

Said = Callable[[str], None]
Progress = Callable[[str, int, int], None]
AGAIN = 2.0
"""Seconds between two tries to start a PostgreSQL that cannot start."""


class DataIsUnwritable(Exception):
    """Nothing can be kept in the folder for data; the message says why."""


class NothingRuns(Exception):
    """No embedded database is up; the message says where it was looked for."""


class Running(msgspec.Struct, frozen=True):
    """What runs, and where people reach it."""

    settings: Settings
    group: ProcessGroup
    url: str


@contextmanager
def running(settings: Settings, *, said: Said, progress: Progress) -> Iterator[Running]:
    """Starts the database if it is ours, brings the schema up, starts the processes and waits until they serve.

    Call it from the main thread. Raises PostgresFailed, PortIsTaken, AddressIsWrong, DataIsUnwritable, GroupFailed,
    DatabaseIsAway, DatabaseIsTooOld, SchemaIsForeign, OwnerMayNot, each with a sentence for the operator;
    KeyboardInterrupt when somebody says stop before all is ready. Afterwards nothing is left running.
    """
    refuse_db_functions()
    _refuse_taken_port(settings)
    _refuse_unwritable(settings.data)
    postgres = None if settings.database_url else EmbeddedPostgres(settings.data)
    try:
        if postgres is not None:
            said("Starting PostgreSQL")
            postgres.start()
            settings = replace(settings, database_url=postgres.runtime_dsn, owner_url=postgres.owner_dsn)
        said("Preparing the database")
        login = RUNTIME_LOGIN if postgres else login_of(settings.database_url)
        try:
            migrate(settings.owner_url, views.ALL, runtime_login=login, progress=progress)
        except psycopg.OperationalError:
            raise DatabaseIsAway("The database does not answer. Ask: helpr doctor") from None
        if not (DIST / "console" / "index.html").is_file():
            said("The pages are not built; the API works without them")
        chores = (reviving(postgres, said),) if postgres else ()
        group = ProcessGroup(_children(settings), said=said, chores=chores)
        with group.stopping_on_signals():
            try:
                group.start()
                if not group.wait_until_ready():
                    raise KeyboardInterrupt
                yield Running(settings, group, settings.public_url or settings.here)
            finally:
                group.stop()
    finally:
        if postgres is not None:
            postgres.stop()


def reviving(postgres: EmbeddedPostgres, said: Said) -> Callable[[], None]:
    """A chore: starts PostgreSQL again when it has died. Where it cannot start, as on a full disk, it is tried again;
    the other processes wait for it, and so does whoever started them."""
    due = 0.0

    def revive() -> None:
        nonlocal due
        if time.monotonic() < due:
            return
        try:
            if postgres.revive():
                said("PostgreSQL had stopped, and runs again")
        except PostgresFailed as failed:
            due = time.monotonic() + AGAIN
            said(f"{failed} It is tried again in {AGAIN:.0f} s.")

    return revive


def at_home(settings: Settings) -> Settings:
    """The settings with the embedded database of a Helpr that runs on this folder; raises NothingRuns."""
    postgres = EmbeddedPostgres(settings.data)
    if not postgres.is_running():
        raise NothingRuns(f"No Helpr runs on {settings.data}. Start it with helpr up, or name its folder with --data.")
    return replace(settings, database_url=postgres.runtime_dsn, owner_url=postgres.owner_dsn)


def _children(settings: Settings) -> list[Child]:
    ready = f"{settings.here}/readyz"
    logs, environment = settings.data / "logs", settings.environment()
    return [
        Child("views", _command("views"), environment, logs / "views.log"),
        Child("clock", _command("clock"), environment, logs / "clock.log"),
        Child("api", _command("api"), environment, logs / "api.log", ready),
    ]


def _command(process: str) -> list[str]:
    return [sys.executable, "-m", "api.cli", "run", process]


def _refuse_taken_port(settings: Settings) -> None:
    for probe in sockets_on(settings.host, settings.port, otherwise=f"helpr up --port {settings.port + 1}"):
        probe.close()


def _refuse_unwritable(data: Path) -> None:
    try:
        data.mkdir(parents=True, mode=0o700, exist_ok=True)
        with TemporaryFile(dir=data):
            pass
    except OSError as error:
        raise DataIsUnwritable(
            f"Helpr cannot keep data in {data}: {error.strerror}. Use another folder: helpr up --data DIR"
        ) from None
