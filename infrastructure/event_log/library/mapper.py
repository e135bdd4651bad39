"""Facts to the library's stored events and back; personal fields are sealed on the way in."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from eventsourcing.application import ProjectorFunction
from eventsourcing.persistence import Mapper, StoredEvent, Transcoder

from application.ports import M
from domain.shared.event import Event
from infrastructure.event_log.library.states import FactState
from infrastructure.event_log.library.streams import Streams
from infrastructure.keys.digests import new_id
from infrastructure.keys.facts import ScopeKey, scopes_of, seal, unfold

Id = TypeVar("Id", bound=UUID | str)
KeysFor = Callable[[UUID, Iterable[str]], Mapping[str, ScopeKey]]
"""The keys to seal under; raises SubjectIsForgotten for a destroyed scope."""


class FactInStream(msgspec.Struct, Generic[Id], frozen=True, kw_only=True):
    """A fact and its place, which is what the library calls a domain event."""

    originator_id: Id
    originator_version: int
    fact: Event
    event_id: UUID = msgspec.field(default_factory=new_id)


class FactMapper(Mapper[Any]):
    """Takes facts and nothing else: what has no marks cannot be sealed, and would be stored in the clear."""

    def __init__(self, *, streams: Streams, keys_for: KeysFor, transcoder: Transcoder) -> None:
        super().__init__(transcoder)
        self._streams, self._keys_for = streams, keys_for

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Raises TypeError for an event of the library's own, and what the keys raise."""
        if not isinstance(domain_event, FactInStream):
            raise TypeError(f"{type(domain_event).__name__} is not a fact: only facts go into the log")
        place, fact, tenant = domain_event, domain_event.fact, self._streams.tenant
        scopes = scopes_of(fact)
        kept = seal(
            fact,
            tenant=tenant,
            stream=self._streams.stream(place.originator_id)[1],
            version=place.originator_version,
            event_id=place.event_id,
            keys=self._keys_for(tenant, scopes) if scopes else {},
        )
        state = FactState(kept.data, place.event_id)
        return StoredEvent(place.originator_id, place.originator_version, fact.NAME, state)

    def to_domain_event(self, stored_event: StoredEvent) -> FactInStream[Any]:
        """The fact with its personal fields Sealed; needs no key. Raises UnknownFact."""
        state = stored_event.state
        if not isinstance(state, FactState):
            raise TypeError("this was not read from the log")
        fact = unfold(
            stored_event.topic,
            state,
            tenant=self._streams.tenant,
            stream=self._streams.stream(stored_event.originator_id)[1],
            version=stored_event.originator_version,
            event_id=state.event_id,
        )
        return FactInStream(
            originator_id=stored_event.originator_id,
            originator_version=stored_event.originator_version,
            fact=fact,
            event_id=state.event_id,
        )


def remembering(memory: type[M]) -> ProjectorFunction[Any, Any]:
    """A projector for the library's repositories: ``repository.get(id, version=17, projector_func=remembering(M))``
    gives what M remembered then; where nothing has happened the repository raises AggregateNotFoundError."""

    def project(known: M | None, facts: Iterable[FactInStream[Any]]) -> M | None:
        for each in facts:
            known = (memory() if known is None else known).after(each.fact)
        return known

    return project
