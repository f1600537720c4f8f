import json
import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from app.core.errors import DataError
from app.core.labels import UNDECIDED
from app.training.dataset import read_sample
from app.training.sources.coco import CocoInstances
from app.training.sources.palette import BACKGROUND, OKABE_ITO
from app.training.sources.samples import DataSource
from tests.fixtures.drawn_shapes import Scene, draw_scenes, write_coco

SQUARE = [[1, 1, 9, 1, 9, 9, 1, 9]]
SMALL = [[3, 3, 7, 3, 7, 7, 3, 7]]


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return draw_scenes(6)


def one_picture(root: Path, annotations: list[dict[str, Any]], **more: Any) -> CocoInstances:
    """A data set of one picture of 12×10 pixels."""
    (root / "images").mkdir(parents=True)
    Image.new("RGB", (10, 12)).save(root / "images" / "a.png")
    numbered = [{"id": n, "image_id": 1, **entry} for n, entry in enumerate(annotations, 1)]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": 12, "width": 10}],
        "annotations": numbered,
        "categories": [{"id": 5, "name": "cat"}, {"id": 3, "name": "dog"}],
    } | more
    (root / "labels.json").write_text(json.dumps(content))
    return CocoInstances(root)


def mask_of(source: CocoInstances) -> Any:
    return source.mask(source.samples("trainval")[0])


@pytest.mark.parametrize("form", ["polygons", "runs", "characters"])
def test_objects_in_each_form(
    tmp_path: Path, scenes: list[Scene], form: Literal["polygons", "runs", "characters"]
) -> None:
    root = write_coco(tmp_path / "shapes", scenes, form=form)
    source: DataSource = CocoInstances(root)
    assert [(label.id, label.name, label.colour, label.role) for label in source.labels] == [
        (0, "background", BACKGROUND, "background"),
        (1, "circle", OKABE_ITO[0], "foreground"),
        (2, "square", OKABE_ITO[1], "foreground"),
        (3, "triangle", OKABE_ITO[2], "foreground"),
    ]
    assert (source.splits, source.credits) == (("trainval",), ())
    samples = source.samples("trainval")
    assert [sample.name for sample in samples] == [scene.name for scene in scenes]
    assert {sample.mask for sample in samples} == {root / "annotations" / "instances_default.json"}
    for sample, scene in zip(samples, scenes, strict=True):
        pixels, mask = read_sample(source, sample)
        assert pixels.shape == scene.pixels.shape
        assert np.array_equal(mask, scene.mask)


def test_pycocotools_reads_the_same(tmp_path: Path, scenes: list[Scene], capsys: pytest.CaptureFixture[str]) -> None:
    root = write_coco(tmp_path / "shapes", scenes)
    source = CocoInstances(root)
    theirs = COCO(root / "annotations" / "instances_default.json")
    categories = sorted(theirs.getCatIds())
    for sample, image in zip(source.samples("trainval"), theirs.loadImgs(theirs.getImgIds()), strict=True):
        mask = source.mask(sample)
        for annotation in theirs.loadAnns(theirs.getAnnIds(image["id"])):
            expected = theirs.annToMask(annotation).astype(bool)
            assert (mask[expected] == categories.index(annotation["category_id"]) + 1).all()
    assert "index created" in capsys.readouterr().out


def test_the_smaller_lies_on_top_whatever_the_order(tmp_path: Path) -> None:
    large, small = {"category_id": 5, "segmentation": SQUARE}, {"category_id": 3, "segmentation": SMALL}
    first = mask_of(one_picture(tmp_path / "a", [large, small]))
    assert np.array_equal(first, mask_of(one_picture(tmp_path / "b", [small, large])))
    assert (first[5, 5], first[2, 2], first[11, 0]) == (1, 2, 0)  # dog, cat, background


def test_a_crowd_is_undecided_where_nothing_lies_on_it(tmp_path: Path) -> None:
    crowd = {"category_id": 5, "segmentation": {"size": [12, 10], "counts": [60, 60]}, "iscrowd": 1}
    mask = mask_of(one_picture(tmp_path, [{"category_id": 3, "segmentation": SQUARE}, crowd]))
    assert (mask[5, 2], mask[5, 7], mask[11, 9], mask[11, 0]) == (1, 1, UNDECIDED, 0)


def test_nothing_but_a_crowd(tmp_path: Path) -> None:
    crowd = {"category_id": 5, "segmentation": {"size": [12, 10], "counts": [0, 120]}, "iscrowd": 1}
    with pytest.raises(DataError, match=r"labels.json: a.png is nothing but a crowd; take it out"):
        mask_of(one_picture(tmp_path, [crowd]))


def test_a_picture_without_objects_is_background(tmp_path: Path) -> None:
    assert not mask_of(one_picture(tmp_path, [])).any()


def test_every_annotation_that_cannot_be_drawn_is_named(tmp_path: Path) -> None:
    source = one_picture(
        tmp_path,
        [
            {"category_id": 5, "segmentation": [[1, 2]]},
            {"category_id": 5, "segmentation": SQUARE},
            {"category_id": 5, "bbox": [1, 2, 3, 4]},
            {"category_id": 5, "segmentation": {"size": [10, 12], "counts": [120]}},
        ],
    )
    with pytest.raises(DataError) as refused:
        mask_of(source)
    begins = [f"{tmp_path / 'labels.json'}: annotation {n} (a.png): " for n in (1, 3, 4)]
    assert [p.startswith(b) for p, b in zip(refused.value.problems, begins, strict=True)] == [True] * 3


