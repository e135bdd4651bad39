"""The glossary, docs/glossary.md: what words mean here, in the sentences that stand beside them in the code."""

import ast
import inspect
import itertools
from collections.abc import Iterator
from importlib import import_module
from inspect import cleandoc
from typing import Any

from domain.accounts.events import Role
from domain.accounts.permission import GRANTED
from domain.shared.permission import Permission
from tests.architecture.picture import first_sentence
from tests.architecture.sources import contexts, product
from tests.architecture.words import memories, refusals

INTRODUCTION = """
# What words mean here

Every sentence stands in the code, beside what it explains. Facts have [a page of their own](events.md).
"""

HOUSE = {
    "actor": "domain.shared.recorded.Actor",
    "agent (who calls)": "api.caller.Caller",
    "asked": "application.ports.Asked",
    "envelope": "domain.shared.recorded",
    "erased": "domain.shared.event.Erased",
    "erasure": "domain.compliance.erasure",
    "event store": "application.ports.EventStore",
    "fact": "domain.shared.event.Event",
    "follower": "infrastructure.event_log.following.LogFollower",
    "generation": "infrastructure.views.generations",
    "group commit": "infrastructure.event_log.group_commit",
    "guest": "api.widget.guest.Guest",
    "id": "domain.shared.ids",
    "key scope": "domain.shared.event.ScopeMark",
    "key store": "infrastructure.keys.store",
    "keyring": "application.ports.Keyring",
    "memory": "application.ports.Memory",
    "personal": "domain.shared.event.PersonalMark",
    "place": "domain.shared.event.Place",
    "position, version": "domain.shared.recorded.Recorded",
    "reaction": "infrastructure.reactions.reacting.Reaction",
    "receipt": "application.ports.Receipt",
    "record": "infrastructure.keys.record",
    "refusal": "domain.shared.refusal.Refusal",
    "remains": "application.compliance.erasure.Remains",
    "root key": "infrastructure.keys.root_key",
    "sealed": "domain.shared.event.Sealed",
    "shard": "infrastructure.views.folding.shard_of",
    "shred": "application.compliance.erasure.shred",
    "tenant": "domain.accounts.organisation",
    "tenant key": "infrastructure.keys.tenant_keys",
    "view": "projections.view",
}
"""Words of the house, and where each is explained."""


def page() -> str:
    """docs/glossary.md."""
    parts = [_house(), _permissions(), *(_context(word) for word in sorted(contexts("domain")))]
    return "\n".join([INTRODUCTION.strip(), *(line for part in parts for line in part)])


def meaning(path: str) -> str:
    """What the docstring there says, its first paragraph; raises where there is none."""
    said = cleandoc(_found(path).__doc__ or "").split("\n\n")[0]
    if not said:
        raise LookupError(f"{path} does not say what it means")
    return " ".join(said.split()).replace("|", "\\|")


def _found(path: str) -> Any:
    try:
        return import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return getattr(import_module(module), name)


def _house() -> Iterator[str]:
    yield from ("", "## The house", "", "| word | meaning | where |", "|---|---|---|")
    for word, path in HOUSE.items():
        yield f"| **{word}** | {meaning(path)} | `{path}` |"


def _permissions() -> Iterator[str]:
    roles = [role.value for role in Role]
    yield from ("", "## Who may do what", "", f"| permission | what it allows | {' | '.join(roles)} |")
    yield "|---" * 2 + "|:-:" * len(roles) + "|"
    says = _values(Permission)
    for permission in Permission:
        cells = ("yes" if permission in GRANTED[role] else "" for role in Role)
        yield f"| {permission.value} | {says[permission.name]} | {' | '.join(cells)} |"


def _values(kind: type[Any]) -> dict[str, str]:
    """The sentence below each value of an enumeration."""
    (body,) = [node.body for node in ast.parse(inspect.getsource(kind)).body if isinstance(node, ast.ClassDef)]
    return {
        node.targets[0].id: below.value.value
        for node, below in itertools.pairwise(body)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }


def _context(word: str) -> Iterator[str]:
    yield from (
        "",
        f"## {word}",
        "",
        import_module(f"domain.{word}").__doc__ or "",
        "",
        "| word | meaning |",
        "|---|---|",
    )
    for memory in memories():
        if memory.__module__.startswith(f"domain.{word}."):
            yield f"| **{memory.__name__}**, a memory | {meaning(memory.__module__)} |"
    for source in product():
        if source.module.startswith(f"domain.{word}."):
            for node in source.tree.body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    yield f"| `{node.name}` in {source.path} | {first_sentence(ast.get_docstring(node))} |"
    for refusal in refusals():
        if refusal.__module__.split(".")[1:2] == [word]:
            yield f"| *{refusal.__name__}*, a refusal | {first_sentence(refusal.__doc__)} |"
