"""given(...).when(...).then(...): one line states one rule."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import pytest

from domain.shared.event import Event, Facts
from domain.shared.refusal import Refusal


class given:
    """A memory to which these facts have happened."""

    def __init__(self, memory: Callable[[], Any], *history: Event) -> None:
        self.memory = reduce(lambda known, fact: known.after(fact), history, memory())

    def when(self, decision: Callable[..., Facts], **details: Any) -> "Decided":
        """Somebody asks for this decision."""
        return Decided(lambda: decision(self.memory, **details))


class Decided:
    def __init__(self, decide: Callable[[], Facts]) -> None:
        self._decide = decide

    def then(self, *facts: Event) -> None:
        """Exactly these facts happen, in this order; none at all means that there was nothing to say."""
        decided = self._decide()
        assert (decided if isinstance(decided, tuple) else (decided,)) == facts

    def refuses(self, refusal: type[Refusal]) -> Refusal:
        """The rules say no, for this very reason; gives the refusal, to look at its words."""
        with pytest.raises(refusal) as caught:
            self._decide()
        assert type(caught.value) is refusal
        return caught.value
