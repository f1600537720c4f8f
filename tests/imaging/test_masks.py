import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.errors import InvalidParameterError
from app.core.labels import UNDECIDED, Label, LabelMap
from app.imaging.geometry import Geometry
from app.imaging.masks import ClassStatistics, class_ids, foreground_alpha, segment_mask
from app.imaging.probabilities import ResizedProbabilities, restored

SQUARE = Geometry((4, 6), (4, 6), "stretch")
FROM_9 = Geometry((9, 9), (24, 32), "stretch")


def certain(classes: NDArray[np.uint8], confidence: float = 0.8) -> NDArray[np.float32]:
    """Probabilities of three classes whose winner is given and has that confidence."""
    probabilities = np.full((*classes.shape, 3), (1 - confidence) / 2, np.float32)
    np.put_along_axis(probabilities, classes[..., np.newaxis].astype(np.intp), np.float32(confidence), axis=-1)
    return probabilities


@pytest.mark.parametrize("size", [(11, 17), (24, 32), (700, 1200), (1, 300), (300, 1)])
@pytest.mark.parametrize(
    ("classes", "threshold"), [(None, 0.0), (None, 0.55), (("border", "pet"), 0.0), (("pet",), 0.5)]
)
def test_equal_to_the_plain_computation(
    probabilities: NDArray[np.float32],
    pets: LabelMap,
    size: tuple[int, int],
    classes: tuple[str, ...] | None,
    threshold: float,
) -> None:
    geometry = Geometry(size, (24, 32), "letterbox")
    mask = segment_mask(ResizedProbabilities(probabilities, geometry), pets, classes, threshold)
    ids = class_ids(ResizedProbabilities(probabilities, geometry), pets, classes, threshold)
    assert np.array_equal(ids, mask.classes)

    full = restored(ResizedProbabilities(probabilities, geometry))
    expected = full.argmax(axis=-1).astype(np.uint8)
    kept = [label.id for label in pets if classes is None or label.name in classes]
    expected[~np.isin(expected, kept) | (full.max(axis=-1) < np.float32(threshold))] = UNDECIDED
    np.testing.assert_array_equal(mask.classes, expected)
    assert mask.classes.dtype == np.uint8
    assert mask.undecided == (expected == UNDECIDED).sum()
    assert [entry.label for entry in mask.statistics] == list(pets)
    assert sum(entry.pixels for entry in mask.statistics) + mask.undecided == size[0] * size[1]
    for entry in mask.statistics:
        chosen = expected == entry.label.id
        assert entry.pixels == chosen.sum()
        assert entry.share == pytest.approx(chosen.mean())
        if not entry.pixels:
            assert (entry.mean_confidence, entry.bbox) == (None, None)
            continue
        assert entry.mean_confidence == pytest.approx(full[chosen].max(axis=-1).mean(), abs=1e-6)
        rows, columns = np.nonzero(chosen)
        x, y, width, height = entry.bbox or (0, 0, 0, 0)
        assert (x, y, x + width - 1, y + height - 1) == (columns.min(), rows.min(), columns.max(), rows.max())


def test_statistics_by_hand(pets: LabelMap) -> None:
    classes = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 1, 1], [1, 1, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1]], np.uint8)
    mask = segment_mask(ResizedProbabilities(certain(classes), SQUARE), pets)
    np.testing.assert_array_equal(mask.classes, classes)
    pet, background, border = mask.statistics
    assert (pet.pixels, pet.share, pet.bbox) == (5, 5 / 24, (2, 1, 3, 2))
    assert pet.mean_confidence == pytest.approx(0.8)
    assert (background.pixels, background.bbox) == (19, (0, 0, 6, 4))
    assert border == ClassStatistics(pets.labels[2], 0, 0.0, None, None)
    assert mask.undecided == 0


def test_unasked_classes_become_undecided_not_another_class(pets: LabelMap) -> None:
    classes = np.array([[0, 1, 2, 0, 1, 2]] * 4, np.uint8)
    mask = segment_mask(ResizedProbabilities(certain(classes), SQUARE), pets, classes=["border"])
    np.testing.assert_array_equal(mask.classes, np.where(classes == 2, 2, UNDECIDED))
    assert mask.undecided == 16


def test_empty_picture_gives_no_confident_mask(pets: LabelMap) -> None:
    faint = np.broadcast_to(np.array([0.1, 0.85, 0.05], np.float32), (4, 6, 3)).copy()
    faint[1, 1] = (0.2, 0.75, 0.05)  # the most pet-like pixel is still background
    mask = segment_mask(ResizedProbabilities(faint, SQUARE), pets)
    assert (mask.classes == 1).all()
    assert mask.statistics[0] == ClassStatistics(pets.labels[0], 0, 0.0, None, None)


