import numpy as np
import pytest

from app.imaging.windows import View
from app.store.scores import Scores, SplitMetrics
from app.training.evaluation.pictures import PictureResult
from app.training.evaluation.scoring import MOST_COLUMNS, SplitResults, cells, columns, markdown, score_split, table
from app.training.sources.oxford import PETS, OxfordPets
from tests.training.drawn_pets import Array
from tests.training.evaluation.made_results import made_result


def result(kind: str, right: int, wrong: int) -> PictureResult:
    return made_result([[right, wrong, 0], [0, 10, 0], [0, 0, 10]], mask_kind=kind)


def results(*kinds: str) -> SplitResults:
    plain = [result(kind, right=10 * (number + 1), wrong=10) for number, kind in enumerate(kinds)]
    flipped = [result(kind, right=10 * (number + 1), wrong=0) for number, kind in enumerate(kinds)]
    return SplitResults(plain, flipped)


def test_scores_with_and_without_flip() -> None:
    found = results("own", "own").metrics(PETS)
    assert found.pictures == 2
    assert found.iou["pet"] == pytest.approx(30 / 50)
    assert found.flip is not None
    assert found.flip.iou["pet"] == 1


def test_scores_of_groups() -> None:
    found = results("own", "outline", "own").by(lambda sample: sample.mask_kind, PETS)
    assert {name: metrics.pictures for name, metrics in found.items()} == {"outline": 1, "own": 2}
    assert found["outline"].iou["pet"] == pytest.approx(20 / 30)
    assert found["outline"].flip is not None
    assert results("own", "own").by(lambda sample: sample.mask_kind, PETS) == {}


def test_each_kind_has_its_own_line_where_there_are_several() -> None:
    found = results("own", "outline", "own").by_mask_kind("test", PETS)
    assert {name: metrics.pictures for name, metrics in found.items()} == {
        "test": 3,
        "test, outline masks": 1,
        "test, own masks": 2,
    }
    assert list(results("own", "own").by_mask_kind("test", PETS)) == ["test"]


def test_both_passes_are_scored(source: OxfordPets) -> None:
    def left_is_pet(pictures: Array) -> Array:
        classes = np.zeros(pictures.shape[:3], int)
        classes[:, :, pictures.shape[2] // 2 :] = 1
        return np.eye(3, dtype=np.float32)[classes]

    samples = source.samples("test")
    found = score_split(left_is_pet, source, samples, View((32, 32), "stretch"))
    assert [r.sample for r in found.plain] == [r.sample for r in found.flipped] == samples
    metrics = found.metrics(PETS)
    assert metrics.flip is not None
    assert metrics.pixel_accuracy != metrics.flip.pixel_accuracy  # half and half becomes all pet


def test_a_table() -> None:
    iou = {"pet": 0.81234, "background": None}
    flip = Scores(mean_iou=0.9, iou={"pet": 0.9, "background": 0.9})
    metrics = SplitMetrics(
        mean_iou=0.5,
        iou=iou,
        dice={"pet": 0.6, "background": 0.8},
        pixel_accuracy=0.75,
        boundary_f_score=0.66,
        expected_calibration_error=0.0123,
        pictures=7,
        flip=flip,
    )
    rows = table({"test": metrics, "validation": SplitMetrics(mean_iou=0.25, iou=iou, pictures=3)}).splitlines()
    head = "| split | pictures | mean IoU | IoU pet | IoU background | foreground + border IoU | mean Dice "
    assert rows == [
        f"{head}| pixel accuracy | boundary F-score | cross-entropy | calibration error |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        "| test | 7 | 0.500 | 0.812 | – | – | 0.700 | 0.750 | 0.660 | – | 0.012 |",
        "| test, with flip | 7 | 0.900 | 0.900 | 0.900 | – | – | – | – | – | – |",
        "| validation | 3 | 0.250 | 0.812 | – | – | – | – | – | – | – |",
    ]


def test_a_name_does_not_break_a_table() -> None:
    assert markdown(["a|b"], [["c|d"]]) == "| a\\|b |\n|---|\n| c\\|d |"


def test_very_many_classes_have_no_columns() -> None:
    def scores(classes: int) -> Scores:
        return Scores(mean_iou=0.5, iou={f"class {number}": 0.25 for number in range(classes)})

    few, many = scores(MOST_COLUMNS), scores(MOST_COLUMNS + 1)
    assert columns(few)[:2] == ["mean IoU", "IoU class 0"]
    assert columns(many)[:2] == ["mean IoU", "foreground + border IoU"]
    assert len(columns(few)) == len(cells(few)) == MOST_COLUMNS + 7
    assert len(columns(many)) == len(cells(many)) == 7
