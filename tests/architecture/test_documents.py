"""The generated pages say what the code says, and the table of promises what the tests keep."""

import pytest

from tests.architecture.catalogue import page as catalogue
from tests.architecture.coverage import Keeps, keeping, misplaced, table, unknown
from tests.architecture.documents import PAGES, made
from tests.architecture.glossary import meaning
from tests.architecture.sources import ROOT, proofs, source
from tests.architecture.words import facts

MARKED = """
KEPT = pytest.mark.requirement("R-PRI-1")
pytestmark = [pytest.mark.journey, pytest.mark.requirement("R-OPS-1")]

def test_plain(): ...

@KEPT
async def test_alias(): ...

@pytest.mark.requirement("R-CON-1", "R-CON-2")
class TestTalk:
    @pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.requirement("R-VIS-1"))])
    def test_inner(self, n): ...

@pytest.mark.requirement("R-PRI-2")
def not_a_test(): ...
"""


class Silent: ...


@pytest.mark.parametrize("path", PAGES)
def test_a_generated_page_is_what_the_code_says_today(path: str) -> None:
    assert (ROOT / path).read_text() == made(path), "make it anew: python -m tests.architecture.documents --write"


def test_every_promise_that_a_test_names_was_made() -> None:
    assert unknown(proofs()) == []


def test_a_promise_that_nobody_made_is_found_wherever_it_stands() -> None:
    careless = source("tests/test_x.py", '@pytest.mark.requirement("R-PRI-99")\ndef test_x(): ...\n')
    assert unknown((careless,)) == ["tests/test_x.py:1 R-PRI-99"]


def test_no_mark_stands_where_nobody_counts_it() -> None:
    assert misplaced(proofs()) == []


def test_one_that_does_is_found() -> None:
    assert [each.rpartition(" ")[2] for each in misplaced((source("tests/test_x.py", MARKED),))] == ["not_a_test"]


def test_marks_of_functions_classes_and_files_count() -> None:
    found = {(keeps.name, keeps.row) for keeps in keeping(source("tests/test_x.py", MARKED))}
    inner = {("test_inner", row) for row in ("R-CON-1", "R-CON-2", "R-VIS-1", "R-OPS-1")}
    assert found == {("test_plain", "R-OPS-1"), ("test_alias", "R-OPS-1"), ("test_alias", "R-PRI-1"), *inner}


def test_a_row_without_tests_is_shown_as_not_yet_kept() -> None:
    lines = table((source("tests/a/test_x.py", MARKED),)).splitlines()
    assert "| R-PRI-1 | audit trail: append-only, replayable | 1 | a/test_x.py |" in lines
    assert "| R-PRI-2 | erasure of a person, proved | — | not yet |" in lines


def test_a_test_is_counted_once_for_a_row() -> None:
    twice = source("tests/test_x.py", 'M = mark.requirement("R-PRI-1")\npytestmark = M\n@M\ndef test_x(): ...\n')
    assert list(keeping(twice)) == [Keeps("R-PRI-1", "tests/test_x.py", "test_x")]


def test_the_catalogue_has_every_fact() -> None:
    assert {name for name in facts() if f"\n### {name}\n" not in catalogue()} == set()


def test_a_word_that_says_nothing_is_no_word_of_the_glossary() -> None:
    with pytest.raises(LookupError, match="Silent does not say what it means"):
        meaning(f"{__name__}.Silent")
