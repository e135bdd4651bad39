"""The eventsourcing library on our log: ``PERSISTENCE_MODULE=infrastructure.event_log.library``."""

from infrastructure.event_log.library.factory import LogFactory

__all__ = ["LogFactory"]
