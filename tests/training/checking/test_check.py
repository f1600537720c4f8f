import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.training.checking.check import check
from app.training.sources.opening import open_source
from tests.fixtures.drawn_shapes import draw_scenes, write_voc
from tests.training.checking.conftest import checked, found
from tests.training.drawn_pets import pets, write_data_set


def change_mask(root: Path, name: str, change: int) -> None:
    path = root / "masks" / f"{name}.png"
    mask = np.asarray(Image.open(path)).copy()
    mask[0, 0] = change
    Image.fromarray(mask).save(path)


def test_a_data_set_without_problems(shapes: Path) -> None:
    reports: list[tuple[int, int]] = []
    result = check(open_source(shapes), lambda done, total: reports.append((done, total)))
    assert result.findings == ()
    assert result.pairs == ()
    assert result.ok
    assert reports == [(done, 12) for done in range(1, 13)]
    assert {split: summary.pictures for split, summary in result.splits.items()} == {
        "trainval": 9,
        "test": 3,
        "all": 12,
    }
    masks = [np.asarray(Image.open(path)) for path in (shapes / "masks").iterdir()]
    pixels = sum(mask.size for mask in masks)
    for number, (name, share) in enumerate(result.splits["all"].classes.items()):
        assert name == ["background", "circle", "square", "triangle"][number]
        assert share.pixels == pytest.approx(sum((mask == number).sum() for mask in masks) / pixels)
        assert share.pictures == sum((mask == number).any() for mask in masks)
    assert result.sources == {}
    assert result.splits["all"].usable == 12


def test_every_problem_is_found_in_one_go(shapes: Path) -> None:
    (shapes / "masks" / "scene000.png").unlink()
    (shapes / "images" / "scene001.png").write_bytes(b"no picture")
    change_mask(shapes, "scene002", 77)
    change_mask(shapes, "scene003", 78)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(shapes / "masks" / "scene004.png")
    shutil.copy(shapes / "images" / "scene005.png", shapes / "images" / "scene009.png")
    shutil.copy(shapes / "masks" / "scene005.png", shapes / "masks" / "scene009.png")
    result = checked(shapes)
    assert not result.ok
    assert found(result) == {
        "missing_mask": ["scene000"],
        "unreadable_picture": ["scene001"],
        "unusable_mask": ["scene002", "scene003"],
        "other_size": ["scene004"],
        "same_picture_leak": ["scene005 = scene009"],
    }
    assert len(result.findings) == 5  # both unknown values say the same
    assert result.splits["trainval"].usable == 4
    assert sorted(sample.name for sample in result.comparable) == [f"scene{number:03d}" for number in range(5, 9)]


def test_a_broken_list_does_not_keep_from_looking_at_the_pictures(shapes: Path) -> None:
    (shapes / "test.txt").write_text("scene009\nnobody\n")
    change_mask(shapes, "scene002", 77)
    result = checked(shapes)
    assert found(result) == {"layout": [str(shapes / "test.txt")], "unusable_mask": ["scene002"]}
    assert "no picture has the name nobody" in result.findings[0].detail
    assert result.splits.keys() == {"all"}
    assert result.splits["all"].pictures == 12


def test_no_model_is_shown_what_is_or_may_be_on_the_list_to_test_on(shapes: Path) -> None:
    assert [sample.name for sample in checked(shapes).comparable] == [f"scene{number:03d}" for number in range(9)]
    (shapes / "trainval.txt").write_text("scene000\nscene001\nscene011\n")  # the last is on `test`, too
    assert [sample.name for sample in checked(shapes).comparable] == ["scene000", "scene001"]
    (shapes / "test.txt").write_text("scene009\nscene009\n")
    result = checked(shapes)
    assert not result.ok
    assert len(result.inspections) == 12
    assert result.comparable == ()


def test_a_mask_without_a_picture(shapes: Path) -> None:
    (shapes / "images" / "scene003.png").unlink()
    (shapes / "test.txt").unlink()
    result = checked(shapes)
    assert found(result) == {"layout": [str(shapes / "masks")], "missing_picture": ["scene003"]}
    assert result.splits["all"].usable == 11