def test_a_category_called_background_is_the_background(tmp_path: Path) -> None:
    categories = [{"id": 0, "name": "Background"}, {"id": 5, "name": "cat"}]
    annotations = [{"category_id": 5, "segmentation": SQUARE}, {"category_id": 0, "segmentation": SMALL}]
    source = one_picture(tmp_path, annotations, categories=categories)
    assert [label.name for label in source.labels] == ["background", "cat"]
    mask = mask_of(source)
    assert (mask[2, 2], mask[5, 5]) == (1, 0)


def test_roboflows_heading_is_no_class(tmp_path: Path) -> None:
    categories = [
        {"id": 0, "name": "cat", "supercategory": "none"},
        {"id": 1, "name": "cat", "supercategory": "cat"},
        {"id": 2, "name": "dog", "supercategory": "cat"},
    ]
    source = one_picture(tmp_path, [{"category_id": 1, "segmentation": SQUARE}], categories=categories)
    assert [label.name for label in source.labels] == ["background", "cat", "dog"]
    assert mask_of(source)[5, 5] == 1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cat", "cat"], "two classes have the name cat"),
        ([], "a label map has 2 to 255 classes, not 1"),
        ([f"c{n}" for n in range(255)], "a label map has 2 to 255 classes, not 256"),
    ],
)
def test_classes_that_cannot_be(tmp_path: Path, names: list[str], message: str) -> None:
    categories = [{"id": n, "name": name} for n, name in enumerate(names)]
    with pytest.raises(DataError, match=message):
        one_picture(tmp_path, [], categories=categories)


def test_a_file_for_each_split(tmp_path: Path, scenes: list[Scene]) -> None:
    root = write_coco(tmp_path / "shapes", scenes[:4], scenes[4:])
    shutil.copy(root / "annotations" / "instances_test.json", root / "annotations" / "instances_val.json")
    source = CocoInstances(root)
    assert source.splits == ("test", "trainval", "validation")
    assert [s.name for s in source.samples("trainval")] == [f"images/{scene.name}" for scene in scenes[:4]]
    tested = source.samples("test")
    assert [s.name for s in tested] == [s.name for s in source.samples("validation")]  # a leak stays to be seen
    assert np.array_equal(source.mask(tested[0]), scenes[4].mask)


def test_pictures_of_one_name_in_two_folders(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        one_picture(tmp_path / split, [{"category_id": 5, "segmentation": SQUARE}] if split == "train" else [])
        (tmp_path / split / "labels.json").rename(tmp_path / split / "_annotations.coco.json")
        (tmp_path / split / "images" / "a.png").rename(tmp_path / split / "a.png")
    (tmp_path / "README.dataset.txt").write_text("Exported by Roboflow\n")
    source = CocoInstances(tmp_path)
    (training,), (validation,) = source.samples("trainval"), source.samples("validation")
    assert (training.name, validation.name) == ("train/a", "valid/a")
    assert source.mask(training).any()
    assert not source.mask(validation).any()
    assert training.picture.is_file()


def test_lists_and_a_table_beside_one_file(tmp_path: Path, scenes: list[Scene]) -> None:
    root = write_coco(tmp_path / "shapes", scenes)
    (root / "val.txt").write_text("scene003\n")
    (root / "test.txt").write_text("scene005\n")
    (root / "samples.csv").write_text("name,group\nscene003,rex\n")
    source = CocoInstances(root)
    assert source.lists == root
    assert source.splits == ("test", "trainval", "validation")
    assert len(source.samples("trainval")) == 4
    assert [(s.name, s.group) for s in source.samples("validation")] == [("scene003", "rex")]


def test_a_list_beside_a_file_of_the_same_split(tmp_path: Path, scenes: list[Scene]) -> None:
    root = write_coco(tmp_path / "shapes", scenes[:4], scenes[4:])
    (root / "test.txt").write_text("images/scene000\n")
    with pytest.raises(DataError, match=r"test.txt: there is a file of annotations for `test`, too"):
        CocoInstances(root).samples("trainval")


def test_files_of_other_categories(tmp_path: Path, scenes: list[Scene]) -> None:
    root = write_coco(tmp_path / "shapes", scenes[:4], scenes[4:])
    path = root / "annotations" / "instances_test.json"
    path.write_text(path.read_text().replace('"circle"', '"disc"'))
    with pytest.raises(DataError, match=r"instances_train.json: other categories than in .*instances_test.json"):
        CocoInstances(root)


def test_a_picture_of_another_size_than_the_file_says(tmp_path: Path) -> None:
    source = one_picture(tmp_path, [])
    Image.new("RGB", (7, 8)).save(tmp_path / "images" / "a.png")
    with pytest.raises(DataError, match=r"labels.json: 10×12 pixels, but a.png has 7×8 as people see it"):
        read_sample(source, source.samples("trainval")[0])


def test_it_knows_its_own(tmp_path: Path) -> None:
    assert not CocoInstances.recognises(tmp_path)
    one_picture(tmp_path / "data", [])
    assert CocoInstances.recognises(tmp_path / "data")


def test_everything_there_is_and_where_lists_are(tmp_path: Path, scenes: list[Scene]) -> None:
    source = CocoInstances(write_coco(tmp_path / "one", scenes))
    assert source.everything() == source.samples("trainval")
    assert source.list_path("test") == tmp_path / "one" / "test.txt"
    assert source.list_line(source.everything()[0]) == "scene000"
    divided = CocoInstances(write_coco(tmp_path / "two", scenes[:4], scenes[4:]))
    assert len(divided.everything()) == 6
    with pytest.raises(DataError, match="each file of annotations is a split"):
        divided.list_path("validation")
