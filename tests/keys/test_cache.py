"""What is cached is bounded in number and in time, and can be thrown out at once."""

from infrastructure.keys.cache import Cache
from tests.keys.keyrings import Clock


def test_an_entry_lives_for_its_time_and_not_longer() -> None:
    clock = Clock()
    cache: Cache[str, int] = Cache(most=10, seconds=60, clock=clock)
    cache.put("a", 1)
    clock.now += 60
    assert cache.get("a") == 1
    clock.now += 0.001
    assert cache.get("a") is None
    assert len(cache) == 0


def test_many_are_found_at_once_as_one_by_one() -> None:
    clock = Clock()
    cache: Cache[str, int] = Cache(most=3, seconds=60, clock=clock)
    cache.put("old", 0)
    clock.now += 30
    for number, key in enumerate("ab", start=1):
        cache.put(key, number)
    assert cache.find(["old", "a", "x"]) == {"old": 0, "a": 1}
    assert (cache.hits, cache.misses) == (2, 1)
    clock.now += 31
    assert cache.find({"old", "a", "b"}) == {"a": 1, "b": 2}
    assert len(cache) == 2
    cache.find(["a"])
    for key in "cd":
        cache.put(key, 3)
    assert cache.find("abcd") == {"a": 1, "c": 3, "d": 3}, "the one unused for longest went first"


def test_reading_does_not_prolong_a_life_and_keeping_again_does() -> None:
    clock = Clock()
    cache: Cache[str, int] = Cache(most=10, seconds=60, clock=clock)
    for key in "ab":
        cache.put(key, 1)
    for _ in range(6):
        clock.now += 10
        assert cache.get("a") == 1
    cache.put("b", 2)
    clock.now += 1
    assert (cache.get("a"), cache.get("b")) == (None, 2)


def test_the_one_unused_for_longest_goes_first() -> None:
    cache: Cache[int, int] = Cache(most=3, seconds=60)
    for key in (1, 2, 3):
        cache.put(key, key)
    cache.get(1)
    cache.put(4, 4)
    assert [cache.get(key) for key in (1, 2, 3, 4)] == [1, None, 3, 4]
    assert len(cache) == 3


def test_what_is_evicted_is_gone_and_nothing_else() -> None:
    cache: Cache[int, int] = Cache(most=3, seconds=60)
    for key in (1, 2, 3):
        cache.put(key, key)
    cache.evict(2)
    cache.evict(7)
    assert [cache.get(key) for key in (1, 2, 3)] == [1, None, 3]
    cache.clear()
    assert len(cache) == 0


def test_what_nobody_asks_for_goes_too_when_its_time_is_over_and_whoever_kept_it_is_told() -> None:
    clock, gone = Clock(), list[str]()
    cache: Cache[str, int] = Cache(most=3, seconds=60, clock=clock, gone=gone.append)
    for key in "abcd":
        cache.put(key, 1)
        clock.now += 1
    assert gone == ["a"], "there is no room for it"
    clock.now += 57.5
    cache.expire()
    assert gone == ["a", "b"]
    clock.now += 1
    assert cache.get("c") is None
    clock.now += 1
    assert cache.find(["d"]) == {}
    assert gone == ["a", "b", "c", "d"]
    cache.put("e", 1)
    cache.evict("e")
    assert gone == ["a", "b", "c", "d"], "whoever throws it out knows"
    assert len(cache) == 0
