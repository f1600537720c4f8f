"""Probabilities to the body of an answer, within a bound on memory."""

import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.errors import AnswerTooLargeError
from app.core.labels import Label, LabelMap
from app.imaging.annotations.coco import coco_dataset, region_rle
from app.imaging.annotations.cvat import cvat_shapes_json
from app.imaging.annotations.geojson import feature_collection
from app.imaging.annotations.huggingface import segments
from app.imaging.annotations.label_studio import brush_prediction
from app.imaging.annotations.regions import Region
from app.imaging.annotations.yolo import lost_holes, yolo_lines
from app.imaging.geometry import Geometry
from app.imaging.masks import foreground_alpha
from app.imaging.probabilities import ProbabilityMap, ResizedProbabilities, restored
from app.imaging.render import alpha_png, cutout_png, mask_png, overlay_png, probabilities_npy
from app.inference.answers import SegmentOptions
from app.inference.inferred import UNBOUNDED, Inferred
from app.inference.loaded import ModelIdentity
from app.inference.outputs import OUTPUTS, Output, passes


@dataclass(frozen=True)
class Encoded:
    """The body of an answer.

    Args:
        content: the body.
        lossy: what it does not hold of the mask, as a list of RFC 9651: the kinds that have lost something, and what:
            `yolo;holes=2, polygons;tolerance=1.5`. Empty: whatever is made from the mask gives it back pixel by pixel.
    """

    content: bytes
    lossy: str = ""


def encode_answer(
    options: SegmentOptions,
    probabilities: ProbabilityMap,
    labels: LabelMap,
    identity: ModelIdentity,
    pixels: NDArray[np.uint8] | None,
    filename: str | None = None,
    limit: int = UNBOUNDED,
) -> Encoded:
    """The body of an answer.

    Args:
        options: what to answer.
        probabilities: of the picture.
        labels: its classes.
        identity: of the model.
        pixels: (H, W, 3) uint8 of the picture where `options.needs_picture`.
        filename: what the picture is called, for `coco`.
        limit: most bytes of an answer whose size depends on what is in the picture.

    Raises:
        AnswerTooLargeError: it would be larger, or the mask has too many parts or vertices for the kind of answer.
    """
    outputs = options.outputs(labels)
    if passes(outputs) > 1 and not isinstance(probabilities, ResizedProbabilities):
        # Windows go through the network each time that their probabilities are asked for.
        size = probabilities.size
        probabilities = ResizedProbabilities(restored(probabilities), Geometry(size, size, "stretch"))
    inferred = Inferred(options, probabilities, labels, identity, pixels, filename, limit)
    content = _zip(inferred) if options.output == "zip" else ENCODERS[options.output](inferred)
    _require_within(len(content), limit)
    return Encoded(content, ", ".join(loss for output in outputs if (loss := _loss(output, inferred))))


def _probabilities(inferred: Inferred) -> bytes:
    probabilities = inferred.probabilities
    if inferred.options.size == "model" and isinstance(probabilities, ResizedProbabilities):
        return probabilities_npy(probabilities.probabilities)
    return probabilities_npy(restored(probabilities))


def _overlay(inferred: Inferred) -> bytes:
    return overlay_png(_pixels(inferred), inferred.ids, inferred.labels)


def _cutout(inferred: Inferred) -> bytes:
    alpha, options = foreground_alpha(inferred.probabilities, inferred.labels), inferred.options
    return alpha_png(alpha) if options.alpha_only else cutout_png(_pixels(inferred), alpha, options.background)


def _pixels(inferred: Inferred) -> NDArray[np.uint8]:
    if inferred.pixels is None:
        raise ValueError(f"output={inferred.options.output} needs the picture's pixels")
    return inferred.pixels


