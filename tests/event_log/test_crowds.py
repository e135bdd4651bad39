"""Several processes write in one conversation at once: whoever is too late decides again, and nobody is sent away."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Database

HOUSE = Path(__file__).parents[2]


async def crowd(database: Database, *, writers: int, each: int) -> tuple[int, int]:
    """What a process says that writes with so many at once."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.event_log.crowding"),
        *map(str, (writers, each, os.getpid())),
        cwd=HOUSE,
        env=os.environ | {"LOG_DSN": database.runtime},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    sent_away, decisions = map(int, said.split())
    return sent_away, decisions


@pytest.mark.requirement("R-CON-1")
@pytest.mark.requirement("R-OPS-2")
async def test_nobody_is_sent_away_where_two_processes_write_in_one_conversation(
    database: Database, owner: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (one, tried), (other, tried_there) = await asyncio.gather(
        crowd(database, writers=5, each=50), crowd(database, writers=5, each=50)
    )
    with capsys.disabled():
        print(f"\n{one + other} of 500 were sent away; {tried + tried_there} decisions")
    assert one == other == 0
    assert tried + tried_there > 500, "nobody was in anybody's way"
    assert await owner.fetchrow("select count(*), max(version) from log.events") == (500, 500)
