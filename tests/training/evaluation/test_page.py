import dataclasses
import html.parser
import re

import pytest

from app.core.labels import Label, LabelMap
from app.imaging.windows import View
from app.training.evaluation.candidate import Candidate
from app.training.evaluation.gallery import Exhibit
from app.training.evaluation.page import report_page
from app.training.evaluation.report import PictureScore, Report, make_report
from app.training.evaluation.scoring import MOST_COLUMNS, SplitResults
from app.training.sources.oxford import PETS, OxfordPets
from tests.training.evaluation.made_results import Numbered, random_results
from tests.training.evaluation.test_report import of_kinds

EVIL = '<script>alert("x")</script>'
VOID = {"meta", "img", "br"}


class Reader(html.parser.HTMLParser):
    """Tags, and whether each is closed; attributes of pictures; text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.pictures.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("rect", "line")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.open[-1:] == ["h2"]:
            self.headings.append(data)


def shown(name: str, iou: dict[str, float | None]) -> Exhibit:
    score = PictureScore(name, "oxford", "own", "1 2", 0.4321, iou, 0.75, 0.5)
    return Exhibit(score, "data:a", "data:b", "data:c", "data:d")


@pytest.fixture(scope="module")
def report(source: OxfordPets) -> Report:
    results = SplitResults(of_kinds(random_results(6)), of_kinds(random_results(6)))
    candidate = Candidate("runs/a", lambda pictures: pictures, View((32, 32), "stretch"), None)
    other = SplitResults(of_kinds(random_results(6, seed=1)), of_kinds(random_results(6)))
    return make_report(source, "test", (candidate, results), (dataclasses.replace(candidate, name="pets:1"), other))


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    worst = [shown("dark cat", {"pet": 0.4, "background": 0.6, "border": None})]
    return report_page(report, PETS, worst, [shown("a", {"pet": 1.0}), shown("b", {"pet": 1.0})])


def test_every_part_has_its_heading(page: str) -> None:
    reader = Reader(page)
    assert reader.open == []
    assert reader.headings == [
        "In short",
        "Scores",
        "Against pets:1 at 32×32",
        "Each class",
        "Groups of pictures",
        "What is taken for what",
        "Can its probabilities be trusted?",
        "The worst pictures",
        "Pictures at random",
    ]


def test_the_numbers_of_the_report_are_on_it(page: str, report: Report) -> None:
    text = "".join(Reader(page).text)
    scores = report.whole
    for number in (scores.mean_iou, scores.foreground_iou, scores.boundary_f_score, scores.expected_calibration_error):
        assert f"{number:.3f}" in text
    mean = report.intervals[0]
    assert f"{mean.low:.3f} – {mean.high:.3f}" in text
    share = report.confusion[0][0] / sum(report.confusion[0])
    assert f"{100 * share:.1f} %" in text
    assert report.comparison is not None
    assert f"{report.comparison.differences[0].value:+.4f}" in text


def test_every_picture_says_what_it_shows(page: str) -> None:
    pictures = Reader(page).pictures
    assert len(pictures) == 3 * 4
    assert [picture["alt"] for picture in pictures[:4]] == [
        "Picture dark cat",
        "True mask of dark cat",
        "Mask that the network gives for dark cat",
        "Wrong pixels of dark cat: 25.0 %",
    ]
    assert "dark cat (oxford own): mean IoU 0.432 (pet 0.400, background 0.600)" in page


def test_very_many_classes() -> None:
    """No table is wide; of a picture's classes and of the differences the telling ones are shown."""
    count = MOST_COLUMNS + 16
    source = Numbered(count)
    results, others = random_results(4, classes=count), random_results(4, seed=1, classes=count)
    first = Candidate("runs/a", lambda pictures: pictures, View((32, 32), "stretch"), None)
    scored, against = (first, SplitResults(results, results)), (first, SplitResults(others, others))
    report = make_report(source, "test", scored, against)
    iou: dict[str, float | None] = {f"class {number}": number / 100 for number in range(20)} | {"class 3": None}
    made = report_page(report, source.labels, [shown("a", iou)], [])
    assert max(row.count("<td") for row in made.split("<tr>")) < 12
    assert "(class 0 0.000, class 1 0.010, class 2 0.020, class 4 0.040, class 5 0.050" in made
    assert "class 8 0.080 and 11 better ones)" in made
    assert report.comparison is not None
    decided = {each.measure: each.decided for each in report.comparison.differences}
    assert {decided[f"IoU class {number}"] for number in range(count)} == {True, False}
    for measure in decided:
        kept = decided[measure] or not measure.startswith("IoU ")
        assert (f'<th scope="row">{measure}</th>' in made) == kept


def test_it_needs_no_network(page: str) -> None:
    assert not re.search(r"https?:|<script|<link|@import|url\(", page)
    assert "default-src &#x27;none&#x27;" in page


def test_without_groups_and_comparison_their_parts_are_left_out(source: OxfordPets) -> None:
    results = random_results(4)
    candidate = Candidate("runs/a", lambda pictures: pictures, View((32, 32), "stretch"), None)
    report = make_report(source, "test", (candidate, SplitResults(results, results)))
    headings = Reader(report_page(report, PETS, [], [])).headings
    assert not {"Groups of pictures"} & set(headings)
    assert not [heading for heading in headings if heading.startswith("Against")]


def test_names_of_others_are_text(report: Report) -> None:
    labels = LabelMap(tuple(dataclasses.replace(label, name=label.name + EVIL) for label in PETS))
    named = {f"{name}{EVIL}": value for name, value in report.whole.iou.items()}
    whole = report.whole.model_copy(update={"iou": named, "dice": named})
    intervals = tuple(
        dataclasses.replace(each, measure=each.measure + EVIL if each.measure.startswith("IoU") else each.measure)
        for each in report.intervals
    )
    hostile = dataclasses.replace(
        report,
        network=EVIL,
        metrics={EVIL: whole},
        split=EVIL,
        by_source={EVIL: whole},
        by_kind={EVIL: whole},
        intervals=intervals,
        classes=tuple(label.name for label in labels),
        boundary=dict(zip(named, report.boundary.values(), strict=True)),
    )
    page = report_page(hostile, labels, [shown(EVIL, {EVIL: 0.5})], [])
    assert "<script" not in page
    assert EVIL in "".join(Reader(page).text)


def test_a_class_that_is_nowhere(source: OxfordPets) -> None:
    """Without a single pixel in truth, and a label map without roles."""
    results = random_results(4)
    for result in results:
        result.matrix[2] = result.matrix[:, 2] = result.boundary[:, 2] = 0
    plain = LabelMap(tuple(Label(label.id, label.name, label.colour) for label in PETS))
    candidate = Candidate("runs/a", lambda pictures: pictures, View((32, 32), "stretch"), None)
    scored = SplitResults(results, results)

    class WithoutRoles(OxfordPets):
        labels = plain

    report = make_report(WithoutRoles(source.root), "test", (candidate, scored))
    assert report.boundary["border"].f_score is None
    text = "".join(Reader(report_page(report, plain, [], [])).text)
    assert "nan" not in text
    assert "–" in text
