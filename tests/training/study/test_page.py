from pathlib import Path

import pytest

from app.core.errors import TrainingError
from app.training.study.page import IMAGES, PAGE, RECORD, SECTION, filled, render
from app.training.study.record import read_record
from app.training.study.tables import sections
from tests.training.study.drawn_study import drawn_record

DOCS = Path(__file__).parents[3] / "docs"
TEXT = "before\n<!-- study: costs -->\nold\nold\n<!-- /study -->\nbetween\n<!-- study: depth -->\n<!-- /study -->\n"


def test_sections_are_filled_and_all_else_is_kept() -> None:
    once = filled(TEXT, {"costs": "a\nb", "depth": r"c\1"})
    assert once == (
        "before\n<!-- study: costs -->\na\nb\n<!-- /study -->\nbetween\n<!-- study: depth -->\nc\\1\n<!-- /study -->\n"
    )
    assert filled(once, {"costs": "a\nb", "depth": r"c\1"}) == once


def test_an_unknown_section_is_named() -> None:
    with pytest.raises(TrainingError, match="no section 'depth'; known: costs"):
        filled(TEXT, {"costs": ""})


def test_a_folder_gets_record_pictures_and_page(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text(TEXT)
    record = drawn_record()
    written = render(record, tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in written} == {
        *(PAGE, RECORD, "images/study-differences.png", "images/study-depth.png"),
        *(f"images/study-figure-{number}.png" for number in (6, 9, 10)),
    }
    assert read_record(tmp_path / RECORD) == record
    page = (tmp_path / PAGE).read_text("utf-8")
    assert sections(record)["costs"] in page
    assert "old" not in page
    before = {path: path.read_bytes() for path in written}
    assert {path: path.read_bytes() for path in render(read_record(tmp_path / RECORD), tmp_path)} == before


def test_a_folder_without_the_page(tmp_path: Path) -> None:
    render(drawn_record(), tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {IMAGES, RECORD}


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="file"):
        render(drawn_record(), tmp_path / "file")


def test_the_page_has_a_place_for_every_section() -> None:
    names = [match["name"] for match in SECTION.finditer((DOCS / PAGE).read_text("utf-8"))]
    assert sorted(names) == sorted(sections(drawn_record()))


@pytest.mark.skipif(not (DOCS / RECORD).exists(), reason="the study has not been made yet: there is no docs/study.json")
def test_text_and_numbers_of_the_page_are_those_of_its_record() -> None:
    record = read_record(DOCS / RECORD)
    page = (DOCS / PAGE).read_text("utf-8")
    assert page == filled(page, sections(record))
    assert (DOCS / RECORD).stat().st_size < 200_000
    assert (record.blocks < 3) == ("nothing can be decided yet" in page)
    for name in ("figure-6", "figure-9", "figure-10", "depth", "differences"):
        assert (DOCS / IMAGES / f"study-{name}.png").stat().st_size < 80_000
