from typing import Any

import pytest

from app.api.parameters import SegmentQuery
from app.core.errors import InvalidParameterError
from app.core.labels import LabelMap
from app.inference.answers import SegmentOptions
from app.inference.loaded import LoadedModel
from app.jobs.options import ALWAYS, LIMITED, segment_options

NOTHING: dict[str, Any] = {"output": "mask", "classes": None, **dict.fromkeys((*LIMITED, *ALWAYS))}


@pytest.fixture
def labels(model: LoadedModel) -> LabelMap:
    return model.labels


def test_they_are_those_of_the_service() -> None:
    of_http = {"many", "model", "timeout", "url"}
    assert NOTHING.keys() == SegmentQuery.model_fields.keys() - of_http


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"output": "json,mask", "classes": "pet,border", "threshold": 0.5, "tile": 64, "flip": True},
        {"output": "zip", "size": "original", "components": True, "from_name": "a", "to_name": "b"},
        {"output": "coco", "segmentation": "polygons", "tolerance": 1.5},
    ],
)
def test_they_mean_what_they_mean_there(labels: LabelMap, given: dict[str, Any]) -> None:
    asked = SegmentQuery(**given).options(None, labels)
    assert segment_options(NOTHING | given, labels) == asked
    assert given == {} or asked != SegmentOptions()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"output": "masc"}, "output: 'masc' is none of mask, overlay"),
        ({"output": "mask,mask"}, "output: "),
        ({"output": "mask,zip"}, "output: "),
        ({"classes": "pet,"}, "classes: "),
        ({"classes": ""}, "classes: "),
        ({"size": "original"}, "size: goes with output=probabilities only"),
        ({"output": "huggingface", "components": True}, "components: "),
        ({"output": "coco", "tolerance": 1.5}, "tolerance: of coco: goes with segmentation=polygons only"),
        ({"output": "json", "from_name": "a"}, "from_name: goes with output=label-studio only"),
    ],
)
def test_one_that_would_be_ignored_is_refused(labels: LabelMap, given: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        segment_options(NOTHING | given, labels)
    assert refused.value.detail.startswith(named)
