"""What everybody may ask without a limit costs little, however often they ask."""

import asyncio
from uuid import UUID

import pytest

from api import description
from api.health import MOMENT, Lately
from tests.api.routes import World

pytestmark = pytest.mark.requirement("R-OPS-1")


class Parts:
    """A database that answers when it is told to, and how often it was asked."""

    def __init__(self) -> None:
        self.asked, self.now, self.answer = 0, 100.0, asyncio.Event()

    async def __call__(self) -> dict[str, bool]:
        self.asked += 1
        await self.answer.wait()
        return {"database": self.asked == 1}


async def test_many_who_ask_at_once_are_told_by_one_question() -> None:
    parts = Parts()
    lately = Lately(parts, clock=lambda: parts.now)
    asking = [asyncio.create_task(lately()) for _ in range(100)]
    await asyncio.sleep(0)
    asking[0].cancel()
    parts.answer.set()
    answers = await asyncio.gather(*asking[1:])
    assert (parts.asked, answers) == (1, [{"database": True}] * 99)


async def test_an_answer_is_good_for_a_moment_only() -> None:
    parts = Parts()
    parts.answer.set()
    lately = Lately(parts, clock=lambda: parts.now)
    assert [await lately() for _ in range(3)] == [{"database": True}] * 3
    parts.now += MOMENT
    assert await lately() == {"database": False}
    assert parts.asked == 2


async def test_who_asks_whether_helpr_is_ready_does_not_ask_the_keys_each_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    keyring = world.helpr.house.keyring
    ask = keyring.living

    async def counted(tenant: UUID, scope: str) -> int:
        asked.append(scope)
        return await ask(tenant, scope)

    monkeypatch.setattr(keyring, "living", counted)
    answers = await asyncio.gather(*(world.anybody.get("/readyz") for _ in range(50)))
    assert {answer.json()["status"] for answer in answers} == {"ready"}
    assert len(asked) < 10


async def test_the_description_is_made_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await world.anybody.get("/v1/openapi.json")
    assert first.json()["info"]["title"] == "Helpr"

    def anew(_: object) -> dict[str, object]:
        raise AssertionError("it is made anew")

    monkeypatch.setattr(description, "described", anew)
    assert (await world.anybody.get("/v1/openapi.json")).content == first.content
