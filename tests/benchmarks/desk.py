"""The people of a Helpr that is measured: agents who are signed in, and visitors who write."""

from uuid import UUID, uuid4

import msgspec

from api.run.demo.line import Headers
from api.run.demo.people import people
from api.run.demo.voice import Voice
from api.settings import Settings
from tests.benchmarks.load import Target

SESSIONS = 16


async def sessions(settings: Settings, number: int = 0, *, emails: tuple[str, ...] = ()) -> list[Headers]:
    """What so many sessions of agents (16 when nobody says) show with each request; the demo's agents in turn, or those
    that are named."""
    staff, voice = people(settings), Voice(url(settings))
    who = emails or tuple(agent.email for agent in staff.agents[:4])
    found = []
    for turn in range(number or SESSIONS):
        headers = {"helpr-request": "console", "x-forwarded-for": f"198.18.0.{turn + 1}"}
        content = {"email": who[turn % len(who)], "password": staff.password}
        answer = await voice.ask("POST", "/v1/session", headers, content)
        found.append(headers | {"cookie": answer.header("set-cookie").partition(";")[0]})
    voice.hang_up()
    return found


async def conversations(settings: Settings, number: int) -> list[Target]:
    """Conversations in which signed-in agents can write; each was begun by a visitor of its own."""
    organisation, voice, agents = people(settings).organisation, Voice(url(settings)), await sessions(settings)
    targets = []
    for turn in range(number):
        headers = {"x-forwarded-for": address(turn)}
        answer = await voice.ask("POST", "/widget/v1/session", headers, {"organisation": organisation})
        visitor = msgspec.json.decode(answer.body)
        shown = headers | bearer(organisation, visitor["visitor"], visitor["secret"])
        key = {"idempotency-key": str(uuid4())}
        answer = await voice.ask("POST", "/widget/v1/conversations", shown | key, {"text": "Hello!"})
        conversation = msgspec.json.decode(answer.body)["conversation"]
        targets.append(Target(f"/v1/conversations/{conversation}/messages", agents[turn % len(agents)]))
    voice.hang_up()
    return targets


def url(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.port}"


def bearer(organisation: UUID, visitor: UUID | str, secret: str) -> Headers:
    """What a visitor's browser shows."""
    return {"authorization": f"Bearer {organisation}.{visitor}.{secret}"}


def address(turn: int) -> str:
    """Visitors come from everywhere: who shares an address shares a limit."""
    return f"198.19.{turn // 256 % 256}.{turn % 256}"
