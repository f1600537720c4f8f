import dataclasses
import json

import pytest

from app.imaging.windows import View
from app.training.evaluation.bootstrap import bootstrap_intervals, paired_differences
from app.training.evaluation.candidate import Candidate
from app.training.evaluation.pictures import PictureResult, total_scores
from app.training.evaluation.report import Report, kind_of, make_report, picture_score
from app.training.evaluation.scoring import SplitResults
from app.training.sources.oxford import PETS, OxfordPets
from tests.training.evaluation.made_results import made_result, random_results

FIRST = Candidate("pets:2", lambda pictures: pictures, View((32, 48), "letterbox"), None)
SECOND = Candidate("pets:1", lambda pictures: pictures, View((16, 16), "stretch"), None)


def of_kinds(results: list[PictureResult]) -> list[PictureResult]:
    """Half of them cats with own masks, the others dogs with outlines."""
    return [
        dataclasses.replace(
            result,
            sample=dataclasses.replace(
                result.sample,
                source="feral" if number % 2 else "oxford",
                mask_kind="outline" if number % 2 else "own",
                stratum=f"{1 + number % 2} {number}",
            ),
        )
        for number, result in enumerate(results)
    ]


@pytest.fixture(scope="module")
def plain() -> list[PictureResult]:
    return of_kinds(random_results(8))


@pytest.fixture(scope="module")
def report(plain: list[PictureResult], source: OxfordPets) -> Report:
    other = of_kinds(random_results(8, seed=1))
    return make_report(source, "test", (FIRST, SplitResults(plain, other)), (SECOND, SplitResults(other, plain)))


def test_it_says_what_was_scored(report: Report, plain: list[PictureResult]) -> None:
    assert (report.network, report.size, report.resize, report.split) == (
        "pets:2 at 32×48",
        (32, 48),
        "letterbox",
        "test",
    )
    assert report.whole.pictures == 8
    assert report.whole.mean_iou == total_scores(plain, PETS).mean_iou
    assert report.intervals == bootstrap_intervals(plain, PETS)


def test_groups_have_their_own_scores(report: Report, plain: list[PictureResult]) -> None:
    assert list(report.metrics) == ["test", "test, outline masks", "test, own masks"]
    assert list(report.by_source) == ["feral", "oxford"]
    assert list(report.by_kind) == ["cats", "dogs"]
    assert report.by_kind["cats"].mean_iou == total_scores(plain[::2], PETS).mean_iou


def test_the_confusion_is_that_of_all_pictures(report: Report, plain: list[PictureResult]) -> None:
    assert report.classes == ("pet", "background", "border")
    assert report.confusion[0][1] == sum(int(result.matrix[0, 1]) for result in plain)


def test_boundaries_and_bins_come_from_the_same_counts_as_the_scores(report: Report) -> None:
    scores = [boundary.f_score for boundary in report.boundary.values()]
    assert None not in scores
    assert sum(score or 0 for score in scores) / 3 == pytest.approx(report.whole.boundary_f_score)
    pixels = sum(each.pixels for each in report.reliability)
    gaps = [each.pixels * abs((each.confidence or 0) - (each.accuracy or 0)) / pixels for each in report.reliability]
    assert sum(gaps) == pytest.approx(report.whole.expected_calibration_error, abs=1e-3)


def test_it_is_compared_with_another(report: Report, plain: list[PictureResult]) -> None:
    other = of_kinds(random_results(8, seed=1))
    assert report.comparison is not None
    assert report.comparison.network == "pets:1 at 16×16"
    assert report.comparison.metrics.mean_iou == total_scores(other, PETS).mean_iou
    assert report.comparison.differences == paired_differences(plain, other, PETS)


def test_it_is_json(report: Report) -> None:
    read = json.loads(report.to_json())
    assert read["metrics"]["test"]["flip"]["mean_iou"] == report.whole.flip.mean_iou if report.whole.flip else None
    assert [picture["name"] for picture in read["pictures"]] == [f"picture{number}" for number in range(8)]
    assert read["intervals"][0] == {
        "measure": "mean IoU",
        "value": report.intervals[0].value,
        "low": report.intervals[0].low,
        "high": report.intervals[0].high,
    }
    assert read["comparison"]["differences"][0]["above_zero"] is not None
    assert read["confusion"] == [list(row) for row in report.confusion]


def test_alone_and_of_one_kind(source: OxfordPets) -> None:
    results = random_results(4)
    report = make_report(source, "test", (FIRST, SplitResults(results, results)))
    assert (report.comparison, report.by_source, report.by_kind) == (None, {}, {})
    assert json.loads(report.to_json())["comparison"] is None


def test_the_scores_of_one_picture() -> None:
    result = made_result([[3, 1, 0], [0, 4, 0], [0, 0, 0]], "a", cross_entropy=4.0, source="oxford", stratum="1 7")
    found = picture_score(result, PETS)
    assert (found.name, found.source, found.stratum) == ("a", "oxford", "1 7")
    assert found.iou == {"pet": 0.75, "background": 0.8, "border": None}
    assert found.mean_iou == pytest.approx(0.775)
    assert (found.pixel_accuracy, found.cross_entropy) == (7 / 8, 0.5)


def test_kinds_of_pictures(source: OxfordPets) -> None:
    names = [kind_of(made_result([[1]], stratum=stratum).sample, source) for stratum in ("1 5", "2", "tumour left", "")]
    assert names == ["cats", "dogs", "tumour", "unnamed"]
