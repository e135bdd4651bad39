"""Looks for words in files, in every form in which they could stand there."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from mmap import ACCESS_READ, mmap
from pathlib import Path

import msgspec


class Found(msgspec.Struct, frozen=True, order=True):
    """A word, the form it stands in, and the file."""

    word: str
    form: str
    file: str


def forms(word: str) -> dict[str, bytes]:
    """The bytes to look for: as text, as numbers, and within something longer that was written in base64."""
    text = word.encode()
    found = {
        "UTF-8": text,
        "UTF-16LE": word.encode("utf-16-le"),
        "UTF-16BE": word.encode("utf-16-be"),
        "hex": text.hex().encode(),
        "HEX": text.hex().upper().encode(),
    }
    for before in range(3):
        found[f"base64, after {before}"] = _base64(text, before)
        found[f"base64 for URLs, after {before}"] = _base64(text, before).replace(b"+", b"-").replace(b"/", b"_")
    with suppress(ValueError):
        found["an address as a number"] = ip_address(word).packed
    return found


def _base64(text: bytes, before: int) -> bytes:
    """The characters that are the same whatever stands before (so many bytes, modulo 3) and after."""
    written = b64encode(bytes(before) + text)
    return written[-(-before * 8 // 6) : (before + len(text)) * 8 // 6]


def search(places: Iterable[Path], words: Iterable[str]) -> list[Found]:
    """Every file in these folders, and these files, for every word in every form."""
    wanted = [(word, form, written) for word in words for form, written in forms(word).items()]
    found = []
    for file in files(places):
        with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as content:
            found += [Found(word, form, file.name) for word, form, written in wanted if content.find(written) >= 0]
    return sorted(found)


def files(places: Iterable[Path]) -> Iterator[Path]:
    """All files that hold anything."""
    for place in places:
        for file in [place] if place.is_file() else place.rglob("*"):
            if file.is_file() and file.stat().st_size:
                yield file
