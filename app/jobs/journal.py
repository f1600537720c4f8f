"""What a job has done, kept so that a crash at any moment loses no more than the last few pictures."""

import hashlib
from collections.abc import Iterable, Sequence

from app.jobs.folder import Entry, Folder
from app.jobs.layout import MANIFEST, PARTS
from app.jobs.row import Row, content_of, rows_of


def note(target: Folder, rows: Sequence[Row]) -> None:
    """Keeps rows in a part of their own; their answers are on the disk before it says so.

    Raises:
        OSError: it could not be written.
    """
    if not rows:
        return
    target.settle(path for row in rows for path in row.answers or ())
    name = hashlib.sha256("\n".join(ascii(row.path) for row in rows).encode()).hexdigest()[:32]
    path = f"{PARTS}/{name}.jsonl"
    target.write(path, content_of(list(rows)))
    target.settle([path])


def recall(target: Folder, sizes: dict[str, int]) -> dict[str, Row]:
    """Rows that were kept, by path of the picture.

    Args:
        target: folder of the answers.
        sizes: what is in it.

    Raises:
        OSError: a part could not be read.
    """
    names = [MANIFEST] if MANIFEST in sizes else []
    return {row.path: row for name in [*names, *_parts(sizes)] for row in rows_of(target.read(name))}


def write_manifest(target: Folder, rows: Iterable[Row], sizes: dict[str, int]) -> list[Row]:
    """Puts all that is known into the manifest, sorted by path, and removes the parts; returns its rows.

    Args:
        target: folder of the answers.
        rows: what came of the pictures; files that are none are left out.
        sizes: what is in the folder; parts that are not are not removed.

    Raises:
        OSError: it could not be written; the parts are still there.
    """
    kept = sorted((row for row in rows if row.status != "passed"), key=lambda row: row.path)
    target.write(MANIFEST, content_of(kept))
    target.settle([MANIFEST])
    target.remove(_parts(sizes))
    return kept


def is_done(entry: Entry, row: Row | None, sizes: dict[str, int]) -> bool:
    """Whether a row is of this very file, and its answers are there as they were written."""
    if row is None or row.status != "done" or row.fingerprint != entry.fingerprint:
        return False
    return all(sizes.get(path) == size for path, size in (row.answers or {}).items())


def _parts(sizes: dict[str, int]) -> list[str]:
    return sorted(path for path in sizes if path.startswith(f"{PARTS}/") and path.endswith(".jsonl"))
