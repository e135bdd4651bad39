"""What was stored once can be read for ever."""

import pytest

from tests.architecture.corpus import Sample, loaded, missing, samples
from tests.architecture.words import facts


def _name(sample: Sample) -> str:
    return sample.name


@pytest.mark.requirement("R-PRI-1")
@pytest.mark.parametrize("sample", samples(), ids=_name)
def test_a_fact_that_was_ever_stored_is_read_as_it_was_written(sample: Sample) -> None:
    today = loaded(sample)
    assert {field: today[field] for field in sample.holds} == sample.holds


def test_every_fact_has_a_sample_of_its_present_shape() -> None:
    assert [sample.name for sample in missing()] == [], "add them: python -m tests.architecture.corpus --add"


def test_no_stored_name_is_ever_given_up() -> None:
    assert {sample.name for sample in samples()} == set(facts())


@pytest.mark.parametrize("name", facts())
def test_a_stored_name_is_its_context_and_what_happened(name: str) -> None:
    kind = facts()[name]
    assert (kind.__module__, name) == (f"domain.{name.split('.')[0]}.events", f"{name.split('.')[0]}.{kind.__name__}")


def test_a_fact_says_what_it_means() -> None:
    assert [name for name, kind in facts().items() if not (kind.__doc__ or "").strip().endswith(".")] == []
