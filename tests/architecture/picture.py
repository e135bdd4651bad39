"""The picture of the house, docs/architecture.md: drawn from the imports and the files themselves."""

import ast
from collections.abc import Iterator
from importlib import import_module
from inspect import cleandoc

from projections import views
from tests.architecture.sources import LAYERS, ROOT, context, contexts, imports, product
from tests.architecture.words import facts

SIDES = ("domain", "application", "projections", "api")
COLUMNS = (*SIDES, "tests")
INTRODUCTION = """
# The house

Drawn from the code: who imports whom, whose facts are heard where, and which files are a feature. A word is the same in
every layer, so a feature is found by its word: `ls */conversations/messaging.py`.
"""


def page() -> str:
    """docs/architecture.md."""
    parts = (_layers(), _borders(), _features(), _views(), _reactions())
    return "\n".join([INTRODUCTION.strip(), *(line for part in parts for line in part)])


def first_sentence(text: str | None) -> str:
    """What a docstring says first."""
    said = " ".join(cleandoc(text or "").split("\n\n")[0].split())
    return said.split(". ")[0].rstrip(".") + "." if said else ""


def _layers() -> Iterator[str]:
    graph = imports()
    arrows: dict[tuple[str, str], set[str]] = {}
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            ends = (importer.split(".")[0], imported.split(".")[0])
            if ends[0] != ends[1]:
                arrows.setdefault(ends, set()).add(_door(importer))
    yield from ("", "## Layers", "", "An arrow is an import.", "", "```mermaid", "flowchart BT")
    for layer in LAYERS:
        yield f'    {layer}["<b>{layer}</b><br>{first_sentence(import_module(layer).__doc__)}"]'
    for (importer, imported), doors in sorted(arrows.items()):
        few = f"|{', '.join(sorted(doors))}|" if (importer, imported) == ("api", "infrastructure") else ""
        yield f"    {importer} -->{few} {imported}"
    yield "```"


def _door(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _borders() -> Iterator[str]:
    """Which context hears which facts of another."""
    heard: dict[tuple[str, str], set[str]] = {}
    kinds = {(kind.__module__, kind.__name__) for kind in facts().values()}
    for source in product():
        here = context(source.module)
        for node in ast.walk(source.tree) if here else ():
            if isinstance(node, ast.ImportFrom) and (there := context(node.module or "")) and there != here:
                names = {alias.name for alias in node.names if (node.module, alias.name) in kinds}
                heard.setdefault((there, here or ""), set()).update(names)
    yield from ("", "## What crosses a border", "", "Facts, and nothing else: who hears what of whom.", "")
    yield from ("```mermaid", "flowchart LR", *(f"    {word}" for word in sorted({w for e in heard for w in e})))
    for (there, here), names in sorted(heard.items()):
        if names:
            yield f'    {there} -->|"{"<br>".join(sorted(names))}"| {here}'
    yield "```"


def _features() -> Iterator[str]:
    yield from ("", "## Features, file by file")
    every = sorted({word for layer in SIDES for word in contexts(layer)})
    for word in every:
        says = next(import_module(f"{layer}.{word}").__doc__ for layer in SIDES if word in contexts(layer))
        yield from ("", f"### {word}", "", says or "", "", f"| word | {' | '.join(COLUMNS)} |", "|---" * 6 + "|")
        for feature in _words(word):
            yield f"| {feature} | {' | '.join(_cell(layer, word, feature) for layer in COLUMNS)} |"


def _words(context: str) -> list[str]:
    files = [path for layer in SIDES for path in (ROOT / layer / context).glob("*.py")]
    return sorted({path.stem for path in files} - {"__init__"})


def _cell(layer: str, context: str, word: str) -> str:
    patterns = (f"test_{word}.py", f"test_{word}_*.py") if layer == "tests" else (f"{word}.py",)
    # What visitors do has a door of its own.
    folders = (f"{layer}/{context}", "api/widget") if layer == "api" else (f"{layer}/{context}",)
    found = sorted(
        {(file.name, folder) for folder in folders for each in patterns for file in (ROOT / folder).glob(each)}
    )
    return ", ".join(f"[{_name(name, folder)}](../{folder}/{name})" for name, folder in found)


def _name(name: str, folder: str) -> str:
    return f"widget/{name}" if folder == "api/widget" else name


def _views() -> Iterator[str]:
    yield from ("", "## Views", "", "| view | what it shows | listens to |", "|---|---|---|")
    for view in views.ALL:
        listens = "every fact" if set(view.LISTENS) >= set(facts().values()) else _names(view.LISTENS)
        yield f"| {view.NAME} | {first_sentence(view.__doc__)} | {listens} |"


def _names(kinds: tuple[type, ...]) -> str:
    return ", ".join(sorted(kind.__name__ for kind in kinds))


def _reactions() -> Iterator[str]:
    yield from ("", "## Reactions", "", "What follows from a fact, tried until it is done.", "")
    yield from ("| reaction | when |", "|---|---|")
    for source in product():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reaction":
                name, listens = (ast.literal_eval(node.args[0]), ast.unparse(node.args[1]).strip("(),"))
                yield f"| {name} | {listens} |"
