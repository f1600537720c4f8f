from pathlib import Path

import numpy as np
import pytest

from app.core.errors import TrainingError
from app.training import files as module
from app.training.files import make_folder, read_arrays, write_arrays, write_file
from tests.training.drawn_pets import Array
from tests.training.full_disk import full_disk


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_file(path, b"old")
    write_file(path, b"new and longer")
    assert path.read_bytes() == b"new and longer"
    assert [*tmp_path.iterdir()] == [path]


def test_what_a_killed_process_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".history.csv.part").write_bytes(b"half of someth")
    write_file(tmp_path / "history.csv", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_file(path, b"old")
    with full_disk(after=10), pytest.raises(TrainingError, match=r"history\.csv could not be written: File too large"):
        write_file(path, bytes(1000))
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="could not be written: No such file"):
        write_file(tmp_path / "nowhere" / "history.csv", b"new")


def arrays() -> list[Array]:
    random = np.random.default_rng(0)
    return [
        random.normal(size=(3, 3, 4, 8)).astype(np.float32),
        np.array(7, np.int64),
        np.array([np.nan, np.inf, -0.0, 1e-42], np.float32),
        np.zeros((0, 4), np.float32),
        random.integers(0, 256, 1000, np.uint8),
        *[np.array(number) for number in range(12)],
    ]


@pytest.mark.parametrize(("shard_bytes", "shards"), [(12_000_000, 1), (1200, 2), (200, 4)])
def test_arrays_come_back_bit_by_bit_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard_bytes: int, shards: int
) -> None:
    monkeypatch.setattr(module, "SHARD_BYTES", shard_bytes)
    write_arrays(tmp_path, arrays())
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"arrays-{n:02d}.npz" for n in range(shards)]
    read = read_arrays(tmp_path)
    assert [(a.dtype, a.shape, a.tobytes()) for a in read] == [(a.dtype, a.shape, a.tobytes()) for a in arrays()]


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    with (tmp_path / "arrays-00.npz").open("wb") as file:
        np.savez(file, allow_pickle=True, a=np.array([print], object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_arrays(tmp_path)


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="file: the folder cannot be made"):
        make_folder(tmp_path / "file")
