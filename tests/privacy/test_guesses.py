"""Whoever has the log and guesses what was said cannot see whether the guess is right."""

import hashlib
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.conftest import Database
from tests.house import arrived, founded, running

pytestmark = [pytest.mark.requirement("R-PRI-7"), pytest.mark.requirement("R-PRI-2")]
GUESS = b'{"text": "+43 316 1234567"}'
JSON = {"Content-Type": "application/json"}
BYTES = "select hash as kept from log.events union all select fingerprint from log.commands"


async def say(client: httpx.AsyncClient, path: str, **headers: str) -> None:
    answer = await client.post(path, content=GUESS, headers={**JSON, **headers})
    assert answer.is_success, answer.text


async def test_equal_words_leave_no_equal_traces(database: Database, tmp_path: Path) -> None:
    owner = await asyncpg.connect(database.owner)
    async with running(database, tmp_path) as helpr:
        visitor = await arrived(helpr, await founded(helpr, "guessing"))
        await visitor.says("Hello")
        path = f"/widget/v1/conversations/{visitor.conversation}/messages"
        before = {row["kept"] for row in await owner.fetch(BYTES)}
        for _ in range(2):
            await say(visitor.client, path)
        for _ in range(2):
            await say(visitor.client, path, **{"Idempotency-Key": str(uuid4())})
    rows = [row["kept"] for row in await owner.fetch(BYTES)]
    await owner.close()
    new = [kept for kept in rows if kept not in before]
    assert len(new) == len(set(new)) == 4 + 2, "what came without a key of its own leaves nothing"
    asked = (b"POST", path.encode(), GUESS)
    guesses = [GUESS, b"".join(asked), b"".join(len(part).to_bytes(8) + part for part in asked)]
    digests = {hashlib.new(name, guess).digest() for name in ("sha256", "sha1", "md5") for guess in guesses}
    assert digests.isdisjoint(rows)
