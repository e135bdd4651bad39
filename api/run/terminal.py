"""What ``helpr`` shows on a terminal: little, in columns, with progress where it takes long."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from api.run.demo.filling import fill
from api.run.demo.people import People, people
from api.run.up import Running, running
from api.settings import Settings
from infrastructure.views.status import ViewStatus

console = Console(highlight=False)
LATE = 5.0
"""Seconds that a view may be behind before somebody should look."""
Moved = Callable[[str, int, int], None]


def up(settings: Settings) -> int:
    """Runs until somebody says stop."""
    begun = time.monotonic()
    console.print(f"Helpr keeps its data in [bold]{settings.data}[/bold]")
    with progress() as moved, running(settings, said=_say, progress=moved) as house:
        console.print(f"\n[bold green]Helpr is ready[/bold green] after {time.monotonic() - begun:.1f} s")
        if settings.is_demo:
            _show_demo(house)
        else:
            console.print(f"\n  Agents' console   [bold]{house.url}[/bold]\n\nCtrl-C stops it; nothing is lost.")
        house.group.watch()
        console.print("Stopping; what was acknowledged is kept.")
    return 0


def _show_demo(house: Running) -> None:
    staff = people(house.settings)
    _greet_demo(house.url, staff)
    with progress() as filled:
        filling_ended = fill(
            house.settings,
            house.url,
            staff,
            progress=filled,
            stopped=house.group.is_stopping,
            meanwhile=house.group.look,
        )
    if house.group.is_stopping():
        return
    if filling_ended:
        console.print(f"  {filling_ended}\n")
    console.print("Now: write to the shop in one window, and answer as Amir in another.")
    console.print("Ctrl-C stops it; nothing is lost.")


def show_views(found: Sequence[ViewStatus], *, as_json: bool) -> None:
    """A line for each generation of each view."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("view", "generation", "state", "position", "behind", "seconds", "parked"):
        table.add_column(name, justify="left" if name in ("view", "state") else "right")
    for view in found:
        style = "red" if view.parked else "yellow" if view.seconds > LATE else ""
        cells = (view.view, view.generation, view.state, view.position, view.lag, f"{view.seconds:.1f}", view.parked)
        table.add_row(*map(str, cells), style=style)
    console.print(table)
    if any(view.parked for view in found):
        console.print("Parked streams wait for: helpr views replay")
    elif any(view.seconds > LATE for view in found):
        console.print("Some are behind. Does a view worker run? Ask: helpr doctor")
    else:
        console.print("All are in step.")


@contextmanager
def progress() -> Iterator[Moved]:
    """Bars, one a name; they appear with the first news of it."""
    bars = Progress(
        TextColumn("  {task.description:<14}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    tasks: dict[str, TaskID] = {}

    def moved(name: str, done: int, total: int) -> None:
        if not tasks:
            bars.start()
        if name not in tasks:
            tasks[name] = bars.add_task(name, total=total)
        bars.update(tasks[name], completed=done, total=total)

    try:
        yield moved
    finally:
        bars.stop()


class _Rate(TextColumn):
    def __init__(self) -> None:
        super().__init__("{task.speed:,.0f}/s")

    def render(self, task):  # type: ignore[no-untyped-def]
        return super().render(task) if task.speed else ""


def _say(text: str) -> None:
    console.print(f"  {text}", style="dim")


def _greet_demo(url: str, people: People) -> None:
    places = Table.grid(padding=(0, 3))
    places.add_row("  A shop with the widget", f"[bold]{url}/demo[/bold]")
    places.add_row("  The agents' console", f"[bold]{url}[/bold]")
    staff = Table.grid(padding=(0, 3))
    for agent in people.agents:
        staff.add_row(f"  [bold]{agent.email}[/bold]", agent.name, f"[dim]{agent.role.value}[/dim]")
    console.print()
    console.print(places)
    console.print(f"\n  Sign in with the password [bold]{people.password}[/bold] as\n")
    console.print(staff)
    console.print()
