"""What the crowd remembers, so that a fill that broke off goes on and nothing is said twice: for each dialogue whose
visitor came, what their browser was given, and which dialogues are over."""

import os
from pathlib import Path
from typing import IO, Self
from uuid import UUID

import msgspec


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A visitor came for a dialogue; or, without one, the dialogue is over."""

    dialogue: str
    visitor: UUID | None = None
    secret: str = ""


class Journal:
    """One line an entry; gone when everything has been said."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._out: IO[bytes] | None = None
        self._came: dict[str, Entry] = {}
        self._over: set[str] = set()

    @property
    def is_begun(self) -> bool:
        """Whether a fill has begun and not ended."""
        return self._file.exists()

    def __enter__(self) -> Self:
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._out = open(descriptor, "a+b", buffering=0)
        self._out.seek(0)
        whole, _, torn = self._out.read().rpartition(b"\n")
        for line in whole.splitlines():
            self._note(msgspec.json.decode(line, type=Entry))
        if torn:
            self._out.truncate(len(whole) + (1 if whole else 0))
        return self

    def __exit__(self, *_: object) -> None:
        if self._out is not None:
            self._out.close()

    def visitor_of(self, dialogue: str) -> Entry | None:
        """Who came for a dialogue, if anybody did."""
        return self._came.get(dialogue)

    def is_over(self, dialogue: str) -> bool:
        return dialogue in self._over

    def add(self, entry: Entry) -> None:
        """Written before anything follows from it."""
        assert self._out is not None
        self._out.write(msgspec.json.encode(entry) + b"\n")
        self._note(entry)

    def forget(self) -> None:
        """All is said; the secrets in it need not lie about."""
        self._file.unlink(missing_ok=True)

    def _note(self, entry: Entry) -> None:
        if entry.visitor is None:
            self._over.add(entry.dialogue)
        else:
            self._came[entry.dialogue] = entry
