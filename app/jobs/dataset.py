"""One COCO data set of all pictures of a job, from the data set of each."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from app.core.errors import JobError
from app.jobs.folder import Folder, as_text
from app.jobs.layout import DATASET, answer_path
from app.jobs.row import Row

Numbered = list[tuple[int, Row]]


def write_dataset(target: Folder, rows: Iterable[Row]) -> None:
    """Writes the data set; a picture's id is the number of its line in the manifest, from 1.

    Nothing is written where no picture has such an answer. Answers are read one by one: they need not fit into memory.

    Args:
        target: folder of the answers.
        rows: as the manifest has them, in its order.

    Raises:
        JobError: an answer is not what the job has written.
        OSError: one cannot be read, or the data set cannot be written.
    """
    numbered = [(number, row) for number, row in enumerate(rows, start=1) if _path(row) in (row.answers or {})]
    if not numbered:
        target.remove([DATASET])
        return
    target.write_parts(DATASET, _parts(target, numbered))
    target.settle([DATASET])


def _parts(target: Folder, rows: Numbered) -> Iterator[bytes]:
    """The file, part by part."""
    first = _read(target, rows[0][1])
    yield b'{"info":' + _json(first["info"]) + b',"licenses":[],"images":['
    yield from _separated(_json(_image(number, row)) for number, row in rows)
    yield b'],"categories":' + _json(first["categories"]) + b',"annotations":['
    yield from _separated(_annotations(target, rows))
    yield b"]}\n"


def _image(number: int, row: Row) -> dict[str, Any]:
    height, width = row.size or (0, 0)
    return {"id": number, "width": width, "height": height, "file_name": as_text(row.path)}


def _annotations(target: Folder, rows: Numbered) -> Iterator[bytes]:
    """Annotations of all pictures, numbered through."""
    last = 0
    for image, row in rows:
        for annotation in _read(target, row)["annotations"]:
            last += 1
            yield _json(annotation | {"id": last, "image_id": image})


def _read(target: Folder, row: Row) -> dict[str, Any]:
    """A picture's own data set."""
    path = _path(row)
    try:
        found = json.loads(target.read(path))
        sound = isinstance(found["annotations"], list) and {"info", "categories"} <= found.keys()
    except (ValueError, TypeError, KeyError):
        sound = False
    if not sound:
        raise JobError(
            f"{target.url}/{path} is not what the job has written: remove it, the same command makes it anew"
        )
    assert isinstance(found, dict)
    return found


def _path(row: Row) -> str:
    return answer_path(row.path, "coco")


def _separated(entries: Iterable[bytes]) -> Iterator[bytes]:
    separator = b""
    for entry in entries:
        yield separator + entry
        separator = b","


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
