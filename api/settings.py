"""What an operator may decide. Read once, from the environment; defaults run everything on one machine."""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

DEMO = UUID("0193d0a0-0000-7000-8000-00000000d0e5")
"""The organisation of the demo; the same everywhere, so that its shop's page is the same everywhere."""

DIST = Path(__file__).parent / "web" / "dist"
"""Where the pages lie once they are built."""

LEVELS = ("debug", "info", "warning", "error")


class SettingIsWrong(Exception):
    """A setting cannot be read; the message names the variable and says what is expected."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """DSNs and places. Empty ``database_url`` means the embedded PostgreSQL in ``data``; ``public_url`` is where people
    reach Helpr when that is not ``host`` and ``port``: with https, cookies are for https only.
    Metrics are served on ``metrics_port`` of 127.0.0.1; 0 is nowhere. ``keys_kept``: for how many seconds a process
    remembers an opened key, 60 at most."""

    data: Path
    database_url: str = ""
    owner_url: str = ""
    keys_url: str = ""
    kms_url: str = ""
    keys_kept: float = 60
    public_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8460
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    metrics_port: int = 0
    log_level: str = "info"
    log_every: int = 0
    traces_url: str = ""
    traces_share: float = 1.0
    is_demo: bool = False
    demo_organisation: UUID = DEMO

    @property
    def here(self) -> str:
        """Where this machine itself reaches Helpr, past any proxy."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The same settings as variables, for the processes that are started from here."""
        return {
            "HELPR_DATA": str(self.data),
            "HELPR_DATABASE_URL": self.database_url,
            "HELPR_DATABASE_OWNER_URL": self.owner_url,
            "HELPR_KEYS_URL": self.keys_url,
            "HELPR_KMS_URL": self.kms_url,
            "HELPR_KEYS_KEPT": f"{self.keys_kept:g}",
            "HELPR_PUBLIC_URL": self.public_url,
            "HELPR_HOST": self.host,
            "HELPR_PORT": str(self.port),
            "HELPR_TRUSTED_PROXIES": ",".join(self.trusted_proxies),
            "HELPR_METRICS_PORT": str(self.metrics_port or ""),
            "HELPR_LOG_LEVEL": self.log_level,
            "HELPR_LOG_EVERY": str(self.log_every or ""),
            "HELPR_TRACES_URL": self.traces_url,
            "HELPR_TRACES_SHARE": str(self.traces_share),
            "HELPR_DEMO": "yes" if self.is_demo else "",
        }


def default_data() -> Path:
    """Where data lives when nobody says otherwise: /var/lib/helpr for root, else the user's data directory."""
    if os.geteuid() == 0:
        return Path("/var/lib/helpr")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "helpr"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process; raises SettingIsWrong."""
    data = Path(environment.get("HELPR_DATA") or default_data()).absolute()
    database = environment.get("HELPR_DATABASE_URL", "")
    owner = environment.get("HELPR_DATABASE_OWNER_URL") or database
    keys = _whole(environment.get("HELPR_KEYS_URL") or f"sqlite:///{data / 'keys' / 'keys.sqlite'}", "HELPR_KEYS_URL")
    return Settings(
        data=data,
        database_url=database,
        owner_url=owner,
        keys_url=_apart(keys, (database, owner), data),
        kms_url=_whole(environment.get("HELPR_KMS_URL") or f"file://{data / 'root' / 'root.key'}", "HELPR_KMS_URL"),
        keys_kept=_seconds(environment.get("HELPR_KEYS_KEPT") or "60", "HELPR_KEYS_KEPT", most=60),
        public_url=environment.get("HELPR_PUBLIC_URL", "").rstrip("/"),
        host=environment.get("HELPR_HOST") or "127.0.0.1",
        port=_port(environment.get("HELPR_PORT") or "8460", "HELPR_PORT"),
        metrics_port=_port(environment.get("HELPR_METRICS_PORT") or "0", "HELPR_METRICS_PORT"),
        log_level=_level(environment.get("HELPR_LOG_LEVEL") or "info"),
        log_every=_count(environment.get("HELPR_LOG_EVERY") or "0", "HELPR_LOG_EVERY"),
        traces_url=_web(environment.get("HELPR_TRACES_URL", ""), "HELPR_TRACES_URL"),
        traces_share=_share(environment.get("HELPR_TRACES_SHARE") or "1", "HELPR_TRACES_SHARE"),
        trusted_proxies=_networks(environment.get("HELPR_TRUSTED_PROXIES", "127.0.0.0/8,::1/128")),
        is_demo=environment.get("HELPR_DEMO", "").lower() in ("1", "yes", "true"),
    )


def local(url: str) -> Path | None:
    """The file that ``sqlite:///path`` or ``file:///path`` names, to everybody; None when it names no file."""
    kind, _, path = url.partition(":")
    return Path("/", path.lstrip("/")) if kind in ("file", "sqlite") else None


