"""Live equals reload: whatever happens, and however often the connection is lost, what was heard is what a page shows.

People do anything in any order, connections are cut anywhere, and each listener comes back with what they last heard.
In the end everything that was heard is put together, and compared with what the pages give to somebody who opens them
now: nothing is missing, nothing came twice, nothing is in another order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any, Literal
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import websockets
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.conversations.broadcast import VISIBLE
from api.conversations.news import News
from api.live import RESTARTING
from domain.accounts.events import Role
from tests.api.routes import World
from tests.house import Ears, Helpr, Visitor, arrived, listening_to

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-CON-1")]
Person = Literal["amir", "bea", "vera"]
AGENTS: tuple[Person, ...] = ("amir", "bea")
PEOPLE: tuple[Person, ...] = (*AGENTS, "vera")


class Act(msgspec.Struct, frozen=True):
    """Somebody does something."""

    who: Person
    what: str


class Step(msgspec.Struct, frozen=True):
    """Some lose their connection; then people act and others come back, all at once or with those who act a moment
    behind."""

    cut: frozenset[Person]
    acts: list[Act]
    back: frozenset[Person]
    pause: float


ACTS = st.one_of(
    st.builds(Act, st.just("vera"), st.sampled_from(["says", "reads", "identifies"])),
    st.builds(Act, st.sampled_from(AGENTS), st.sampled_from(["says", "notes", "notes", "reads"])),
    st.builds(Act, st.sampled_from(AGENTS), st.sampled_from(["takes", "gives back", "hurries", "calms"])),
    st.builds(Act, st.sampled_from(AGENTS), st.sampled_from(["resolves", "reopens"])),
)
SOME = st.frozensets(st.sampled_from(PEOPLE))
PAUSES = st.sampled_from([0.0, 0.0, 0.1])
STEPS = st.lists(st.builds(Step, SOME, st.lists(ACTS, min_size=1, max_size=4), SOME, PAUSES), min_size=2, max_size=7)


class Listener:
    """Somebody with a page open: what they have put together of everything that they heard."""

    def __init__(self, helpr: Helpr, client: httpx.AsyncClient, conversation: Any, *, is_agent: bool) -> None:
        self._helpr, self._client, self.conversation, self._is_agent = helpr, client, conversation, is_agent
        self.changes: dict[int, dict[str, Any]] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.twice: list[int] = []
        self._sequence = self._position = 0
        self._held: AsyncExitStack | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._ears: Ears | None = None

    async def comes_back(self) -> None:
        """Connects, and goes on behind what was heard last; also when Helpr was too busy and has let them go."""
        if self._hearing is not None and self._hearing.done() and not self._hearing.cancelled():
            error = self._hearing.exception()
            assert isinstance(error, websockets.ConnectionClosed), error
            assert error.rcvd is not None, error
            assert error.rcvd.code == RESTARTING, error
            await self.is_cut()
        if self._held is not None:
            return
        self._held = AsyncExitStack()
        self._ears = await self._held.enter_async_context(listening_to(self._helpr, self._client))
        self._hearing = asyncio.create_task(self._hear(self._ears))
        await self._ears.say("watch", conversation=self.conversation, after=self._sequence)
        if self._is_agent:
            await self._ears.say("inbox", after=self._position)

    async def is_cut(self) -> None:
        """Without a goodbye."""
        if self._held is None or self._ears is None or self._hearing is None:
            return
        self._ears.socket.transport.abort()
        self._hearing.cancel()
        await asyncio.gather(self._hearing, return_exceptions=True)
        await self._held.aclose()
        self._held = None

    async def until(self, sequence: int) -> None:
        """Has heard of this change, and of the row that shows it."""
        for _ in range(1000):
            await self.comes_back()
            if self._sequence >= sequence and (not self._is_agent or self._row >= sequence):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"heard only up to {self._sequence}, the row up to {self._row}, of {sequence}")

    @property
    def _row(self) -> int:
        sequence: int = self.rows.get(str(self.conversation), {}).get("sequence", 0)
        return sequence

    async def _hear(self, ears: Ears) -> None:
        while True:
            frame = await ears.until(lambda _: True, seconds=60)
            if frame["type"] == "change":
                self._heard_of(frame["change"])
            elif frame["type"] == "inbox":
                self.rows |= {row["id"]: row for row in frame["rows"]}
                self._position = frame["position"]

    def _heard_of(self, change: dict[str, Any]) -> None:
        sequence = change["sequence"]
        if sequence <= self._sequence:
            self.twice.append(sequence)
        self.changes[sequence] = change
        self._sequence = sequence

    @property
    def thread(self) -> list[dict[str, Any]]:
        """What is said and done, in order; who has read how far is told apart."""
        return [change for change in self.changes.values() if change["kind"] != "read"]

    @property
    def receipts(self) -> dict[str, int]:
        found = {"visitor": 0, "agent": 0}
        for change in self.changes.values():
            if change["kind"] == "read":
                found[change["reader"]] = change["up_to"]
        return found


class Room:
    """One conversation, its three people, and what they do. Bea is connected to another process."""

    def __init__(self, world: World, vera: Visitor, elsewhere: httpx.AsyncClient, second: Helpr) -> None:
        self._world, self._vera, self.sequence = world, vera, 2
        self._path = f"/v1/conversations/{vera.conversation}"
        self._clients = {"amir": world.agents[Role.AGENT], "bea": elsewhere, "vera": vera.client}
        self.listeners = {
            name: Listener(second if name == "bea" else world.helpr, client, vera.conversation, is_agent=name != "vera")
            for name, client in self._clients.items()
        }

    async def step(self, number: int, step: Step) -> None:
        for who in step.cut:
            await self.listeners[who].is_cut()
        returns = [asyncio.create_task(self.listeners[who].comes_back()) for who in step.back]
        await asyncio.sleep(step.pause)
        await asyncio.gather(*returns, *(self.do(f"{number}.{n}", act) for n, act in enumerate(step.acts)))

    async def do(self, number: str, act: Act) -> None:
        if act.who == "vera":
            await self._as_visitor(number, act.what)
        else:
            await self._as_agent(number, act)

    async def _as_visitor(self, number: str, what: str) -> None:
        path = f"/widget{self._path}"
        if what == "says":
            await self.ask("vera", "POST", f"{path}/messages", {"text": f"Vera's words {number}"})
        elif what == "reads":
            await self.ask("vera", "PUT", f"{path}/read", {"sequence": self.sequence})
        else:
            assert (await self._vera.client.put("/widget/v1/visitor", json={"name": f"Vera {number}"})).is_success

    async def _as_agent(self, number: str, act: Act) -> None:
        me = self._world.organisation.agents[Role.AGENT if act.who == "amir" else Role.ADMIN]
        acts: dict[str, tuple[str, str, dict[str, Any]]] = {
            "says": ("POST", "messages", {"text": f"Words of {act.who} {number}"}),
            "notes": ("POST", "notes", {"text": f"Note of {act.who} {number}"}),
            "takes": ("PUT", "assignee", {"agent": str(me)}),
            "gives back": ("PUT", "assignee", {"agent": None}),
            "hurries": ("PUT", "priority", {"priority": "urgent"}),
            "calms": ("PUT", "priority", {"priority": "normal"}),
            "resolves": ("PUT", "status", {"status": "resolved"}),
            "reopens": ("PUT", "status", {"status": "open"}),
            "reads": ("PUT", "read", {"sequence": self.sequence}),
        }
        method, place, said = acts[act.what]
        await self.ask(act.who, method, f"{self._path}/{place}", said)

    async def ask(self, who: str, method: str, path: str, said: dict[str, Any]) -> None:
        """As pages do it: where two processes were in each other's way too often, the same request is made again."""
        key = {"Idempotency-Key": str(uuid4())}
        for _ in range(20):
            answer = await self._clients[who].request(method, path, json=said, headers=key)
            if answer.status_code != 503:
                break
        assert answer.is_success, answer.text
        self.sequence = max(self.sequence, answer.json()["sequence"])

    async def reloaded(self, who: Person) -> dict[str, Any]:
        """What a page shows to somebody who opens it now."""
        head = {"Helpr-Min-Position": str(await self._world.helpr.house.reader.head())}
        path = f"/widget{self._path}" if who == "vera" else self._path
        limit = {} if who == "vera" else {"limit": "200"}
        shown: dict[str, Any] = (await self._clients[who].get(path, headers=head, params=limit)).json()
        return shown


