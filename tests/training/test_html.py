import base64
import io
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from app.training.html import (
    LONGEST_LEGEND,
    Html,
    Section,
    data_uri,
    figure,
    gallery,
    joined,
    legend,
    markup,
    numbers,
    page,
    paragraph,
    picture,
    row,
    shaded,
    swatch,
    table,
)

EVIL = "<b onclick='x'>\"&"
ESCAPED = "&lt;b onclick=&#x27;x&#x27;&gt;&quot;&amp;"


def texts(markup: str) -> str:
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[assignment, method-assign]  # all that is needed
    parser.feed(markup)
    return "".join(found)


def test_text_is_escaped_and_markup_is_not() -> None:
    assert markup(EVIL) == ESCAPED
    assert markup(Html("<b>")) == "<b>"
    assert joined(["<", Html("<br>")]) == "&lt;<br>"


@pytest.mark.parametrize(
    "made",
    [
        paragraph(EVIL),
        numbers({EVIL: (EVIL, EVIL)}),
        table([EVIL], [[EVIL, EVIL]], EVIL),
        shaded(EVIL, 0.5),
        swatch(EVIL, (1, 2, 3)),
        figure(Html(""), EVIL),
        picture(EVIL, EVIL),
        Html(page(EVIL, EVIL, [Section(EVIL, [EVIL])], EVIL)),
    ],
)
def test_every_piece_escapes_what_it_is_given(made: Html) -> None:
    assert isinstance(made, Html)
    assert "<b" not in made.replace("<body", "")
    assert ESCAPED in made


def test_a_page_links_to_its_sections() -> None:
    made = page("Title", "What it shows.", [Section("First", ["text"]), Section("Second", [Html("<i>x</i>")])], "foot")
    assert made.startswith('<!doctype html>\n<html lang="en">')
    assert '<a href="#part2">Second</a>' in made
    assert '<section id="part2" aria-labelledby="part2-heading"><h2 id="part2-heading">Second</h2><i>x</i>' in made
    assert "<p>text</p>" in made
    assert "<footer>foot</footer>" in made
    assert "prefers-color-scheme: dark" in made


def test_a_page_may_load_nothing() -> None:
    made = page("Title", "", [])
    assert "default-src &#x27;none&#x27;; img-src data:" in made
    assert "http:" not in made
    assert "https:" not in made


def test_a_table_names_its_rows_and_columns() -> None:
    made = table(["class", "IoU"], [["pet", "0.8"], ["border", shaded("0.5", 0.5)]], "Scores. All of them.")
    assert made.count('scope="col"') == made.count('scope="row"') == 2
    assert "<caption>Scores. All of them.</caption>" in made
    assert 'aria-label="Scores"' in made
    assert '<td><span class="shaded"' in made


@pytest.mark.parametrize(("share", "strength"), [(-1, 0), (0, 0), (0.5, 28), (1, 55), (7, 55)])
def test_shades_are_bounded(share: float, strength: int) -> None:
    assert f"--share: {strength}%" in shaded("x", share)


def test_pieces() -> None:
    assert "background: #0a14ff" in swatch("pet", (10, 20, 255))
    colours = [("pet", (10, 20, 255)), ("a<b", (0, 0, 0))]
    assert legend(colours).count("swatch") == 2
    assert "a&lt;b" in legend(colours)
    assert picture("data:x", "a cat") == '<img src="data:x" alt="a cat">'
    assert row([Html("<i></i>"), Html("<b></b>")]) == '<div class="row"><i></i><b></b></div>'
    assert "min(100%, 300px)" in gallery([Html("")], 300)
    assert texts(numbers({"IoU": ("0.8", "of all")})) == "IoU0.8of all"


def test_a_long_legend_is_folded_up() -> None:
    colours = [(f"class {number}", (number, 0, 0)) for number in range(LONGEST_LEGEND + 1)]
    folded = legend(colours)
    assert folded.startswith(f"<details><summary>{LONGEST_LEGEND + 1} classes and their colours</summary><p>")
    assert legend(colours[1:]).startswith("<p>")
    assert texts(folded).count("class ") == LONGEST_LEGEND + 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_pictures_travel_in_the_page(kind: str) -> None:
    pixels = np.full((4, 6, 3), (200, 30, 60), np.uint8)
    uri = data_uri(pixels, kind)
    head, _, content = uri.partition(",")
    assert head == f"data:image/{kind.lower()};base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert (image.format, image.size) == (kind, (6, 4))
        assert np.abs(np.asarray(image).astype(int) - pixels).max() < 6
