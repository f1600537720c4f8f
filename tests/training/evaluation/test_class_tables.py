import re
from html.parser import HTMLParser

import pytest

from app.imaging.windows import View
from app.training.evaluation.candidate import Candidate
from app.training.evaluation.class_tables import CONFUSIONS, class_table, confusion_table
from app.training.evaluation.pictures import PictureResult
from app.training.evaluation.report import Report, make_report
from app.training.evaluation.scoring import MOST_COLUMNS, SplitResults
from tests.training.evaluation.made_results import Numbered, random_results

MANY = MOST_COLUMNS + 1
CANDIDATE = Candidate("runs/a", lambda pictures: pictures, View((32, 32), "stretch"), None)


class Rows(HTMLParser):
    """Text of each row's cells."""

    def __init__(self, table: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(table)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows:
            self.rows[-1][-1] += data


def reported(results: list[PictureResult]) -> tuple[Report, Numbered]:
    source = Numbered(len(results[0].matrix))
    return make_report(source, "test", (CANDIDATE, SplitResults(results, results))), source


def test_few_classes_are_in_their_order() -> None:
    report, source = reported(random_results(3, classes=MOST_COLUMNS))
    head, *rows = Rows(class_table(report, source.labels)).rows
    assert head[:3] == ["class", "share of pixels", "IoU"]
    assert [row[0] for row in rows] == [f"class {number}" for number in range(MOST_COLUMNS)]
    assert [row[2] for row in rows] == [f"{iou:.3f}" for iou in report.whole.iou.values() if iou is not None]


def test_of_very_many_the_lowest_iou_comes_first() -> None:
    results = random_results(3, classes=MANY)
    for result in results:
        result.matrix[5] = result.matrix[:, 5] = 0  # nowhere
        result.matrix[7, 7] = 0
    report, source = reported(results)
    table = class_table(report, source.labels)
    rows = Rows(table).rows[1:]
    assert (rows[0][0], rows[0][2]) == ("class 7", "0.000")
    assert (rows[-1][0], rows[-1][2]) == ("class 5", "–")
    found = [float(row[2]) for row in rows[:-1]]
    assert found == sorted(found)
    assert "The lowest IoU comes first.</caption>" in table


def test_the_matrix_of_few_classes() -> None:
    report, _ = reported(random_results(2))
    head, *rows = Rows(confusion_table(report)).rows
    assert head == ["true class", "taken for class 0", "taken for class 1", "taken for class 2"]
    for row, counts in zip(rows, report.confusion, strict=True):
        assert row[1:] == [f"{100 * count / sum(counts):.1f} %" for count in counts]


def test_of_very_many_classes_the_largest_confusions_are_listed() -> None:
    results = random_results(1, classes=MANY)
    results[0].matrix[3, 8] = 900
    results[0].matrix[8, 3] = 800
    report, _ = reported(results)
    table = confusion_table(report)
    head, *rows = Rows(table).rows
    assert head == ["true class", "taken for", "of the pixels of that class", "of all wrong pixels"]
    assert len(rows) == CONFUSIONS
    matrix = results[0].matrix
    wrong = matrix.sum() - matrix.trace()
    assert rows[0] == ["class 3", "class 8", f"{90000 / matrix[3].sum():.1f} %", f"{90000 / wrong:.1f} %"]
    assert rows[1][:2] == ["class 8", "class 3"]
    assert all(row[0] != row[1] for row in rows)
    shares = [float(row[3].removesuffix(" %")) for row in rows]
    assert shares == sorted(shares, reverse=True)
    count = (matrix > 0).sum() - (matrix.diagonal() > 0).sum()
    assert re.search(rf"<caption>The {CONFUSIONS} largest of {count:,} confusions, by the number of pixels\.", table)


@pytest.mark.parametrize("mistakes", [0, 2])
def test_few_confusions_and_none(mistakes: int) -> None:
    (result,) = random_results(1, classes=MANY)
    result.matrix[:] = 0
    result.matrix[range(MANY), range(MANY)] = 10
    result.matrix[range(mistakes), 9] = 5
    report, _ = reported([result])
    assert len(Rows(confusion_table(report)).rows) == 1 + mistakes
