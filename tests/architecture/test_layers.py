"""Who may import whom: the contracts in .importlinter, and what each layer may know of the world outside."""

import pytest
from importlinter.api import read_configuration
from importlinter.cli import lint_imports

from tests.architecture.sources import ROOT, contexts, product

CONTRACTS = ROOT / ".importlinter"
PLAIN = {"collections", "datetime", "enum", "functools", "msgspec", "re", "typing", "unicodedata", "uuid"}
OUTSIDE = {
    "domain": PLAIN,
    "application": PLAIN,
    "projections": PLAIN | {"base64", "contextlib", "pathlib", "psycopg"},
}
"""All that they may know besides our own code: no tool, no clock, no chance, and of all drivers psycopg for views."""


def test_the_contracts_are_kept() -> None:
    assert lint_imports(str(CONTRACTS), no_cache=True, no_logo=True) == 0


def test_the_contracts_are_the_ones_that_were_agreed() -> None:
    found = read_configuration(str(CONTRACTS))["contracts_options"]
    assert sorted((each["id"], each["type"]) for each in found) == [
        ("contexts", "independence"),
        ("domain", "forbidden"),
        ("infrastructure", "forbidden"),
        ("layers", "layers"),
        ("main", "protected"),
        ("processes", "protected"),
        ("wiring", "protected"),
    ]


def test_no_context_of_the_domain_is_left_out() -> None:
    found = read_configuration(str(CONTRACTS))["contracts_options"]
    (independent,) = [each["modules"] for each in found if each["id"] == "contexts"]
    assert sorted(independent) == sorted(f"domain.{word}" for word in contexts("domain"))


@pytest.mark.parametrize("layer", OUTSIDE)
def test_what_a_layer_knows_of_the_world_outside_is_on_its_list(layer: str) -> None:
    known = {
        (each.path, name)
        for each in product()
        if each.layer == layer
        for name in each.outside
        if name not in OUTSIDE[layer]
    }
    assert known == set()
