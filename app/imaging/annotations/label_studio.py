"""Label Studio's brush: a bit stream of runs, and the prediction that a task takes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.imaging.annotations.regions import Regions
from app.imaging.annotations.runs import Indices, lengths_in_turn

FROM_NAME = "tag"
TO_NAME = "image"
"""Names of the labelling control and of its picture in Label Studio's own template of brush labels."""

CHANNELS = 4
"""Values of a pixel: the browser draws into RGBA."""
_WORD = 8
"""Bits of a value."""
_SIZES = np.array([3, 4, 8, 16])
"""Bits that a run's length may be written with."""
_LONGEST = 2**16
"""Values of a run."""
_AT_A_TIME = 2**16
"""Runs that are spread into bits at a time: 2 MB."""


def brush_prediction(
    regions: Regions, model_version: str, from_name: str = FROM_NAME, to_name: str = TO_NAME
) -> dict[str, Any]:
    """What goes into a task's `predictions`.

    Args:
        regions: of the mask.
        model_version: which model made it.
        from_name: name of the labelling configuration's `BrushLabels`.
        to_name: name of its `Image`.
    """
    results = list(brush_results(regions, from_name, to_name))
    return {"model_version": model_version, "score": prediction_score(regions), "result": results}


def prediction_score(regions: Regions) -> float:
    """Mean confidence of all pixels that are decided; 0 where none is."""
    pixels = sum(region.pixels for region in regions.all)
    return sum(region.pixels * region.mean_confidence for region in regions.all) / max(1, pixels)


def brush_results(regions: Regions, from_name: str = FROM_NAME, to_name: str = TO_NAME) -> Iterator[dict[str, Any]]:
    """A brush result for each region; the same mask has the same ids."""
    height, width = regions.size
    for number, region in enumerate(regions.all, start=1):
        lengths = lengths_in_turn(*regions.rows.of(region.number), height * width)
        yield {
            "id": f"segserve-{number}",
            "from_name": from_name,
            "to_name": to_name,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "type": "brushlabels",
            "value": {"format": "rle", "rle": brush_rle(lengths).tolist(), "brushlabels": [region.label.name]},
            "score": region.mean_confidence,
            "readonly": False,
        }


def brush_rle(lengths: Indices) -> NDArray[np.uint8]:
    """The bit stream, as (n,) uint8 bytes.

    Args:
        lengths: (m,) int64, pixels outside and inside in turn, outside first, as `lengths_in_turn` gives them.
    """
    values, runs = _runs(lengths * CHANNELS)
    parts = [_bits(np.array([int(runs.sum()), _WORD - 1, *(_SIZES - 1)]), np.array([32, 5, 4, 4, 4, 4]))]
    packed: list[NDArray[np.uint8]] = []
    for first in range(0, len(runs), _AT_A_TIME):
        parts.append(_run_bits(values[first : first + _AT_A_TIME], runs[first : first + _AT_A_TIME]))
        bits = np.concatenate(parts)
        whole = len(bits) // 8 * 8
        packed.append(np.packbits(bits[:whole]))
        parts = [bits[whole:]]
    # The reference writes 1 to 8 bits to fill the last byte, never none.
    packed.append(np.packbits(np.append(parts[0], np.zeros(8 - len(parts[0]), np.uint8))))
    return np.concatenate(packed)


def _runs(lengths: Indices) -> tuple[Indices, Indices]:
    """Value and length of each run of the stream: those that are too long are cut."""
    pieces = -(-lengths // _LONGEST)
    cut = np.full(int(pieces.sum()), _LONGEST, np.int64)
    last = np.cumsum(pieces)[pieces > 0] - 1
    cut[last] = (lengths - (pieces - 1) * _LONGEST)[pieces > 0]
    return np.repeat(np.arange(len(lengths)) % 2 * (2**_WORD - 1), pieces), cut


def _run_bits(values: Indices, runs: Indices) -> NDArray[np.uint8]:
    """A bit 1, which of the sizes, the length − 1 in so many bits, the value."""
    size = np.searchsorted(2**_SIZES, runs)
    width = _SIZES[size]
    code = (((0b100 | size) << width | runs - 1) << _WORD) | values
    return _bits(code, width + 3 + _WORD)


def _bits(codes: Indices, widths: Indices) -> NDArray[np.uint8]:
    """(Σ widths,) uint8: the lowest bits of each code, the highest of them first."""
    widest = int(widths.max(initial=0))
    places = np.arange(widest - 1, -1, -1)
    bits = (codes[:, np.newaxis] >> places & 1).astype(np.uint8)
    return bits[places < widths[:, np.newaxis]]
