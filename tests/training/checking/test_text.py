import json
from pathlib import Path

import pytest

from app.training.checking.check import CheckResult
from app.training.checking.disagreement import Disagreement
from app.training.checking.problems import ABSENT_CLASS, UNUSABLE_MASK, Finding, Problem
from app.training.checking.summary import Range, summarise
from app.training.checking.text import finding_text, percent, range_text, report_json, report_text
from app.training.sources.oxford import PETS
from app.training.sources.samples import Sample
from tests.training.checking.conftest import checked

MASKS = tuple(Problem(UNUSABLE_MASK, f"p{number}", f"value {number}") for number in range(7))


def test_a_finding_is_two_lines_with_the_first_names_and_the_remedy() -> None:
    assert finding_text(Finding(UNUSABLE_MASK, "value …", MASKS)) == (
        "error: masks that cannot be used (7): value …: p0, p1, p2, p3, p4 and 2 more\n"
        "  → correct them, or take them off the list"
    )
    assert finding_text(Finding(ABSENT_CLASS, "", (Problem(ABSENT_CLASS, "border"),))).startswith(
        "warning: classes without a pixel to train on (1): border\n  → "
    )


@pytest.mark.parametrize(("share", "text"), [(0, "0.0 %"), (0.0004, "<0.1 %"), (0.001, "0.1 %"), (0.5, "50.0 %")])
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_ranges() -> None:
    assert range_text(None) == "–"
    assert range_text(Range(3, 4, 5)) == "3 – 4 – 5"
    assert range_text(Range(4, 4, 4)) == "4"
    assert range_text(Range(0.5, 1, 2), digits=2) == "0.50 – 1.00 – 2.00"


def test_the_report_of_a_good_data_set(shapes: Path) -> None:
    lines = report_text(checked(shapes), []).splitlines()
    assert lines[0] == "| list | pictures | usable | width | height | width / height | undecided pixels |"
    assert lines[2].startswith("| trainval | 9 | 9 | ")
    assert lines[3].startswith("| test | 3 | 3 | ")
    assert lines[4].startswith("| all | 12 | 12 | ")
    assert lines[6].startswith("| class | trainval: pixels | trainval: pictures | test: pixels | ")
    assert [line.split(" | ")[0] for line in lines[8:12]] == ["| background", "| circle", "| square", "| triangle"]
    assert lines[-1] == "12 pictures, no problem found"
    assert len(lines) == 14


def test_the_report_of_a_bad_one(shapes: Path) -> None:
    (shapes / "masks" / "scene000.png").unlink()
    (shapes / "images" / "scene001.png").write_bytes(b"no picture")
    rows = [f"scene{number:03d},{'ab'[number % 2]}" for number in range(12)]
    (shapes / "samples.csv").write_text("name,source\n" + "\n".join(rows))
    result = checked(shapes)
    ranking = [Disagreement(sample, 0.25, 0.5) for sample in result.comparable]
    text = report_text(result, ranking)
    assert "| source | pictures | usable |" in text
    assert "| class | a: pixels | a: pictures | b: pixels |" in text
    assert "| most contradicted masks | sure of another class | mean IoU |\n|---|---|---|\n| scene002 | 25.0 %" in text
    assert "error: masks that are not there (1): scene000\n  → restore the files" in text
    assert text.endswith("12 pictures; kinds of errors: 2, of warnings: 0: training would stop")


def test_only_the_first_of_a_ranking_are_printed() -> None:
    result = CheckResult(PETS, (), {"all": summarise([], PETS)}, {}, (), (Finding(ABSENT_CLASS, "", MASKS[:1]),), ())
    ranking = [Disagreement(Sample(f"p{n:02d}", Path("a"), Path("b")), 1 - n / 100, 0.5) for n in range(30)]
    text = report_text(result, ranking)
    assert "| p19 | 81.0 % | 0.500 |" in text
    assert "p20" not in text
    assert text.endswith("0 pictures; kinds of errors: 0, of warnings: 1: training can start")


def test_as_json_every_problem_is_named(shapes: Path) -> None:
    for number in range(7):
        (shapes / "masks" / f"scene{number:03d}.png").unlink()
    result = checked(shapes)
    ranking = [Disagreement(sample, 0.25, 0.5) for sample in result.comparable]
    content = json.loads(report_json(result, ranking))
    assert content["classes"] == ["background", "circle", "square", "triangle"]
    assert (content["pictures"], content["ok"]) == (12, False)
    assert content["lists"]["test"]["pictures"] == 3
    assert content["lists"]["test"]["classes"]["background"]["pictures"] == 3
    missing = next(finding for finding in content["findings"] if finding["kind"] == "missing_mask")
    assert missing["severity"] == "error"
    assert missing["remedy"]
    assert [problem["name"] for problem in missing["problems"]] == [f"scene{number:03d}" for number in range(7)]
    assert content["disagreements"][0] == {"sample": "scene007", "contradicted": 0.25, "mean_iou": 0.5}
