"""The library's recorders on the log. What they write goes through log.append like everything else."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    InterfaceError,
    Notification,
    OperationalError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
)
from eventsourcing.utils import retry
from psycopg import sql

from application.ports import Asked
from infrastructure.event_log.appending import AppendRequest, FactRow, Outcome
from infrastructure.event_log.library.connections import Connections, Db
from infrastructure.event_log.library.states import FactState
from infrastructure.event_log.library.streams import Streams
from infrastructure.event_log.library.subscription import LogSubscription
from infrastructure.event_log.synchronous import append
from infrastructure.keys.digests import new_id

again = retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)


class LogRecorder:
    """What the recorders have in common."""

    def __init__(self, connections: Connections, streams: Streams) -> None:
        self.connections, self.streams = connections, streams


class LogAggregateRecorder(LogRecorder, AggregateRecorder):
    """Events of aggregates, as facts of streams."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        self._insert(stored_events, **kwargs)
        return None

    @again
    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        kind, stream = self.streams.stream(originator_id)
        query = sql.SQL(
            """select version, name, event_id, data from log.events
            where tenant_id = %s and stream_id = %s and stream_kind = %s and version > %s and version <= %s
            order by version {} limit %s"""
        ).format(sql.SQL("desc" if desc else "asc"))
        bounds = (-1 if gt is None else gt, 2**31 - 1 if lte is None else lte)
        with self.connections.lent() as db:
            rows = db.execute(query, (self.streams.tenant, stream, kind, *bounds, limit), binary=True)
            return [
                StoredEvent(originator_id, version, name, FactState(data, event_id))
                for version, name, event_id, data in rows
            ]

    def _insert(
        self, stored_events: Sequence[StoredEvent], *, asked: Asked | None = None, tracking: Tracking | None = None
    ) -> Outcome | None:
        """Appends as one command: what somebody ``asked``, else one of the application's own. What was under way when
        the connection broke is sent again under the same command id, and gets its first outcome."""
        if not stored_events and tracking is None:
            return None
        outcome: Outcome = self._append(self._request(stored_events, asked), tracking)
        if outcome.what not in ("done", "repeated"):
            raise IntegrityError("the stream has moved on" if outcome.what == "conflict" else "the command id is taken")
        return outcome

    @again
    def _append(self, request: AppendRequest, tracking: Tracking | None) -> Outcome:
        with self.connections.lent() as db:
            if tracking is None:
                return append(db, [request])[0]
            with db.transaction():
                (outcome,) = append(db, [request])
                if outcome.what == "done":
                    track(db, self.streams.tenant, tracking)
                return outcome

    def _request(self, stored_events: Sequence[StoredEvent], asked: Asked | None) -> AppendRequest:
        if asked is not None and asked.tenant != self.streams.tenant:
            raise ValueError("a recorder writes for one organisation")
        facts = tuple(self._row(event) for event in stored_events)
        command = asked.command if asked else new_id()
        return AppendRequest(
            tenant=self.streams.tenant,
            command=command,
            fingerprint=asked.fingerprint if asked else b"",
            made=None,
            end=max((fact.version for fact in facts if fact.stream == facts[0].stream), default=0),
            actor=asked.actor if asked else self.streams.actor,
            correlation=asked.correlation if asked else command,
            causation=asked.causation if asked else None,
            facts=facts,
        )

    def _row(self, event: StoredEvent) -> FactRow:
        kind, stream = self.streams.stream(event.originator_id)
        version, name, data = event.originator_version, event.topic, bytes(event.state)
        event_id = event.state.event_id if isinstance(event.state, FactState) else new_id()
        return FactRow(kind, stream, version, event_id, name, data)


class LogApplicationRecorder(LogAggregateRecorder, ApplicationRecorder):
    """The same, and the log as the sequence of an application's notifications."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        outcome = self._insert(stored_events, **kwargs)
        if outcome is None:
            return None
        return list(range(outcome.position - len(stored_events) + 1, outcome.position + 1))

    @again
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        query = """select position, stream_kind, stream_id, version, name, event_id, data from log.events
            where position > %s and position <= %s and tenant_id = %s and stream_kind = coalesce(%s, stream_kind)
                and (%s::text[] is null or name = any(%s::text[]))
            order by position limit %s"""
        names = list(topics) or None
        bounds = (after, 2**63 - 1 if stop is None else stop)
        values = (*bounds, self.streams.tenant, self.streams.kind or None, names, names, limit)
        with self.connections.lent() as db:
            return [
                Notification(
                    id=position,
                    originator_id=self.streams.originator(kind, stream),
                    originator_version=version,
                    topic=name,
                    state=FactState(data, event_id),
                )
                for position, kind, stream, version, name, event_id, data in db.execute(query, values, binary=True)
            ]

    @again
    def max_notification_id(self) -> int | None:
        query = """select position from log.events
            where tenant_id = %s and stream_kind = coalesce(%s, stream_kind) order by position desc limit 1"""
        with self.connections.lent() as db:
            row = db.execute(query, (self.streams.tenant, self.streams.kind or None)).fetchone()
            return row[0] if row else None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        return LogSubscription(self, self.connections, gt=gt, topics=topics)


class LogTrackingRecorder(LogRecorder, TrackingRecorder):
    """How far an application has followed others."""

    @again
    def insert_tracking(self, tracking: Tracking) -> None:
        with self.connections.lent() as db:
            track(db, self.streams.tenant, tracking)

    @again
    def max_tracking_id(self, application_name: str) -> int | None:
        query = "select notification_id from log.tracking where tenant_id = %s and application_name = %s"
        with self.connections.lent() as db:
            row = db.execute(query, (self.streams.tenant, application_name)).fetchone()
            return row[0] if row else None


class LogProcessRecorder(LogTrackingRecorder, LogApplicationRecorder, ProcessRecorder):
    """Events and how far one has followed, in one transaction."""


def track(db: Db, tenant: UUID, tracking: Tracking) -> None:
    """Moves a row of log.tracking forward; raises IntegrityError when it is there already, or past it."""
    moved = db.execute(
        """insert into log.tracking as t values (%s, %s, %s)
        on conflict (tenant_id, application_name) do update set notification_id = excluded.notification_id
            where t.notification_id < excluded.notification_id""",
        (tenant, tracking.application_name, tracking.notification_id),
    )
    if moved.rowcount == 0:
        raise IntegrityError(f"{tracking.application_name} has been followed past {tracking.notification_id}")