def login_of(dsn: str) -> str | None:
    """Who connects by this DSN, in whichever way it says so; None when it says nobody. Raises SettingIsWrong."""
    try:
        user = conninfo_to_dict(dsn).get("user")
    except ProgrammingError:
        raise SettingIsWrong("HELPR_DATABASE_URL must be the DSN of a PostgreSQL database") from None
    return str(user) if user else None


def _whole(url: str, name: str) -> str:
    """A path that begins nowhere would be another one for each who opens it."""
    kind, _, path = url.partition(":")
    if local(url) and not path.startswith("/"):
        raise SettingIsWrong(f"{name} must name the whole path, such as {kind}:///var/lib/helpr/…")
    return url


def _apart(keys: str, databases: tuple[str, ...], data: Path) -> str:
    """Where the keys lie: never in the main database, for a copy of it would bring forgotten people back. What has
    two names is found when the store is opened."""
    if file := local(keys):
        is_inside = file.resolve().is_relative_to((data / "postgres").resolve())
    else:
        is_inside = any(database and _names(keys) == _names(database) for database in databases)
    if is_inside:
        raise SettingIsWrong("HELPR_KEYS_URL must lie outside the main database: a database or a file of its own")
    return keys


def _names(dsn: str) -> tuple[str, ...]:
    """The server and the database that a DSN names."""
    try:
        parts = conninfo_to_dict(dsn)
    except ProgrammingError:
        raise SettingIsWrong("HELPR_KEYS_URL and HELPR_DATABASE_URL must be DSNs of PostgreSQL databases") from None
    return tuple(str(parts.get(part) or default) for part, default in (("host", ""), ("port", "5432"), ("dbname", "")))


def _port(text: str, name: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise SettingIsWrong(f"{name} must be a number from 0 to 65535")
    return int(text)


def _seconds(text: str, name: str, *, most: int) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise SettingIsWrong(f"{name} must be a number of seconds from 1 to {most}")
    return int(text)


def _level(text: str) -> str:
    if text.lower() not in LEVELS:
        raise SettingIsWrong(f"HELPR_LOG_LEVEL must be one of {', '.join(LEVELS)}")
    return text.lower()


def _count(text: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise SettingIsWrong(f"{name} must be a number, 0 or more")
    return int(text)


def _share(text: str, name: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingIsWrong(f"{name} must be a number from 0 to 1")
    return share


def _web(text: str, name: str) -> str:
    try:
        is_one = urlsplit(text).scheme in ("http", "https") and bool(urlsplit(text).hostname)
    except ValueError:
        is_one = False
    if text and not is_one:
        raise SettingIsWrong(f"{name} must be a URL, such as http://127.0.0.1:4318/v1/traces")
    return text


def _networks(text: str) -> tuple[str, ...]:
    networks = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        return tuple(str(ip_network(network)) for network in networks)
    except ValueError as error:
        raise SettingIsWrong(
            "HELPR_TRUSTED_PROXIES must be networks, such as 10.0.0.0/8, with commas between"
        ) from error
