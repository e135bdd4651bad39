"""Tokens of live connections: good for an hour, for one audience, in one cell, and as they were issued only."""

from base64 import urlsafe_b64encode
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infrastructure.keys.live_tokens import Claims, LiveTokens, TokenRefused
from tests.keys.keyrings import ACME, OTHER, Clock

ANN, SESSION = UUID(int=7), UUID(int=8)
MASTER = bytes(range(32))
HOUR = 3600


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = 1_764_000_000.0 // HOUR * HOUR
    return clock


@pytest.fixture
def tokens(clock: Clock) -> LiveTokens:
    return LiveTokens(MASTER, clock=clock)


def signed(tokens: LiveTokens, claims: object, hour: int) -> str:
    """A token as the cell itself would sign it in an hour."""
    body = urlsafe_b64encode(msgspec.msgpack.encode(claims)).decode()
    return f"{body}.{tokens._mac(body, hour)}"


@pytest.mark.requirement("R-ACC-10")
@pytest.mark.parametrize("session", [SESSION, None])
async def test_a_token_says_who_connects_in_every_process(
    tokens: LiveTokens, clock: Clock, session: UUID | None
) -> None:
    token, until = tokens.issue("console", ACME, ANN, session)
    there = LiveTokens(MASTER, clock=clock)
    assert there.check(token, "console") == Claims("console", ACME, ANN, session, until)
    assert until == clock.now + HOUR


@pytest.mark.requirement("R-ACC-10")
@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_it_survives_the_change_of_the_secret_and_ends_after_an_hour(
    tokens: LiveTokens, clock: Clock, minute: int
) -> None:
    clock.now += minute * 60
    token, _ = tokens.issue("console", ACME, ANN)
    clock.now += HOUR - 1
    assert tokens.check(token, "console").id == ANN
    clock.now += 1
    with pytest.raises(TokenRefused):
        tokens.check(token, "console")


@pytest.mark.requirement("R-ACC-10")
def test_the_secret_of_this_hour_and_the_last_counts_and_no_other(tokens: LiveTokens, clock: Clock) -> None:
    now = int(clock.now) // HOUR
    for_ever = Claims("console", ACME, ANN, None, int(clock.now) + 10**9)
    for hour in (now, now - 1):
        assert tokens.check(signed(tokens, for_ever, hour), "console") == for_ever
    for hour in (now + 1, now - 2, now - 3, 0):
        with pytest.raises(TokenRefused):
            tokens.check(signed(tokens, for_ever, hour), "console")


@pytest.mark.requirement("R-ACC-10")
def test_a_foreign_token_is_refused(tokens: LiveTokens, clock: Clock) -> None:
    token, _ = tokens.issue("console", ACME, ANN)
    with pytest.raises(TokenRefused):
        tokens.check(token, "widget")
    with pytest.raises(TokenRefused):
        LiveTokens(bytes(32), clock=clock).check(token, "console")


@pytest.mark.requirement("R-ACC-10")
def test_each_changed_character_is_refused(tokens: LiveTokens) -> None:
    token, _ = tokens.issue("console", ACME, ANN)
    for at, character in enumerate(token):
        for other in {"A", "0", "f", "_", "=", ".", "é"} - {character}:
            with pytest.raises(TokenRefused):
                tokens.check(token[:at] + other + token[at + 1 :], "console")
        with pytest.raises(TokenRefused):
            tokens.check(token[:at], "console")
    with pytest.raises(TokenRefused):
        tokens.check(token + "0", "console")


@pytest.mark.requirement("R-ACC-10")
def test_the_signature_of_one_token_serves_no_other(tokens: LiveTokens) -> None:
    mine, theirs = tokens.issue("console", ACME, ANN)[0], tokens.issue("console", OTHER, ANN)[0]
    with pytest.raises(TokenRefused):
        tokens.check(theirs.split(".")[0] + "." + mine.split(".")[1], "console")


@pytest.mark.requirement("R-ACC-10")
@settings(deadline=None)
@given(st.text(st.characters(), max_size=100))
def test_noise_is_refused(noise: str) -> None:
    tokens = LiveTokens(MASTER)
    for wrong in (noise, noise + ".", "." + noise, noise + "." + noise):
        with pytest.raises(TokenRefused):
            tokens.check(wrong, "console")


@pytest.mark.parametrize(
    "claims", [None, 7, [], ["console"], {"audience": "console"}, ["console", 1, 2, 3, 4], "console"]
)
def test_what_is_signed_but_no_claim_is_refused(tokens: LiveTokens, clock: Clock, claims: object) -> None:
    with pytest.raises(TokenRefused):
        tokens.check(signed(tokens, claims, int(clock.now) // HOUR), "console")
