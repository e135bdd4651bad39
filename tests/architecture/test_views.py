"""Every view is known, every fact is heard, and whoever holds personal data forgets."""

import ast
from inspect import cleandoc

import pytest

from domain.compliance.events import ErasureDecided
from infrastructure.keys.marks import marks_of
from projections import views
from projections.compliance import audit
from projections.view import View, tables_of
from tests.architecture.sources import contexts, imports, product
from tests.architecture.words import facts, refusals


def named(view: View) -> str:
    return view.NAME


def test_every_view_there_is_is_one_of_all() -> None:
    folding = {
        each.module
        for each in product()
        if each.layer == "projections"
        if any(isinstance(node, ast.FunctionDef) and node.name == "fold" for node in each.tree.body)
    }
    assert folding == {vars(view)["__name__"] for view in views.ALL}


def test_no_two_views_share_a_name() -> None:
    assert len({view.NAME for view in views.ALL}) == len(views.ALL)


@pytest.mark.parametrize("view", views.ALL, ids=named)
def test_a_view_listens_to_facts_that_exist(view: View) -> None:
    assert view.LISTENS != ()
    assert [kind for kind in view.LISTENS if facts().get(kind.NAME) is not kind] == []
    assert len(set(view.LISTENS)) == len(view.LISTENS)


@pytest.mark.requirement("R-PRI-1")
def test_every_fact_is_heard_by_the_audit_trail() -> None:
    """Also when nobody else has imported its context: the trail itself names them all."""
    graph = imports()
    heard = graph.find_modules_directly_imported_by(audit.__name__)
    assert {f"domain.{word}.events" for word in contexts("domain")} <= heard
    assert set(audit.LISTENS) == set(facts().values())


@pytest.mark.requirement("R-PRI-2")
@pytest.mark.parametrize("view", views.ALL, ids=named)
def test_a_view_that_keeps_what_is_personal_hears_that_somebody_is_to_be_forgotten(view: View) -> None:
    if any(marks_of(kind).personal for kind in view.LISTENS) and "bytea" in tables_of(view):
        assert ErasureDecided in view.LISTENS


@pytest.mark.parametrize("view", views.ALL, ids=named)
def test_every_table_of_a_view_belongs_to_a_tenant(view: View) -> None:
    tables = [part.split(";")[0] for part in tables_of(view).split("create table ")[1:]]
    assert tables != []
    assert [table.split()[0] for table in tables if "primary key (tenant_id, " not in table] == []


@pytest.mark.requirement("R-OPS-3")
def test_no_view_leaves_the_session_where_its_lease_does_not_end() -> None:
    """What psycopg sends last for many statements at once keeps PostgreSQL from ending a transaction that says nothing
    any more: a worker that is stopped behind it would keep what it holds."""
    assert [
        each.module
        for each in product()
        if each.layer == "projections"
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("executemany", "pipeline") for node in ast.walk(each.tree)
        )
    ] == []


def test_a_refusal_is_a_sentence() -> None:
    said = {kind.__name__: " ".join(cleandoc(vars(kind).get("__doc__") or "").split()) for kind in refusals()}
    assert [
        name for name, text in said.items() if not (text[:1].isupper() and text.endswith(".") and " " in text)
    ] == []


def test_the_words_of_the_views_are_their_files() -> None:
    assert [view.NAME for view in views.ALL] == [vars(view)["__name__"].split(".")[-1] for view in views.ALL]
