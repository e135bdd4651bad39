"""What a bench has found: a line for each thing that was measured, both sides of it, and how they compare."""

import statistics
import sys
from collections.abc import Sequence
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table

WIDEST = 110
"""Columns that a table may need, also where nobody looks at it."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One thing, measured once a round on each side. ``aim`` is what we want of the first side, in words."""

    what: str
    unit: str
    ours: list[float]
    beside: list[float]
    aim: str = ""

    @property
    def ratios(self) -> list[float]:
        """Ours by the other's, round by round."""
        return [mine / theirs for mine, theirs in zip(self.ours, self.beside, strict=True) if theirs]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of a bench; ``sides`` says whose figures stand in its two columns."""

    bench: str
    sides: tuple[str, str]
    figures: list[Figure]
    notes: list[str] = []


def show(report: Report, *, as_json: bool) -> None:
    """For machines, everything; for people, the median of the rounds and the ratio with its spread."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in (report.bench, *report.sides, "unit", "ratio", "spread", "aim"):
        justify: Literal["left", "right"] = "left" if name in (report.bench, "unit", "aim") else "right"
        table.add_column(name, justify=justify, no_wrap=True)
    for figure in report.figures:
        table.add_row(*_cells(figure))
    console = Console(highlight=False)
    console = Console(highlight=False, width=max(console.width, WIDEST))
    console.print(table)
    for note in report.notes:
        console.print(note)


def _cells(figure: Figure) -> Sequence[str]:
    ratios = figure.ratios
    ratio = f"{statistics.median(ratios):.2f}" if ratios else ""
    spread = f"{min(ratios):.2f}-{max(ratios):.2f}" if len(ratios) > 1 else ""
    return (figure.what, _text(figure.ours), _text(figure.beside), figure.unit, ratio, spread, figure.aim)


def _text(values: Sequence[float]) -> str:
    if not values:
        return ""
    middle = statistics.median(values)
    return f"{middle:,.0f}" if middle >= 100 else f"{middle:.1f}" if middle >= 1 else f"{middle:.3f}"
