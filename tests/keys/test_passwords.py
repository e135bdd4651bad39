"""Passwords: Argon2id as strong as promised, the same work for nobody, and never more of it at once than fits."""

import asyncio
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher, Type

from infrastructure.keys.passwords import Argon2Passwords, PasswordsBusy

PASSWORD = "correct horse battery staple"
LIGHT = 64
"""KiB: enough for rules that are not about strength."""


@pytest.fixture
def passwords() -> Iterator[Argon2Passwords]:
    made = Argon2Passwords(memory=LIGHT, most_waiting=4)
    yield made
    made.close()


@pytest.fixture(scope="module")
def strong() -> Iterator[Argon2Passwords]:
    made = Argon2Passwords()
    yield made
    made.close()


class Strength:
    """What the PHC string of a hash says of its making."""

    def __init__(self, hashed: str) -> None:
        form = r"\$(argon2id)\$v=(19)\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)"
        found = re.fullmatch(form, hashed)
        assert found, hashed
        self.memory, self.time, self.lanes = int(found[3]), int(found[4]), int(found[5])
        self.salt, self.tag = (b64decode(part + "==") for part in (found[6], found[7]))


@pytest.mark.requirement("R-ACC-4")
async def test_a_hash_is_as_strong_as_promised(strong: Argon2Passwords) -> None:
    hashed = await strong.hash(PASSWORD)
    strength = Strength(hashed)
    assert (strength.memory, strength.time, strength.lanes) >= (64 * 1024, 3, 4)
    assert strength.memory >= 64 * 1024
    assert strength.time >= 3
    assert strength.lanes >= 4
    assert (len(strength.salt), len(strength.tag)) == (16, 32)
    assert await strong.verify(hashed, PASSWORD)
    assert not strong.is_outdated(hashed)


@pytest.mark.requirement("R-ACC-4")
async def test_each_hash_has_a_salt_of_its_own(passwords: Argon2Passwords) -> None:
    salts = {Strength(await passwords.hash(PASSWORD)).salt for _ in range(20)}
    assert len(salts) == 20


@pytest.mark.requirement("R-ACC-4")
@pytest.mark.parametrize(
    "password", [PASSWORD, "pässwörd", "密码密码密码", "with\0nul", " spaces ", "x" * 1024, "\ud800 alone", ""]
)
async def test_a_password_fits_its_own_hash_only(passwords: Argon2Passwords, password: str) -> None:
    hashed = await passwords.hash(password)
    assert await passwords.verify(hashed, password)
    for wrong in (password + "x", password + "\0", password[:-1] + "y", password.upper() + "!"):
        assert not await passwords.verify(hashed, wrong)


@pytest.mark.parametrize(
    "hashed", ["", "x", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuu", "$argon2id$v=19$m=8,t=1,p=1$"]
)
async def test_what_is_no_hash_fits_nothing(passwords: Argon2Passwords, hashed: str) -> None:
    assert not await passwords.verify(hashed, PASSWORD)


@pytest.mark.requirement("R-ACC-4")
async def test_nobody_takes_the_same_work_as_somebody_and_never_gets_in(
    strong: Argon2Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[Strength] = []
    verify = PasswordHasher.verify

    def watched(self: PasswordHasher, hashed: Any, password: Any) -> Any:
        worked.append(Strength(hashed))
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    somebody = await strong.hash(PASSWORD)
    assert [await strong.verify(hashed, PASSWORD) for hashed in (None, somebody)] == [False, True]
    nobody, real = worked
    assert (nobody.memory, nobody.time, nobody.lanes) == (real.memory, real.time, real.lanes)
    assert (len(nobody.salt), len(nobody.tag)) == (len(real.salt), len(real.tag))


@pytest.mark.requirement("R-ACC-4")
@pytest.mark.parametrize(
    ("weaker", "is_outdated"),
    [
        ({"memory_cost": LIGHT // 2}, True),
        ({"time_cost": 2}, True),
        ({"parallelism": 2}, True),
        ({"hash_len": 16}, True),
        ({"salt_len": 8}, True),
        ({"type": Type.I}, True),
        ({}, False),
        ({"memory_cost": LIGHT * 2}, False),
        ({"time_cost": 5, "hash_len": 64}, False),
        ({"time_cost": 5, "memory_cost": LIGHT // 2}, True),
    ],
    ids=str,
)
def test_a_hash_is_outdated_when_parameters_have_risen_and_only_then(
    passwords: Argon2Passwords, weaker: dict[str, Any], is_outdated: bool
) -> None:
    """A stronger one is never made weaker."""
    then = {"memory_cost": LIGHT, "time_cost": 3, "parallelism": 4, "hash_len": 32, "salt_len": 16} | weaker
    assert passwords.is_outdated(PasswordHasher(**then).hash(PASSWORD)) is is_outdated


async def test_more_than_fits_is_sent_away_and_the_rest_is_served(passwords: Argon2Passwords) -> None:
    asked = [passwords.hash(PASSWORD) for _ in range(10)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in done] == [str] * 4 + [PasswordsBusy] * 6
    assert await passwords.verify(await passwords.hash(PASSWORD), PASSWORD)


async def test_whoever_gives_up_waiting_makes_room(passwords: Argon2Passwords) -> None:
    waiting = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(PasswordsBusy):
        await passwords.hash(PASSWORD)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(4)))) == 4


async def test_the_loop_goes_on_while_passwords_are_hashed(strong: Argon2Passwords) -> None:
    hashing = asyncio.create_task(strong.hash(PASSWORD))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
