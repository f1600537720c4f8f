from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.errors import DataError, TrainingError
from app.core.labels import Label, LabelMap
from app.imaging.geometry import Geometry, ResizeRule
from app.imaging.windows import View
from app.training.evaluation.pictures import (
    SMALLEST_PROBABILITY,
    PictureResult,
    SegmentedPicture,
    evaluate_pictures,
    score_picture,
    segment_pictures,
    summed_cross_entropy,
    total_scores,
)
from app.training.evaluation.prediction import BATCH
from app.training.sources.oxford import PETS, OxfordPets
from app.training.sources.samples import Sample
from tests.training.drawn_pets import Array
from tests.training.evaluation.made_results import made_result

GREY_OF_A_CLASS = 100
SAMPLE = Sample("a", Path("a.jpg"), Path("a.png"))
STRETCH: ResizeRule = "stretch"

Write = Callable[..., OxfordPets]


@pytest.fixture
def painted(tmp_path: Path) -> Write:
    """Writes trimaps and, for each, a picture whose grey tells the class: 0, 100, 200; undecided is a pet's."""

    def write(*trimaps: Array) -> OxfordPets:
        for folder in ("images", "annotations/trimaps"):
            (tmp_path / folder).mkdir(parents=True)
        for number, trimap in enumerate(trimaps):
            classes = np.where(np.isin(trimap, (1, 2, 3)), trimap - 1, 0)
            picture = np.repeat(classes[..., None] * GREY_OF_A_CLASS, 3, axis=-1).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "images" / f"{number}.jpg", "PNG")  # no loss, whatever its name
            Image.fromarray(trimap).save(tmp_path / "annotations" / "trimaps" / f"{number}.png")
        names = "".join(f"{number}\n" for number in range(len(trimaps)))
        (tmp_path / "annotations" / "test.txt").write_text(names)
        return OxfordPets(tmp_path)

    return write


def one_hot(classes: Array) -> Array:
    return np.eye(3, dtype=np.float32)[classes]


def reads_grey(pictures: Array) -> Array:
    """A perfect network for painted pictures."""
    return one_hot(np.rint(pictures[..., 0] / GREY_OF_A_CLASS).astype(int))


def always(chosen: int) -> Callable[[Array], Array]:
    return lambda pictures: one_hot(np.full(pictures.shape[:3], chosen))


