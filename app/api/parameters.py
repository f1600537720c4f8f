"""Options of `POST /segment`, read from the query string; a typing error is never ignored."""

from collections import Counter
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from app.api.fetching.hosts import LONGEST_URL
from app.api.many import Many
from app.api.negotiation import negotiate
from app.api.waiting import LONGEST_TIMEOUT, TIMEOUT_HEADER
from app.core.errors import InvalidParameterError
from app.core.labels import LabelMap
from app.imaging.annotations.coco import CocoSegmentation
from app.imaging.annotations.label_studio import FROM_NAME, TO_NAME
from app.inference.answers import LARGEST_TOLERANCE, LONGEST_NAME, SMALLEST_TILE, ProbabilitiesSize, SegmentOptions
from app.inference.outputs import OUTPUTS, Output, parsed_outputs, require_known

_ACCEPTED: tuple[Output, ...] = ("mask", "json", "probabilities", "polygons", "zip")
_OUTPUTS: dict[str, Output] = {OUTPUTS[output].media_type: output for output in _ACCEPTED}
MEDIA_TYPES: dict[str, str] = {media_type: f"output={output}" for media_type, output in _OUTPUTS.items()}
"""What `Accept` may ask for when `output` is not given, and the output that it stands for; the first is the default."""

_KINDS = "|".join(output for output in OUTPUTS if output != "zip")
_OUTPUT_SCHEMA = {
    "anyOf": [
        {"type": "string", "enum": list(OUTPUTS)},
        {"type": "string", "description": "Several.", "pattern": f"^({_KINDS})(,({_KINDS}))+$"},
    ],
    "examples": ["overlay", "mask,coco"],
}
_LIMITED = ("size", "components", "segmentation", "tolerance", "from_name", "to_name")
"""Options that not every output knows."""


MODEL = Field(
    None,
    min_length=1,
    max_length=200,
    description="Model to use: NAME, NAME:VERSION or NAME:ALIAS. Without it: the default one.",
    examples=["pets:production"],
)
"""The parameter `model`."""


