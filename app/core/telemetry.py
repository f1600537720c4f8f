"""Logging: JSON lines or plain text, each record with the ids of the request and the trace that it belongs to.

Structured values go into a record as `logger.info("…", extra={"fields": {"status": 200}})`.
"""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from app.core.settings import LogFormat

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request that the current task works for; empty outside of requests."""
trace_ids: ContextVar[dict[str, str]] = ContextVar("trace_ids")
"""`trace_id` of that request, where it is known, and `span_id`, where there is a span; unset outside of requests."""

QUIET = {
    "uvicorn": logging.WARNING,
    "python_multipart": logging.ERROR,
    "PIL": logging.CRITICAL,
    "opentelemetry.trace": logging.ERROR,
    "asyncio": logging.WARNING,
    "httpcore": logging.WARNING,
}
"""Least levels of libraries whose lines only repeat ours, or that a client's broken request could fill a log with."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time, level, logger, message`, then ids, the fields and `exception` if any."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        entry: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if identifier := request_id.get():
            entry["request_id"] = identifier
        entry.update(trace_ids.get({}))
        entry.update(_fields(record))
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


class PlainFormatter(logging.Formatter):
    """For people: `12:00:00.000 INFO message key=value …`, a traceback on the lines below."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        clock = _time(record)[11:23]
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items() if value is not None)
        line = f"{clock} {record.levelname} {record.getMessage()}{fields}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line


def configure_logging(log_format: LogFormat, level: str, stream: TextIO | None = None) -> None:
    """Sends every log record to `stream` (standard error if None), in place of all handlers there were.

    Args:
        log_format: `auto` is plain where the stream is a terminal, else JSON.
        level: least level that is logged, as in the settings.
        stream: where to.
    """
    target = sys.stderr if stream is None else stream
    plain = log_format == "plain" or (log_format == "auto" and target.isatty())
    handler = logging.StreamHandler(target)
    handler.setFormatter(PlainFormatter() if plain else JsonFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, logging.getLogger().level))


def _time(record: logging.LogRecord) -> str:
    """Time of a record: ISO 8601 with milliseconds, UTC."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Structured values of a record."""
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, dict) else {}
