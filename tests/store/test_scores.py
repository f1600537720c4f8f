import pytest
from pydantic import ValidationError

from app.store.scores import Histogram, Scores, SplitMetrics


def test_what_was_not_measured_is_none() -> None:
    scores = Scores(mean_iou=0.5, iou={"pet": None, "background": 1.0})
    assert (scores.pixel_accuracy, scores.foreground_iou, scores.cross_entropy, scores.dice) == (None, None, None, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean_iou", 1.01),
        ("mean_iou", float("nan")),
        ("iou", {"pet": -0.1}),
        ("dice", {"pet": 2.0}),
        ("pixel_accuracy", 97.0),
        ("foreground_iou", -0.5),
        ("cross_entropy", -1.0),
        ("boundary_f_score", 1.5),
        ("expected_calibration_error", 1.5),
        ("jaccard", 0.5),
    ],
)
def test_impossible_scores_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Scores.model_validate({"mean_iou": 0.5, "iou": {"pet": 0.5}, name: value})


def test_a_split_without_pictures_has_no_scores() -> None:
    with pytest.raises(ValidationError, match="pictures"):
        SplitMetrics(mean_iou=0.5, iou={"pet": 0.5}, pictures=0)


@pytest.mark.parametrize(
    ("edges", "counts"),
    [
        ((), ()),
        ((0.0,), ()),
        ((0.0, 1.0), ()),
        ((0.0, 1.0), (1, 2)),
        ((0.0, 0.0), (1,)),
        ((1.0, 0.0), (1,)),
        ((0.0, 1.0), (-1,)),
        ((0.0, float("inf")), (1,)),
    ],
)
def test_impossible_histograms_are_refused(edges: tuple[float, ...], counts: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError):
        Histogram(edges=edges, counts=counts)


def test_a_histogram_has_one_more_edge_than_counts() -> None:
    assert Histogram(edges=(0, 0.25, 1), counts=(10, 0)).edges == (0.0, 0.25, 1.0)
