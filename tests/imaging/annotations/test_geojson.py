import json

import numpy as np
import pytest
from hypothesis import given, settings

from app.imaging.annotations.geojson import COORDINATES, feature_collection
from app.imaging.annotations.regions import Regions
from tests.imaging.annotations.drawn import EMPTY, VECTOR, Classes, filled, mask_of, masks


@settings(max_examples=40, deadline=None)
@given(masks)
def test_features_give_their_classes_back(classes: Classes) -> None:
    answer = json.loads(json.dumps(feature_collection(Regions(mask_of(classes)))))
    assert [feature["properties"]["class_id"] for feature in answer["features"]] == sorted({*classes.flat} - {255})
    for feature in answer["features"]:
        rings = [ring for polygon in feature["geometry"]["coordinates"] for ring in polygon]
        assert np.array_equal(filled(rings, classes.shape), classes == feature["properties"]["class_id"])
        assert all(ring[0] == ring[-1] and len(ring) >= 5 for ring in rings)


def test_what_a_feature_says() -> None:
    answer = feature_collection(Regions(mask_of(VECTOR)), model={"name": "pets"})
    assert list(answer) == ["type", "model", "coordinate_system", "features"]
    assert (answer["type"], answer["coordinate_system"]) == ("FeatureCollection", COORDINATES)
    assert answer["features"] == [
        {
            "type": "Feature",
            "id": 0,
            "bbox": [1, 1, 3, 3],
            "geometry": {
                "type": "MultiPolygon",
                "coordinates": [[[[1, 1], [3, 1], [3, 3], [2, 3], [2, 2], [1, 2], [1, 1]]]],
            },
            "properties": {
                "class_id": 1,
                "name": "hintergrund, grün",
                "colour": "#0a141e",
                "pixels": 3,
                "share": pytest.approx(3 / 12),
                "mean_confidence": 0.6,
            },
        }
    ]


def test_a_feature_a_component() -> None:
    mask = mask_of(np.array([[0, 255, 0], [255, 0, 255]], np.uint8))
    (whole,) = feature_collection(Regions(mask))["features"]
    apart = feature_collection(Regions(mask, split=True))["features"]
    assert [feature["id"] for feature in apart] == [0, 1, 2]
    assert [feature["geometry"]["coordinates"] for feature in apart] == [
        [polygon] for polygon in whole["geometry"]["coordinates"]
    ]


def test_holes_follow_their_outer_ring() -> None:
    classes = np.zeros((3, 3), np.uint8)
    classes[1, 1] = 255
    ((exterior, hole),) = feature_collection(Regions(mask_of(classes)))["features"][0]["geometry"]["coordinates"]
    assert exterior == [[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]]
    assert sorted(hole[:-1]) == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_a_tolerance_leaves_vertices_out() -> None:
    steps = mask_of(np.tri(40, dtype=np.uint8))
    exact, smooth = (feature_collection(Regions(steps), tolerance)["features"] for tolerance in (0.0, 1.0))
    assert len(exact[0]["geometry"]["coordinates"][0][0]) > 60
    assert len(smooth[0]["geometry"]["coordinates"][0][0]) < 10


def test_nothing() -> None:
    assert feature_collection(Regions(mask_of(EMPTY)))["features"] == []
