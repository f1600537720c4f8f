from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.errors import DataError, TrainingError
from app.training.checking.check import check
from app.training.sources.opening import open_source
from app.training.sources.samples import DataFolder, Sample
from app.training.splitting import Part, Request, column, matched_groups, parts_text, split_folder, write_lists
from tests.fixtures.drawn_shapes import draw_scenes, write_coco, write_folder, write_oxford, write_voc
from tests.training.drawn_pets import pets, write_data_set
from tests.training.full_disk import full_disk

TENTH = Request(validation=0.1, test=0.2)


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """Thirty pictures, scene000 … scene029, without lists; `samples.csv` says patient, stain and source of each."""
    root = write_folder(tmp_path / "shapes", draw_scenes(30))
    rows = [
        f"scene{n:03d},patient{n // 3},{'HE' if n % 2 else 'PAS'},{'left' if n < 15 else 'right'}" for n in range(30)
    ]
    (root / "samples.csv").write_text("name,patient,stain,source\n" + "\n".join(rows) + "\n")
    return root


def divided(root: Path, request: Request = TENTH, force: bool = False) -> dict[str, Part]:
    """Divides and writes the lists."""
    source = open_source(root)
    parts = split_folder(source, request, force, lambda done, total: None)
    write_lists(source, parts)
    return parts


def listed(source: DataFolder) -> dict[str, set[str]]:
    return {split: {sample.name for sample in source.samples(split)} for split in source.splits}


def test_the_lists_are_written_and_read_again(shapes: Path) -> None:
    parts = divided(shapes)
    assert {split: len(part.samples) for split, part in parts.items()} == {
        "trainval": 21,
        "validation": 3,
        "test": 6,
    }
    again = listed(open_source(shapes))
    assert again == {split: {sample.name for sample in part.samples} for split, part in parts.items()}
    assert set.union(*again.values()) == {f"scene{number:03d}" for number in range(30)}
    lines = (shapes / "test.txt").read_text().splitlines()
    assert lines == sorted(again["test"])
    result = check(open_source(shapes), lambda done, total: None)
    assert result.ok
    assert parts["test"].summary == result.splits["test"]


def test_the_seed_determines_the_lists(shapes: Path) -> None:
    first = divided(shapes)
    assert divided(shapes, force=True) == first
    assert divided(shapes, replace(TENTH, seed=1), force=True) != first


