import numpy as np
import pytest

from app.imaging.geometry import Geometry
from app.imaging.probabilities import ResizedProbabilities
from app.inference.answers import SegmentOptions
from app.inference.inferred import Inferred
from app.inference.loaded import ModelIdentity
from tests.fixtures.tiny_model import TINY_LABELS

IDENTITY = ModelIdentity("pets", 3, "ab" * 32, "openvino", "f32")


def inferred(options: SegmentOptions) -> Inferred:
    probabilities = np.random.default_rng(4).dirichlet((1, 1, 1), (6, 8)).astype(np.float32)
    return Inferred(
        options, ResizedProbabilities(probabilities, Geometry((30, 40), (6, 8), "stretch")), TINY_LABELS, IDENTITY
    )


def test_the_mask_alone_is_made_without_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    full = inferred(SegmentOptions("coco", threshold=0.5)).ids
    monkeypatch.setattr("app.inference.inferred.segment_mask", None)
    for options in (
        SegmentOptions("mask", threshold=0.5),
        SegmentOptions("zip", threshold=0.5, parts=("mask", "overlay", "cutout")),
    ):
        assert np.array_equal(inferred(options).ids, full)


def test_what_several_need_is_made_once() -> None:
    several = inferred(SegmentOptions("zip", parts=("mask", "coco", "yolo")))
    assert several.ids is several.mask.classes
    assert several.regions is several.regions
    assert several.classes is several.regions


def test_confidence_is_kept_for_components_only() -> None:
    assert inferred(SegmentOptions("coco")).mask.confidence is None
    assert inferred(SegmentOptions("huggingface", components=True)).mask.confidence is None
    kept = inferred(SegmentOptions("coco", components=True))
    assert kept.mask.confidence is not None
    assert len(kept.regions.all) > len(kept.classes.all) == 3
