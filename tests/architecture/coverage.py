"""Which tests keep which promise: the table in README.md, between its markers.

python -m tests.architecture.coverage --write
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.architecture.sources import ROOT, Source, proofs

ROWS = tomllib.loads(Path(__file__).with_name("requirements.toml").read_text())
BEGIN, END = "<!-- coverage:begin -->", "<!-- coverage:end -->"
SAYS = """{kept} of {all} rows have tests so far. A test keeps what it says, which may be a part of its row; a row
without tests is not kept yet."""


class Keeps(msgspec.Struct, frozen=True):
    """A test function, and a row that it carries the name of."""

    row: str
    path: str
    name: str


def keeping(source: Source) -> Iterator[Keeps]:
    """What the tests of a file keep, by their own marks and those of their class or file."""
    aliases = _aliases(source.tree.body)
    yield from _among(source, source.tree.body, _of_all(source.tree.body, aliases), aliases)


def unknown(sources: tuple[Source, ...]) -> list[str]:
    """Marks that name no row, wherever they stand."""
    known = {row for rows in ROWS.values() for row in rows}
    return [
        f"{source.at(node)} {row}"
        for source in sources
        for node in ast.walk(source.tree)
        for row in _marked(node)
        if row not in known
    ]


def misplaced(sources: tuple[Source, ...]) -> list[str]:
    """Marks on what is no test: nobody would count them."""
    found = []
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                is_test = any(
                    isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test")
                    for each in ast.walk(node)
                )
                if not is_test and any(_rows(each, {}) for each in node.decorator_list):
                    found.append(f"{source.at(node)} {node.name}")
    return found


def table(sources: tuple[Source, ...]) -> str:
    """The sentence and the table."""
    found = [keeps for source in sources for keeps in keeping(source)]
    lines = ["| row | what | tests | where |", "|---|---|---:|---|"]
    for area, rows in ROWS.items():
        lines.append(f"| **{area}** | | | |")
        for row, what in rows.items():
            mine = {(keeps.path, keeps.name) for keeps in found if keeps.row == row}
            where = ", ".join(sorted({path.removeprefix("tests/") for path, _ in mine}))
            lines.append(f"| {row} | {what} | {len(mine) or '—'} | {where or 'not yet'} |")
    kept = len({keeps.row for keeps in found})
    return "\n".join([SAYS.format(kept=kept, all=sum(map(len, ROWS.values()))), "", *lines])


def readme() -> str:
    """README.md with today's table between the markers; everything else as it stands."""
    text = (ROOT / "README.md").read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"README.md needs {BEGIN}"
    assert end, f"README.md needs {END}"
    return f"{before}{begin}\n{table(proofs())}\n{end}{after}"


def _among(source: Source, body: list[ast.stmt], inherited: set[str], aliases: dict[str, set[str]]) -> Iterator[Keeps]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            own = {row for each in node.decorator_list for row in _rows(each, aliases)}
            yield from (Keeps(row, source.path, node.name) for row in sorted(own | inherited))
        elif isinstance(node, ast.ClassDef):
            own = {row for each in node.decorator_list for row in _rows(each, aliases)} | _of_all(node.body, aliases)
            yield from _among(source, node.body, inherited | own, aliases)


def _of_all(body: list[ast.stmt], aliases: dict[str, set[str]]) -> set[str]:
    """The rows of ``pytestmark``."""
    return {
        row
        for node in body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)
        for row in _rows(node.value, aliases)
    }


def _aliases(body: list[ast.stmt]) -> dict[str, set[str]]:
    """Names that a file gives to marks."""
    return {
        target.id: _rows(node.value, {})
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _rows(node: ast.AST, aliases: dict[str, set[str]]) -> set[str]:
    named = {row for each in ast.walk(node) for row in _marked(each)}
    return named.union(*(aliases.get(each.id, set()) for each in ast.walk(node) if isinstance(each, ast.Name)))


def _marked(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
        yield from (str(each.value) if isinstance(each, ast.Constant) else ast.unparse(each) for each in node.args)


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    (ROOT / "README.md").write_text(readme())
