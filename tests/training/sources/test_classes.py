from pathlib import Path

import numpy as np
import pytest

from app.core.errors import DataError
from app.core.labels import UNDECIDED, Label
from app.training.sources.classes import LONGEST_NAME, Named, class_name, label_map, read_classes
from app.training.sources.masks import MaskPixels
from app.training.sources.palette import BACKGROUND, OKABE_ITO


def written(folder: Path, text: str) -> Path:
    path = folder / "classes.toml"
    path.write_text(text, "utf-8")
    return path


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(DataError) as refused:
        read_classes(path)
    assert all(problem.startswith(f"{path}: ") for problem in refused.value.problems)
    return refused.value.problems


def test_names_alone_are_enough(tmp_path: Path) -> None:
    path = written(tmp_path, '[[classes]]\nname = "sky"\n[[classes]]\nname = " Boden, naß <b> "\n')
    classes = read_classes(path)
    assert list(classes.labels) == [Label(0, "sky", OKABE_ITO[0]), Label(1, "Boden, naß <b>", OKABE_ITO[1])]
    assert (classes.codes.values, classes.codes.colours) == ({0: 0, 1: 1}, {})


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        ignore = [255, "#e0e0c0"]
        [[classes]]
        name = "road"
        value = [7, 8]
        role = "background"
        [[classes]]
        name = "car"
        colour = "#00008E"
        value = 26
        role = "foreground"
        [[classes]]
        name = "edge"
        colour = "#ffffff"
        mask_colour = ["#0000e6", "#0000e7"]
        role = "border"
        """,
    )
    classes = read_classes(path)
    assert list(classes.labels) == [
        Label(0, "road", BACKGROUND, "background"),
        Label(1, "car", (0, 0, 142), "foreground"),
        Label(2, "edge", (255, 255, 255), "border"),
    ]
    assert classes.codes.values == {7: 0, 8: 0, 26: 1, 2: 2, 255: UNDECIDED}
    assert classes.codes.colours == {(0, 0, 142): 1, (0, 0, 230): 2, (0, 0, 231): 2, (224, 224, 192): UNDECIDED}
    assert classes.codes.trusted == "values"


@pytest.mark.parametrize(
    ("more", "trusted"),
    [("", "values"), ('mask_colour = "#ffffff"', "colours"), ('value = 1\nmask_colour = "#ffffff"', "values")],
)
def test_colours_of_masks_alone_mean_that_masks_are_colours(tmp_path: Path, more: str, trusted: str) -> None:
    path = written(tmp_path, f'[[classes]]\nname = "a"\ncolour = "#000000"\n[[classes]]\nname = "b"\n{more}\n')
    codes = read_classes(path).codes
    assert codes.trusted == trusted
    grey = np.array([[0, 255 if trusted == "colours" else 1]], np.uint16)
    assert codes.ids(MaskPixels(grey, grey * np.int32(0x010101), "grey")).tolist() == [[0, 1]]


def test_unknown_pixels_send_to_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[[classes]]\nname = "a"\n[[classes]]\nname = "b"\n')
    grey = np.array([[0, 5]], np.uint16)
    with pytest.raises(ValueError, match=r"unknown value\(s\) \[5\]; .*classes.toml says what .*: add it to a class"):
        read_classes(path).codes.ids(MaskPixels(grey, None, "grey"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[classes]\n", "cannot be read"),
        ("classes = " + "[" * 100_000, "cannot be read"),
        ("", "classes: Field required"),
        ("[classes]\n", "classes: Input should be a valid"),
        ('[[classes]]\nname = "a"\n', "a label map has 2 to 255 classes, not 1; the classes are a"),
        ('[[classes]]\nname = "a"\n[[classes]]\nname = " a"\n', "two classes have the name a"),
        (
            '[[classes]]\nname = "a"\ncolor = "#ffffff"\n',
            "classes.1.color: Extra inputs are not permitted; did you mean colour?",
        ),
        ('ignored = [1]\n[[classes]]\nname = "a"\n', "ignored: Extra inputs are not permitted; did you mean ignore?"),
        ('[[classes]]\nname = ""\n', "classes.1.name: '': the name of a class is a line of 1 to 100 characters"),
        ('[[classes]]\nname = "a"\ncolour = "red"\n', "classes.1.colour: 'red': a colour is written \"#rrggbb\""),
        ('[[classes]]\nname = "a"\ncolour = 3\n', "classes.1.colour: 3: a colour is written"),
        ('[[classes]]\nname = "a"\nvalue = 65536\n', "classes.1.value.1: Input should be less than 65536"),
        ('[[classes]]\nname = "a"\nvalue = true\n', "classes.1.value.1: Input should be a valid integer"),
        ('[[classes]]\nname = "a"\nrole = "thing"\n', "classes.1.role: Input should be 'foreground'"),
        (
            'ignore = [1, "#000000"]\n[[classes]]\nname = "a"\nmask_colour = "#000000"\n[[classes]]\nname = "b"\n',
            "1, #000000 stands for two classes, or for one and is ignored",
        ),
        ('[[classes]]\nname = "a"\nvalue = 1\n[[classes]]\nname = "b"\n', "1 stands for two classes"),
    ],
)
def test_what_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    assert message in " ".join(problems(written(tmp_path, text)))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "classes.toml"
    path.write_bytes(b"\xff\xfe")
    assert "cannot be read" in problems(path)[0]
    path.unlink()
    path.mkdir()
    assert "cannot be read" in problems(path)[0]


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\tb", "x" * (LONGEST_NAME + 1), "\udcff", None, 7])
def test_what_is_no_name(text: object) -> None:
    with pytest.raises(ValueError, match="the name of a class is a line of 1 to 100 characters"):
        class_name(text)


def test_names_of_any_script() -> None:
    assert class_name(" 고양이 'and' \"dog\" ") == "고양이 'and' \"dog\""


def test_255_classes_have_colours_of_their_own(tmp_path: Path) -> None:
    named = [Named("background", role="background"), *(Named(f"class {n}") for n in range(254))]
    assert len({label.colour for label in label_map(named, tmp_path)}) == 255
    with pytest.raises(
        DataError, match=r"2 to 255 classes, not 256; the classes are background, class 0, .* and 251 more"
    ):
        label_map([*named, Named("one more")], tmp_path)
    with pytest.raises(DataError, match="not 0; the classes are none"):
        label_map([], tmp_path)


def test_a_second_background_has_another_colour(tmp_path: Path) -> None:
    labels = label_map([Named("floor", role="background"), Named("wall", role="background"), Named("a")], tmp_path)
    assert [label.colour for label in labels] == [BACKGROUND, *OKABE_ITO[:2]]
