"""One process of several who all write in one conversation at once. It says how many were sent away, and how often
they decided in all.

Run by test_crowds.py; the DSN comes in LOG_DSN.
"""

import asyncio
import os
import sys
from typing import Any
from uuid import UUID

from application.ports import Unavailable
from domain.conversations.conversation import Conversation
from domain.shared.event import Facts
from infrastructure.processes import die_with_parent
from tests.event_log.process import asked, process_on
from tests.event_log.writing import READ

CONVERSATION = UUID(int=7)
NO_KEYS: Any = None
"""What is written here is about nobody."""


async def run(*, writers: int, each: int) -> tuple[int, int]:
    """Each writes so often; how many were sent away, and how many decisions it took."""
    sent_away = decisions = 0

    def decide(_: Conversation) -> Facts:
        nonlocal decisions
        decisions += 1
        return READ

    async with process_on(os.environ["LOG_DSN"], NO_KEYS) as process:

        async def write() -> None:
            nonlocal sent_away
            for _ in range(each):
                try:
                    await process.events.change(Conversation, CONVERSATION, decide, asked=asked())
                except Unavailable:
                    sent_away += 1

        await asyncio.gather(*[write() for _ in range(writers)])
    return sent_away, decisions


if __name__ == "__main__":
    writers, each, parent = map(int, sys.argv[1:])
    die_with_parent(parent=parent)
    print(*asyncio.run(run(writers=writers, each=each)))
