"""How often somebody may ask."""

from collections.abc import Callable
from typing import Any

import pytest

from api.problems import TooManyRequests
from api.rate_limits import RateLimits


class Clock:
    """Shows the seconds that a test says."""

    def __init__(self) -> None:
        self.now = 6_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> RateLimits:
    return RateLimits({"message": 4, "visitor": 2}, clock=clock)


def refused(act: Callable[[], None]) -> int:
    with pytest.raises(TooManyRequests) as refusal:
        act()
    return refusal.value.seconds


@pytest.mark.requirement("R-OPS-1")
def test_so_many_a_minute_and_no_more(limits: RateLimits) -> None:
    for _ in range(4):
        limits.hit("message", "ada")
    assert refused(lambda: limits.hit("message", "ada")) == 60


@pytest.mark.requirement("R-OPS-1")
def test_one_does_not_use_up_what_another_may_or_what_one_may_elsewhere(limits: RateLimits) -> None:
    for _ in range(4):
        limits.hit("message", "ada")
    limits.hit("message", "bob")
    limits.hit("visitor", "ada")


@pytest.mark.requirement("R-OPS-1")
def test_the_minute_slides(limits: RateLimits, clock: Clock) -> None:
    for _ in range(4):
        limits.hit("message", "ada")
    clock.now += 75
    limits.hit("message", "ada")
    refused(lambda: limits.hit("message", "ada"))
    clock.now += 15
    limits.hit("message", "ada")


def test_who_is_refused_does_not_wait_longer_for_asking_again(limits: RateLimits, clock: Clock) -> None:
    for _ in range(4):
        limits.hit("message", "ada")
    for _ in range(20):
        refused(lambda: limits.hit("message", "ada"))
    clock.now += 75
    limits.hit("message", "ada")


def test_nothing_is_remembered_for_longer_than_two_minutes(limits: RateLimits, clock: Clock) -> None:
    limits.hit("message", "ada")
    clock.now += 60
    limits.hit("message", "bob")
    clock.now += 60
    limits.hit("message", "bob")
    assert "ada" not in str(vars(limits))


def test_an_answer_says_what_is_left(limits: RateLimits, clock: Clock) -> None:
    state: dict[str, Any] = {}
    clock.now += 20
    limits.hit("message", "ada", state)
    assert state["rate_limit"] == ("message", 4, 3, 40)
