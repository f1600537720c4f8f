"""Files that are there whole or not at all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import TrainingError
from app.store.durable import sync

Array = np.ndarray[Any, np.dtype[Any]]

SHARD_BYTES = 12_000_000
"""Arrays are spread over files of about this size."""


@contextmanager
def replacing(path: Path, suffix: str = "") -> Iterator[Path]:
    """Gives a path to write to; what is there at the end takes the place of `path`, whole or not at all.

    The path is the same each time: what a killed process left of it is overwritten.

    Args:
        path: the file to be replaced.
        suffix: what the path to write to has to end with.

    Raises:
        TrainingError: the file cannot be written, for example on a full disk; the old one is still there.
    """
    temporary = path.with_name(f".{path.name}.part{suffix}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise TrainingError(f"{path} could not be written: {error.strerror or error}") from error


def write_file(path: Path, content: bytes) -> None:
    """Writes a file so that a reader, or a crash, sees the old one or the new one.

    Raises:
        TrainingError: as `replacing`.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def make_folder(path: Path) -> None:
    """Makes a folder where there is none.

    Raises:
        TrainingError: it cannot be made, for example because a file is in its place.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{path}: the folder cannot be made ({error.strerror or error})") from error


def write_arrays(folder: Path, arrays: Sequence[Array]) -> None:
    """Writes arrays, in order, into `arrays-00.npz`, `arrays-01.npz`, … of about `SHARD_BYTES` each."""
    shards: list[dict[str, Array]] = [{}]
    filled = 0
    for index, array in enumerate(arrays):
        if filled and filled + array.nbytes > SHARD_BYTES:
            shards.append({})
            filled = 0
        shards[-1][f"{index:05d}"] = array
        filled += array.nbytes
    for number, shard in enumerate(shards):
        path = folder / f"arrays-{number:02d}.npz"
        np.savez(path, **shard)  # type: ignore[arg-type]  # numpy's stub takes a flag's name for one of these
        sync(path)


def read_arrays(folder: Path) -> list[Array]:
    """The inverse of `write_arrays`; nothing is unpickled."""
    found: dict[str, Array] = {}
    for path in sorted(folder.glob("arrays-*.npz")):
        with path.open("rb") as file, np.load(file, allow_pickle=False) as shard:  # numpy leaves a broken one open
            found.update({name: shard[name] for name in shard.files})
    return [found[name] for name in sorted(found)]
