"""One log line for each request: what was asked, what came of it, how long it took; never data of the client."""

import logging
from dataclasses import asdict, dataclass, field

from app.inference.loaded import ModelIdentity
from app.inference.segmenter import SegmentAnswer, Timings

logger = logging.getLogger(__name__)

PROBES = frozenset({"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/metrics"})
"""Routes that machines ask every few seconds; logged at level debug only."""


@dataclass
class AccessRecord:
    """What is known of a request; routes fill in what they learn.

    Args:
        request_id: accepted or generated.
        method: as sent.
        route: template of the path, None where none matched.
        key: name of the API key that came with it, None where there was none, or none that is known.
        status: of the answer; 0 before there is one.
        problems: codes of the problems answered; several only where a request has several pictures.
        bytes_sent: of the answer's body.
        seconds: from the headers of the request to the end of the answer.
        pictures: how many it brought.
        model: which model answered.
        picture_size: (H, W) of the picture.
        timings: of the stages.
    """

    request_id: str
    method: str
    route: str | None = None
    key: str | None = None
    status: int = 0
    problems: list[str] = field(default_factory=list)
    bytes_sent: int = 0
    seconds: float = 0.0
    pictures: int | None = None
    model: ModelIdentity | None = None
    picture_size: tuple[int, int] | None = None
    timings: Timings | None = None

    def note(self, answer: SegmentAnswer) -> None:
        """Fills in what an answer of the segmenter tells."""
        self.model = answer.model
        self.picture_size = answer.size
        self.timings = answer.timings

    @property
    def quiet(self) -> bool:
        """Whether it is a probe's, and nothing is wrong."""
        return self.route in PROBES and self.status < 400

    def log(self) -> None:
        """Writes the line."""
        level = logging.DEBUG if self.quiet else logging.INFO
        logger.log(level, "request", extra={"fields": self._fields()})

    def _fields(self) -> dict[str, object]:
        fields: dict[str, object] = {
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "ms": round(self.seconds * 1000, 2),
            "bytes": self.bytes_sent,
        }
        if self.problems:
            fields["problems"] = ",".join(sorted(set(self.problems)))
        if self.key is not None:
            fields["key"] = self.key
        if self.pictures is not None:
            fields["pictures"] = self.pictures
        if self.model is not None:
            fields["model"] = str(self.model)
        if self.picture_size is not None:
            fields["picture"] = "{1}x{0}".format(*self.picture_size)
        if self.timings is not None:
            fields |= {f"{stage}_ms": round(value, 2) for stage, value in asdict(self.timings).items()}
        return fields