def blocks(height: int, width: int) -> Array:
    """A trimap of large areas: pet, a border beside it, background."""
    trimap = np.full((height, width), 2, np.uint8)
    trimap[height // 4 : -height // 4, width // 4 : -width // 4] = 3
    trimap[height // 3 : -height // 3, width // 3 : -width // 3] = 1
    return trimap


def scored(picture: Array, probabilities: Array, mask: Array) -> PictureResult:
    """Of a picture that is of the network's size."""
    geometry = Geometry((mask.shape[0], mask.shape[1]), (mask.shape[0], mask.shape[1]), STRETCH)
    return score_picture(SegmentedPicture(SAMPLE, picture, mask, picture, probabilities, geometry))


@pytest.mark.parametrize("rule", ["stretch", "letterbox"])
def test_a_perfect_network_scores_nearly_one_at_another_size(painted: Write, rule: str) -> None:
    source = painted(blocks(150, 90), blocks(64, 64), blocks(77, 203))
    samples = source.samples("test")
    results = evaluate_pictures(reads_grey, source, samples, View((96, 96), rule))  # type: ignore[arg-type]  # one of two
    scores = total_scores(results, PETS)
    assert 0.9 < scores.mean_iou < 1
    assert [result.sample for result in results] == samples
    # every pixel of every mask is scored, at the mask's own size
    assert [result.matrix.sum() for result in results] == [150 * 90, 64 * 64, 77 * 203]


def test_a_perfect_network_at_the_masks_own_size_scores_one(painted: Write) -> None:
    source = painted(blocks(64, 64))
    scores = total_scores(
        evaluate_pictures(reads_grey, source, source.samples("test"), View((64, 64), "stretch")), PETS
    )
    assert scores.mean_iou == scores.pixel_accuracy == scores.foreground_iou == 1
    assert scores.iou == scores.dice == {"pet": 1, "background": 1, "border": 1}
    assert scores.cross_entropy == 0


def test_counts_are_summed_over_the_set_not_averaged(painted: Write) -> None:
    small, large = np.full((20, 20), 2, np.uint8), np.full((60, 40), 2, np.uint8)
    small[:15] = 1  # 300 of 400 pixels
    large[:10] = 1  # 400 of 2400
    large[10:20] = 3
    source = painted(small, large)
    scores = total_scores(evaluate_pictures(always(0), source, source.samples("test"), View((32, 32), "stretch")), PETS)
    assert scores.iou == {"pet": pytest.approx(700 / 2800), "background": 0, "border": 0}
    assert scores.mean_iou == pytest.approx(700 / 2800 / 3)
    assert scores.dice["pet"] == pytest.approx(2 * 700 / (2800 + 700))
    assert scores.pixel_accuracy == pytest.approx(700 / 2800)
    assert scores.foreground_iou == pytest.approx((700 + 400) / 2800)  # the border counts as pet
    assert scores.cross_entropy == pytest.approx(-np.log(SMALLEST_PROBABILITY) * 2100 / 2800)


def test_undecided_pixels_count_for_nothing(painted: Write) -> None:
    trimap = np.full((40, 40), 2, np.uint8)
    trimap[:30] = 0
    trimap[30:35] = 255
    source = painted(trimap)
    (result,) = evaluate_pictures(always(1), source, source.samples("test"), View((40, 40), "stretch"))
    assert result.matrix.tolist() == [[0, 0, 0], [0, 200, 0], [0, 0, 0]]
    scores = total_scores([result], PETS)
    assert scores.iou == {"pet": None, "background": 1, "border": None}
    assert (scores.mean_iou, scores.foreground_iou, scores.cross_entropy) == (1, None, 0)


def test_more_pictures_than_a_batch(source: OxfordPets) -> None:
    seen: list[int] = []

    def counting(pictures: Array) -> Array:
        seen.append(len(pictures))
        return always(1)(pictures)

    samples = source.samples("trainval")
    results = evaluate_pictures(counting, source, samples, View((16, 16), "stretch"))
    assert seen == [BATCH, 28 - BATCH]
    assert [result.sample for result in results] == samples


def test_what_a_picture_adds() -> None:
    picture = np.full((2, 2, 3), 51, np.uint8)
    probabilities = np.array([[[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]], [[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]]], np.float32)
    mask = np.array([[0, 0], [255, 2]], np.uint8)
    result = scored(picture, probabilities, mask)
    assert result.matrix.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert result.cross_entropy == pytest.approx(-np.log(0.7) - np.log(0.1) - np.log(0.6))
    assert result.observation.brightness == pytest.approx(0.2)
    assert result.observation.confidence == pytest.approx((0.7 + 0.6 + 0.5 + 0.6) / 4)
    assert result.observation.shares == (0.5, 0.25, 0.25)
    assert result.calibration[:, 10].tolist() == pytest.approx([1, 0.7, 1])  # of the decided pixels
    assert result.calibration[:, 8].tolist() == pytest.approx([2, 1.2, 1])
    assert result.calibration[0].sum() == 3


def test_contours_of_a_picture() -> None:
    classes = np.zeros((8, 8), np.uint8)
    classes[:, 4:] = 1
    result = scored(np.zeros((8, 8, 3), np.uint8), one_hot(classes), classes)
    assert result.boundary.tolist() == [[8, 8, 0]] * 4
    scores = total_scores([result], PETS)
    assert (scores.boundary_f_score, scores.expected_calibration_error) == (1, 0)


def test_a_pixel_that_was_ruled_out_costs_a_bounded_cross_entropy() -> None:
    probabilities = one_hot(np.zeros((1, 2), int))
    assert summed_cross_entropy(probabilities, np.array([[1, 255]])) == pytest.approx(-np.log(SMALLEST_PROBABILITY))
    assert summed_cross_entropy(probabilities, np.array([[0, 0]])) == 0


def test_pictures_as_they_are_segmented(source: OxfordPets) -> None:
    samples = source.samples("test")
    (batch,) = segment_pictures(always(1), source, samples, View((16, 24), STRETCH))
    assert [picture.sample for picture in batch] == samples
    first = batch[0]
    assert (first.resized.shape, first.probabilities.shape) == ((16, 24, 3), (16, 24, 3))
    assert first.pixels.shape[:2] == first.mask.shape == first.geometry.source
    assert np.array_equal(first.mask, source.mask(samples[0]))


def test_a_large_picture_is_scored_band_by_band_as_whole() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet([1, 1, 1], (32, 32)).astype(np.float32)
    mask = random.integers(0, 3, (900, 700), np.uint8)
    geometry = Geometry((900, 700), (32, 32), "stretch")  # more pixels than a band has
    picture = np.zeros((32, 32, 3), np.uint8)
    result = score_picture(SegmentedPicture(SAMPLE, picture, mask, picture, probabilities, geometry))
    assert result.matrix.sum(axis=1).tolist() == np.bincount(mask.reshape(-1)).tolist()
    assert result.calibration[0].sum() == mask.size


def test_classes_without_a_foreground() -> None:
    labels = LabelMap((Label(0, "water", (0, 0, 255)), Label(1, "land", (0, 255, 0))))
    result = made_result([[3, 1], [0, 4]], cross_entropy=2.0)
    scores = total_scores([result, result], labels)
    assert scores.foreground_iou is None
    assert scores.iou == {"water": 0.75, "land": 0.8}
    assert scores.cross_entropy == 0.25
    assert (scores.boundary_f_score, scores.expected_calibration_error) == (None, None)


def test_nothing_to_score() -> None:
    empty = made_result(np.zeros((3, 3), np.int64))
    for results in ([], [empty]):
        with pytest.raises(ValueError, match="nothing to score"):
            total_scores(results, PETS)


def test_a_network_that_diverged(source: OxfordPets) -> None:
    def diverged(pictures: Array) -> Array:
        return np.full((*pictures.shape[:3], 3), np.nan, np.float32)

    with pytest.raises(TrainingError, match="not finite"):
        evaluate_pictures(diverged, source, source.samples("test"), View((16, 16), "stretch"))


def test_a_picture_that_has_gone(own_data: Path) -> None:
    source = OxfordPets(own_data)
    samples = source.samples("test")
    samples[3].picture.unlink()
    with pytest.raises(DataError, match="missing"):
        evaluate_pictures(always(0), source, samples, View((16, 16), "stretch"))
