"""Copies of a database, as a backup or a thief would make them: as a dump, and file by file."""

import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from infrastructure.database.embedded import EmbeddedPostgres
from infrastructure.database.installation import environment, identity, programs, unprivileged


def dump(dsn: str, to: Path) -> Path:
    """A database as SQL, by PostgreSQL's own pg_dump."""
    _run("pg_dump", "--file", str(to), "--dbname", dsn)
    return to


def restored_dump(cluster: EmbeddedPostgres, dumped: Path, name: str) -> str:
    """A database of this name, made from a dump; where it is, for its owner."""
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as owner:
        owner.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    dsn = cluster.owner_dsn.rsplit("/", 1)[0] + "/" + name
    _run("psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", str(dumped), "--output", "/dev/null", dsn)
    return dsn


def copy_of_files(cluster: EmbeddedPostgres, to: Path) -> EmbeddedPostgres:
    """The data folder of a running PostgreSQL, file by file, with what it takes to start it elsewhere. Not started."""
    user = unprivileged(cluster.data / "postgres")
    to.chmod(0o755)
    (to / "postgres").mkdir(mode=0o700)
    if user:
        shutil.chown(to / "postgres", user.uid, user.gid)
    server = cluster.owner_dsn.rsplit("/", 1)[0] + "/postgres"
    command: list[str | Path] = [
        programs(cluster.data, user) / "pg_basebackup",
        "-D",
        to / "postgres",
        "-c",
        "fast",
        "-X",
        "stream",
        "-d",
        server,
    ]
    subprocess.run(command, check=True, capture_output=True, env=environment(), cwd="/", **identity(user))
    shutil.copytree(cluster.data / "secrets", to / "secrets")
    return EmbeddedPostgres(to)


def _run(program: str, *arguments: str) -> None:
    binaries = programs(Path("/nowhere"), None)
    done = subprocess.run(
        [binaries / program, *arguments], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
