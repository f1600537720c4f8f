import base64
import re
import shutil
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from app.training.checking.check import check
from app.training.checking.disagreement import Disagreement
from app.training.checking.inspection import Inspection
from app.training.checking.page import LONGEST_SIDE, NAMES, check_page, spread
from app.training.evaluation.gallery import Exhibit
from app.training.evaluation.report import PictureScore
from app.training.html import data_uri
from app.training.sources.opening import open_source
from app.training.sources.oxford import PETS
from app.training.sources.samples import Sample


class Reader(HTMLParser):
    """Headings, captions and pictures of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.captions: list[str] = []
        self.tags: set[str] = set()
        self.pictures: dict[str, Image.Image] = {}
        self._in = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        self.tags.add(tag)
        if tag == "img":
            values = dict(attrs)
            encoded = (values["src"] or "").partition("base64,")[2]
            self.pictures[values["alt"] or ""] = Image.open(BytesIO(base64.b64decode(encoded)))

    def handle_data(self, data: str) -> None:
        if self._in == "h2":
            self.headings.append(data)
        elif self._in == "figcaption":
            self.captions.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in = ""


def page_of(root: Path) -> tuple[str, Reader]:
    source = open_source(root)
    page = check_page("Check", check(source, lambda done, total: None), source, [])
    return page, Reader(page)


def test_a_page_of_a_good_data_set(shapes: Path) -> None:
    page, read = page_of(shapes)
    assert read.headings == ["Problems", "Numbers", "Samples"]
    assert "None found." in page
    assert "12 pictures, no problem found" in page
    assert sorted(read.captions) == [f"scene{number:03d}" for number in range(12)]
    assert len(read.pictures) == 24
    assert "script" not in read.tags
    assert not re.search(r'(src|href)="(?!data:|#)', page)  # nothing is fetched


def test_masks_are_tinted_over_the_pictures(shapes: Path) -> None:
    _, read = page_of(shapes)
    with Image.open(shapes / "masks" / "scene000.png") as image:
        mask = np.asarray(image)
    plain, covered = (np.asarray(read.pictures[f"{what} scene000"], int) for what in ("Picture", "Mask of"))
    assert plain.shape[:2] == covered.shape[:2] == mask.shape
    labels = open_source(shapes).labels
    for label in labels:
        inside = mask == label.id
        if inside.any():
            expected = 0.4 * plain[inside].mean(axis=0) + 0.6 * np.array(label.colour)
            assert np.abs(covered[inside].mean(axis=0) - expected).max() < 12  # JPEG


def test_large_pictures_are_shown_small(shapes: Path) -> None:
    for folder in ("images", "masks"):
        path = shapes / folder / "scene000.png"
        with Image.open(path) as image:
            large = image.resize((1000, 500), Image.Resampling.NEAREST)
        large.save(path)
    _, read = page_of(shapes)
    assert read.pictures["Picture scene000"].size == (LONGEST_SIDE, LONGEST_SIDE // 2)


def test_pairs_stand_side_by_side(shapes: Path) -> None:
    for folder in ("images", "masks"):
        shutil.copy(shapes / folder / "scene005.png", shapes / folder / "scene009.png")
    page, read = page_of(shapes)
    assert read.headings == ["Problems", "Numbers", "Pictures that show the same", "Samples"]
    assert "1 of 1 pairs" in page
    assert "scene005 = scene009: the same picture on two lists" in read.captions


def test_names_are_escaped(shapes: Path) -> None:
    evil = "<img src=x onerror=alert(1)>&"
    for folder in ("images", "masks"):
        (shapes / folder / "scene000.png").rename(shapes / folder / f"{evil}.png")
    (shapes / "masks" / "scene001.png").rename(shapes / "masks" / "gone.png")
    (shapes / "classes.toml").write_text((shapes / "classes.toml").read_text().replace("circle", "<b>circle</b>"))
    page, read = page_of(shapes)
    assert "<img src=x" not in page
    assert "<b>circle" not in page
    assert "&lt;b&gt;circle&lt;/b&gt;" in page
    assert any(evil in caption for caption in read.captions)
    assert f"Picture {evil}" in read.pictures


def test_what_differs_stands_beside_the_name(shapes: Path) -> None:
    for number in range(2):
        path = shapes / "masks" / f"scene00{number}.png"
        with Image.open(path) as image:
            mask = np.array(image)
        mask[0, 0] = 70 + number
        Image.fromarray(mask).save(path)
    page, _ = page_of(shapes)
    assert "masks that cannot be used (2): unknown value(s) …; " in page
    assert "<p>scene000: unknown value(s) [70], scene001: unknown value(s) [71]</p>" in page


def test_very_many_names_are_cut(shapes: Path) -> None:
    with Image.open(shapes / "images" / "scene000.png") as image:
        picture = image.copy()
    for number in range(NAMES + 7):
        picture.save(shapes / "images" / f"extra{number:03d}.png", compress_level=0)
    (shapes / "trainval.txt").write_text("scene000\n")
    page, _ = page_of(shapes)
    assert f"pictures without a mask ({NAMES + 7})" in page
    assert "extra199 and 7 more" in page
    assert "extra200" not in page


def test_nothing_to_show(shapes: Path) -> None:
    shutil.rmtree(shapes / "images")
    (shapes / "images").mkdir()
    _, read = page_of(shapes)
    assert read.headings == ["Problems", "Numbers"]


def test_contradicted_masks(shapes: Path) -> None:
    source = open_source(shapes)
    sample = source.samples("trainval")[0]
    uri = data_uri(np.zeros((4, 4, 3), np.uint8))
    score = PictureScore(sample.name, "", "", "", 0.5, {}, 0.7, 0.3)
    drawn = (Exhibit(score, uri, uri, uri, uri), Disagreement(sample, 0.123, 0.456))
    page = check_page("Check", check(source, lambda done, total: None), source, [drawn])
    read = Reader(page)
    assert read.headings == ["Problems", "Numbers", "Masks that the model contradicts", "Samples"]
    assert "scene000: 12.3 % contradicted, mean IoU 0.456" in read.captions


def inspection(name: str, source: str, pixels: list[int] | None) -> Inspection:
    sample = Sample(name, Path("a"), Path("b"), source=source)
    return Inspection(sample, None, None if pixels is None else np.array(pixels), 0, ())


def test_samples_are_spread_over_sources_and_classes() -> None:
    many = [inspection(f"common{number:02d}", "a", [5, 5, 0]) for number in range(50)]
    rare = [inspection(f"rare{number}", "a", [5, 0, 5]) for number in range(2)]
    other = [inspection(f"other{number}", "b", [0, 5, 0]) for number in range(3)]
    broken = [inspection("broken", "b", None)]
    names = [sample.name for sample in spread([*many, *rare, *other, *broken], PETS, count=9)]
    assert names[:6] == ["common00", "rare0", "other0", "common06", "rare1", "other1"]
    assert names[6:] == ["common12", "other2", "common18"]
    assert spread([], PETS) == []
    assert [sample.name for sample in spread(other, PETS)] == ["other0", "other1", "other2"]
