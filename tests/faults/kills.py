"""Killing at random: whom, when, and how long until all is well again."""

import asyncio
from collections import defaultdict
from random import Random

from tests.faults.standing import Part, Standing, until
from tests.faults.writers import Writers

LEAST = 2
"""How often each part is killed at least."""


def victims(cycles: int, random: Random) -> list[Part]:
    """Whom to kill, in turn."""
    chosen = [*Part] * LEAST
    chosen += random.choices([*Part], k=cycles - len(chosen))
    random.shuffle(chosen)
    return chosen


class Kills:
    """What was killed, and after how many seconds all was well again."""

    def __init__(self) -> None:
        self.healthy_after: dict[Part, list[float]] = defaultdict(list)

    @property
    def longest(self) -> float:
        return max(max(each) for each in self.healthy_after.values())

    async def one(self, part: Part, helpr: Standing, writers: Writers, random: Random, *, patience: float) -> None:
        """At a random moment; returns when every part runs, somebody was heard and all can read what they said."""
        await asyncio.sleep(random.uniform(0.05, 0.6))
        victim = helpr.kill(part)
        seconds = await until(lambda: helpr.whole(without=victim), helpr, seconds=patience)
        heard = await writers.until_somebody_is_heard()
        seconds += await until(lambda: helpr.has_folded(heard), helpr, seconds=patience)
        self.healthy_after[part].append(seconds)
        print(f"{part.value:<9} healthy after {seconds:5.2f} s", flush=True)

    def told(self) -> str:
        """Figures, a part a line."""
        lines = [
            f"{part.value:<9} killed {len(took):>3} times, healthy after {max(took):5.2f} s at most"
            for part, took in sorted(self.healthy_after.items())
        ]
        return "\n".join(lines)
