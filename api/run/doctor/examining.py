"""``helpr doctor``: what is wrong with this installation, and how to mend it. It looks, and changes nothing."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import psycopg
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.run.doctor import database, keys, machine
from api.run.doctor.finding import Finding, Verdict, is_well, look, wrong
from api.settings import SettingIsWrong, Settings, read_settings
from infrastructure.database.embedded import RUNTIME_LOGIN

COLOURS = {Verdict.OK: "green", Verdict.LOOK: "yellow", Verdict.WRONG: "bold red"}


def examine(environment: Mapping[str, str]) -> list[Finding]:
    """Everything that can be looked at with these settings, what others rest on first."""
    return list(_examined(environment))


def _examined(environment: Mapping[str, str]) -> Iterator[Finding]:
    yield from machine.surroundings(environment)
    try:
        settings = read_settings(environment)
    except SettingIsWrong as error:
        yield wrong("settings", f"{error}.", "Set the variable anew, or unset it; then: helpr doctor")
        return
    yield machine.pages()
    yield from machine.folders(settings)
    yield from machine.disks(settings)
    home = machine.Home(settings)
    yield from home.findings()
    yield from machine.traces(settings)
    if not settings.database_url:
        if not home.has_database():
            yield look("database", "Not looked at: the embedded PostgreSQL is not up.", "Start it with: helpr up")
            yield from asyncio.run(keys.examine(settings, None))
            return
        settings = _embedded(settings, home.database_port())
    with database.connected(settings.owner_url) as (db, found):
        yield found
        try:
            if db is not None:
                yield from database.examine(db, settings.database_url)
            yield from asyncio.run(keys.examine(settings, db))
        except psycopg.Error as error:
            says = f"It does not answer what we ask ({type(error).__name__})."
            yield wrong("database", says, "Is HELPR_DATABASE_OWNER_URL whoever ran the migrations?")


def _embedded(settings: Settings, port: int) -> Settings:
    """The same DSNs as the embedded server gives, without drawing a password where there is none."""

    def dsn(user: str) -> str:
        file = settings.data / "secrets" / user
        words = file.read_text() if machine.is_readable(file) else ""
        return f"postgresql://{user}:{words}@127.0.0.1:{port}/helpr"

    return replace(settings, database_url=dsn(RUNTIME_LOGIN), owner_url=dsn("postgres"))


def show(findings: Sequence[Finding], *, as_json: bool) -> int:
    """A line each, coloured on a terminal only; 1 when something is wrong."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(findings).decode() + "\n")
        return 0 if is_well(findings) else 1
    console = Console(highlight=False, soft_wrap=True)
    columns = Table.grid(padding=(0, 2))
    for finding in findings:
        verdict, words = Text(finding.verdict.value, COLOURS[finding.verdict]), Text(finding.says)
        words += Text(f" {finding.mend}" if finding.mend else "", "dim")
        columns.add_row(verdict, finding.check, words)
        if not console.is_terminal:
            console.print(Text(f"{finding.verdict.value:<6} {finding.check:<12} ") + words)
    if console.is_terminal:
        console.print(columns, soft_wrap=False)
    if is_well(findings):
        console.print("Nothing is wrong.")
        return 0
    console.print("Mend what is wrong from the top down, then run helpr doctor again.")
    return 1