def _json(inferred: Inferred) -> bytes:
    """Field by field as the wire format has it: every class, found or not."""
    mask, regions = inferred.mask, inferred.regions
    found: dict[Label, list[Region]] = {}
    for region in regions.all:
        found.setdefault(region.label, []).append(region)

    def entries(label: Label) -> list[dict[str, Any]]:
        named = {"id": label.id, "name": label.name}
        if label not in found:
            return [named | {"pixels": 0, "share": 0.0, "mean_confidence": None, "bbox": None, "rle": None}]
        return [
            named
            | {
                "pixels": region.pixels,
                "share": region.pixels / mask.classes.size,
                "mean_confidence": region.mean_confidence,
                "bbox": region.bbox,
                "rle": region_rle(regions, region),
            }
            for region in found[label]
        ]

    answer = {
        "model": asdict(inferred.identity),
        "size": mask.classes.shape,
        "classes": [entry for label in inferred.labels for entry in entries(label)],
        "undecided": {"pixels": mask.undecided, "share": mask.undecided / mask.classes.size},
    }
    return json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()


def _polygons(inferred: Inferred) -> bytes:
    members = {"model": asdict(inferred.identity), "size": list(inferred.regions.size)}
    return _compact(feature_collection(inferred.regions, inferred.options.tolerance, **members))


def _coco(inferred: Inferred) -> bytes:
    options, identity = inferred.options, inferred.identity
    return _compact(
        coco_dataset(
            inferred.regions,
            inferred.labels,
            inferred.filename,
            options.segmentation,
            options.tolerance,
            version=str(identity),
            model_sha256=identity.sha256,
        )
    )


def _label_studio(inferred: Inferred) -> bytes:
    options = inferred.options
    return _compact(brush_prediction(inferred.regions, str(inferred.identity), options.from_name, options.to_name))


def _cvat(inferred: Inferred) -> bytes:
    return _listed(cvat_shapes_json(inferred.regions, inferred.options.tolerance), inferred.limit)


def _huggingface(inferred: Inferred) -> bytes:
    return _listed((_compact(segment).decode() for segment in segments(inferred.classes)), inferred.limit)


def _yolo(inferred: Inferred) -> bytes:
    return "".join(f"{line}\n" for line in yolo_lines(inferred.regions, inferred.options.tolerance)).encode()


ENCODERS: dict[Output, Callable[[Inferred], bytes]] = {
    "mask": lambda inferred: mask_png(inferred.ids, inferred.labels),
    "overlay": _overlay,
    "cutout": _cutout,
    "probabilities": _probabilities,
    "json": _json,
    "polygons": _polygons,
    "coco": _coco,
    "label-studio": _label_studio,
    "cvat": _cvat,
    "huggingface": _huggingface,
    "yolo": _yolo,
}


def _compact(answer: Any) -> bytes:
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _listed(entries: Iterable[str], limit: int) -> bytes:
    """A JSON list of entries that are JSON, given up as soon as it passes the limit."""
    listed, total = [], 1
    for entry in entries:
        listed.append(entry.encode())
        total += len(listed[-1]) + 1
        _require_within(total, limit)
    return b"[" + b",".join(listed) + b"]"


def _require_within(total: int, limit: int) -> None:
    if total > limit:
        raise AnswerTooLargeError(f"the answer has more than {limit} bytes, which is the limit: ask for fewer classes")


def _zip(inferred: Inferred) -> bytes:
    """An archive with a file for each kind, the same bytes for the same picture."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for output in inferred.outputs:
            try:
                content = ENCODERS[output](inferred)
            except AnswerTooLargeError as error:
                raise AnswerTooLargeError(f"{output}: {error.detail}; or leave that out") from error
            entry = zipfile.ZipInfo(OUTPUTS[output].filename)
            packed = OUTPUTS[output].media_type not in ("image/png", "application/x-npy")
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED, 1)
            _require_within(buffer.tell(), inferred.limit)
    return buffer.getvalue()


def _loss(output: Output, inferred: Inferred) -> str:
    """What one kind has lost of the mask, as an item of RFC 9651; empty: nothing."""
    options, losses = inferred.options, ""
    if output == "yolo" and (holes := lost_holes(inferred.regions)):
        losses += f";holes={holes}"
    drawn = output in ("polygons", "yolo") or (output == "coco" and options.segmentation == "polygons")
    if drawn and options.tolerance:
        losses += f";tolerance={round(options.tolerance, 3) or 0.001}"
    return f"{output}{losses}" if losses else ""
