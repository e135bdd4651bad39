"""How the house is laid out: what lies at the top, how files are called, how long they are."""

import re

import pytest

from tests.architecture.sources import LAYERS, ROOT, files, kept

TOP = {*LAYERS, "tests", "docs", "README.md", "pyproject.toml", ".ci", ".gitignore", ".importlinter"}
PATTERNS = re.compile(
    r"(.*service|.*handler|.*manager|.*helpers?|.*controllers?|.*utils?|common|base|core|misc|models?|schemas?)(_.*)?"
)
"""Names of patterns: a file is called by a word of the business. (A schema.sql is SQL's own word.)"""
CODE = (".py", ".ts", ".svelte", ".css", ".sql")
LONGEST = 400
GENERATED = {"api/web/client/schema.d.ts": "made from the OpenAPI file"}
UNFINISHED = re.compile(r"pytest\.(skip|mark\.skip|mark\.xfail|importorskip)|NotImplementedError|\b(TODO|FIXME|XXX)\b")


def is_a_pattern(path: str) -> bool:
    """Whether a file is called after a pattern."""
    name = path.rsplit("/", 1)[-1].split(".")[0].lower()
    return not path.endswith((".sql", ".d.ts")) and PATTERNS.fullmatch(name) is not None


def test_the_top_holds_what_was_agreed() -> None:
    assert {path.name for path in kept(ROOT)} == TOP


def test_a_file_is_called_by_a_word_of_the_business() -> None:
    assert [path for path in files(*CODE) if is_a_pattern(path)] == []


@pytest.mark.parametrize(
    "name", ["helpers.py", "user_service.py", "EventManager.ts", "utils.svelte.ts", "base.py", "models.py", "core.ts"]
)
def test_a_pattern_is_known_by_its_name(name: str) -> None:
    assert is_a_pattern(f"api/conversations/{name}")


@pytest.mark.parametrize("name", ["messaging.py", "schema.sql", "database.py", "corner.ts", "baseline.py"])
def test_a_word_is_no_pattern(name: str) -> None:
    assert not is_a_pattern(f"api/conversations/{name}")


def test_no_file_is_longer_than_one_reads() -> None:
    lengths = {path: (ROOT / path).read_text().count("\n") for path in files(*CODE)}
    assert {path: n for path, n in lengths.items() if n > LONGEST and path not in GENERATED} == {}


def test_nothing_is_skipped_expected_to_fail_or_left_for_later() -> None:
    said = {path for path in files(*CODE) if UNFINISHED.search((ROOT / path).read_text())}
    assert said - {"tests/architecture/test_files.py"} == set()


def test_no_lock_file_names_the_hosts_of_registries() -> None:
    assert [path for path in files(".lock") if path.endswith("uv.lock")] == []
    assert "resolved" not in (ROOT / "api/web/package-lock.json").read_text()
