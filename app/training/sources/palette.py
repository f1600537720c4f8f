"""Colours for classes that have none: as far apart as can be, for people with a colour vision deficiency too."""

from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np

from app.core.labels import RGB

Array = np.ndarray[Any, np.dtype[Any]]

BACKGROUND: RGB = (63, 81, 120)
"""Slate, for the background: black is what undecided pixels are shown in."""

OKABE_ITO: tuple[RGB, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
"""M. Okabe, K. Ito, "Color Universal Design", 2002, without its black."""

SHOWN_OTHERWISE: tuple[RGB, ...] = ((0, 0, 0), (255, 255, 255))
"""Undecided pixels and paper."""

LEVELS = np.arange(0, 256, 15)

# G. Machado, M. Oliveira, L. Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# 2009, severity 1.0, on linear RGB.
PROTANOPIA = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))

# IEC 61966-2-1: linear RGB to CIE XYZ, divided by the white point D65.
XYZ = np.array(((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505)))
WHITE = XYZ.sum(axis=1)


def distinct_colours(count: int, taken: Collection[RGB] = ()) -> list[RGB]:
    """So many colours, always the same: those of Okabe and Ito first, then each the farthest from all before.

    Args:
        count: how many.
        taken: colours that others have already, and that none of the new ones is near to.
    """
    chosen = [colour for colour in OKABE_ITO if colour not in taken][:count]
    candidates, seen = _candidates()
    nearest = np.full(len(candidates), np.inf)
    for colour in (*SHOWN_OTHERWISE, *taken, *chosen):
        nearest = np.minimum(nearest, _distances(seen, colour))
    while len(chosen) < count:
        red, green, blue = candidates[nearest.argmax()].tolist()
        chosen.append((red, green, blue))
        nearest = np.minimum(nearest, _distances(seen, chosen[-1]))
    return chosen


@cache
def _candidates() -> tuple[Array, Array]:
    """A grid of colours, (N, 3) uint8, and how each is seen."""
    grid = np.stack(np.meshgrid(LEVELS, LEVELS, LEVELS, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid.astype(np.uint8), _seen(grid)


def _distances(seen: Array, colour: RGB) -> Array:
    """How far a colour is from each of N, (N,): as seen by whom they are nearest for."""
    distances: Array = np.linalg.norm(seen - _seen(np.array([colour])), axis=-1).min(axis=1)
    return distances


def _seen(colours: Array) -> Array:
    """Colours (N, 3), 0–255, as CIELAB for three kinds of eyes, (N, 3, 3): normal, protanope, deuteranope."""
    scaled = colours / 255
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)
    views = np.stack([linear, linear @ np.array(PROTANOPIA).T, linear @ np.array(DEUTERANOPIA).T], axis=1)
    ratio = np.clip(views, 0, 1) @ XYZ.T / WHITE
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)
