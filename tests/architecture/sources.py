"""The files of the house, read once: what every guard looks at."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import grimp
import msgspec

ROOT = Path(__file__).parents[2]
LAYERS = ("domain", "application", "projections", "infrastructure", "api")
NO_CONTEXTS = frozenset({"shared", "widget", "run"})
"""Folders that are no part of the business: words of all, the visitors' door onto several contexts, the processes."""


class Source(msgspec.Struct, frozen=True):
    """A Python file: where it is, from the root of the repository, and its tree."""

    path: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        return self.path.split("/", 1)[0]

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def outside_modules(self) -> set[str]:
        """The modules it imports that are not ours."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module or "")
        return {name for name in found if name.split(".")[0] not in (*LAYERS, "tests")}

    @property
    def outside(self) -> set[str]:
        """The packages it imports that are not ours."""
        return {name.split(".")[0] for name in self.outside_modules}

    def at(self, node: ast.AST) -> str:
        """Where something stands: file, line, and the function that it is in."""
        line = getattr(node, "lineno", 1)
        around = [each for each in self.functions if each.lineno <= line <= (each.end_lineno or 0)]
        return f"{self.path}:{line}" + "".join(f" {each.name}" for each in around[-1:])

    @property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """All functions and methods, the outer before the inner."""
        found = [each for each in ast.walk(self.tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
        return sorted(found, key=lambda each: each.lineno)


def source(path: str, text: str) -> Source:
    """A file that has this text."""
    return Source(path, ast.parse(text, path))


@cache
def product() -> tuple[Source, ...]:
    """The Python files of the product, tests left aside."""
    return tuple(sorted(_read(*LAYERS), key=lambda found: found.path))


@cache
def proofs() -> tuple[Source, ...]:
    """The Python files of the tests."""
    return tuple(sorted(_read("tests"), key=lambda found: found.path))


def files(*suffixes: str) -> list[str]:
    """All files with these endings that belong to the repository, from its root."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for folder in kept(ROOT)
        for path in ([folder] if folder.is_file() else _walk(folder))
        if path.suffix in suffixes
    )


def kept(folder: Path) -> list[Path]:
    """What lies in a folder and is not named in .gitignore (nor git's own)."""
    patterns = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line]
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name != ".git"
        and not any(fnmatch(path.name, p) or path.relative_to(ROOT).as_posix() == p for p in patterns)
    ]


@cache
def imports() -> grimp.ImportGraph:
    """Who imports whom, over all layers."""
    return grimp.build_graph(*LAYERS, cache_dir=None)


def context(module: str) -> str | None:
    """The part of the business that a module belongs to; None for the words of all, doors, processes and tools."""
    layer, *rest = module.split(".")
    return rest[0] if rest and rest[0] in contexts(layer) else None


@cache
def contexts(layer: str) -> frozenset[str]:
    """The parts of the business that a layer has folders for."""
    if layer in ("infrastructure", "tests") or layer not in LAYERS:
        return frozenset()
    return frozenset(file.parent.name for file in (ROOT / layer).glob("*/__init__.py")) - NO_CONTEXTS


def _read(*folders: str) -> Iterator[Source]:
    for folder in folders:
        for path in _walk(ROOT / folder):
            if path.suffix == ".py":
                yield source(path.relative_to(ROOT).as_posix(), path.read_text())


def _walk(folder: Path) -> Iterator[Path]:
    for path in kept(folder):
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path
