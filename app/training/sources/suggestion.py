"""What to write into `classes.toml`, from what the masks hold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import DataError
from app.training.sources.codes import hexadecimal
from app.training.sources.masks import MaskPixels, read_pixels

Array = np.ndarray[Any, np.dtype[Any]]

LOOKED_AT = 200
"""Most masks that are read for a suggestion."""

MOST = 255
"""More values than that are no classes."""

SHOWN = 12


@dataclass
class _Tally:
    """How many pixels there are of each value and of each colour."""

    values: Counter[int] = field(default_factory=Counter)
    colours: Counter[int] = field(default_factory=Counter)
    masks: int = 0
    in_colours: bool = False

    def add(self, pixels: MaskPixels) -> None:
        """Counts one mask."""
        self.masks += 1
        self.in_colours |= pixels.values is None
        for counter, numbers in ((self.values, pixels.values), (self.colours, pixels.colours)):
            if numbers is not None:
                found, counts = np.unique(numbers, return_counts=True)
                counter.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))

    def shares(self) -> dict[str, float]:
        """Share of the pixels by value, in order; by colour, the most frequent first, if any mask is in colours."""
        if self.in_colours:
            total = self.colours.total()
            return {hexadecimal(colour): count / total for colour, count in self.colours.most_common()}
        total = self.values.total()
        return {str(value): self.values[value] / total for value in sorted(self.values)}


def classes_missing(path: Path, masks: Sequence[Path]) -> DataError:
    """One error for all masks: what they hold, and a file to begin with.

    Args:
        path: of the file that is missing.
        masks: all masks.
    """
    tally = _Tally()
    problems: list[str] = []
    for mask in masks[:: -(-len(masks) // LOOKED_AT) or 1]:
        try:
            tally.add(read_pixels(mask))
        except DataError as error:
            problems += error.problems
    missing = f"{path}: missing; it says which pixels of the masks are which class"
    if not tally.masks:
        return DataError([missing, *problems])
    shares = tally.shares()
    table = "\n".join(f"  {pixel:>8}  {share:7.2%}" for pixel, share in list(shares.items())[:SHOWN])
    more = f"\n  and {len(shares) - SHOWN} more" if len(shares) > SHOWN else ""
    seen = f"{missing}.\n{tally.masks} of {len(masks)} masks hold\n{table}{more}"
    return DataError([f"{seen}\n{_advice(list(shares))}", *problems])


def _advice(pixels: list[str]) -> str:
    if len(pixels) > MOST:
        return (
            "So many are no classes: masks that were saved as JPEG, or scaled with interpolation, have such edges. "
            "Export them again as PNG, at the size of the pictures."
        )
    if len(pixels) < 2:
        return "Two classes are the least: these masks say nothing yet."
    return f"Copy this into it, and give the classes their names:\n\n{_suggested(pixels)}"


def _suggested(pixels: list[str]) -> str:
    """A `classes.toml`; two classes are taken for background and foreground, 255 beside others for ignored."""
    ignored = [pixel for pixel in pixels if pixel == "255" and len(pixels) > 2]
    classes = sorted(pixels) if set(pixels) == {"#000000", "#ffffff"} else [p for p in pixels if p not in ignored]
    names = ["background", "foreground"] if len(classes) == 2 else [f"class {pixel}" for pixel in classes]
    entries = [f"ignore = [{', '.join(ignored)}]\n"] if ignored else []
    for name, pixel in zip(names, classes, strict=True):
        stands = f'mask_colour = "{pixel}"' if pixel.startswith("#") else f"value = {pixel}"
        role = f'role = "{name}"\n' if len(classes) == 2 else ""
        entries.append(f'[[classes]]\nname = "{name}"\n{stands}\n{role}')
    return "\n".join(entries)
