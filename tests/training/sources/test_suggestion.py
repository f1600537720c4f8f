import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.training.sources import suggestion
from app.training.sources.classes import read_classes
from app.training.sources.masks import read_pixels
from app.training.sources.suggestion import classes_missing
from tests.training.drawn_pets import Array


def masks(folder: Path, *arrays: Array) -> list[Path]:
    paths = [folder / f"{number:03d}.png" for number in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        Image.fromarray(array).save(path)
    return paths


def grey(*values: int) -> Array:
    return np.array([values], np.uint8)


def told(folder: Path, paths: list[Path]) -> str:
    error = classes_missing(folder / "classes.toml", paths)
    assert error.problems[0].startswith(f"{folder / 'classes.toml'}: missing; it says which pixels of the masks")
    return error.problems[0]


def suggested(folder: Path, paths: list[Path]) -> Path:
    """The file that a message offers, written as it is."""
    text = told(folder, paths).partition("give the classes their names:\n\n")[2]
    (folder / "classes.toml").write_text(text)
    return folder / "classes.toml"


def test_one_message_for_all_masks_with_what_they_hold(tmp_path: Path) -> None:
    paths = masks(tmp_path, *[grey(0, 0, 0, 1), grey(0, 2, 2, 255)] * 20)
    lines = told(tmp_path, paths).splitlines()
    assert lines[1:6] == [
        "40 of 40 masks hold",
        "         0   50.00%",
        "         1   12.50%",
        "         2   25.00%",
        "       255   12.50%",
    ]


def test_the_suggestion_is_read_as_it_stands(tmp_path: Path) -> None:
    paths = masks(tmp_path, grey(0, 1, 7, 255))
    classes = read_classes(suggested(tmp_path, paths))
    assert [label.name for label in classes.labels] == ["class 0", "class 1", "class 7"]
    assert classes.codes.ids(read_pixels(paths[0])).tolist() == [[0, 1, 2, 255]]


@pytest.mark.parametrize("white", [1, 255])
def test_two_values_are_background_and_foreground(tmp_path: Path, white: int) -> None:
    paths = masks(tmp_path, grey(0, 0, white))
    labels = read_classes(suggested(tmp_path, paths)).labels
    assert [(label.name, label.role) for label in labels] == [
        ("background", "background"),
        ("foreground", "foreground"),
    ]


def test_black_and_white_of_one_bit(tmp_path: Path) -> None:
    paths = masks(tmp_path, np.array([[False, True]]))
    classes = read_classes(suggested(tmp_path, paths))
    assert classes.codes.ids(read_pixels(paths[0])).tolist() == [[0, 1]]


def test_colours_the_most_frequent_first(tmp_path: Path) -> None:
    colours = np.array([[[255, 0, 0], [0, 128, 0], [255, 0, 0], [224, 224, 192]]], np.uint8)
    paths = masks(tmp_path, colours, np.zeros((1, 4, 3), np.uint8), grey(0, 0))
    lines = told(tmp_path, paths).splitlines()
    assert lines[2:4] == ["   #000000   60.00%", "   #ff0000   20.00%"]
    classes = read_classes(suggested(tmp_path, paths))
    assert classes.codes.trusted == "colours"
    assert classes.codes.ids(read_pixels(paths[0])).tolist() == [[1, 2, 1, 3]]
    assert classes.codes.ids(read_pixels(paths[2])).tolist() == [[0, 0]]


def test_white_on_black_in_colours_is_foreground_however_much_there_is(tmp_path: Path) -> None:
    white = np.full((2, 2, 3), 255, np.uint8)
    white[0, 0] = (0, 0, 0)
    other = np.full((1, 2, 3), 255, np.uint8)
    other[0, 0] = (0, 0, 0)
    paths = masks(tmp_path, white, other)
    classes = read_classes(suggested(tmp_path, paths))
    assert classes.codes.ids(read_pixels(paths[0])).tolist() == [[0, 1], [1, 1]]


def test_edges_of_a_jpeg_are_no_classes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    text = told(tmp_path, masks(tmp_path, random.integers(0, 255, (80, 80, 3), np.uint8)))
    assert " more\nSo many are no classes: masks that were saved as JPEG" in text
    assert "[[classes]]" not in text


def test_masks_of_one_value_say_nothing(tmp_path: Path) -> None:
    assert "Two classes are the least" in told(tmp_path, masks(tmp_path, grey(0, 0)))


def test_broken_masks_are_named_once_each(tmp_path: Path) -> None:
    (good,) = masks(tmp_path, grey(0, 1))
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    error = classes_missing(tmp_path / "classes.toml", [bad, good])
    assert "1 of 2 masks hold" in error.problems[0]
    assert [problem.split(":")[0] for problem in error.problems[1:]] == [str(bad)]
    assert len(classes_missing(tmp_path / "classes.toml", [bad]).problems) == 2
    assert len(classes_missing(tmp_path / "classes.toml", []).problems) == 1


def test_of_many_masks_some_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestion, "LOOKED_AT", 3)
    assert "3 of 8 masks hold" in told(tmp_path, masks(tmp_path, *[grey(0, 1)] * 8))


def test_names_with_a_hash_are_toml(tmp_path: Path) -> None:
    colours = np.array([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]], np.uint8)
    content = tomllib.loads(suggested(tmp_path, masks(tmp_path, colours)).read_text())
    assert [entry["name"] for entry in content["classes"]] == ["class #010203", "class #040506", "class #070809"]
