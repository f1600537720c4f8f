import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.imaging.annotations.cvat import cvat_points, cvat_shapes, cvat_shapes_json
from app.imaging.annotations.regions import Regions
from tests.imaging.annotations.drawn import EMPTY, VECTOR, Classes, filled, mask_of, masks


@settings(max_examples=40, deadline=None)
@given(masks, st.booleans())
def test_boxes_give_the_mask_back(classes: Classes, split: bool) -> None:
    regions = Regions(mask_of(classes), split)
    drawn = np.full(classes.shape, 255, np.uint8)
    for region, shape in zip(regions.all, cvat_shapes(regions), strict=True):
        *pixels, left, top, right, bottom = shape["mask"]
        crop = np.array(pixels, np.bool_).reshape(bottom - top + 1, right - left + 1)
        drawn[top : bottom + 1, left : right + 1][crop] = region.label.id
        points = np.array(shape["points"]).reshape(-1, 2)
        outer = filled([points.tolist()], classes.shape)
        assert (classes[outer] == region.label.id).any()
    assert np.array_equal(drawn, classes)


@settings(max_examples=40, deadline=None)
@given(masks, st.booleans())
def test_as_json_it_is_the_same(classes: Classes, split: bool) -> None:
    regions = Regions(mask_of(classes), split)
    assert [json.loads(text) for text in cvat_shapes_json(regions)] == list(cvat_shapes(regions))


@settings(max_examples=40, deadline=None)
@given(masks)
def test_points_of_the_api(classes: Classes) -> None:
    regions = Regions(mask_of(classes))
    for region in regions.all:
        *lengths, left, top, right, bottom = cvat_points(regions, region)
        crop = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(bottom - top + 1, right - left + 1)
        assert np.array_equal(crop, classes[top : bottom + 1, left : right + 1] == region.label.id)


def test_conformance_vector() -> None:
    regions = Regions(mask_of(VECTOR))
    assert cvat_points(regions, regions.all[0]) == [0, 2, 1, 1, 1, 1, 2, 2]
    assert list(cvat_shapes(regions)) == [
        {
            "confidence": 0.6,
            "label": "hintergrund, grün",
            "points": [1, 1, 3, 1, 3, 3, 2, 3, 2, 2, 1, 2],
            "mask": [1, 1, 0, 1, 1, 1, 2, 2],
            "type": "mask",
        }
    ]


def test_points_are_of_the_largest_part() -> None:
    classes = np.full((5, 9), 255, np.uint8)
    classes[0, 0] = 0
    classes[1:5, 2:8] = 0
    (shape,) = cvat_shapes(Regions(mask_of(classes)))
    assert shape["points"] == [2, 1, 8, 1, 8, 5, 2, 5]


def test_nothing() -> None:
    regions = Regions(mask_of(EMPTY))
    assert not [*cvat_shapes(regions), *cvat_shapes_json(regions)]
