"""What a request does for its trace, and all of it that needs no collector: W3C trace context read for the log.

With a collector it is `app.api.spans` that does this, see `app.api.collector`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.types import Scope

from app.api.access import AccessRecord
from app.inference.segmenter import SegmentAnswer
from app.inference.stages import Stage

TRACEPARENT_PATTERN = re.compile(
    r"(?!ff|00-.{53})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)
"""`traceparent` of W3C Trace Context, section 3.2: version 00, or a later one, which may be longer."""


class Trace:
    """The trace of a request, or of one of its pictures, of which nothing is recorded.

    Args:
        ids: `trace_id` and `span_id` for the log, as far as there are any.
    """

    def __init__(self, ids: dict[str, str]) -> None:
        self.ids = ids

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer that tell the client of its trace."""
        return {}

    def report(self, stage: Stage) -> None:
        """Takes note of a stage that has ended; also after the request has."""

    @contextmanager
    def picture(self) -> Iterator["Trace"]:
        """The trace of one of several pictures, which is worked on while the block runs."""
        yield self

    def answered(self, answer: SegmentAnswer) -> None:
        """Takes note of what was answered."""

    def fail(self, error: BaseException) -> None:
        """Takes note that the request has no end of its own: its connection is cut."""

    def end(self, record: AccessRecord) -> None:
        """Takes note of the end of the request."""


class Tracing:
    """The traces of a service's requests; without a collector nothing is recorded."""

    def begin(self, scope: Scope, record: AccessRecord) -> Trace:
        """The trace of a request that begins."""
        traceparent = accepted_traceparent(Headers(scope=scope))
        return Trace({} if traceparent is None else {"trace_id": traceparent.split("-")[1]})

    def close(self) -> None:
        """Sends what has not been sent yet, if that goes quickly."""


def accepted_traceparent(headers: Headers) -> str | None:
    """The header `traceparent` if there is one and it is valid, else None: the trace begins here."""
    given = headers.getlist("traceparent")
    return given[0] if len(given) == 1 and TRACEPARENT_PATTERN.fullmatch(given[0]) else None