class SegmentQuery(BaseModel):
    """The query string; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    output: Annotated[str | None, WithJsonSchema(_OUTPUT_SCHEMA)] = Field(
        None,
        description="What to answer with. `mask`: PNG whose pixel values are class ids, with a palette. `overlay`: the "
        "picture, tinted. `cutout`: RGBA PNG of the foreground. `probabilities`: NumPy file, float16 (h, w, classes). "
        "`json`: every class with its share, box and COCO run lengths. `polygons`: GeoJSON, in pixels. `coco`: a data "
        "set of one picture. `label-studio`: a prediction with brush masks. `cvat`: what its functions answer. "
        "`huggingface`: image segmentation. `yolo`: lines of polygons, without holes. Several with commas between them "
        "come as a ZIP archive; `zip`: all that the model can give. Without it `Accept` decides.",
    )
    classes: str | None = Field(
        None,
        max_length=10_000,
        description="Names of classes to keep, separated by commas; pixels of the others become 255, undecided. A name "
        "that holds commas is written as it is.",
        examples=["pet,border"],
    )
    threshold: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        allow_inf_nan=False,
        description="Pixels whose winning probability is below this become 255, undecided.",
        examples=[0.6],
    )
    model: str | None = MODEL
    size: ProbabilitiesSize | None = Field(
        None,
        description="With `output=probabilities` only: `model` (default) for the network's own size (where it sees "
        "windows: the picture's), `original` for the picture's.",
        examples=["original"],
    )
    tile: int | None = Field(
        None,
        ge=SMALLEST_TILE,
        le=100_000,
        description="For large pictures: side, in pixels of the picture, of overlapping windows that the network sees "
        "one after the other; their probabilities are blended. Without it, and where the picture is no longer than "
        "that, the network sees the whole picture at once, brought to its own size.",
        examples=[1024],
    )
    flip: bool = Field(
        False,
        description="Mean of what the network makes of the picture and of its mirror image: a little better, twice the "
        "work.",
        examples=[True],
    )
    components: bool = Field(
        False,
        description="An entry for each connected component (pixels that share an edge) in place of one for each class: "
        "in `json`, `polygons`, `coco`, `label-studio`, `cvat` and `yolo`.",
        examples=[True],
    )
    tolerance: float = Field(
        0.0,
        ge=0.0,
        le=LARGEST_TOLERANCE,
        allow_inf_nan=False,
        description="Pixels by which outlines may be off, so that they have fewer vertices: of `polygons`, `yolo`, "
        "`coco` with `segmentation=polygons` and the points of `cvat`. 0: they give the mask back pixel by pixel.",
        examples=[1.5],
    )
    segmentation: CocoSegmentation = Field(
        "rle",
        description="How `coco` writes regions: compressed run lengths, or polygons; cuts of no width lead to their "
        "holes, so that nothing is lost.",
        examples=["polygons"],
    )
    from_name: str = Field(
        FROM_NAME,
        min_length=1,
        max_length=LONGEST_NAME,
        description="Of `label-studio`: name of the `BrushLabels` control in the labelling configuration.",
        examples=["brush"],
    )
    to_name: str = Field(
        TO_NAME,
        min_length=1,
        max_length=LONGEST_NAME,
        description="Of `label-studio`: name of its `Image`.",
        examples=["photo"],
    )
    many: Many | None = Field(
        None,
        description="How to answer several `file` parts: `ndjson` (a line of JSON for each as soon as it is there, "
        "answers that are no JSON in base64; the default for more than one) or `zip` (a file for each). Each has its "
        "own result or problem; given, it holds for a single picture, too.",
        examples=["zip"],
    )
    url: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_URL,
        description="Where to fetch the picture, in place of a body: http or https, from the hosts that the operator "
        "lists (`SEGSERVE_URL_HOSTS`); off where there are none.",
        examples=["https://example.org/cat.jpg"],
    )
    timeout: float | None = Field(
        None,
        gt=0,
        le=LONGEST_TIMEOUT,
        allow_inf_nan=False,
        description=f"Seconds until the answer must be there, else 504; the header {TIMEOUT_HEADER} says the same.",
        examples=[2.5],
    )

    def options(self, accept: str | None, labels: LabelMap) -> SegmentOptions:
        """How to segment.

        Args:
            accept: the Accept header, which decides about the output if the query does not.
            labels: of the model that answers.

        Raises:
            InvalidParameterError: an unknown output, an empty class name, or an option that the output does not know.
            NotAcceptableError: nothing that is accepted can be made.
        """
        if self.output is None:
            output, parts = _OUTPUTS[negotiate(accept, MEDIA_TYPES)], None
        else:
            output, parts = parsed_outputs(self.output)
        options = SegmentOptions(
            output,
            self._classes(labels),
            self.threshold,
            self.size or "model",
            self.tile,
            self.flip,
            parts,
            self.components,
            self.segmentation,
            self.tolerance,
            self.from_name,
            self.to_name,
        )
        for name in _LIMITED:
            if name in self.model_fields_set:
                require_known(name, options.outputs(labels))
        if self.tolerance and options.outputs(labels) == ("coco",) and self.segmentation == "rle":
            raise InvalidParameterError("tolerance", "of coco: goes with segmentation=polygons only")
        return options

    def _classes(self, labels: LabelMap) -> tuple[str, ...] | None:
        if self.classes is None:
            return None
        names = labels.listed(self.classes)
        if not all(names):
            raise InvalidParameterError("classes", "names separated by commas, as in classes=pet,border")
        return names


SEGMENT_OPTIONS = frozenset(SegmentQuery.model_fields)
"""Names of the options."""


async def given_once(request: Request) -> None:
    """Refuses parameters that stand in the query string twice: one of the two would be ignored.

    Raises:
        InvalidParameterError: it names the parameter.
    """
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if count > 1:
            raise InvalidParameterError(name[:80], f"given {count} times")


GivenOnce = Depends(given_once)
