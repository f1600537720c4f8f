from typing import get_args

import pytest

from app.core.errors import InvalidParameterError
from app.core.labels import Label, LabelMap
from app.inference.outputs import OUTPUTS, Output, parsed_outputs, passes, possible_outputs, require_known
from tests.fixtures.tiny_model import TINY_LABELS

PLAIN = LabelMap((Label(0, "sky", (0, 0, 255)), Label(1, "sea", (0, 255, 0))))


def test_the_table_has_every_kind_under_a_name_of_its_own() -> None:
    assert tuple(OUTPUTS) == get_args(Output)
    assert len({kind.filename for kind in OUTPUTS.values()}) == len(OUTPUTS)
    assert [OUTPUTS[output].extension for output in ("mask", "polygons", "label-studio", "yolo")] == [
        "png", "geojson", "json", "txt"
    ]  # fmt: skip


def test_one_kind_or_several() -> None:
    assert parsed_outputs("label-studio") == ("label-studio", None)
    assert parsed_outputs("zip") == ("zip", None)
    assert parsed_outputs("mask, coco,overlay") == ("zip", ("mask", "coco", "overlay"))


@pytest.mark.parametrize("text", ["", ",", "mask,", "masks", "MASK", "mask,coco,mask", "mask,zip", "mask;coco"])
def test_what_is_no_kind(text: str) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        parsed_outputs(text)
    assert raised.value.parameter == "output"
    assert len(raised.value.detail) < 300


def test_a_model_without_a_foreground_gives_no_cutout() -> None:
    assert set(possible_outputs(TINY_LABELS)) == OUTPUTS.keys() - {"zip"}
    assert set(possible_outputs(PLAIN)) == OUTPUTS.keys() - {"zip", "cutout"}


def test_options_that_would_be_ignored_are_refused() -> None:
    require_known("tolerance", ("mask", "yolo"))
    with pytest.raises(InvalidParameterError, match="size: goes with output=probabilities only"):
        require_known("size", ("mask", "coco"))
    with pytest.raises(InvalidParameterError, match="tolerance: goes with output=polygons, coco, cvat, yolo only"):
        require_known("tolerance", ("json",))


def test_what_goes_through_the_probabilities_by_itself() -> None:
    assert passes(("mask", "overlay", "coco", "yolo")) == 1
    assert passes(("mask", "cutout", "probabilities")) == 3
