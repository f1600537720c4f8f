"""Pages for reports: one self-contained HTML file each, without a network, in light and dark.

Names of files and classes come from others: every text is escaped unless it is `Html`, which only these functions make.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, np.dtype[Any]]

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Content security policy of a page: even a mistake in escaping runs nothing and fetches nothing."""

LONGEST_LEGEND = 40
"""Most names of a legend that is open from the start."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #fff; --tint: #f3f5f8; --line: #d9dee6;
  --accent: #2457c5; --warm: #b4540a; font: 16px/1.55 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #a3aebd; --paper: #12161d; --tint: #1b212b;
  --line: #323b49; --accent: #86abff; --warm: #f2a65e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 5rem; max-width: 76rem; color: var(--ink); background: var(--paper); }
h1 { margin: 0 0 .5rem; font-size: 2rem; line-height: 1.2; }
h2 { margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 1.4rem; }
p { max-width: 46rem; margin: .5rem 0 1rem; }
.lead { color: var(--soft); font-size: 1.1rem; }
a { color: var(--accent); }
nav ul { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin: 1.25rem 0 0; padding: 0; list-style: none; }
.wide { overflow: auto; max-height: min(80vh, 44rem); }
.wide:focus-visible { outline: 2px solid var(--accent); }
table { border-collapse: separate; border-spacing: 0; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption, figcaption { color: var(--soft); font-size: .9rem; text-align: left; max-width: 46rem; padding-bottom: .5rem; }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; font-weight: 500; white-space: normal; min-width: min(12rem, 35vw); }
thead th { color: var(--soft); font-size: .85rem; font-weight: 600; vertical-align: bottom; }
thead th, thead th:first-child { white-space: normal; }
thead th, th:first-child { position: sticky; z-index: 1; background: var(--paper); }
thead th { top: 0; }
th:first-child { left: 0; }
thead th:first-child { z-index: 2; }
.shaded { display: block; margin: -.4rem -.6rem; padding: .4rem .6rem;
  background: color-mix(in srgb, var(--accent) var(--share), transparent); }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .75rem;
  margin: 1.25rem 0; }
.numbers div { padding: .8rem 1rem; border-radius: .6rem; background: var(--tint); }
.numbers dt { color: var(--soft); font-size: .85rem; }
.numbers dd { margin: .15rem 0 0; font-size: 1.6rem; font-weight: 600; line-height: 1.2; }
.numbers dd small { display: block; margin-top: .25rem; color: var(--soft); font-size: .8rem; font-weight: 400; }
figure { margin: 1rem 0; }
figcaption { padding: .5rem 0 0; overflow-wrap: anywhere; }
svg { display: block; max-width: 100%; height: auto; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--least), 1fr)); gap: 1.25rem; }
.gallery figure { margin: 0; padding: .75rem; border-radius: .6rem; background: var(--tint); }
.row { display: grid; grid-auto-columns: minmax(0, 1fr); grid-auto-flow: column; gap: .4rem; align-items: start; }
.row img { display: block; width: 100%; max-height: 15rem; object-fit: contain; object-position: left top; }
.swatch { display: inline-block; width: .8em; height: .8em; margin-right: .45em; border: 1px solid var(--line);
  border-radius: .2em; }
details { margin: .5rem 0 1rem; }
summary { cursor: pointer; color: var(--accent); }
footer { margin-top: 4rem; color: var(--soft); font-size: .85rem; }
@media print { nav { display: none; } .wide { max-height: none; } figure, tr { break-inside: avoid; } }
"""


class Html(str):
    """Markup, safe to put into a page as it is; any other string is text and gets escaped."""

    __slots__ = ()


@dataclass(frozen=True)
class Section:
    """A part of a page under its own heading.

    Args:
        heading: its text.
        parts: what stands in it: markup, or texts that become paragraphs.
    """

    heading: str
    parts: Sequence[str]


def page(title: str, lead: str, sections: Sequence[Section], footer: str = "") -> str:
    """A whole page: title, one paragraph that says what it shows, links to the sections, the sections."""
    links = joined(Html(f'<li><a href="#part{n}">{markup(s.heading)}</a></li>') for n, s in enumerate(sections, 1))
    parts = joined(_section(number, section) for number, section in enumerate(sections, 1))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">
