"""Somebody was away while very much was written."""

import pytest

from domain.accounts.events import Role
from tests.house import Helpr, arrived, founded, listening_to, signed_in


@pytest.mark.requirement("R-CON-1")
async def test_who_missed_more_than_may_wait_gets_all_of_it_and_stays_connected(helpr: Helpr) -> None:
    organisation = await founded(helpr, "long-absence")
    agent, visitor = await signed_in(helpr, organisation, Role.AGENT), await arrived(helpr, organisation)
    texts = [f"{number:02d}" + "x" * 9_000 for number in range(40)]
    for text in texts:
        await visitor.says(text)
    async with listening_to(helpr, agent) as ears:
        await ears.say("watch", conversation=visitor.conversation, after=0)
        await ears.until(lambda frame: frame.get("change", {}).get("text") == texts[-1])
    heard = [frame["change"]["text"] for frame in ears.heard if frame.get("change", {}).get("kind") == "message"]
    assert heard == texts
