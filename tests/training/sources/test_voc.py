import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.errors import DataError
from app.core.labels import UNDECIDED, Label
from app.training.dataset import read_sample
from app.training.sources.labelmap import PASCAL, pascal_colour
from app.training.sources.samples import DataSource
from app.training.sources.voc import PascalVoc
from tests.fixtures.drawn_shapes import VOC_COLOURS, Scene, draw_scenes, write_voc
from tests.training.drawn_pets import Array

PALETTE = bytes(part for index in range(256) for part in pascal_colour(index))


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return draw_scenes(6)


@pytest.fixture
def root(tmp_path: Path, scenes: list[Scene]) -> Path:
    return write_voc(tmp_path / "shapes", scenes[:3], scenes[3:5], scenes[5:])


def one_mask(root: Path, image: Image.Image) -> Array:
    """A mask of a data set with Pascal's own classes."""
    for folder in ("JPEGImages", "SegmentationClass"):
        (root / folder).mkdir(exist_ok=True, parents=True)
    image.save(root / "SegmentationClass" / "2007_000032.png")
    source = PascalVoc(root)
    (sample,) = source.samples("trainval")
    assert sample.picture == root / "JPEGImages" / "2007_000032.jpg"
    return source.mask(sample)


def test_pictures_masks_classes_and_lists(root: Path, scenes: list[Scene]) -> None:
    source: DataSource = PascalVoc(root)
    assert list(source.labels)[:2] == [
        Label(0, "background", (0, 0, 0), "background"),
        Label(1, "circle", (128, 0, 0), "foreground"),
    ]
    assert (source.splits, source.credits) == (("test", "trainval", "validation"), ())
    by_split = {split: [sample.name for sample in source.samples(split)] for split in source.splits}
    names = [scene.name for scene in scenes]
    assert by_split == {"trainval": names[:3], "validation": names[3:5], "test": names[5:]}
    for sample, scene in zip(source.samples("trainval"), scenes, strict=False):
        assert np.array_equal(read_sample(source, sample)[1], scene.mask)


def test_masks_in_colours_and_in_a_palette_of_another_order(root: Path, scenes: list[Scene]) -> None:
    first, second = (root / "SegmentationClass" / f"{scene.name}.png" for scene in scenes[:2])
    Image.fromarray(np.array(VOC_COLOURS, np.uint8)[scenes[0].mask]).save(first)
    quantised = Image.fromarray(np.array(VOC_COLOURS[::-1], np.uint8)[3 - scenes[1].mask]).quantize(4)
    quantised.save(second)
    source = PascalVoc(root)
    samples = source.samples("trainval")
    assert np.array_equal(source.mask(samples[0]), scenes[0].mask)
    assert np.array_equal(source.mask(samples[1]), scenes[1].mask)


@pytest.mark.parametrize("kind", ["palette", "grey", "colours"])
def test_pascals_own_masks(tmp_path: Path, kind: str) -> None:
    indices: Array = np.array([[0, 8, 20], [255, 15, 0]], np.uint8)
    image = Image.fromarray(indices)
    if kind == "palette":
        image = Image.fromarray(indices, "P")
        image.putpalette(PALETTE)
    elif kind == "colours":
        image = Image.fromarray(np.array([pascal_colour(i) for i in range(256)], np.uint8)[indices])
    mask = one_mask(tmp_path, image)
    assert mask.tolist() == [[0, 8, 20], [UNDECIDED, 15, 0]]
    assert len(PascalVoc(tmp_path).labels) == len(PASCAL.named)


def test_unknown_pixels_say_where_classes_come_from(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unknown value\(s\) \[21\]; .*labelmap.txt says which colours there are, or"):
        one_mask(tmp_path, Image.fromarray(np.array([[21, 0]], np.uint8)))


def test_lists_hold_pictures_that_have_no_mask(root: Path, scenes: list[Scene]) -> None:
    for scene in (scenes[0], scenes[5]):
        (root / "SegmentationClass" / f"{scene.name}.png").unlink()
    source = PascalVoc(root)
    assert source.splits == ("trainval", "validation")
    assert len(source.samples("trainval")) == 2
    assert source.lists == root / "ImageSets" / "Segmentation"


def test_a_name_that_is_no_picture_at_all(root: Path) -> None:
    with (root / "ImageSets" / "Segmentation" / "train.txt").open("a") as file:
        file.write("scene099\n")
    with pytest.raises(DataError, match=r"train.txt: no picture has the name scene099"):
        PascalVoc(root).samples("trainval")


def test_without_lists_all_masks_are_trained_on(root: Path) -> None:
    shutil.rmtree(root / "ImageSets")
    (root / "samples.csv").write_text("name,stratum\nscene001,wide\n")
    source = PascalVoc(root)
    assert source.splits == ("trainval",)
    assert [sample.stratum for sample in source.samples("trainval")] == ["", "wide", "", "", "", ""]


def test_it_knows_its_own(root: Path) -> None:
    assert PascalVoc.recognises(root)
    assert not PascalVoc.recognises(root / "JPEGImages")


def test_everything_there_is_and_where_lists_are(root: Path, scenes: list[Scene]) -> None:
    (root / "SegmentationClass" / "scene000.png").unlink()
    (root / "JPEGImages" / "scene001.jpg").unlink()
    source = PascalVoc(root)
    found = {sample.name: (sample.picture.exists(), sample.mask.exists()) for sample in source.everything()}
    assert len(found) == len(scenes)
    assert (found["scene000"], found["scene001"], found["scene002"]) == ((True, False), (False, True), (True, True))
    assert source.list_path("validation") == source.lists / "val.txt"
    assert source.list_line(source.samples("trainval")[0]) == "scene001"
