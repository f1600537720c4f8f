"""Probabilities to the body of an answer, within a bound on memory."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.core.errors import AnswerTooLargeError, InvalidParameterError
from app.core.labels import LabelMap
from app.imaging.geometry import Geometry
from app.imaging.masks import Mask, class_ids, foreground_alpha, segment_mask
from app.imaging.probabilities import ProbabilityMap, ResizedProbabilities, restored
from app.imaging.render import cutout_png, mask_png, overlay_png, probabilities_npy
from app.imaging.rle import coco_rle
from app.imaging.windows import View
from app.inference.loaded import ModelIdentity

Output = Literal["mask", "overlay", "cutout", "probabilities", "json"]
ProbabilitiesSize = Literal["model", "original"]

MEDIA_TYPES: dict[Output, str] = {
    "mask": "image/png",
    "overlay": "image/png",
    "cutout": "image/png",
    "probabilities": "application/x-npy",
    "json": "application/json",
}


SMALLEST_TILE = 32
"""Pixels. Smaller windows show too little of anything."""
MOST_WINDOWS = 1024
"""Of a picture in tiles; at 8 ms each that is 8 seconds of one core."""


EXTENSIONS: dict[Output, str] = {
    "mask": "png",
    "overlay": "png",
    "cutout": "png",
    "probabilities": "npy",
    "json": "json",
}
"""How names of files with an answer end."""


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
    """

    output: Output = "mask"
    classes: tuple[str, ...] | None = None
    threshold: float = 0.0
    size: ProbabilitiesSize = "model"
    tile: int | None = None
    flip: bool = False

    @property
    def needs_picture(self) -> bool:
        """Whether the answer shows the picture's own pixels, all of them."""
        return self.output in ("overlay", "cutout")

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
        if self.output == "cutout" and not labels.ids("foreground"):
            raise InvalidParameterError("output", "cutout: no class of this model has the role of foreground")
        if self.tile is not None and view.in_windows:
            height, width = view.size
            raise InvalidParameterError("tile", f"this model sees windows of its own, {width}×{height}")
        if self.tile is not None and self.tile < SMALLEST_TILE:
            raise InvalidParameterError("tile", f"at least {SMALLEST_TILE} pixels")

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

    def require_affordable(self, geometry: Geometry, classes: int, limit: int) -> None:
        """Passes answers whose arrays fit.

        Args:
            geometry: its source is the picture's size.
            classes: number of classes of the model.
            limit: most bytes of the largest array that the answer is made from.

        Raises:
            AnswerTooLargeError: it says how many bytes it would be.
        """
        height, width = geometry.source
        if self.output == "probabilities" and self.size == "model":
            height, width = geometry.target
        # Masks are made in bands: of the probabilities only the winners are ever held for the whole picture.
        each = {"mask": 1, "json": 1, "overlay": 3, "cutout": 4, "probabilities": 4 * classes}[self.output]
        if height * width * each > limit:
            raise AnswerTooLargeError(
                f"output={self.output} of a picture of {width}×{height} takes {height * width * each} bytes, "
                f"more than the limit of {limit}: send a smaller picture"
            )


def encode_answer(
    options: SegmentOptions,
    probabilities: ProbabilityMap,
    labels: LabelMap,
    identity: ModelIdentity,
    pixels: NDArray[np.uint8] | None,
) -> bytes:
    """The body of an answer.

    Args:
        options: what to answer.
        probabilities: of the picture.
        labels: its classes.
        identity: of the model, for `json`.
        pixels: (H, W, 3) uint8 of the picture where `options.needs_picture`.
    """
    if options.output == "probabilities":
        if options.size == "model" and isinstance(probabilities, ResizedProbabilities):
            return probabilities_npy(probabilities.probabilities)
        return probabilities_npy(restored(probabilities))
    if options.output == "cutout" and pixels is not None:
        return cutout_png(pixels, foreground_alpha(probabilities, labels))
    if options.output == "json":
        return _mask_json(segment_mask(probabilities, labels, options.classes, options.threshold), identity)
    ids = class_ids(probabilities, labels, options.classes, options.threshold)
    if options.output == "overlay" and pixels is not None:
        return overlay_png(pixels, ids, labels)
    return mask_png(ids, labels)


def _mask_json(mask: Mask, identity: ModelIdentity) -> bytes:
    """The `json` output, field by field as the wire format has it."""
    classes = [
        {
            "id": entry.label.id,
            "name": entry.label.name,
            "pixels": entry.pixels,
            "share": entry.share,
            "mean_confidence": entry.mean_confidence,
            "bbox": entry.bbox,
            "rle": coco_rle(mask.classes == entry.label.id) if entry.pixels else None,
        }
        for entry in mask.statistics
    ]
    answer = {
        "model": asdict(identity),
        "size": mask.classes.shape,
        "classes": classes,
        "undecided": {"pixels": mask.undecided, "share": mask.undecided / mask.classes.size},
    }
    return json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
