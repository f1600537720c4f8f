import dataclasses

from app.imaging.windows import View
from app.training.evaluation.bootstrap import Difference, Interval
from app.training.evaluation.candidate import Candidate
from app.training.evaluation.report import make_report
from app.training.evaluation.scoring import SplitResults, table
from app.training.evaluation.text import difference_cells, interval_text, report_text
from app.training.sources.oxford import OxfordPets
from tests.training.evaluation.made_results import random_results

RESULTS = SplitResults(random_results(5), random_results(5))
CANDIDATE = Candidate("pets:2", lambda pictures: pictures, View((32, 32), "stretch"), None)


def test_a_network_alone(source: OxfordPets) -> None:
    report = make_report(source, "test", (CANDIDATE, RESULTS))
    scores, _, intervals = report_text(report).partition("\n\n")
    assert scores == table(report.metrics)
    first = report.intervals[0]
    head, _, row, *others = intervals.splitlines()
    assert head == "| measure | without flip | 95 % interval |"
    assert row == f"| mean IoU | {first.value:.3f} | {first.low:.3f} – {first.high:.3f} |"
    assert len(others) == 6


def test_two_networks(source: OxfordPets) -> None:
    other = dataclasses.replace(CANDIDATE, name="pets:1")
    text = report_text(make_report(source, "test", (CANDIDATE, RESULTS), (other, RESULTS)))
    lines = text.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:6]] == [
        "| pets:2 at 32×32",
        "| pets:2 at 32×32, with flip",
        "| pets:1 at 32×32",
        "| pets:1 at 32×32, with flip",
    ]
    assert lines[7] == "| difference in | first less second | 95 % interval | draws above zero |"
    assert lines[9] == "| mean IoU | +0.0000 | +0.0000 … +0.0000 | 0.0 % |"


def test_what_was_not_measured_is_a_dash() -> None:
    assert interval_text(Interval("mean IoU", None, None, None)) == "–"
    assert difference_cells(Difference("mean IoU", None, None, None, None)) == ["mean IoU", "–", "–", "–"]


def test_differences_have_a_sign() -> None:
    assert difference_cells(Difference("mean IoU", 0.01234, -0.002, 0.03, 0.9215)) == [
        "mean IoU",
        "+0.0123",
        "-0.0020 … +0.0300",
        "92.2 %",
    ]
