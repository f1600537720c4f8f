import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.training.checking.inspection import Inspection, inspect
from app.training.checking.problems import ONE_CLASS, Problem
from app.training.near_duplicates import thumbnail
from app.training.sources.opening import open_source
from app.training.sources.samples import DataFolder


@pytest.fixture
def source(shapes: Path) -> DataFolder:
    return open_source(shapes)


def inspected(source: DataFolder, number: int = 0) -> Inspection:
    return inspect(source, source.samples("trainval")[number])


def kinds(inspection: Inspection) -> list[tuple[str, str]]:
    return [(problem.kind.name, problem.detail) for problem in inspection.problems]


def test_a_picture_in_numbers(source: DataFolder, shapes: Path) -> None:
    sample = source.samples("trainval")[2]
    pixels, mask = (np.asarray(Image.open(path)) for path in (sample.picture, sample.mask))
    changed = mask.copy()
    changed[:3] = 255
    Image.fromarray(changed).save(sample.mask)
    result = inspected(source, 2)
    assert result.sample == sample
    assert result.problems == ()
    assert result.picture is not None
    assert result.picture.size == mask.shape
    assert result.picture.digest == hashlib.sha256(repr(mask.shape).encode() + pixels.tobytes()).digest()
    assert np.array_equal(result.picture.thumbnail, thumbnail(pixels))
    assert result.pixels is not None
    assert result.pixels.tolist() == [(mask[3:] == label).sum() for label in range(4)]
    assert result.undecided == 3 * mask.shape[1]


def test_the_same_bytes_in_another_shape_are_another_picture(source: DataFolder) -> None:
    samples = source.samples("trainval")
    for sample, shape in ((samples[0], (40, 60, 3)), (samples[1], (60, 40, 3))):
        Image.fromarray(np.zeros(shape, np.uint8)).save(sample.picture)
    one, other = (inspect(source, sample).picture for sample in samples[:2])
    assert one is not None
    assert other is not None
    assert one.digest != other.digest


def test_files_that_are_not_there(source: DataFolder) -> None:
    sample = source.samples("trainval")[0]
    sample.picture.unlink()
    sample.mask.unlink()
    result = inspected(source)
    assert kinds(result) == [("missing_picture", ""), ("missing_mask", "")]
    assert (result.picture, result.pixels, result.undecided) == (None, None, 0)


def test_files_that_cannot_be_read(source: DataFolder) -> None:
    sample = source.samples("trainval")[0]
    sample.picture.write_bytes(b"no picture")
    sample.mask.write_bytes(sample.mask.read_bytes()[:60])
    names = [problem.kind.name for problem in inspected(source).problems]
    assert names == ["unreadable_picture", "unusable_mask"]
    for problem in inspected(source).problems:
        assert problem.name == "scene000"
        assert "scene000" not in problem.detail  # so that others say the same
        assert str(sample.picture.parent) not in problem.detail


def test_unknown_values(source: DataFolder) -> None:
    sample = source.samples("trainval")[0]
    mask = np.asarray(Image.open(sample.mask)).copy()
    mask[0, 0] = 9
    Image.fromarray(mask).save(sample.mask)
    ((kind, detail),) = kinds(inspected(source))
    assert kind == "unusable_mask"
    assert detail.startswith("unknown value(s) [9]; ")
    assert inspected(source).picture is not None


def test_a_mask_of_another_size(source: DataFolder) -> None:
    sample = source.samples("trainval")[0]
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(sample.mask)
    result = inspected(source)
    height, width = np.asarray(Image.open(sample.picture)).shape[:2]
    assert kinds(result) == [("other_size", f"mask 7×5, picture {width}×{height}")]
    assert result.pixels is None


def test_a_mask_of_one_class(source: DataFolder) -> None:
    sample = source.samples("trainval")[0]
    mask = np.asarray(Image.open(sample.mask))
    Image.fromarray(np.where(mask == 0, 255, 2).astype(np.uint8)).save(sample.mask)
    assert inspected(source).problems == (Problem(ONE_CLASS, "scene000", "only square"),)


def test_the_name_of_a_picture_may_be_part_of_a_message(source: DataFolder) -> None:
    sample = replace(source.samples("trainval")[0], name="a")
    sample.picture.write_bytes(b"no picture")
    (problem,) = inspect(source, sample).problems
    assert "a" in problem.detail
