"""A line of a job's manifest: what came of a picture."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from app.core.errors import SegserveError
from app.jobs.folder import Entry

Status = Literal["done", "failed", "passed"]
"""`passed`: no picture, by name or by content."""


@dataclass(frozen=True)
class Row:
    """What came of a picture.

    Args:
        path: of the picture, below the job's folder of pictures.
        status: whether its answers are there.
        fingerprint: of the file that was looked at.
        code: of the error, where it failed.
        detail: the error in words.
        model: NAME/VERSION that answered.
        size: (H, W) as people see it.
        seconds: from reading it to its answers being written.
        answers: bytes of each answer by path, below the job's folder of answers.
        lossy: what the answers do not hold of the mask.
    """

    path: str
    status: Status
    fingerprint: str
    code: str | None = None
    detail: str | None = None
    model: str | None = None
    size: tuple[int, int] | None = None
    seconds: float | None = None
    answers: dict[str, int] | None = None
    lossy: str | None = None

    def to_json(self) -> str:
        """One line of ASCII, without what it doesn't have; names that are no Unicode survive it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None})

    @classmethod
    def from_json(cls, line: str | bytes) -> "Row":
        """The inverse.

        Raises:
            ValueError: not such a line.
        """
        found = json.loads(line)
        if not isinstance(found, dict) or not found.keys() <= {field.name for field in fields(cls)}:
            raise ValueError("no line of a manifest")
        row = cls(**_typed(found))
        if row.status not in get_args(Status) or not isinstance(row.path, str):
            raise ValueError("no line of a manifest")
        return row

    @classmethod
    def failed(cls, entry: Entry, error: SegserveError, seconds: float | None = None) -> "Row":
        """Of a picture that has no answer."""
        return cls(entry.path, "failed", entry.fingerprint, error.code, error.detail, seconds=seconds)


def _typed(found: dict[str, Any]) -> dict[str, Any]:
    """The fields of a row as they were before they became JSON."""
    for name in ("path", "status", "fingerprint"):
        if not isinstance(found.get(name), str):
            raise ValueError(f"{name} is missing")
    size, answers = found.get("size"), found.get("answers")
    if size is not None:
        height, width = size
        found["size"] = (int(height), int(width))
    if answers is not None and not isinstance(answers, dict):
        raise ValueError("answers are no object")
    return found


def rows_of(content: bytes) -> list[Row]:
    """The rows of a file of lines; lines that are none, such as half of one, are left out."""
    rows = []
    for line in content.splitlines():
        try:
            rows.append(Row.from_json(line))
        except (ValueError, TypeError):
            continue
    return rows


def content_of(rows: list[Row]) -> bytes:
    """The file of these rows."""
    return "".join(f"{row.to_json()}\n" for row in rows).encode()
