"""Logs of the processes: one JSON object a line, on standard error. They hold ids, never content."""

import json
import logging
import sys

import structlog


class Kinds(logging.Formatter):
    """What libraries say, without their words: an error's may hold what somebody wrote, and so may a traceback's."""

    def format(self, record: logging.LogRecord) -> str:
        """The level, who says it, and the kind of the error if there is one."""
        line = {"level": record.levelname.lower(), "logger": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)


def log_to_stderr() -> None:
    """Call it first thing in a process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Kinds())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
