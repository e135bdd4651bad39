"""Somebody who asks a running Helpr for something, and asks again until they are answered."""

import asyncio
from typing import Any

import msgspec

from api.run.demo.line import Answer, Headers, Line

TRIES = 12
LATER = (429, 502, 503, 504)


class NobodyAnswers(Exception):
    """Helpr has not answered for a while; the message says where it was asked."""


class TurnedAway(Exception):
    """Helpr answered, and the answer is no; the message is the problem's."""


class Voice:
    """Keeps a line open. Whatever is asked has to be safe to ask twice: writes carry an Idempotency-Key."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._line: Line | None = None

    async def ask(self, method: str, path: str, headers: Headers, content: object = None) -> Answer:
        """The answer; raises TurnedAway for a refusal, NobodyAnswers when there is none after half a minute."""
        for attempt in range(TRIES):
            try:
                self._line = self._line or await Line.to(self._url)
                answer = await self._line.ask(method, path, headers, content)
            except OSError:
                self._line = None
                await asyncio.sleep(min(0.1 * 2**attempt, 5))
                continue
            if answer.status < 400:
                return answer
            if answer.status not in LATER:
                raise TurnedAway(f"{answer.status} {_detail(answer)}")
            await asyncio.sleep(int(answer.header("retry-after") or 1))
        raise NobodyAnswers(f"Nobody answers at {self._url}.")

    def hang_up(self) -> None:
        if self._line is not None:
            self._line.close()


def _detail(answer: Answer) -> str:
    try:
        problem: dict[str, Any] = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return ""
    return str(problem.get("detail") or problem.get("title") or "")
