import numpy as np
import pytest
from hypothesis import given, settings
from skimage.measure import regionprops

from app.core.errors import AnswerTooLargeError
from app.imaging.annotations import regions as module
from app.imaging.annotations.regions import Regions
from tests.imaging.annotations.drawn import EMPTY, LABELS, Classes, mask_of, masks


def test_a_class_is_a_region() -> None:
    mask = mask_of(np.array([[2, 255, 2], [2, 0, 255]], np.uint8))
    pet, border = Regions(mask).all
    assert (pet.label, pet.pixels, pet.mean_confidence, pet.bbox) == (LABELS.named("pet"), 1, 0.5, (1, 1, 1, 1))
    assert (border.label.id, border.pixels, border.mean_confidence, border.bbox) == (2, 3, 0.7, (0, 0, 3, 2))


@settings(max_examples=40, deadline=None)
@given(masks)
def test_components_as_scikit_image_measures_them(classes: Classes) -> None:
    confidence = np.random.default_rng(1).random(classes.shape, np.float32)
    split = Regions(mask_of(classes, confidence), split=True)
    image = split.components.at(np.arange(classes.size)).reshape(classes.shape) + 1
    theirs = regionprops(image, confidence)  # type: ignore[no-untyped-call]
    assert [region.number for region in split.all] == list(range(len(theirs)))
    for region, their in zip(split.all, theirs, strict=True):
        top, left, bottom, right = their.bbox
        assert region.bbox == (left, top, right - left, bottom - top)
        assert region.pixels == their.area
        assert region.mean_confidence == pytest.approx(their.intensity_mean, abs=1e-6)
        assert (classes[image == their.label] == region.label.id).all()
        assert np.array_equal(split.crop(region), their.image)


@settings(max_examples=40, deadline=None)
@given(masks)
def test_runs_by_row_and_by_column(classes: Classes) -> None:
    for split in (False, True):
        regions = Regions(mask_of(classes), split)
        for region in regions.all:
            left, top, width, height = region.bbox
            expected = np.zeros(classes.shape, np.bool_)
            expected[top : top + height, left : left + width] = regions.crop(region)
            assert expected.sum() == region.pixels
            for runs, pixels in ((regions.rows, expected.ravel()), (regions.columns, expected.ravel(order="F"))):
                drawn = np.zeros(classes.size, np.bool_)
                for start, stop in zip(*runs.of(region.number), strict=True):
                    drawn[start:stop] = True
                assert np.array_equal(drawn, pixels)


@settings(max_examples=40, deadline=None)
@given(masks)
def test_outlines_of_a_class_are_those_of_its_components(classes: Classes) -> None:
    whole, split = Regions(mask_of(classes)), Regions(mask_of(classes), split=True)
    found = [polygon.exterior.tolist() for region in whole.all for polygon in whole.polygons_of(region)]
    apart = [
        split.polygons_of(region)[0].exterior.tolist()
        for label in LABELS
        for region in split.all
        if region.label == label
    ]
    assert found == apart


def test_a_component_has_its_class_confidence_where_the_mask_kept_none() -> None:
    split = Regions(mask_of(np.array([[0, 255, 2, 255, 0]], np.uint8)), split=True)
    assert [region.mean_confidence for region in split.all] == [0.5, 0.7, 0.5]


def test_nothing() -> None:
    for split in (False, True):
        assert Regions(mask_of(EMPTY), split).all == ()


def test_too_many_components(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_COMPONENTS", 2)
    mask = mask_of(np.array([[0, 1, 0]], np.uint8))
    assert len(Regions(mask).all) == 2
    with pytest.raises(AnswerTooLargeError, match="3 connected components, more than 2: ask without components"):
        Regions(mask, split=True)
