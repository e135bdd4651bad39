"""What happens in a conversation of the demo, besides the words: who takes it, what is read, noted, resolved."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Literal
from uuid import UUID

import msgspec

from api.run.demo.faces import Face, face

Side = Literal["visitor", "agent"]
MORE = (
    "Oh, and one more question: how late are you open today?",
    "Sorry, me again: can I still change something about it?",
    "Wait, is it all right if a friend picks it up for me?",
    "Hello? Are you still there?",
    "One more thing: do you also have a smaller one?",
    "And how long does that take, roughly?",
)
NOTES = (
    "Was here last week too, very friendly. Let us be quick.",
    "Checked with the counter: this is fine.",
    "If they come back to this, it is worth a call.",
    "Asked twice now. The page should say so.",
    "Promised an answer by tonight.",
    "Wants the same as last time.",
)


class Words(msgspec.Struct, frozen=True, rename={"side": "from"}):
    """What one of the two says."""

    side: Side
    text: str


class Dialogue(msgspec.Struct, frozen=True):
    """A conversation as it stands in the file; the visitor begins it."""

    id: str
    messages: list[Words]


class Move(msgspec.Struct, frozen=True):
    """One thing that somebody does in a conversation: a request. Who reads has seen everything so far."""

    side: Side
    method: Literal["POST", "PUT"]
    what: Literal["messages", "notes", "read", "assignee", "priority", "status", "visitor"]
    content: dict[str, Any] = {}


class Story(msgspec.Struct, frozen=True):
    """A conversation: who comes, their first words, who of the agents answers, and what follows."""

    dialogue: str
    visitor: Face
    words: str
    agent: UUID
    moves: list[Move]

    @property
    def messages(self) -> int:
        return 1 + sum(move.what == "messages" for move in self.moves)


def story(dialogue: Dialogue, agents: Sequence[UUID], shop: str) -> Story:
    """The same whenever it is told. Four of five end well; of the others many wait for an answer or for an agent."""
    chance = Random(dialogue.id)  # noqa: S311
    visitor, agent = face(chance, shop), chance.choice(agents)
    is_resolved, is_taken = chance.random() < 0.78, chance.random() < 0.8
    moves = list(_talk(dialogue.messages[1:], chance, visitor, agent if is_taken else None))
    if chance.random() < 0.2:
        priority = chance.choices(("low", "high", "urgent"), (3, 5, 1))[0]
        moves.insert(chance.randrange(len(moves) + 1), Move("agent", "PUT", "priority", {"priority": priority}))
    if chance.random() < 0.12:
        moves.insert(chance.randrange(len(moves) + 1), Move("agent", "POST", "notes", {"text": chance.choice(NOTES)}))
    moves += _end(chance, is_resolved)
    return Story(dialogue.id, visitor, dialogue.messages[0].text, agent, moves)


def _talk(words: Sequence[Words], chance: Random, visitor: Face, taker: UUID | None) -> Iterator[Move]:
    """The dialogue, in order."""
    if visitor.identity:
        yield Move("visitor", "PUT", "visitor", visitor.identity)
    if taker:
        yield Move("agent", "PUT", "assignee", {"agent": str(taker)})
    before: Side = "visitor"
    for said in words:
        if said.side != before and chance.random() < 0.25:
            yield Move(said.side, "PUT", "read")
        yield Move(said.side, "POST", "messages", {"text": said.text})
        before = said.side


def _end(chance: Random, is_resolved: bool) -> Iterator[Move]:
    """How it goes out: a few are opened again by an agent or by the visitor's next words."""
    if is_resolved:
        yield Move("agent", "PUT", "status", {"status": "resolved"})
        if chance.random() < 0.6:
            yield Move("visitor", "PUT", "read")
        if chance.random() < 0.03:
            yield Move("agent", "PUT", "status", {"status": "open"})
    if chance.random() < (0.02 if is_resolved else 0.6):
        yield Move("visitor", "POST", "messages", {"text": chance.choice(MORE)})
