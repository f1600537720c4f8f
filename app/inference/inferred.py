"""What answers about one picture are made from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.core.labels import LabelMap
from app.imaging.annotations.regions import Regions
from app.imaging.masks import Mask, class_ids, segment_mask
from app.imaging.probabilities import ProbabilityMap
from app.inference.answers import SegmentOptions
from app.inference.loaded import ModelIdentity
from app.inference.outputs import OUTPUTS, Output

UNBOUNDED = 2**62
"""Bytes, for those who have no limit of their own."""


@dataclass(frozen=True)
class Inferred:
    """A picture whose probabilities are there; what several answers need is made once, when it is asked for.

    Args:
        options: what to answer.
        probabilities: of the picture.
        labels: its classes.
        identity: of the model.
        pixels: (H, W, 3) uint8 of the picture where `options.needs_picture`.
        filename: what the picture is called.
        limit: most bytes of an answer whose size depends on what is in the picture.
    """

    options: SegmentOptions
    probabilities: ProbabilityMap
    labels: LabelMap
    identity: ModelIdentity
    pixels: NDArray[np.uint8] | None = None
    filename: str | None = None
    limit: int = UNBOUNDED

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """The kinds to make."""
        return self.options.outputs(self.labels)

    @cached_property
    def mask(self) -> Mask:
        """The mask with its statistics."""
        options = self.options
        split = options.components and any("components" in OUTPUTS[output].options for output in self.outputs)
        return segment_mask(self.probabilities, self.labels, options.classes, options.threshold, keep_confidence=split)

    @cached_property
    def ids(self) -> NDArray[np.uint8]:
        """The mask alone, (H, W) uint8: quicker where nothing needs its statistics."""
        if {"mask", "overlay", "cutout", "probabilities"}.issuperset(self.outputs):
            return class_ids(self.probabilities, self.labels, self.options.classes, self.options.threshold)
        return self.mask.classes

    @cached_property
    def regions(self) -> Regions:
        """What the mask's annotations have an entry for: the options say whether that is a component."""
        return Regions(self.mask, self.options.components)

    @cached_property
    def classes(self) -> Regions:
        """The regions of those annotations that have an entry a class, always."""
        return Regions(self.mask) if self.options.components else self.regions
