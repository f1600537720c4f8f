"""How to segment: options of an answer, and the bounds that they must keep to."""

from dataclasses import dataclass
from typing import Literal

from app.core.errors import AnswerTooLargeError, InvalidParameterError
from app.core.labels import LabelMap
from app.imaging.annotations.coco import CocoSegmentation
from app.imaging.annotations.label_studio import FROM_NAME, TO_NAME
from app.imaging.geometry import Geometry
from app.imaging.windows import View
from app.inference.outputs import OUTPUTS, Output, passes, possible_outputs

ProbabilitiesSize = Literal["model", "original"]
Colour = tuple[int, int, int, int]

SMALLEST_TILE = 32
"""Pixels. Smaller windows show too little of anything."""
MOST_WINDOWS = 1024
"""Of a picture in tiles; at 8 ms each that is 8 seconds of one core."""
LARGEST_TOLERANCE = 1000.0
"""Pixels by which outlines may be off."""
LONGEST_NAME = 200
"""Characters of a control's name in Label Studio."""

_CONFIDENCE = 5
"""Bytes for each pixel of a mask that keeps its confidence."""


@dataclass(frozen=True)
class SegmentOptions:
    """How to segment.

    Args:
        output: kind of answer.
        classes: names of the classes to keep (the others' pixels become 255); None: all.
        threshold: pixels whose winning probability is below it become 255; 0–1.
        size: of `output="probabilities"` only: the network's own size or the picture's.
        tile: side of overlapping windows in pixels of the picture, for pictures that are longer; None: the network
            sees the whole picture.
        flip: whether to take the mean of the probabilities of the picture and of its mirror image.
        parts: of `output="zip"` only: the kinds that it holds; None: all that the model can give.
        components: whether each connected component has an entry of its own, in kinds that have entries.
        segmentation: of `output="coco"`: how regions are written.
        tolerance: pixels by which outlines may be off; 0: they give the mask back pixel by pixel.
        from_name: of `output="label-studio"`: the control's name in the labelling configuration.
        to_name: likewise, the picture's name.
        alpha_only: of `output="cutout"`: its alpha alone, as a grey picture.
        background: of `output="cutout"`: RGBA, 0–255, of what it is laid on.
    """

    output: Output = "mask"
    classes: tuple[str, ...] | None = None
    threshold: float = 0.0
    size: ProbabilitiesSize = "model"
    tile: int | None = None
    flip: bool = False
    parts: tuple[Output, ...] | None = None
    components: bool = False
    segmentation: CocoSegmentation = "rle"
    tolerance: float = 0.0
    from_name: str = FROM_NAME
    to_name: str = TO_NAME
    alpha_only: bool = False
    background: Colour | None = None

    def outputs(self, labels: LabelMap) -> tuple[Output, ...]:
        """The kinds that are to be made: several for `zip`, else the one."""
        if self.output != "zip":
            return (self.output,)
        return possible_outputs(labels) if self.parts is None else self.parts

    @property
    def needs_picture(self) -> bool:
        """Whether the answer shows the picture's own pixels, all of them."""
        shown = (self.output,) if self.output != "zip" else self.parts
        return shown is None or "overlay" in shown or ("cutout" in shown and not self.alpha_only)

    def require_possible(self, labels: LabelMap, view: View) -> None:
        """Passes what a model with these classes, that is shown pictures like this, can answer.

        Raises:
            InvalidParameterError: it names the parameter.
        """
        if not 0.0 <= self.threshold <= 1.0:
            raise InvalidParameterError("threshold", f"must be from 0 to 1, not {self.threshold}")
        if self.classes is not None and not self.classes:
            raise InvalidParameterError("classes", "names no class")
        for name in self.classes or ():
            labels.named(name)
        self._require_sound_formats()
        if "cutout" in self.outputs(labels) and not labels.ids("foreground"):
            raise InvalidParameterError("output", "cutout: no class of this model has the role of foreground")
        if self.tile is not None and view.in_windows:
            height, width = view.size
            raise InvalidParameterError("tile", f"this model sees windows of its own, {width}×{height}")
        if self.tile is not None and self.tile < SMALLEST_TILE:
            raise InvalidParameterError("tile", f"at least {SMALLEST_TILE} pixels")

    def _require_sound_formats(self) -> None:
        if self.parts is not None and (self.output != "zip" or not self.parts or "zip" in self.parts):
            raise InvalidParameterError("output", "parts are kinds of answers that output=zip holds, at least one")
        if not 0.0 <= self.tolerance <= LARGEST_TOLERANCE:
            raise InvalidParameterError("tolerance", f"from 0 to {LARGEST_TOLERANCE:g} pixels, not {self.tolerance}")
        for parameter, name in (("from_name", self.from_name), ("to_name", self.to_name)):
            if not name.strip() or len(name) > LONGEST_NAME:
                raise InvalidParameterError(parameter, f"a name of 1 to {LONGEST_NAME} characters")

    def require_few_windows(self, view: View, size: tuple[int, int]) -> None:
        """Passes pictures of (H, W) that are not cut into too many windows.

        Raises:
            InvalidParameterError: it says how many there would be.
        """
        if self.tile is not None and (count := view.count(size)) > MOST_WINDOWS:
            height, width = size
            raise InvalidParameterError(
                "tile", f"{count:,} windows of {self.tile} pixels in {width}×{height}, more than {MOST_WINDOWS:,}"
            )

    def require_affordable(self, geometry: Geometry, labels: LabelMap, limit: int) -> None:
        """Passes answers whose arrays fit.

        Args:
            geometry: its source is the picture's size.
            labels: the model's classes.
            limit: most bytes of the largest array that the answer is made from.

        Raises:
            AnswerTooLargeError: it says how many bytes it would be.
        """
        height, width = geometry.source
        outputs = self.outputs(labels)
        needed = max(self._bytes(output, geometry, len(labels)) for output in outputs)
        if passes(outputs) > 1 and geometry.target == geometry.source:  # windows, put together once for all
            needed = max(needed, height * width * len(labels) * OUTPUTS["probabilities"].bytes_per_pixel)
        if needed > limit:
            raise AnswerTooLargeError(
                f"output={self.output} of a picture of {width}×{height} takes {needed} bytes, "
                f"more than the limit of {limit}: send a smaller picture"
            )

    def _bytes(self, output: Output, geometry: Geometry, classes: int) -> int:
        """Of the largest array that is needed for one kind."""
        height, width = geometry.source
        kind = OUTPUTS[output]
        # Masks are made in bands: of the probabilities only the winners are ever held for the whole picture.
        each = kind.bytes_per_pixel
        if self.components and "components" in kind.options:
            each = max(each, _CONFIDENCE)
        if output == "probabilities":
            each *= classes
            if self.size == "model":
                height, width = geometry.target
        return height * width * each
