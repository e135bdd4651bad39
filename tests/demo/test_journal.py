"""What the crowd remembers when it is broken off."""

from pathlib import Path
from uuid import UUID

import pytest

from api.run.demo.journal import Entry, Journal

ADA = Entry("one", UUID(int=7), "secret")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "demo.jsonl"


def test_who_came_and_what_is_over_is_known_the_next_time(file: Path) -> None:
    with Journal(file) as journal:
        journal.add(ADA)
        journal.add(Entry("zero"))
    with Journal(file) as journal:
        assert journal.visitor_of("one") == ADA
        assert (journal.is_over("one"), journal.is_over("zero")) == (False, True)
        assert journal.visitor_of("two") is None


def test_a_line_that_was_not_written_to_its_end_is_none(file: Path) -> None:
    with Journal(file) as journal:
        journal.add(ADA)
    with file.open("ab") as torn:
        torn.write(b'{"dialogue": "o')
    with Journal(file) as journal:
        journal.add(Entry("one"))
    with Journal(file) as journal:
        assert journal.visitor_of("one") == ADA
        assert journal.is_over("one")


@pytest.mark.requirement("R-ACC-7")
def test_nobody_else_reads_the_secrets_in_it_and_they_do_not_stay(file: Path) -> None:
    with Journal(file) as journal:
        journal.add(ADA)
    assert file.stat().st_mode & 0o777 == 0o600
    assert journal.is_begun
    journal.forget()
    assert not journal.is_begun
