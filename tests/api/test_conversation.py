"""One conversation over HTTP, from the first words to the answer."""

import pytest

from domain.accounts.events import Role
from tests.house import Helpr, Organisation, arrived, listening_to, signed_in


@pytest.mark.requirement("R-CON-1")
async def test_a_visitor_asks_and_an_agent_answers_at_once(helpr: Helpr, acme: Organisation) -> None:
    vera, amir = await arrived(helpr, acme), await signed_in(helpr, acme)
    await vera.says("My parcel is lost")
    async with listening_to(helpr, vera.client) as ears:
        await ears.say("watch", conversation=vera.conversation, after=2)
        answer = await amir.post(f"/v1/conversations/{vera.conversation}/messages", json={"text": "We look into it"})
        assert answer.status_code == 201
        change = (await ears.until(lambda frame: frame["type"] == "change"))["change"]
    assert (change["sequence"], change["text"]) == (3, "We look into it")
    assert change["author"] == {"kind": "agent", "id": str(acme.agents[Role.AGENT])}


@pytest.mark.requirement("R-CON-1")
async def test_the_inbox_shows_a_new_conversation_without_being_asked(helpr: Helpr, acme: Organisation) -> None:
    vera, amir = await arrived(helpr, acme), await signed_in(helpr, acme)
    async with listening_to(helpr, amir) as ears:
        await ears.say("inbox", after=ears.heard[0]["position"])
        await vera.says("Hello")
        news = await ears.until(lambda frame: frame["type"] == "inbox" and frame["rows"] != [])
    assert [(row["id"], row["preview"]["text"]) for row in news["rows"]] == [(str(vera.conversation), "Hello")]