def test_everything_undecided(pets: LabelMap) -> None:
    mask = segment_mask(ResizedProbabilities(certain(np.zeros((4, 6), np.uint8)), SQUARE), pets, threshold=0.9)
    assert (mask.classes == UNDECIDED).all()
    assert mask.undecided == 24
    assert all(entry == ClassStatistics(entry.label, 0, 0.0, None, None) for entry in mask.statistics)


def test_threshold_keeps_what_reaches_it(pets: LabelMap) -> None:
    probabilities = certain(np.zeros((4, 6), np.uint8), 0.75)
    assert segment_mask(ResizedProbabilities(probabilities, SQUARE), pets, threshold=0.75).undecided == 0
    assert segment_mask(ResizedProbabilities(probabilities, SQUARE), pets, threshold=0.76).undecided == 24


def test_equal_probabilities_go_to_the_lowest_id(pets: LabelMap) -> None:
    level = np.full((4, 6, 3), 1 / 3, np.float32)
    assert (segment_mask(ResizedProbabilities(level, SQUARE), pets).classes == 0).all()


def test_mean_confidence_never_passes_one(pets: LabelMap) -> None:
    geometry = Geometry((4, 4), (4, 6), "stretch")  # a size whose float32 weights sum to more than one
    mask = segment_mask(ResizedProbabilities(certain(np.zeros((4, 6), np.uint8), 1.0), geometry), pets)
    assert mask.statistics[0].mean_confidence == pytest.approx(1.0)
    assert (mask.statistics[0].mean_confidence or 2.0) <= 1.0


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_wrong_threshold(probabilities: NDArray[np.float32], pets: LabelMap, threshold: float) -> None:
    with pytest.raises(InvalidParameterError, match="threshold: must be from 0 to 1"):
        segment_mask(ResizedProbabilities(probabilities, FROM_9), pets, threshold=threshold)


@pytest.mark.parametrize(("classes", "message"), [([], "names no class"), (["pet", "dog"], "no class 'dog'")])
def test_wrong_classes(probabilities: NDArray[np.float32], pets: LabelMap, classes: list[str], message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message) as raised:
        segment_mask(ResizedProbabilities(probabilities, FROM_9), pets, classes)
    assert raised.value.parameter == "classes"


def test_labels_of_another_model() -> None:
    two = LabelMap((Label(0, "a", (0, 0, 0), "foreground"), Label(1, "b", (0, 0, 0))))
    with pytest.raises(ValueError, match="3 classes for 2 labels"):
        segment_mask(ResizedProbabilities(np.zeros((4, 6, 3), np.float32), SQUARE), two)
    with pytest.raises(ValueError, match="3 classes for 2 labels"):
        foreground_alpha(ResizedProbabilities(np.zeros((4, 6, 3), np.float32), SQUARE), two)


@pytest.mark.parametrize("size", [(4, 6), (91, 47), (900, 600)])
def test_foreground_is_by_role(pets: LabelMap, probabilities: NDArray[np.float32], size: tuple[int, int]) -> None:
    geometry = Geometry(size, (24, 32), "letterbox")
    alpha = foreground_alpha(ResizedProbabilities(probabilities, geometry), pets)
    full = restored(ResizedProbabilities(probabilities, geometry))
    assert alpha.dtype == np.uint8
    assert np.abs(alpha - 255 * (full[..., 0] + full[..., 2] / 2)).max() <= 0.5 + 1e-3


def test_foreground_extremes(pets: LabelMap) -> None:
    classes = np.array([[0, 0, 1, 1, 2, 2]] * 4, np.uint8)
    alpha = foreground_alpha(ResizedProbabilities(certain(classes, 1.0), SQUARE), pets)
    assert alpha[0].tolist() == [255, 255, 0, 0, 128, 128]


def test_cutout_needs_a_foreground() -> None:
    plain = LabelMap((Label(0, "road", (0, 0, 0)), Label(1, "sky", (0, 0, 0)), Label(2, "edge", (0, 0, 0), "border")))
    with pytest.raises(InvalidParameterError, match="foreground") as raised:
        foreground_alpha(ResizedProbabilities(np.zeros((4, 6, 3), np.float32), SQUARE), plain)
    assert raised.value.parameter == "output"