def test_a_table_that_fits_nothing(shapes: Path) -> None:
    (shapes / "samples.csv").write_text("name,group\nnobody,a\n")
    result = checked(shapes)
    assert set(found(result)) == {"layout", "no_pictures"}
    assert "no picture has the name nobody" in result.findings[0].detail


def test_no_picture_at_all(shapes: Path) -> None:
    for path in [*(shapes / "images").iterdir(), *(shapes / "masks").iterdir(), shapes / "test.txt"]:
        path.unlink()
    result = checked(shapes)
    assert set(found(result)) == {"layout", "no_pictures"}
    assert not result.ok
    assert result.splits["all"].pictures == 0


def test_groups_and_sources_of_the_table(shapes: Path) -> None:
    rows = [f"scene{number:03d},{'ab'[number % 2]},{'left' if number in (0, 10) else ''}" for number in range(12)]
    (shapes / "samples.csv").write_text("name,source,group\n" + "\n".join(rows))
    result = checked(shapes)
    assert found(result) == {"group_leak": ["left"]}
    assert result.findings[0].problems[0].detail == "1 in trainval, 1 in test"
    assert result.ok
    assert {source: summary.pictures for source, summary in result.sources.items()} == {"a": 6, "b": 6}


def test_a_class_that_only_the_test_has(shapes: Path) -> None:
    for number in range(9):
        path = shapes / "masks" / f"scene{number:03d}.png"
        mask = np.asarray(Image.open(path))
        Image.fromarray(np.where(mask == 3, 1, mask).astype(np.uint8)).save(path)
    assert found(checked(shapes)) == {"absent_class": ["triangle"]}


def test_what_is_on_no_list_is_no_error(shapes: Path) -> None:
    (shapes / "trainval.txt").write_text("".join(f"scene{number:03d}\n" for number in range(6)))
    (shapes / "masks" / "scene007.png").unlink()
    result = checked(shapes)
    assert found(result) == {"unlisted": ["scene006", "scene008"], "no_mask": ["scene007"]}
    assert result.ok
    assert result.splits["all"].pictures == 9


def test_pictures_and_masks_of_pascal(tmp_path: Path) -> None:
    scenes = draw_scenes(9)
    root = write_voc(tmp_path / "voc", scenes[:4], scenes[4:6], scenes[6:8])
    Image.fromarray(scenes[8].pixels).save(root / "JPEGImages" / "bare.jpg")
    (root / "JPEGImages" / f"{scenes[0].name}.jpg").unlink()
    result = checked(root)
    assert found(result) == {"missing_picture": ["scene000"], "no_mask": ["bare"]}
    assert {split: summary.pictures for split, summary in result.splits.items()} == {
        "trainval": 4,
        "test": 2,
        "validation": 2,
        "all": 8,
    }


def test_lists_of_oxford(tmp_path: Path) -> None:
    root = write_data_set(tmp_path / "pets", pets(0, 8), pets(8, 4))
    first, second = (line for line in (root / "annotations" / "test.txt").read_text().splitlines()[1:3])
    with (root / "annotations" / "trainval.txt").open("a") as file:
        file.write(f"{first}\n")
    names = [line.split()[0] for line in (first, second)]
    (root / "annotations" / "half.txt").write_text(f"{second}\n")
    (root / "annotations" / "trimaps" / "lonely.png").write_bytes(
        (root / "annotations" / "trimaps" / f"{names[0]}.png").read_bytes()
    )
    result = checked(root)
    # a list of another name may repeat pictures
    assert found(result) == {"listed_twice": [names[0]], "no_picture": ["lonely"]}
    assert not result.ok
    assert result.findings[0].problems[0].detail == "trainval and test"
    assert result.splits["half"].pictures == 1
    assert result.splits["all"].pictures == 12


def test_oxford_without_the_list_to_train_on(tmp_path: Path) -> None:
    root = write_data_set(tmp_path / "pets", pets(0, 8), pets(8, 4))
    (root / "annotations" / "trainval.txt").unlink()
    result = checked(root)
    assert found(result) == {"layout": [str(root / "annotations" / "trainval.txt")]}
    assert result.splits["all"].pictures == 12