<title>{markup(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{markup(title)}</h1>
<p class="lead">{markup(lead)}</p>
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main>{parts}</main>
<footer>{markup(footer)}</footer>
</body>
</html>
"""


def _section(number: int, section: Section) -> Html:
    parts = joined(part if isinstance(part, Html) else paragraph(part) for part in section.parts)
    heading = f'<h2 id="part{number}-heading">{markup(section.heading)}</h2>'
    return Html(f'\n<section id="part{number}" aria-labelledby="part{number}-heading">{heading}{parts}</section>')


def markup(text: str) -> Html:
    """Text escaped; markup as it is."""
    return text if isinstance(text, Html) else Html(escape(text))


def joined(parts: Any) -> Html:
    """Pieces of text or markup, one after the other."""
    return Html("".join(markup(part) for part in parts))


def paragraph(text: str) -> Html:
    """A paragraph."""
    return Html(f"<p>{markup(text)}</p>")


def numbers(values: Mapping[str, tuple[str, str]]) -> Html:
    """Key figures, large: name → (value, a few words below it)."""
    cells = (
        f"<div><dt>{markup(name)}</dt><dd>{markup(value)}<small>{markup(note)}</small></dd></div>"
        for name, (value, note) in values.items()
    )
    return Html(f'<dl class="numbers">{"".join(cells)}</dl>')


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> Html:
    """A table; the first cell of each row names it, the others stand to the right.

    Too large a one scrolls by itself; its titles and names stay in sight.
    """
    titles = "".join(f'<th scope="col">{markup(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{markup(row[0])}</th>{"".join(f"<td>{markup(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    top = f"<caption>{markup(caption)}</caption><thead><tr>{titles}</tr></thead>"
    region = f'class="wide" tabindex="0" role="region" aria-label="{escape(caption.partition(".")[0])}"'
    return Html(f"<div {region}><table>{top}<tbody>{body}</tbody></table></div>")


def shaded(text: str, share: float) -> Html:
    """A table's cell whose background is the stronger the larger `share` is, 0–1."""
    return Html(f'<span class="shaded" style="--share: {55 * min(max(share, 0), 1):.0f}%">{markup(text)}</span>')


def swatch(name: str, colour: tuple[int, int, int]) -> Html:
    """A name beside a small square of a colour (red, green, blue 0–255)."""
    square = f'<span class="swatch" style="background: #{bytes(colour).hex()}"></span>'
    return Html(f"{square}{markup(name)}")


def legend(colours: Sequence[tuple[str, tuple[int, int, int]]]) -> Html:
    """A paragraph of names, each beside its colour; very many are folded up."""
    names = paragraph(joined(joined([swatch(name, colour), Html("&emsp; ")]) for name, colour in colours))
    if len(colours) <= LONGEST_LEGEND:
        return names
    return Html(f"<details><summary>{len(colours)} classes and their colours</summary>{names}</details>")


def figure(content: Html, caption: str) -> Html:
    """Something to look at, with a caption below it."""
    return Html(f"<figure>{content}<figcaption>{markup(caption)}</figcaption></figure>")


def picture(uri: str, alternative: str) -> Html:
    """A picture from a data URI, with the text for those who don't see it."""
    return Html(f'<img src="{escape(uri)}" alt="{escape(alternative)}">')


def row(pictures: Sequence[Html]) -> Html:
    """Pictures side by side."""
    return Html(f'<div class="row">{"".join(pictures)}</div>')


def gallery(figures: Sequence[Html], least_width: int = 640) -> Html:
    """Figures in columns at least so many pixels wide, as many columns as fit."""
    return Html(f'<div class="gallery" style="--least: min(100%, {least_width}px)">{"".join(figures)}</div>')


def data_uri(pixels: Array, kind: str = "PNG") -> str:
    """A picture (H, W, 3) uint8 as a data URI: `PNG` for masks and drawings, `JPEG` for photographs."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **({"quality": 82} if kind == "JPEG" else {"optimize": True}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
