"""A worker is prompt where little happens, and gathers where much does."""

import pytest

from infrastructure.views.pace import LONGEST, Pace

pytestmark = pytest.mark.requirement("R-OPS-3")


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def pauses(rate: float, *, seconds: float, clock: Clock, pace: Pace) -> list[float]:
    """How long it lets facts gather, round after round, while so many happen a second; a round takes 5 ms."""
    found, end = [], clock.now + seconds
    before = clock.now
    while clock.now < end:
        clock.now = max(clock.now, before + 1 / rate)
        pace.begin()
        facts = int((clock.now - before) * rate)
        before += facts / rate
        clock.now += 0.005
        pace.took(facts)
        found.append(pace.pause())
        clock.now += found[-1]
    return found


def test_what_comes_one_by_one_is_taken_at_once() -> None:
    clock = Clock()
    assert max(pauses(20, seconds=5, clock=clock, pace=Pace(clock))) == 0


def test_the_more_happens_the_longer_it_gathers_but_never_longer_than_it_may() -> None:
    longest = []
    for rate in (100, 300, 1000, 5000):
        clock = Clock()
        longest.append(pauses(rate, seconds=5, clock=clock, pace=Pace(clock))[-1])
    assert longest == sorted(longest)
    assert longest[0] < 0.02 < longest[1] < longest[2] <= LONGEST


def test_when_it_is_quiet_again_it_is_prompt_again() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pauses(2000, seconds=5, clock=clock, pace=pace)[-1] > 0.1
    assert pauses(20, seconds=3, clock=clock, pace=pace)[-1] == 0


def test_the_first_of_many_does_not_wait() -> None:
    clock = Clock()
    pace = Pace(clock)
    clock.now += 60
    assert pauses(2000, seconds=0.001, clock=clock, pace=pace) == [0]
