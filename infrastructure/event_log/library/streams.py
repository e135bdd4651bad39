"""Which stream of ours the library means by an originator id."""

from uuid import UUID

import msgspec
from eventsourcing.persistence import DataError

from domain.shared.recorded import Actor


class Streams(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation's streams, as an application of the library sees them, and who acts when nobody says.

    With a ``kind`` the ids are UUIDs and only streams of that kind are there; without one they are ``kind:uuid``.
    """

    tenant: UUID
    kind: str
    actor: Actor

    def stream(self, originator: UUID | str) -> tuple[str, UUID]:
        """Kind and id; raises DataError for what is no id here."""
        if self.kind and isinstance(originator, UUID):
            return self.kind, originator
        if not self.kind and isinstance(originator, str):
            kind, colon, id = originator.partition(":")
            if kind and colon:
                try:
                    return kind, UUID(id)
                except ValueError:
                    pass
        expected = "a UUID" if self.kind else "'kind:uuid'"
        raise DataError(f"{originator!r} names no stream here: {expected} is expected")

    def originator(self, kind: str, stream: UUID) -> UUID | str:
        """The library's id of a stream."""
        return stream if self.kind else f"{kind}:{stream}"
