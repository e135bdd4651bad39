"""People who go on writing, arriving and reading whatever happens, and who take a 503 for what it says: come again."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from api.main import House, key_store, root_key
from domain.shared.event import Sealed
from infrastructure.keys.keyring import TenantKeyring
from tests.house import Helpr, Organisation, Visitor, arrived

WORD = "zqkleiber"
"""Stands in everything that is written, and nowhere else."""
PAUSE = 0.1
PATIENCE = 60.0


class Crowd(msgspec.Struct):
    """Who writes, what was acknowledged to whom, and how often each kind of request got which status."""

    helpr: Helpr
    organisation: Organisation
    agent: httpx.AsyncClient
    people: list[Visitor] = []
    acknowledged: dict[UUID, list[str]] = {}
    answers: Counter[tuple[str, int]] = msgspec.field(default_factory=Counter)
    tasks: list[asyncio.Task[None]] = []
    is_over: bool = False

    async def come(self, many: int) -> None:
        """People who have written once, while all was well."""
        for _ in range(many):
            self.people.append(await arrived(self.helpr, self.organisation))
            await self.say(self.people[-1])

    def go_on(self) -> None:
        """Everybody writes, newcomers come, an agent reads."""
        self.tasks = [asyncio.create_task(self._write(visitor)) for visitor in self.people]
        self.tasks += [asyncio.create_task(work()) for work in (self._arrive, self._read)]

    async def until(self, kind: str, status: int) -> None:
        """Until one more request of this kind had this status."""
        before = self.answers[kind, status]
        async with asyncio.timeout(PATIENCE):
            while self.answers[kind, status] == before:
                for task in self.tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Everybody ends what they are at; nobody gives up before it is acknowledged."""
        self.is_over = True
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self.tasks)

    async def say(self, visitor: Visitor) -> None:
        """One message, tried again until it is acknowledged."""
        said = self.acknowledged.setdefault(visitor.id, [])
        text, headers = f"{WORD} {len(said)}", {"Idempotency-Key": str(uuid4())}
        start = "/widget/v1/conversations"
        path = f"{start}/{visitor.conversation}/messages" if visitor.conversation else start
        while True:
            answer = await self.ask("say", visitor.client, "POST", path, json={"text": text}, headers=headers)
            if answer:
                break
            await asyncio.sleep(PAUSE)
        visitor.conversation = UUID(answer["conversation"])
        said.append(text)

    async def ask(
        self, kind: str, client: httpx.AsyncClient, method: str, path: str, **more: Any
    ) -> dict[str, Any] | None:
        """What was answered; None when it was that we should come again. Nothing else is taken for an answer."""
        answer = await client.request(method, path, **more)
        self.answers[kind, answer.status_code] += 1
        if answer.is_success:
            found: dict[str, Any] = answer.json()
            return found
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), answer.text
        assert int(answer.headers["retry-after"]) >= 1
        assert WORD not in answer.text
        return None

    async def _write(self, visitor: Visitor) -> None:
        while not self.is_over:
            await self.say(visitor)
            await asyncio.sleep(PAUSE)

    async def _arrive(self) -> None:
        while not self.is_over:
            client = self.helpr.client()
            wanted = {
                "organisation": str(self.organisation.id), "page": {"url": f"https://shop.example/{WORD}"}
            }  # fmt: skip
            begun = await self.ask("arrive", client, "POST", "/widget/v1/session", json=wanted)
            if begun:
                secret = f"{self.organisation.id}.{begun['visitor']}.{begun['secret']}"
                client.headers["Authorization"] = f"Bearer {secret}"
                newcomer = Visitor(client, UUID(begun["visitor"]), begun["secret"])
                await self.say(newcomer)
                self.people.append(newcomer)
            await asyncio.sleep(3 * PAUSE)

    async def _read(self) -> None:
        while not self.is_over:
            for path in ("/v1/conversations", f"/v1/conversations/{self.people[0].conversation}"):
                await self.ask("read", self.agent, "GET", path)
            await asyncio.sleep(PAUSE)

    async def everything_is_there(self) -> None:
        """What was acknowledged stands in the threads once, in its order, and nothing else does."""
        position = str(await self.helpr.house.reader.head())
        for visitor in self.people:
            path = f"/v1/conversations/{visitor.conversation}"
            found = await self.agent.get(path, headers={"Helpr-Min-Position": position})
            assert found.status_code == 200, found.text
            shown = [change for change in found.json()["changes"] if change["kind"] == "message"]
            said = self.acknowledged[visitor.id]
            assert [change["text"] for change in shown] == said[len(said) - len(shown) :]
            assert len(shown) == len(said) or len(shown) >= 40, "only what is further back is on another page"


async def everything_opens(house: House) -> int:
    """Opens every personal field of the log with keys that a new process fetches; how many there are. None may be
    damaged or erased, and none may stand in the log in the clear."""
    keyring = TenantKeyring(root_key(house.settings.kms_url), key_store(house.settings.keys_url))
    await keyring.open_store()
    count, position = 0, 0
    while page := await house.reader.after(position):
        position = page[-1].position
        for recorded in page:
            fields = [getattr(recorded.fact, name) for name in recorded.fact.__struct_fields__]
            sealed = [field for field in fields if isinstance(field, Sealed)]
            assert not [field for field in sealed if WORD.encode() in field.ciphertext]
            assert all(isinstance(opened, bytes) for opened in await keyring.open(recorded.tenant, sealed))
            assert WORD not in str([field for field in fields if not isinstance(field, Sealed)])
            count += len(sealed)
    await keyring.close()
    return count
