"""What operators ask of the log: how it goes on, one stream, whether it is whole. Nothing is opened for it."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from rich.console import Console
from rich.text import Text

from api.run.owning import owning
from api.run.terminal import progress
from api.settings import Settings
from infrastructure.event_log import looking
from infrastructure.event_log.looking import Envelope
from infrastructure.event_log.verifying import verify

POLL = 1.0
"""Seconds after which the log is looked at without a wake-up."""


class NothingThere(Exception):
    """There is no stream of this kind and id; the message says so."""


def tail(settings: Settings, *, most: int, is_followed: bool, as_json: bool) -> None:
    """The last facts, and with ``is_followed`` those that come, until somebody says stop."""
    with owning(settings) as db:
        db.execute("listen helpr_log")
        page = looking.end(db, most)
        _show(page, as_json=as_json)
        known = page or looking.end(db, 1)
        position = known[-1].position if known else 0
        while is_followed:
            for _ in db.notifies(timeout=POLL, stop_after=1):
                pass
            while page := looking.after(db, position):
                _show(page, as_json=as_json)
                position = page[-1].position


def show(settings: Settings, kind: str, id: UUID, *, as_json: bool) -> None:
    """Every fact of one stream; raises NothingThere."""
    with owning(settings) as db:
        found = looking.stream(db, kind, id)
    if not found:
        raise NothingThere(f"The log has no stream {kind} {id}.")
    _show(found, as_json=as_json)


def check(settings: Settings, *, as_json: bool) -> int:
    """Whether the log is what was written; 1 when it is not."""
    console = _console()
    with owning(settings, autocommit=False) as db, progress() as moved:
        looked, damage = verify(db, lambda done, total: moved("log", done, total))
    if as_json:
        said = {"facts": looked, "is_whole": damage is None, "damage": damage}
        sys.stdout.write(msgspec.json.encode(said).decode() + "\n")
        return 0 if damage is None else 1
    if damage is None:
        console.print(f"All {looked:,} facts are what was written, in order and without a gap.")
        return 0
    console.print(f"Damaged at position {damage.position:,}: {damage.says}.", style="bold red")
    console.print("Stop Helpr, keep a copy of the database as it is, and read docs/operations.md, A damaged log.")
    return 1


def _show(page: Iterable[Envelope], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.writelines(msgspec.json.encode(each).decode() + "\n" for each in page)
        sys.stdout.flush()
        return
    console = _console()
    for each in page:
        console.print(_short(each) if console.is_terminal else _line(each))
        for name, value in (each.fields or {}).items():
            console.print(_field(name, value))


def _line(each: Envelope) -> Text:
    return Text.assemble(
        f"{each.position:>9} ", (_moment(each.at), "dim"), "  ", (f"{each.name:<34}", "bold"),
        f" {each.kind} {each.stream} ", (f"{each.version}", "cyan"), (f"  by {each.actor}", "dim"),
    )  # fmt: skip


def _short(each: Envelope) -> Text:
    """The same for a terminal: the day only where it is not today, and of whoever did it the end of their id, which
    says as much as all of it."""
    kind, _, id = each.actor.partition(":")
    day = "" if each.at.date() == datetime.now(UTC).date() else f"{each.at:%Y-%m-%d} "
    return Text.assemble(
        f"{each.position:>9} ", (f"{day}{each.at:%H:%M:%S}", "dim"), "  ", (f"{each.name:<34}", "bold"),
        f" {each.kind} {each.stream} ", (f"{each.version:<3}", "cyan"), (f" by {kind} …{id[-8:]}", "dim"),
    )  # fmt: skip


def _field(name: str, value: object) -> Text:
    if isinstance(value, dict) and value.keys() == {"sealed"}:
        return Text.assemble(f"{'':>10}{name:<14} ", ("sealed under " + " and ".join(value["sealed"]), "yellow"))
    said = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return Text(f"{'':>10}{name:<14} {said}")


def _moment(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
