"""Why something may not be done. Every refusal is a sentence; api.problems alone knows HTTP statuses."""


class Refusal(Exception):
    """The rules say no. The docstring of the refusal is what people read."""

    def __str__(self) -> str:
        return (type(self).__doc__ or type(self).__name__).strip()


class Absent(Refusal):
    """There is no such thing here."""


class Forbidden(Refusal):
    """You may not do this."""


class Unauthenticated(Refusal):
    """Nobody knows who you are."""


class Malformed(Refusal):
    """This cannot be read."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field, self.problem = field, problem

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"