def test_a_group_stays_on_one_side(shapes: Path) -> None:
    parts = divided(shapes, replace(TENTH, group="patient"))
    patients = [{int(sample.name[5:]) // 3 for sample in part.samples} for part in parts.values()]
    assert sum(map(len, patients)) == 10
    assert [len(part.samples) for part in parts.values()] == [21, 3, 6]
    assert [part.groups for part in parts.values()] == [7, 1, 2]


def test_groups_in_names(shapes: Path) -> None:
    parts = divided(shapes, replace(TENTH, group_pattern=r"^scene(\d\d)"))
    tens = [{sample.name[5:7] for sample in part.samples} for part in parts.values()]
    assert sorted(len(found) for found in tens) == [1, 1, 1]
    assert sum(map(len, tens)) == 3


def test_without_being_asked_the_column_group_counts(shapes: Path) -> None:
    (shapes / "samples.csv").write_text((shapes / "samples.csv").read_text().replace("name,patient", "name,group"))
    parts = divided(shapes)
    assert [part.groups for part in parts.values()] == [7, 1, 2]
    assert check(open_source(shapes), lambda done, total: None).findings == ()


@pytest.mark.parametrize("seed", range(3))
def test_strata_have_their_share(shapes: Path, seed: int) -> None:
    parts = divided(shapes, Request(0.2, 0.2, stratify="stain", seed=seed))
    for part in parts.values():
        odd = sum(int(sample.name[5:]) % 2 for sample in part.samples)
        assert odd == pytest.approx(len(part.samples) / 2, abs=1)


@pytest.mark.parametrize("seed", range(3))
def test_without_being_asked_sources_have_their_share(shapes: Path, seed: int) -> None:
    for part in divided(shapes, Request(0.2, 0.2, seed=seed)).values():
        left = sum(sample.source == "left" for sample in part.samples)
        assert left == pytest.approx(len(part.samples) / 2, abs=1)


def test_near_duplicates_stay_together_unless_told_otherwise(shapes: Path) -> None:
    with Image.open(shapes / "images" / "scene000.png") as image:
        picture = np.asarray(image)
    for number in range(1, 28):
        for folder, content in (("images", picture), ("masks", np.zeros(picture.shape[:2], np.uint8))):
            Image.fromarray(content).save(shapes / folder / f"scene{number:03d}.png")
    parts = divided(shapes)
    assert sorted(len(part.samples) for part in parts.values()) == [1, 1, 28]
    parts = divided(shapes, replace(TENTH, near_duplicates=False), force=True)
    assert [len(part.samples) for part in parts.values()] == [21, 3, 6]


def test_lists_that_are_there_are_not_overwritten_unasked(shapes: Path) -> None:
    divided(shapes)
    before = {path: path.read_bytes() for path in shapes.glob("*.txt")}
    with pytest.raises(TrainingError, match=r"trainval\.txt, .*validation\.txt, .*test\.txt: there already; --force"):
        divided(shapes, replace(TENTH, seed=1))
    assert before == {path: path.read_bytes() for path in shapes.glob("*.txt")}
    divided(shapes, replace(TENTH, seed=1), force=True)
    assert before != {path: path.read_bytes() for path in shapes.glob("*.txt")}


def test_a_list_that_is_not_asked_for_stays_with_its_pictures(shapes: Path) -> None:
    (shapes / "test.txt").write_text("scene003\nscene004\n")
    parts = divided(shapes, Request(validation=0.25, test=0))
    assert {split: len(part.samples) for split, part in parts.items()} == {"trainval": 21, "validation": 7}
    assert (shapes / "test.txt").read_text() == "scene003\nscene004\n"
    lists = listed(open_source(shapes))
    assert not lists["test"] & (lists["trainval"] | lists["validation"])


def test_lists_of_other_names_are_replaced_where_they_are(shapes: Path) -> None:
    (shapes / "train.txt").write_text("scene000\n")
    (shapes / "Val.txt").write_text("scene001\n")
    divided(shapes, force=True)
    assert {path.name for path in shapes.glob("*.txt")} == {"train.txt", "Val.txt", "test.txt"}
    assert {split: len(names) for split, names in listed(open_source(shapes)).items()} == {
        "trainval": 21,
        "validation": 3,
        "test": 6,
    }


def test_pictures_without_a_mask_are_left_out(shapes: Path) -> None:
    (shapes / "masks" / "scene007.png").unlink()
    names = [sample.name for part in divided(shapes).values() for sample in part.samples]
    assert len(names) == 29
    assert "scene007" not in names


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(0.5, 0.5), r"shares 0\.5 \+ 0\.5 leave nothing to train on"),
        (Request(0, 0), "both shares are 0: nothing to divide"),
        (
            replace(TENTH, group="site"),
            "no column 'site' in samples.csv; there are patient, stain, source, mask_kind, ",
        ),
        (replace(TENTH, stratify="name"), "no column 'name' in samples.csv"),
        (replace(TENTH, group="a", group_pattern="(b)"), "--group or --group-pattern, not both"),
        (replace(TENTH, group_pattern="(b"), "is no regular expression"),
        (replace(TENTH, group_pattern="scene"), "put the part that is the group in parentheses"),
        (replace(TENTH, group_pattern="scene(00|01)"), "finds no group in scene020, scene021, .* and 5 more"),
        (replace(TENTH, group_pattern="^(scene)"), "1 inseparable unit.s. of 30 pictures cannot be divided into 3"),
    ],
)
def test_impossible_requests(shapes: Path, request_: Request, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        divided(shapes, request_)
    assert list(shapes.glob("*.txt")) == []


def test_masks_that_cannot_be_used_are_named(shapes: Path) -> None:
    (shapes / "images" / "scene007.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="scene007: picture or mask cannot be used; `segserve data check` says why"):
        divided(shapes)
    assert list(shapes.glob("*.txt")) == []


def test_nothing_to_divide(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "empty", [])
    (root / "images" / "bare.png").write_bytes(b"")
    with pytest.raises(DataError, match="no picture with a mask that could be put on a list"):
        divided(root)


@pytest.mark.parametrize(("room", "full"), [(10, "trainval"), (50, "validation")])
def test_a_full_disk_leaves_all_lists_as_they_were(shapes: Path, room: int, full: str) -> None:
    divided(shapes)
    before = {path: path.read_bytes() for path in shapes.glob("*.txt")}
    request = Request(validation=0.4, test=0.5)  # 27, 108 and 135 bytes
    with (
        full_disk(after=room),
        pytest.raises(TrainingError, match=rf"{full}\.txt could not be written: File too large"),
    ):
        divided(shapes, request, force=True)
    assert before == {path: path.read_bytes() for path in shapes.glob("*.txt")}


def test_a_list_that_cannot_take_its_place_leaves_the_others(shapes: Path) -> None:
    (shapes / "test.txt").mkdir()
    with pytest.raises(TrainingError, match=r"test\.txt could not be written: Is a directory"):
        divided(shapes, force=True)
    assert [path.name for path in shapes.glob("*.txt")] == ["test.txt"]


def test_columns() -> None:
    samples = [replace(sample, source=source) for sample, source in zip(_samples("a", "b"), "xy", strict=True)]
    assert column(samples, {"a": {"name": "a", "site": "left"}}, "site") == ["left", ""]
    assert column(samples, {}, "source") == ["x", "y"]
    assert column(samples, {"b": {"name": "b", "source": "z"}}, "source") == ["", "z"]  # as the table says


def test_the_group_of_a_name() -> None:
    assert matched_groups(_samples("ann_1", "ben_2"), "^([a-z]+)_") == ["ann", "ben"]
    with pytest.raises(TrainingError, match="finds no group in ben_2"):
        matched_groups(_samples("ann_1", "ben_2"), "^(ann)|ben")


def _samples(*names: str) -> list[Sample]:
    return [Sample(name, Path(f"{name}.png"), Path(f"{name}.png")) for name in names]


def test_the_table_of_lists(shapes: Path) -> None:
    lines = parts_text(divided(shapes, replace(TENTH, group="patient"))).splitlines()
    assert lines[0] == "| list | pictures | groups | width | height | width / height | undecided pixels |"
    assert [line.split(" | ")[:3] for line in lines[2:5]] == [
        ["| trainval", "21", "7"],
        ["| validation", "3", "1"],
        ["| test", "6", "2"],
    ]
    assert lines[6].startswith("| class | trainval: pixels | trainval: pictures | validation: pixels |")
    assert lines[8].startswith("| background | ")


def test_coco(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "coco", draw_scenes(20))
    divided(root)
    lists = listed(open_source(root))
    assert {split: len(names) for split, names in lists.items()} == {"trainval": 14, "validation": 2, "test": 4}
    assert (root / "test.txt").read_text().split() == sorted(lists["test"])


def test_coco_whose_files_are_the_splits(tmp_path: Path) -> None:
    scenes = draw_scenes(20)
    root = write_coco(tmp_path / "coco", scenes[:14], scenes[14:])
    with pytest.raises(DataError, match="each file of annotations is a split; make one of them"):
        divided(root, force=True)


def test_pascal(tmp_path: Path) -> None:
    scenes = draw_scenes(20)
    root = write_voc(tmp_path / "voc", scenes[:14], scenes[14:])
    lists = root / "ImageSets" / "Segmentation"
    for path in lists.iterdir():
        path.unlink()
    lists.rmdir()
    divided(root)
    assert {path.name for path in lists.iterdir()} == {"trainval.txt", "validation.txt", "test.txt"}
    assert {split: len(names) for split, names in listed(open_source(root)).items()} == {
        "trainval": 14,
        "validation": 2,
        "test": 4,
    }


def test_oxford_keeps_what_its_lists_say(tmp_path: Path) -> None:
    root = write_data_set(tmp_path / "pets", pets(0, 20), pets(20, 8))
    before = {sample.name: sample for split in ("trainval", "test") for sample in open_source(root).samples(split)}
    parts = divided(root, Request(0.25, 0.25), force=True)
    assert {split: len(part.samples) for split, part in parts.items()} == {"trainval": 14, "validation": 7, "test": 7}
    source = open_source(root)
    after = {sample.name: sample for split in source.splits for sample in source.samples(split)}
    assert after == before
    assert after["breed2_1"].stratum == "1 2"


def test_oxford_without_lists(tmp_path: Path) -> None:
    root = write_oxford(tmp_path / "oxford", draw_scenes(20))
    (root / "annotations" / "trainval.txt").unlink()
    (root / "annotations" / "list.txt").write_text("# as the archive has it\nscene003 7 2 5\n")
    divided(root)
    lists = [(root / "annotations" / f"{split}.txt").read_text() for split in ("trainval", "validation", "test")]
    lines = "".join(lists).splitlines()
    assert len(lines) == 20
    assert "scene003 7 2 5" in lines
    assert "scene004" in lines


def test_a_data_set_without_a_table(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "shapes", draw_scenes(20))
    parts = divided(root)
    assert [part.groups for part in parts.values()] == [0, 0, 0]
