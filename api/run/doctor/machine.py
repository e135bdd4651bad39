"""The doctor's look at the machine: surroundings, folders, disk, port, and what runs."""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import msgspec

from api.health import Health
from api.run.doctor.finding import Finding, look, ok, wrong
from api.settings import DIST, Settings, local
from infrastructure.event_log.db_functions import DbFunctionsLoseEvents, refuse_db_functions

OTHERS = frozenset({"HELPR_DEMO_DATA"})
"""Variables that are read besides the settings."""
GIGABYTE = 1 << 30
LITTLE, LEAST = 2 * GIGABYTE, GIGABYTE // 4
"""Free bytes below which one should look, and below which PostgreSQL may stop at any moment."""
FEWEST = 1000
"""Files that it must be possible to make."""


def surroundings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that lose events, and variables that nobody reads."""
    try:
        refuse_db_functions(environment)
    except DbFunctionsLoseEvents as error:
        yield wrong("environment", str(error), "Nothing of Helpr starts with it.")
    known = OTHERS | Settings(data=Path()).environment().keys()
    strange = sorted(name for name in environment if name.startswith("HELPR_") and name not in known)
    if strange:
        yield look("settings", f"Nobody reads {', '.join(strange)}.", "Is it a slip of the pen?")


def pages() -> Finding:
    """Console, widget, shop: built or not."""
    if (DIST / "console" / "index.html").is_file() and (DIST / "widget" / "widget.js").is_file():
        return ok("pages", "Console and widget are built.")
    return wrong("pages", "They are not built; only the API works.", "uv sync --reinstall-package helpr")


def folders(settings: Settings) -> Iterator[Finding]:
    """Who may enter and read what is to be private."""
    data = settings.data
    if not data.exists():
        yield look("data", f"There is no {data} yet.", "The first helpr up makes it.")
        return
    if not os.access(data, os.W_OK | os.X_OK):
        yield wrong("data", f"This user may not write in {data}.", "Run as the user who owns it, or: chown -R")
        return
    if data.stat().st_mode & 0o022:
        yield wrong("data", f"Others may write in {data}.", f"chmod go-w {data}")
    else:
        yield ok("data", f"{data} is ours to write.")
    private = [file for name in ("secrets", "logs", "postgres") for file in _with_files(data / name)]
    private += [file for url in (settings.keys_url, settings.kms_url) if (file := local(url))]
    open_to_others = [file for file in private if file.exists() and file.stat().st_mode & 0o077]
    for file in open_to_others:
        yield wrong("permissions", f"Others can read {file}.", f"chmod go-rwx {file}")
    if not open_to_others:
        yield ok("permissions", "What is private can be read by its owner alone.")


def disks(settings: Settings) -> Iterator[Finding]:
    """How much room is left where data lives, and where the keys do if that is elsewhere."""
    keys = local(settings.keys_url)
    places = {_existing(place).stat().st_dev: place for place in (keys, settings.data) if place}
    for place in reversed(places.values()):
        yield _disk(place)


def _disk(place: Path) -> Finding:
    free, found = shutil.disk_usage(_existing(place)).free, os.statvfs(_existing(place))
    says = f"{free / GIGABYTE:,.1f} GB are free for {place}."
    if found.f_files and found.f_favail < FEWEST:
        return wrong("disk", f"{place} can take {found.f_favail:,} more files.", "Remove files: PostgreSQL makes some.")
    if free < LEAST:
        return wrong("disk", says, "Make room: PostgreSQL stops when it is full. Nothing acknowledged is lost then.")
    return look("disk", says, "Make room soon.") if free < LITTLE else ok("disk", says)


def traces(settings: Settings) -> Iterator[Finding]:
    """Whether they are sent, and whether somebody takes them; nothing where nobody wants any."""
    if not settings.traces_url:
        return
    parts = urlsplit(settings.traces_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if not _has_telemetry():
        mend = "uv pip install 'helpr[traces]', then restart; or unset HELPR_TRACES_URL."
        yield look("traces", "HELPR_TRACES_URL is set, and OpenTelemetry is not installed.", mend)
    elif not _listens(host, port):
        yield look("traces", f"Nobody takes them at {host}:{port}.", "Start the collector, or unset HELPR_TRACES_URL.")
    else:
        yield ok("traces", f"They go to {host}:{port}.")


class Home:
    """What runs on a folder and a port. Where the database is somebody else's, only the port tells."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._data = settings, settings.data
        self._cluster = settings.data / "postgres"

    def findings(self) -> Iterator[Finding]:
        """What runs, what is left of what ran, and who listens on our port."""
        is_held = self._is_held()
        postgres = self._postmaster()
        if postgres and not is_held:
            yield wrong("running", f"PostgreSQL (process {postgres}) outlived its Helpr.", f"kill -INT {postgres}")
        elif not is_held and (self._cluster / "postmaster.pid").exists():
            yield look("running", "A PostgreSQL was killed here.", "helpr up recovers what it acknowledged.")
        elif not is_held and not self._settings.database_url:
            yield look("running", f"Nothing runs on {self._data}.", "Start it with: helpr up")
        yield self._port(is_held)

    def has_database(self) -> bool:
        """Whether the embedded PostgreSQL is up."""
        return self._postmaster() is not None and self.database_port() > 0

    def database_port(self) -> int:
        """Where the embedded PostgreSQL was last started; 0 if never."""
        file = self._data / "run" / "port"
        text = file.read_text().strip() if is_readable(file) else ""
        return int(text) if text.isdigit() else 0

    def _is_held(self) -> bool:
        """Whether somebody holds the folder's lock. It dies with its process: there is no stale one."""
        try:
            with (self._data / "run" / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _postmaster(self) -> int | None:
        try:
            pid = int((self._cluster / "postmaster.pid").read_text().split("\n", 1)[0])
            return pid if Path(f"/proc/{pid}/cwd").readlink() == self._cluster.resolve() else None
        except (OSError, ValueError):
            return None

    def _port(self, is_held: bool) -> Finding:
        host, port = self._settings.host, self._settings.port
        if not _listens(host, port):
            if is_held:
                return wrong("running", f"Helpr runs, and nothing answers on {host}:{port}.", self._words())
            return ok("port", f"{host}:{port} is free.")
        health = _health(f"{self._settings.here}/readyz")
        if health is None:
            return wrong("port", f"Something else listens on {host}:{port}.", f"helpr up --port {port + 1}")
        away = [part for part, answers in health.parts.items() if not answers]
        if away:
            return wrong("running", f"Helpr runs and waits for its {' and '.join(away)}.", "It heals by itself.")
        if (metrics := self._settings.metrics_port) and not _listens("127.0.0.1", metrics):
            mend = "Restart with another HELPR_METRICS_PORT, if it was taken at the start."
            return look("running", f"Helpr answers, but metrics not on 127.0.0.1:{metrics}.", mend)
        return ok("running", f"Helpr answers on {host}:{port}.")

    def _words(self) -> str:
        return f"Is it on another port (--port)? Else read {self._data / 'logs' / 'api.log'}"


def is_readable(file: Path) -> bool:
    """Whether there is such a file and this user may read it."""
    return file.is_file() and os.access(file, os.R_OK)


def _existing(place: Path) -> Path:
    """The folder that is to hold it, or the nearest one that is there already."""
    return next(folder for folder in (place, *place.parents) if folder.exists())


def _has_telemetry() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


def _with_files(folder: Path) -> list[Path]:
    """A private folder, and the secrets in it one by one: PostgreSQL looks after its own."""
    return [folder, *sorted(folder.iterdir())] if folder.name == "secrets" and folder.is_dir() else [folder]


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def _health(url: str) -> Health | None:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310
            return msgspec.json.decode(answer.read(), type=Health)
    except HTTPError as error:
        try:
            return msgspec.json.decode(error.read(), type=Health)
        except msgspec.MsgspecError:
            return None
    except (OSError, msgspec.MsgspecError):
        return None
