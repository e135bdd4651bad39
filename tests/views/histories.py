"""What people of an organisation may do, at random: each step is decided by the domain's own rules."""

from collections.abc import Callable
from functools import reduce
from random import Random
from typing import Any
from uuid import UUID

from domain.accounts import joining
from domain.accounts.agent import Agent
from domain.accounts.events import Role
from domain.compliance import erasure
from domain.compliance.erasure import Erasure
from domain.compliance.events import ErasureReason
from domain.conversations import assignment, lifecycle, messaging, reading
from domain.conversations.conversation import Conversation
from domain.conversations.events import Author, Party, Priority
from domain.shared.ids import AgentId, MessageId, OrganisationId, VisitorId
from domain.shared.refusal import Refusal
from domain.visitors import arrival, forgetting, identification
from domain.visitors.visitor import Visitor
from tests.shown import Happened, happened

Step = tuple[type[Any], UUID, Callable[[Any], Any]]
VISITORS = [VisitorId(UUID(int=10 + number)) for number in range(4)]
AGENTS = [AgentId(UUID(int=20 + number)) for number in range(3)]
CONVERSATIONS = [UUID(int=30 + number) for number in range(4)]


class Organisation:
    """Its visitors, agents and conversations, and what has happened to them so far."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._memories: dict[tuple[type[Any], UUID], Any] = {}

    def live(self, steps: int, *, forgets: bool) -> list[Happened]:
        """So many things are tried; what the rules allow happens."""
        kinds = [self._arriving, self._visiting, self._talking, self._talking, self._talking, self._handling]
        if forgets:
            kinds.append(self._forgetting)
        return [done for _ in range(steps) if (done := self._try(*self._random.choice(kinds)()))]

    def _try(self, memory: type[Any], stream: UUID, decide: Callable[[Any], Any]) -> Happened | None:
        known = self._memories.get((memory, stream), memory())
        try:
            decided = decide(known)
        except Refusal:
            return None
        facts = decided if isinstance(decided, tuple) else (decided,)
        self._memories[memory, stream] = reduce(lambda m, fact: m.after(fact), facts, known)
        return happened(memory, stream, *facts) if facts else None

    def _arriving(self) -> Step:
        visitor, agent = self._random.choice(VISITORS), self._random.choice(AGENTS)
        seen: dict[str, Any] = {"device": {"os": "Linux"}, "place": {"city": "Graz"}, "page": {"url": "/"}}
        who: dict[str, Any] = {"name": "Anna", "email": "anna@acme.example", "password": "$argon2id$"}
        organisation = OrganisationId(UUID(int=9))
        steps: list[Step] = [
            (Visitor, visitor, lambda m: arrival.arrive(m, id=visitor, secret=b"digest", **seen)),
            (Agent, agent, lambda m: joining.join(m, id=agent, organisation=organisation, role=Role.AGENT, **who)),
        ]
        return self._random.choice(steps)

    def _visiting(self) -> Step:
        visitor, name = self._random.choice(VISITORS), self._random.choice([None, "Vera", "Victor"])
        seen: dict[str, Any] = {"device": {"os": "iOS"}, "place": {"city": "Wien"}, "page": {"url": "/buy"}}
        said: dict[str, Any] = {"name": name, "email": "v@example.org", "phone": None}
        steps: list[Step] = [
            (Visitor, visitor, lambda m: arrival.come_back(m, **seen)),
            (Visitor, visitor, lambda m: identification.identify(m, **said)),
        ]
        return self._random.choice(steps)

    def _talking(self) -> Step:
        talk, visitor, agent = self._random.choice(CONVERSATIONS), self._random.choice(VISITORS), AGENTS[0]
        message, up_to = MessageId(UUID(int=self._random.getrandbits(64))), self._random.randrange(1, 6)
        words: dict[str, Any] = {"message": message, "text": f"words {message}"}
        by_visitor, by_agent = Author(Party.VISITOR, visitor), Author(Party.AGENT, agent)
        steps: list[Step] = [
            (Conversation, talk, lambda m: messaging.start_conversation(m, visitor=visitor, **words)),
            (Conversation, talk, lambda m: messaging.send_message(m, author=by_visitor, **words)),
            (Conversation, talk, lambda m: messaging.send_message(m, author=by_agent, **words)),
            (Conversation, talk, lambda m: messaging.leave_note(m, agent=agent, **words)),
            (Conversation, talk, lambda m: reading.read_as_agent(m, up_to=up_to)),
            (Conversation, talk, lambda m: reading.read_as_visitor(m, visitor=visitor, up_to=up_to)),
        ]
        return self._random.choice(steps)

    def _handling(self) -> Step:
        talk, priority = self._random.choice(CONVERSATIONS), self._random.choice(list(Priority))
        agent = self._random.choice([None, *AGENTS])
        steps: list[Step] = [
            (Conversation, talk, lambda m: assignment.assign(m, agent=agent)),
            (Conversation, talk, lambda m: assignment.prioritise(m, priority=priority)),
            (Conversation, talk, lifecycle.resolve),
            (Conversation, talk, lifecycle.reopen),
        ]
        return self._random.choice(steps)

    def _forgetting(self) -> Step:
        person = self._random.choice([*VISITORS[:2], AGENTS[0]])
        steps: list[Step] = [
            (Erasure, person, lambda m: erasure.decide_erasure(m, subject=person, reason=ErasureReason.REQUESTED)),
            (Erasure, person, lambda m: erasure.shred(m, subject=person, keys=1)),
            (Erasure, person, lambda m: erasure.prove(m, subject=person, places={"inbox": 1})),
            (Visitor, person, forgetting.forget),
        ]
        return self._random.choice(steps)