@pytest.fixture(scope="module")
def elsewhere(world: World, second: Helpr) -> httpx.AsyncClient:
    """An admin's browser that has come to another process."""
    client = second.client(**{"Helpr-Request": "console"})
    client.cookies = world.agents[Role.ADMIN].cookies
    return client


@pytest.fixture(scope="module")
def slow_log(world: World, second: Helpr) -> Iterator[None]:
    """What is read from the log is a moment old when it comes, and the news of a moment have come when somebody has
    read all that their inbox had missed."""

    def slowed(read: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def late(*asked: Any, **how: Any) -> Any:
            found = await read(*asked, **how)
            await asyncio.sleep(0.015)
            return found

        return late

    def overtaken(news: News, catch_up: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def late(tenant: UUID, connection: Any, *asked: Any) -> None:
            await catch_up(tenant, connection, *asked)
            for _ in range(20):
                if not news._subscribers[tenant].get(connection):
                    await asyncio.sleep(0.01)

        return late

    with pytest.MonkeyPatch.context() as patch:
        for helpr in (world.helpr, second):
            reader, news = helpr.house.reader, helpr.house.news
            patch.setattr(reader, "stream", slowed(reader.stream))
            patch.setattr(reader, "head", slowed(reader.head))
            patch.setattr(news, "_catch_up", overtaken(news, news._catch_up))
        yield


async def hear_and_compare(world: World, second: Helpr, elsewhere: httpx.AsyncClient, steps: list[Step]) -> None:
    vera = await arrived(world.helpr, world.organisation)
    await vera.says("The first words")
    room = Room(world, vera, elsewhere, second)
    for listener in room.listeners.values():
        await listener.comes_back()
    everybody = frozenset(PEOPLE)
    for number, step in enumerate([*steps, Step(everybody, [Act("vera", "says")], everybody, 0.1)]):
        await room.step(number, step)
    for who, listener in room.listeners.items():
        await listener.until(room.sequence)
        page = await room.reloaded("vera" if who == "vera" else "amir")
        assert listener.twice == []
        assert listener.thread == page["changes"], who
        assert listener.receipts == page["receipts"], who
        if who == "vera":
            assert {change["kind"] for change in listener.thread} <= VISIBLE
        else:
            assert listener.rows[str(vera.conversation)] == page["conversation"]
        await listener.is_cut()


def runs(number: int, *, is_always_the_same: bool) -> settings:
    """So many, none of them made smaller: what happens in two processes at once does not happen again just so."""
    return settings(
        max_examples=number, derandomize=is_always_the_same, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip


@given(steps=STEPS)
@runs(30, is_always_the_same=True)
async def test_what_was_heard_is_what_a_page_shows(
    world: World, second: Helpr, elsewhere: httpx.AsyncClient, slow_log: None, steps: list[Step]
) -> None:
    await hear_and_compare(world, second, elsewhere, steps)


@pytest.mark.soak
@given(steps=STEPS)
@runs(2_000, is_always_the_same=False)
async def test_what_was_heard_is_what_a_page_shows_however_often_it_is_tried(
    world: World, second: Helpr, elsewhere: httpx.AsyncClient, slow_log: None, steps: list[Step]
) -> None:
    await hear_and_compare(world, second, elsewhere, steps)
