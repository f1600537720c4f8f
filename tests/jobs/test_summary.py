import json

from app.core.errors import EmptyImageError, InvalidImageError
from app.jobs.folder import Entry
from app.jobs.row import Row
from app.jobs.summary import summarise
from app.jobs.task import Task

ROWS = [
    Row("b.jpg", "done", "1"),
    Row.failed(Entry("c\x1b[31m.jpg", 1, "1"), InvalidImageError("broken")),
    Row.failed(Entry("a.jpg", 0, "1"), EmptyImageError("empty")),
]


def test_for_people(task: Task) -> None:
    lines = summarise(task, ROWS, 1, 4, 2.0, stopped=True).text().splitlines()
    assert lines == [
        "0 pictures segmented by pets/1 in 2.0 s",
        "1 were done before",
        "4 passed by: no pictures",
        "2 failed:",
        "  a.jpg: empty",
        r"  c\x1b[31m.jpg: broken",
        "stopped before the end; the same command goes on",
        f"see {task.target}/manifest.jsonl",
    ]


def test_for_programs(task: Task) -> None:
    found = json.loads(summarise(task, ROWS, 0, 0, 2.0, stopped=False).to_json())
    assert (found["done"], found["failed"], found["codes"]) == (1, 2, {"empty_image": 1, "invalid_image": 1})


def test_not_all_failures_are_told(task: Task) -> None:
    rows = [Row.failed(Entry(f"{n:03d}", 0, ""), EmptyImageError("empty")) for n in range(30)]
    assert "  and 20 more" in summarise(task, rows, 0, 0, 1.0, stopped=False).text()
