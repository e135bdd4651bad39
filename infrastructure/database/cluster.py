"""A PostgreSQL cluster on disk: its making, its settings, its passwords, and who still runs on it."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from infrastructure.database.installation import PostgresFailed, Unprivileged, environment, identity
from infrastructure.keys.digests import new_secret

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "io_method": "sync",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    # A query whose asker has gone away is not run to its end.
    "client_connection_check_interval": "2s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No statement, parameter or row may reach the log: they hold ciphertext at best.
    "log_statement": "none",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
SOCKET_PATH_LIMIT = 107


def password(data: Path, user: str) -> str:
    """The password of a database user, from ``data/secrets``, drawn the first time."""
    file = data / "secrets" / user
    if not file.exists():
        _write_secret(file, new_secret())
    return file.read_text()


def initialise(cluster: Path, binaries: Path, user: Unprivileged | None, *, superuser_password: str) -> None:
    """Makes the cluster, whole or not at all; raises PostgresFailed."""
    draft, words = cluster.with_name("postgres.new"), cluster.with_name("postgres.password")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    _write_secret(words, superuser_password)
    if user:
        os.chown(draft, user.uid, user.gid)
        os.chown(words, user.uid, user.gid)
    try:
        done = subprocess.run(  # noqa: S603
            [
                binaries / "initdb", "-D", draft, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", words,
                "-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST",
            ],
            capture_output=True, text=True, env=environment(), cwd="/", check=False, **identity(user),
        )  # fmt: skip
    finally:
        words.unlink()
    if done.returncode:
        raise PostgresFailed(f"PostgreSQL's initdb failed: {' / '.join(done.stderr.strip().splitlines()[-2:])}")
    draft.rename(cluster)


def wait_for_predecessor(cluster: Path, *, seconds: float = 25.0) -> None:
    """Until a PostgreSQL that lost its parent has shut down; raises PostgresFailed when it does not."""
    deadline = time.monotonic() + seconds
    while (pid := _running(cluster)) is not None:
        if time.monotonic() > deadline:
            raise PostgresFailed(f"A PostgreSQL (process {pid}) still runs on {cluster}: stop it first.")
        time.sleep(0.02)


def socket_folder(data: Path, user: Unprivileged | None) -> str:
    """A folder for PostgreSQL's socket, which only its user may enter; "" where the path would be too long for one."""
    folder = data / "run" / "postgres"
    if len(os.fsencode(folder / ".s.PGSQL.65535.lock")) > SOCKET_PATH_LIMIT:
        return ""
    folder.mkdir(mode=0o700, exist_ok=True)
    if user:
        os.chown(folder, user.uid, user.gid)
    return str(folder)


def _running(cluster: Path) -> int | None:
    """The process that runs on the cluster. A pid that meanwhile is another program's is forgotten: PostgreSQL would
    take that one for its predecessor and refuse to start for ever."""
    file = cluster / "postmaster.pid"
    try:
        pid = int(file.read_text().split("\n", 1)[0])
        home = Path(f"/proc/{pid}/cwd").readlink()
    except (OSError, ValueError):
        return None
    if home == cluster:
        return pid
    file.unlink(missing_ok=True)
    return None


def _write_secret(file: Path, text: str) -> None:
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(file)
