from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from app.training.sources.samples import Credit, Sample


def test_a_sample_needs_no_more_than_its_files() -> None:
    sample = Sample("a", Path("a.jpg"), Path("a.png"))
    assert (sample.source, sample.mask_kind, sample.stratum) == ("", "", "")
    assert sample == Sample("a", Path("a.jpg"), Path("a.png"))


@pytest.mark.parametrize("value", [Sample("a", Path("a.jpg"), Path("a.png")), Credit("a", "b", "c")])
def test_they_are_values(value: Sample | Credit) -> None:
    with pytest.raises(FrozenInstanceError):
        value.name = "b"  # type: ignore[misc]  # that is the point
    assert {value: 1}[value] == 1


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("oxford", True),
        ("ox*", True),
        ("*", True),
        ("oxford/own/2 17", True),
        ("oxford/*/2 *", True),
        ("*/own/*", True),
        ("oxford/*/1 *", False),
        ("own", False),
        ("", False),
    ],
)
def test_patterns(pattern: str, fits: bool) -> None:
    sample = Sample("a", Path("a.jpg"), Path("a.png"), source="oxford", mask_kind="own", stratum="2 17")
    assert sample.matches(pattern) is fits
