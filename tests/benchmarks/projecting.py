"""The inbox as the eventsourcing library's documentation has it: a Projection that takes an event at a time, and writes
its row and its tracking in one transaction of the library's own recorder."""

import time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

from api.run.demo.people import people
from api.settings import Settings
from domain.conversations.conversation import Conversation
from domain.conversations.events import ConversationStarted, MessageSent
from domain.shared.event import Sealed

TABLE = """create table if not exists inbox (conversation_id uuid primary key, visitor_id uuid not null,
    messages integer not null, preview_author text, preview bytea)"""
STARTED = "insert into inbox values (%s, %s, 0, null, null)"
SENT = """update inbox set messages = messages + 1, preview_author = %s, preview = %s where conversation_id = %s"""


class InboxRows(PostgresTrackingRecorder):
    """Rows, and how far they are."""

    def __init__(self, datastore: PostgresDatastore, **options: Any) -> None:
        super().__init__(datastore, **options)
        self.sql_create_statements.append(SQL(TABLE).format())

    def write(self, query: str, values: tuple[Any, ...], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(query.encode(), values, prepare=True)


class Inbox(Projection[InboxRows]):
    """A row a conversation, with its last words."""

    topics = (ConversationStarted.NAME, MessageSent.NAME)

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        match domain_event.fact:
            case ConversationStarted(visitor=visitor):
                self.view.write(STARTED, (domain_event.originator_id, visitor), tracking)
            case MessageSent(author=author, text=Sealed(ciphertext=text)):
                values = (author.kind.value, text, domain_event.originator_id)
                self.view.write(SENT, values, tracking)


def project(settings: Settings, rows_in: str, last: int) -> float:
    """Runs the library's ProjectionRunner over our log up to a position, its rows in a database of their own; the
    seconds that took."""
    place = urlsplit(rows_in)
    environment = {
        "PERSISTENCE_MODULE": "infrastructure.event_log.library",
        "HELPR_DATABASE_URL": settings.database_url,
        "HELPR_TENANT": str(people(settings).organisation),
        "HELPR_STREAM_KIND": Conversation.STREAM,
        "INBOX_PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": place.path.lstrip("/"),
        "POSTGRES_HOST": str(place.hostname),
        "POSTGRES_PORT": str(place.port),
        "POSTGRES_USER": str(place.username),
        "POSTGRES_PASSWORD": str(place.password),
    }
    before = time.perf_counter()
    with ProjectionRunner(
        application_class=Desk, projection_class=Inbox, view_class=InboxRows, env=environment
    ) as runner:
        runner.wait(last, timeout=600)
    return time.perf_counter() - before


class Desk(Application[UUID]):
    """The conversations of an organisation."""
