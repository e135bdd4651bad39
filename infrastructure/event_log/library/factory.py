"""What an application of the eventsourcing library is made of, on our log."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypeVar, cast
from uuid import UUID

from eventsourcing.persistence import (
    InfrastructureFactory,
    InfrastructureFactoryError,
    Mapper,
    Transcoder,
)
from eventsourcing.utils import Environment, EnvType, resolve_topic

from domain.shared.recorded import Actor, ActorKind
from infrastructure.event_log.db_functions import refuse_db_functions
from infrastructure.event_log.library.connections import Connections, connect_to_log
from infrastructure.event_log.library.keys import KeysOnAThread
from infrastructure.event_log.library.mapper import FactMapper
from infrastructure.event_log.library.recorder import (
    LogAggregateRecorder,
    LogApplicationRecorder,
    LogProcessRecorder,
    LogTrackingRecorder,
)
from infrastructure.event_log.library.streams import Streams
from infrastructure.keys.facts import ScopeKey

T = TypeVar("T", bound=LogTrackingRecorder)
UNWANTED = {
    "CIPHER_TOPIC": "fields are sealed one by one, and the skeleton stays readable",
    "CIPHER_KEY": "keys come from the keyring, so that they can be destroyed",
    "COMPRESSOR_TOPIC": "the log holds facts that every reader can decode",
    "MAPPER_TOPIC": "another mapper would store personal data in the clear",
    "IS_SNAPSHOTTING_ENABLED": "memories are cached and fast-forwarded; a snapshot would be one more copy to erase",
}


class LogFactory(InfrastructureFactory[LogTrackingRecorder]):
    """Reads from the environment, each with the application's name before it or not:

    HELPR_DATABASE_URL   the log's database
    HELPR_TENANT         the organisation whose streams these are
    HELPR_STREAM_KIND    the kind of stream that a UUID names; without it ids are ``kind:uuid``
    HELPR_ACTOR          the id of whoever acts when nobody says (the organisation, if not given)
    HELPR_KEYRING_TOPIC  a function that gives an async context manager of the keyring; needed to write personal data
    """

    def __init__(self, env: Environment | EnvType | None) -> None:
        """Raises InfrastructureFactoryError for what is missing or unwanted, DbFunctionsLoseEvents."""
        super().__init__(env)
        refuse_db_functions(self.env)
        for variable, reason in UNWANTED.items():
            if self.env.get(variable, "").lower() not in ("", "n", "no", "f", "false", "off", "0"):
                raise InfrastructureFactoryError(f"{variable} is not for this log: {reason}")
        tenant = self._id("HELPR_TENANT")
        actor = self._id("HELPR_ACTOR") if self.env.get("HELPR_ACTOR") else tenant
        self.streams = Streams(
            tenant=tenant, kind=self.env.get("HELPR_STREAM_KIND", ""), actor=Actor(ActorKind.SYSTEM, actor)
        )
        self.connections = Connections(partial(connect_to_log, self._needed("HELPR_DATABASE_URL"), tenant))
        self._keys: KeysOnAThread | None = None

    def mapper(
        self, transcoder: Transcoder | None = None, mapper_class: type[Mapper[Any]] | None = None
    ) -> Mapper[Any]:
        """Ours, whatever class is asked for."""
        return FactMapper(streams=self.streams, keys_for=self._keys_for, transcoder=transcoder or self.transcoder())

    def aggregate_recorder(self, purpose: str = "events") -> LogAggregateRecorder:
        if purpose != "events":
            raise InfrastructureFactoryError(f"There is no table for {purpose} here.")
        return LogAggregateRecorder(self.connections, self.streams)

    def application_recorder(self) -> LogApplicationRecorder:
        return LogApplicationRecorder(self.connections, self.streams)

    def tracking_recorder(self, tracking_recorder_class: type[T] | None = None) -> T:
        kind = tracking_recorder_class or cast("type[T]", LogTrackingRecorder)
        return kind(self.connections, self.streams)

    def process_recorder(self) -> LogProcessRecorder:
        return LogProcessRecorder(self.connections, self.streams)

    def close(self) -> None:
        self.connections.close()
        if self._keys is not None:
            self._keys.close()

    def _keys_for(self, tenant: UUID, scopes: Iterable[str]) -> Mapping[str, ScopeKey]:
        if self._keys is None:
            opens = resolve_topic(self._needed("HELPR_KEYRING_TOPIC"))
            self._keys = KeysOnAThread(partial(opens, self.env))
        return self._keys.keys_for(tenant, scopes)

    def _id(self, variable: str) -> UUID:
        try:
            return UUID(self._needed(variable))
        except ValueError:
            raise InfrastructureFactoryError(f"{variable} must be a UUID") from None

    def _needed(self, variable: str) -> str:
        if value := self.env.get(variable):
            return value
        raise InfrastructureFactoryError(f"{variable} is not set")
