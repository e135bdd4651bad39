"""Notifications as they happen."""

import time
from collections.abc import Sequence
from threading import Thread
from typing import Any

import psycopg
from eventsourcing.persistence import ApplicationRecorder, ConnectionPoolClosedError, ListenNotifySubscription

from infrastructure.event_log.library.connections import Connections, Db

STEP = 0.1
"""Seconds after which a subscription notices that it was stopped."""
STEPS = 10
"""After so many steps without a wake-up it looks all the same."""


class LogSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """Wakes up when the log has grown. A lost wake-up only delays, and so does a lost connection."""

    def __init__(
        self, recorder: ApplicationRecorder, connections: Connections, *, gt: int | None, topics: Sequence[str]
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._connections = connections
        self._listen_thread = Thread(target=self._listen, name="log subscription", daemon=True)
        self._listen_thread.start()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listen_thread.join()

    def _listen(self) -> None:
        while not self._has_been_stopped:
            try:
                with self._connections.another() as db:
                    db.execute("listen helpr_log")
                    while not self._has_been_stopped:
                        self._has_been_notified.set()
                        self._wait(db)
            except psycopg.Error:
                time.sleep(STEP)
            except ConnectionPoolClosedError as error:
                self._thread_error = error
                self.stop()

    def _wait(self, db: Db) -> None:
        for _ in range(STEPS):
            if self._has_been_stopped or any(True for _ in db.notifies(timeout=STEP, stop_after=1)):
                return
