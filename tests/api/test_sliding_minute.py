"""How often somebody may ask within sixty seconds, whenever those begin."""

from typing import Any

import pytest

from api.problems import TooManyRequests
from api.rate_limits import RateLimits


class Clock:
    """Shows the seconds that a test says."""

    now = 6_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> RateLimits:
    return RateLimits({"message": 4, "visitor": 2}, clock=clock)


def write(limits: RateLimits, times: int = 1) -> None:
    for _ in range(times):
        limits.hit("message", "ada")


def is_refused(limits: RateLimits) -> bool:
    with pytest.raises(TooManyRequests):
        write(limits)
    return True


@pytest.mark.requirement("R-OPS-1")
def test_the_minute_slides(limits: RateLimits, clock: Clock) -> None:
    write(limits, 4)
    assert is_refused(limits)
    clock.now += 75
    write(limits)
    assert is_refused(limits)
    clock.now += 15
    write(limits)


def test_who_is_refused_does_not_wait_longer_for_asking_again(limits: RateLimits, clock: Clock) -> None:
    write(limits, 4)
    for _ in range(20):
        assert is_refused(limits)
    clock.now += 75
    write(limits)


def test_one_does_not_use_up_what_another_may_or_what_one_may_elsewhere(limits: RateLimits) -> None:
    write(limits, 4)
    limits.hit("message", "bob")
    limits.hit("visitor", "ada")


@pytest.mark.requirement("R-VIS-2")
def test_nothing_is_remembered_for_longer_than_two_minutes(limits: RateLimits, clock: Clock) -> None:
    """Keys are addresses, among others."""
    write(limits)
    for _ in range(2):
        clock.now += 60
        limits.hit("message", "bob")
    assert "ada" not in str(vars(limits))


def test_an_answer_says_what_is_left_and_when_the_minute_is_over(limits: RateLimits, clock: Clock) -> None:
    state: dict[str, Any] = {}
    clock.now += 20
    limits.hit("message", "ada", state)
    assert state["rate_limit"] == ("message", 4, 3, 40)
