"""The search finds what it is to find: else finding nothing would prove nothing."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.privacy.search import search

WORD = "kanarienvogel"
WRITTEN: dict[str, Callable[[str], bytes]] = {
    "text": str.encode,
    "UTF-16LE": lambda text: text.encode("utf-16-le"),
    "UTF-16BE": lambda text: text.encode("utf-16-be"),
    "hex": lambda text: text.encode().hex().encode(),
    "capital hex": lambda text: text.encode().hex().upper().encode(),
    "base64": lambda text: b64encode(text.encode()),
    "base64 for URLs": lambda text: urlsafe_b64encode(text.encode()),
}


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "a\u00e9"])
@pytest.mark.parametrize("after", ["", "z", "zz", "zzz"])
@pytest.mark.parametrize("way", WRITTEN)
def test_a_word_is_found_however_it_was_written(tmp_path: Path, way: str, before: str, after: str) -> None:
    (tmp_path / "deep").mkdir()
    noise = bytes(range(256)) * 300
    (tmp_path / "deep" / "file").write_bytes(noise + WRITTEN[way](before + WORD + after) + noise)
    (tmp_path / "empty").touch()
    found = search([tmp_path], [WORD, "wellensittich"])
    assert {each.word for each in found} == {WORD}
    assert {each.file for each in found} == {"file"}


def test_an_address_is_found_as_a_number(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\0" * 100 + bytes.fromhex("20010db8000000000000000000000042"))
    assert [each.form for each in search([tmp_path / "file"], ["2001:db8::42"])] == ["an address as a number"]


def test_other_words_are_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(WORD[:-1].encode() + b" " + WORD[1:].encode() + b64encode(WORD[:-1].encode()))
    assert search([tmp_path], [WORD]) == []
