"""What crosses the border of a context is a fact, and the contexts are the same in every layer."""

import itertools
from importlib import import_module
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, context, contexts, imports

WORDS = {"accounts", "visitors", "conversations", "channels", "knowledge", "copilot", "assist", "compliance", "usage"}
"""The parts of the business there may be."""


def crossings(modules: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Who imports what of another context that is not a fact."""
    return {
        (importer, imported)
        for importer, all_imported in modules.items()
        for imported in all_imported
        if context(importer) and context(imported) not in (None, context(importer)) and not is_facts(imported)
    }


def is_facts(module: str) -> bool:
    """Whether this is the module in which a context says what can happen."""
    return module == f"domain.{context(module)}.events"


def test_what_crosses_the_border_of_a_context_is_a_fact() -> None:
    graph = imports()
    assert crossings({m: graph.find_modules_directly_imported_by(m) for m in graph.modules}) == set()


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("domain.compliance.erasure", "domain.visitors.visitor"),
        ("application.visitors.arrival", "application.conversations.messaging"),
        ("projections.conversations.inbox", "projections.visitors.directory"),
        ("api.compliance.audit", "domain.accounts.permission"),
        ("api.usage.daily", "projections.conversations"),
        ("domain.compliance", "domain.accounts.agent"),
    ],
)
def test_a_border_is_a_border(importer: str, imported: str) -> None:
    assert crossings({importer: {imported}}) == {(importer, imported)}


def test_facts_shared_words_and_doors_cross_no_border() -> None:
    free = {
        "projections.conversations.inbox": {"domain.visitors.events", "domain.shared.event", "projections.rows"},
        "api.widget.thread": {"api.conversations.wire", "domain.conversations.conversation"},
        "api.run.clock": {"application.visitors.forgetting"},
        "api.main": {"api.conversations.inbox"},
        "infrastructure.keys.keyring": {"domain.compliance.erasure"},
    }
    assert crossings(free) == set()


def test_nobody_but_the_wiring_goes_through_the_visitors_door() -> None:
    graph = imports()
    doors = [module for module in graph.modules if module.startswith("api.widget")]
    through = {importer for door in doors for importer in graph.find_modules_that_directly_import(door)}
    assert {importer for importer in through if not importer.startswith("api.widget")} <= {"api.main"}


def test_facts_know_nothing_but_shared_words() -> None:
    graph = imports()
    known = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules if is_facts(name)}
    assert {m for found in known.values() for m in found if not m.startswith("domain.shared.")} == set()


def test_a_context_that_decides_has_facts_use_cases_and_routes() -> None:
    deciding = contexts("domain")
    assert [word for word in deciding if not (ROOT / "domain" / word / "events.py").is_file()] == []
    assert contexts("application") == deciding
    assert deciding <= contexts("api")


def test_what_may_be_read_has_routes() -> None:
    assert contexts("projections") <= contexts("api")


def test_every_context_is_a_word_of_the_business() -> None:
    every = set(itertools.chain.from_iterable(map(contexts, ("domain", "application", "projections", "api"))))
    assert every <= WORDS


def test_a_context_says_the_same_of_itself_in_every_layer() -> None:
    said: dict[str, set[str | None]] = {}
    for layer, word in itertools.product(("domain", "application", "projections", "api"), WORDS):
        if Path(ROOT, layer, word).is_dir():
            said.setdefault(word, set()).add(import_module(f"{layer}.{word}").__doc__)
    assert {word: docs for word, docs in said.items() if len(docs) != 1 or None in docs} == {}


def words(layer: str) -> set[tuple[str, str]]:
    """The files of a layer's contexts: context and word."""
    return {
        (context, file.stem)
        for context in contexts(layer)
        for file in (ROOT / layer / context).glob("*.py")
        if file.stem != "__init__"
    }


def alone(here: str, *others: str) -> set[str]:
    """Files of a layer whose word, or the first part of it, no other layer knows."""
    known = set().union(*map(words, others))
    return {
        f"{context}/{word}"
        for context, word in words(here)
        if not any(context == there and word.startswith(other) for there, other in known)
    }


def test_what_may_be_asked_is_a_word_of_the_domain_or_of_the_api() -> None:
    """Signing up has no route yet: the demo alone does it."""
    assert alone("application", "domain", "api") == {"accounts/registration"}


def test_what_may_be_read_is_a_word_of_the_api() -> None:
    assert alone("projections", "api") == set()
