from pathlib import Path

import pytest

from app.core.errors import DataError
from app.training.sources.classes import Named
from app.training.sources.labelmap import PASCAL, VOID, pascal_colour, read_label_map

CVAT = """# label:color_rgb:parts:actions
background:0,0,0::
cat: fluffy:12, 34,56:head,tail:jump
ignored:224,224,192::
void:1,2,3::

Dog:250,50,83::
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "labelmap.txt"
    path.write_text(text, "utf-8-sig")
    return path


def test_pascals_classes_and_palette() -> None:
    assert len(PASCAL.named) == 21
    assert list(PASCAL.void) == [(224, 224, 192)]
    assert PASCAL.named[0] == Named("background", (0, 0, 0), "background")
    assert PASCAL.named[1] == Named("aeroplane", (128, 0, 0), "foreground")
    assert PASCAL.named[8] == Named("cat", (64, 0, 0), "foreground")
    assert PASCAL.named[15] == Named("person", (192, 128, 128), "foreground")
    assert PASCAL.named[20] == Named("tvmonitor", (0, 64, 128), "foreground")
    assert pascal_colour(255) == VOID


def test_a_label_map_of_cvat(tmp_path: Path) -> None:
    classes = read_label_map(written(tmp_path, CVAT))
    assert classes.named == (
        Named("background", (0, 0, 0), "background"),
        Named("cat: fluffy", (12, 34, 56), "foreground"),
        Named("Dog", (250, 50, 83), "foreground"),
    )
    assert classes.void == {VOID, (1, 2, 3)}


def test_every_line_that_says_no_class_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "cat\n:1,2,3::\ndog:1,2::\nbird:1,2,256::\na:9,9,9::\nb:9,9,9::\nfish:-1,2,3::\n")
    with pytest.raises(DataError) as refused:
        read_label_map(path)
    lines = [problem.removeprefix(f"{path}: ") for problem in refused.value.problems]
    assert lines[0] == "line 1: no colour; a line is NAME:RED,GREEN,BLUE:parts:actions"
    assert lines[1].startswith("line 2: '': the name of a class is a line")
    assert [line[:17] for line in lines[2:5]] == ["line 3: no colour", "line 4: no colour", "line 7: no colour"]
    assert lines[5] == "two classes have the colour (9, 9, 9)"


def test_a_label_map_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "labelmap.txt"
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match="cannot be read"):
        read_label_map(path)
