"""That somebody writes is told as often as somebody can look, however often it is said."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.conversations.watching import Writing

pytestmark = pytest.mark.requirement("R-VIS-6")
ONE, OTHER = uuid4(), uuid4()


class Told(list[tuple[UUID, bool]]):
    """What was passed on, by somebody who watches two conversations."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("api.conversations.watching.time.monotonic", lambda: self.now)
        watcher: Any = SimpleNamespace(is_watching=(ONE, OTHER).__contains__, is_visitor=True, tenant=ONE, person=ONE)
        self.writing = Writing(watcher, self._say)

    def _say(self, payload: str) -> None:
        _, conversation, _, _, on = payload.split()
        self.append((UUID(conversation), on == "1"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def test_who_begins_and_stops_all_the_time_is_heard_once_a_second(told: Told) -> None:
    for _ in range(100):
        for on in (True, False):
            told.writing.tell(ONE, on)
    assert told == [(ONE, True), (ONE, False)]
    told.now += 1.0
    told.writing.tell(ONE, True)
    assert told[2:] == [(ONE, True)]


def test_who_stops_without_having_begun_is_not_heard(told: Told) -> None:
    for _ in range(100):
        told.writing.tell(ONE, False)
    told.writing.tell(ONE, True)
    told.writing.tell(OTHER, False)
    told.writing.tell(ONE, False)
    told.writing.tell(ONE, False)
    assert told == [(ONE, True), (ONE, False)]


def test_nobody_is_told_where_they_do_not_watch(told: Told) -> None:
    told.writing.tell(uuid4(), True)
    assert told == []
