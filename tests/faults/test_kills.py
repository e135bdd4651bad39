"""kill -9 of anything at any moment, while sixteen people write: nothing is lost, nothing is doubled."""

import asyncio
import os
import time
from random import Random

import pytest

from tests.faults.kills import Kills, victims
from tests.faults.reckoning import (
    is_settled,
    nothing_is_lost_or_doubled,
    the_log_verifies,
    views_equal_fresh_ones,
)
from tests.faults.standing import standing, until
from tests.faults.writers import writing


@pytest.mark.requirement("R-OPS-2")
@pytest.mark.parametrize(
    ("cycles", "patience"), [(20, 60.0), pytest.param(200, 10.0, marks=pytest.mark.soak)], ids=["short", "long"]
)
async def test_whatever_is_killed_nothing_acknowledged_is_lost_or_doubled(cycles: int, patience: float) -> None:
    """The long form also holds it to the ten seconds; the short one runs where others work."""
    seed = int(os.environ.get("HELPR_SEED") or time.time_ns() % 2**32)
    print(f"\nHELPR_SEED={seed}")
    random, kills = Random(seed), Kills()
    with standing() as helpr:
        async with writing(helpr, seed) as writers:
            for part in victims(cycles, random):
                writers.check()
                await kills.one(part, helpr, writers, random, patience=patience)
        await until(lambda: is_settled(helpr, writers), helpr, seconds=120)
        count = await nothing_is_lost_or_doubled(helpr.settings, writers)
        with helpr.owning() as owner:
            rows = await asyncio.to_thread(views_equal_fresh_ones, owner)
        facts = the_log_verifies(helpr.settings)
    print(kills.told())
    print(
        f"{count:,} messages, {facts:,} facts, {rows:,} rows; {writers.repeated} said again, "
        f"{len(writers.forgotten)} people forgotten; answers {dict(writers.answers)}"
    )
