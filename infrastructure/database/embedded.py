"""The embedded PostgreSQL: our own launcher around the programs of a wheel."""

import fcntl
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Self

import psycopg
from psycopg import sql

from infrastructure.database.cluster import SETTINGS, initialise, password, socket_folder, wait_for_predecessor
from infrastructure.database.installation import (
    PostgresFailed,
    Unprivileged,
    environment,
    identity,
    open_the_way,
    programs,
    unprivileged,
)
from infrastructure.processes import last_words, leash, rotate

__all__ = ["RUNTIME_LOGIN", "EmbeddedPostgres", "PostgresFailed", "temporary_postgres"]

RUNTIME_LOGIN = "helpr"
TRIES = 10
IN_USE = ("in use", "lock file")


class EmbeddedPostgres:
    """One cluster in ``data/postgres``, for one product at a time: a second start on the same folder is refused.

    It listens on 127.0.0.1 with SCRAM; passwords lie in ``data/secrets``. When this process dies, however it dies,
    PostgreSQL shuts down cleanly. Start it from the main thread.
    """

    def __init__(self, data: Path, *, settings: dict[str, str] | None = None) -> None:
        self.data = data.resolve()
        self._settings = SETTINGS | (settings or {})
        self._cluster = self.data / "postgres"
        self.output = self.data / "logs" / "postgres.log"
        self._user: Unprivileged | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._port = 0

    @property
    def owner_dsn(self) -> str:
        """For migrations and tools: may do everything."""
        return self._dsn("postgres")

    @property
    def runtime_dsn(self) -> str:
        """For the running product: a login that owns nothing and takes one of its roles."""
        return self._dsn(RUNTIME_LOGIN)

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> str:
        """Starts the server, making cluster, database and runtime login the first time; gives the owner's DSN.

        Raises PostgresFailed with a sentence for the operator; nothing is left running then.
        """
        self._make_folders()
        self._take_lock()
        try:
            self._open()
        except BaseException:
            self.stop()
            raise
        return self.owner_dsn

    def is_running(self) -> bool:
        """Whether a server answers that this or another process has started on the folder. Asking makes nothing: a
        password that is gone is not drawn anew."""
        remembered = self.data / "run" / "port"
        port = remembered.read_text().strip() if remembered.exists() else ""
        if not port.isdecimal() or not (self.data / "secrets" / "postgres").exists():
            return False
        self._port = int(port)
        try:
            psycopg.connect(self.owner_dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def revive(self) -> bool:
        """Starts the server again, on the same port, if it has died; True if it had."""
        if self._process is None or self._process.poll() is None:
            return False
        self._launch(programs(self.data, self._user))
        self._wait()
        return True

    def stop(self) -> None:
        """A fast, clean shutdown; waits for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(25)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
        self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _make_folders(self) -> None:
        if not self.data.exists():
            self.data.mkdir(parents=True, mode=0o700)
        for name, mode in (("run", 0o755), ("secrets", 0o700), ("logs", 0o700)):
            (self.data / name).mkdir(exist_ok=True)
            (self.data / name).chmod(mode)

    def _take_lock(self) -> None:
        self._lock = (self.data / "run" / "lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise PostgresFailed(f"Helpr is already running on {self.data}. Stop it, or use another --data.") from None

    def _open(self) -> None:
        self._user = unprivileged(self._cluster)
        open_the_way(self.data, self._user)
        binaries = programs(self.data, self._user)
        if not self._cluster.exists():
            words = password(self.data, "postgres")
            initialise(self._cluster, binaries, self._user, superuser_password=words)
        elif not (self.data / "secrets" / "postgres").exists():
            raise PostgresFailed(f"The password in {self.data}/secrets/postgres is gone: put it back from a backup.")
        wait_for_predecessor(self._cluster)
        rotate(self.output)
        self._port = self._free_port()
        self._launch(binaries)
        self._wait()
        self._make_database()

    def _launch(self, binaries: Path) -> None:
        sockets = socket_folder(self.data, self._user)
        settings = {"port": str(self._port), "unix_socket_directories": sockets, **self._settings}
        flags = [f"-c{name}={value}" for name, value in settings.items()]
        with self.output.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603
                [binaries / "postgres", "-D", self._cluster, *flags],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment(), cwd="/",
                preexec_fn=leash(signal.SIGINT), start_new_session=True, **identity(self._user),
            )  # fmt: skip

    def _wait(self) -> None:
        """Until it answers. It is launched anew when it finds something in use: the last processes of a predecessor
        that was killed may need a moment to notice."""
        deadline, tries = time.monotonic() + 60, 0
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                tries += 1
                if tries > TRIES or not any(sign in last_words(self.output) for sign in IN_USE):
                    break
                time.sleep(0.3)
                self._launch(programs(self.data, self._user))
            try:
                psycopg.connect(self._dsn("postgres", database="postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        raise PostgresFailed("PostgreSQL does not start. It says: " + last_words(self.output, lines=3))

    def _make_database(self) -> None:
        login, words = sql.Identifier(RUNTIME_LOGIN), sql.Literal(password(self.data, RUNTIME_LOGIN))
        with psycopg.connect(self._dsn("postgres", database="postgres"), autocommit=True) as connection:
            if not connection.execute("select 1 from pg_roles where rolname = %s", (RUNTIME_LOGIN,)).fetchone():
                connection.execute(sql.SQL("create role {}").format(login))
            rights = "login nosuperuser noinherit nocreatedb nocreaterole noreplication nobypassrls"
            connection.execute(sql.SQL("alter role {} " + rights + " password {}").format(login, words))
            # An error's text may repeat what somebody wrote ('invalid input syntax for …'): only its asker gets it.
            connection.execute(sql.SQL("alter role {} set log_min_messages = 'log'").format(login))
            if not connection.execute("select 1 from pg_database where datname = 'helpr'").fetchone():
                connection.execute("create database helpr")

    def _free_port(self) -> int:
        """The port of last time if it is free, else any."""
        remembered = self.data / "run" / "port"
        wanted = remembered.read_text() if remembered.exists() else ""
        for port in (int(wanted) if wanted.isdigit() else 0, 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                found: int = probe.getsockname()[1]
            remembered.write_text(str(found))
            return found
        raise PostgresFailed("There is no free port on 127.0.0.1.")

    def _dsn(self, user: str, database: str = "helpr") -> str:
        return f"postgresql://{user}:{password(self.data, user)}@127.0.0.1:{self._port}/{database}"


@contextmanager
def temporary_postgres(settings: dict[str, str] | None = None) -> Iterator[EmbeddedPostgres]:
    """A cluster of its own in a temporary folder, gone afterwards."""
    data = Path(mkdtemp(prefix="helpr-"))
    postgres = EmbeddedPostgres(data, settings=settings)
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(data, ignore_errors=True)
