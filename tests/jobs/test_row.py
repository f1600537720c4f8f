import json

import pytest

from app.core.errors import InvalidImageError
from app.jobs.folder import Entry
from app.jobs.row import Row, content_of, rows_of

DONE = Row("a/ü\udcff\n.jpg", "done", "3-4", model="pets/1", size=(4, 5), seconds=0.1, answers={"a.mask.png": 7})
FAILED = Row.failed(Entry("b.jpg", 3, "3-5"), InvalidImageError("broken"), 0.2)


def test_rows_survive_being_written() -> None:
    content = content_of([DONE, FAILED])
    assert content.isascii()
    assert content.count(b"\n") == 2
    assert rows_of(content) == [DONE, FAILED]


def test_a_failure_has_the_code_of_its_error() -> None:
    found = json.loads(FAILED.to_json())
    assert found == {
        "path": "b.jpg", "status": "failed", "fingerprint": "3-5", "code": "invalid_image", "detail": "broken",
        "seconds": 0.2,
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        b'{"path": "a", "stat',
        b"[]",
        b"7",
        b'{"path": "a", "status": "dreamt", "fingerprint": "1"}',
        b'{"path": "a", "status": "done"}',
        b'{"path": 3, "status": "done", "fingerprint": "1"}',
        b'{"path": "a", "status": "done", "fingerprint": "1", "size": 3}',
        b'{"path": "a", "status": "done", "fingerprint": "1", "answers": []}',
        b'{"path": "a", "status": "done", "fingerprint": "1", "more": 1}',
        b"\xff",
    ],
)
def test_half_a_line_is_no_row(line: bytes) -> None:
    assert rows_of(FAILED.to_json().encode() + b"\n" + line) == [FAILED]
