"""The eventsourcing library's own suites, run on our recorders, on the log itself."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.tests import persistence as suites

from infrastructure.event_log.library import LogFactory
from infrastructure.event_log.library.recorder import (
    LogAggregateRecorder,
    LogApplicationRecorder,
    LogProcessRecorder,
    LogTrackingRecorder,
)
from tests.conftest import Database
from tests.event_log.writing import ACME


class OnTheLog:
    """Gives each test of a suite a fresh log, and a factory that the library itself has found by its module."""

    kind: ClassVar[str] = "note"
    factory: LogFactory

    @pytest.fixture(autouse=True)
    def on_a_fresh_log(self, database: Database) -> Iterator[None]:
        made = InfrastructureFactory.construct(
            {
                "PERSISTENCE_MODULE": "infrastructure.event_log.library",
                "HELPR_DATABASE_URL": database.runtime,
                "HELPR_TENANT": str(ACME),
                "HELPR_STREAM_KIND": self.kind,
            }
        )
        assert isinstance(made, LogFactory)
        self.factory = made
        yield
        made.close()


class NamedByText(OnTheLog):
    """The same with ids that say the kind of the stream."""

    kind = ""

    def new_originator_id(self) -> UUID | str:
        return f"note:{uuid4()}"


class TestAggregateRecorder(OnTheLog, suites.AggregateRecorderTestCase):
    def create_recorder(self) -> LogAggregateRecorder:
        return self.factory.aggregate_recorder()


class TestAggregateRecorderNamedByText(NamedByText, TestAggregateRecorder):
    pass


class TestApplicationRecorder(OnTheLog, suites.ApplicationRecorderTestCase[LogApplicationRecorder]):
    def create_recorder(self) -> LogApplicationRecorder:
        return self.factory.application_recorder()

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestApplicationRecorderNamedByText(NamedByText, TestApplicationRecorder):
    pass


class TestProcessRecorder(OnTheLog, suites.ProcessRecorderTestCase):
    def create_recorder(self) -> LogProcessRecorder:
        return self.factory.process_recorder()


class TestTrackingRecorder(OnTheLog, suites.TrackingRecorderTestCase):
    def create_recorder(self) -> LogTrackingRecorder:
        return self.factory.tracking_recorder()


class TestNotificationIdsDoNotInterleave(OnTheLog, suites.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> LogApplicationRecorder:
        return self.factory.application_recorder()
