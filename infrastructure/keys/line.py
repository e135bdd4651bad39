"""A line of those who wait for something that is slow: one that is full takes nobody more."""

from types import TracebackType

from infrastructure.keys.root_key import KeysUnavailable


class Line:
    """``with line:`` stands in it, and raises KeysUnavailable at once when ``most`` do already: better told so now than
    after everybody before was told so, and no outage can fill the memory."""

    def __init__(self, most: int) -> None:
        self._most, self.waiting = most, 0

    def __enter__(self) -> None:
        if self.waiting >= self._most:
            raise KeysUnavailable("Too many wait for keys.")
        self.waiting += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.waiting -= 1
