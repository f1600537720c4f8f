import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from app.training.evaluation.calibration import BINS, calibration_counts, reliability_bins
from app.training.evaluation.diagrams import SIDE, STRIP, TOP, reliability_diagram

SVG = "{*}"


def drawn(counts: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> ElementTree.Element:
    return ElementTree.fromstring(reliability_diagram(reliability_bins(counts), 0.1234))


def test_bars_end_at_the_accuracy_and_gaps_at_the_confidence() -> None:
    svg = drawn(calibration_counts(np.full(4, 0.9), np.arange(4) < 3))
    group, strip = svg.findall(f"{SVG}g")
    bar, gap = group.findall(f"{SVG}rect")
    assert float(bar.attrib["y"]) == TOP + SIDE * (1 - 0.75)
    assert float(bar.attrib["height"]) == SIDE * 0.75
    assert abs(float(gap.attrib["y"]) - (TOP + SIDE * 0.1)) < 0.1
    assert abs(float(gap.attrib["height"]) - SIDE * 0.15) < 0.1
    title = group.find(f"{SVG}title")
    assert title is not None
    assert title.text == "0.87 to 0.93: confidence 0.900, right 0.750, too sure by 0.150"
    share = strip.find(f"{SVG}rect")
    assert share is not None
    assert float(share.attrib["height"]) == STRIP


def test_a_network_that_is_not_sure_enough() -> None:
    assert "not sure enough by 0.400" in reliability_diagram(
        reliability_bins(calibration_counts(np.full(4, 0.6), np.ones(4))), 0.4
    )


def test_it_says_in_words_what_it_shows() -> None:
    svg = drawn(calibration_counts(np.full(4, 0.9), np.arange(4) < 3))
    assert svg.attrib["role"] == "img"
    assert f"Reliability diagram of {BINS} bins" in svg.attrib["aria-label"]
    assert "0.123 apart" in svg.attrib["aria-label"]


def test_without_pixels_there_is_a_frame_only() -> None:
    svg = drawn(np.zeros((3, BINS)))
    assert not svg.findall(f"{SVG}g")
    assert not re.search("nan|inf", ElementTree.tostring(svg, "unicode"))
