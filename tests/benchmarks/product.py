"""A Helpr to be measured: its database, its settings, its processes, and how far its views are."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import psycopg

from api.settings import Settings
from infrastructure.database.embedded import RUNTIME_LOGIN, EmbeddedPostgres
from infrastructure.database.migrations import migrate
from infrastructure.processes import leash
from infrastructure.views.status import status
from projections import views
from tests.views.rebuilt import rebuild


def prepared(postgres: EmbeddedPostgres, *, name: str = "helpr") -> Settings:
    """A migrated database of this name, and settings with keys, port and demo people of its own."""
    data = postgres.data if name == "helpr" else postgres.data / name
    data.mkdir(mode=0o700, exist_ok=True)
    owner, runtime = (database(dsn, name) for dsn in (postgres.owner_dsn, postgres.runtime_dsn))
    if name != "helpr":
        made(postgres, name)
    migrate(owner, views.ALL, runtime_login=RUNTIME_LOGIN)
    return Settings(
        data=data,
        database_url=runtime,
        owner_url=owner,
        keys_url=f"sqlite:///{data}/keys/keys.sqlite",
        kms_url=f"file://{data}/root/root.key",
        port=free_port(),
        is_demo=True,
    )


def database(dsn: str, name: str) -> str:
    """The DSN of another database on the same server."""
    return f"{dsn.rsplit('/', 1)[0]}/{name}"


def made(postgres: EmbeddedPostgres, name: str) -> str:
    """Makes an empty database; its owner's DSN."""
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as owner:
        owner.execute(f"create database {name}")
    return database(postgres.owner_dsn, name)


@contextmanager
def process(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """One of our modules as a process, until the end; its pid."""
    started = subprocess.Popen(
        [sys.executable, "-m", *command], env={**os.environ, **(environment or {})}, preexec_fn=leash()
    )
    try:
        yield started.pid
    finally:
        started.terminate()
        started.wait()


@contextmanager
def running(settings: Settings, name: str) -> Iterator[int]:
    """One process of the product, an API process only once it serves; its pid."""
    with process(["api.cli", "run", name], settings.environment()) as pid:
        if name == "api":
            until_it_answers(f"http://127.0.0.1:{settings.port}/readyz")
        yield pid


def until_it_answers(url: str, *, seconds: float = 60) -> None:
    """Waits for any good answer; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.01)
    raise TimeoutError(f"{url} does not answer")


def until_it_listens(port: int, *, seconds: float = 60) -> None:
    """Waits until somebody takes connections there; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(f"nobody listens on {port}")


def free_port() -> int:
    """Where nobody listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def until_views_stand(settings: Settings) -> float:
    """Waits until no view is a second behind; how long that took."""
    before = time.monotonic()
    with psycopg.connect(settings.owner_url, autocommit=True) as owner:
        while any(view.seconds > 1 or view.lag > 500 for view in status(owner)):
            time.sleep(0.05)
    return time.monotonic() - before


def rebuilt(settings: Settings) -> dict[str, float]:
    """Builds every view anew from the whole log; the seconds of each. What was written is settled afterwards."""
    took = {}
    with psycopg.connect(settings.owner_url, autocommit=True) as owner:
        for view in views.ALL:
            before = time.perf_counter()
            rebuild(owner, view)
            took[view.NAME] = time.perf_counter() - before
        settle(owner)
    return took


def settle(owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """What filling has left to do for PostgreSQL is done before anything is measured."""
    owner.execute("vacuum analyze")
    owner.execute("checkpoint")


def memory(pids: Sequence[int]) -> int:
    """The bytes that processes take, what they share divided among those who share it (PSS)."""
    return sum(_pss(pid) for pid in pids)


def spent(pid: int) -> float:
    """The seconds of CPU that a process has taken, for itself and in the kernel."""
    user, kernel = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(kernel)) / os.sysconf("SC_CLK_TCK")


def spent_by_family(pid: int) -> float:
    """The same of a process and of all that descend from it, those that are gone included."""
    total = 0
    for each in family(pid):
        with suppress(OSError):
            total += sum(map(int, Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found.extend(parents.get(each, ()))
    return found


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
