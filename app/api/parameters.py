"""Options of `POST /segment`, read from the query string; a typing error is never ignored."""

from collections import Counter

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from app.api.fetching.hosts import LONGEST_URL
from app.api.many import Many
from app.api.negotiation import negotiate
from app.api.waiting import LONGEST_TIMEOUT, TIMEOUT_HEADER
from app.core.errors import InvalidParameterError
from app.core.labels import LabelMap
from app.inference.answers import SMALLEST_TILE, Output, ProbabilitiesSize, SegmentOptions

MEDIA_TYPES: dict[str, str] = {
    "image/png": "output=mask",
    "application/json": "output=json",
    "application/x-npy": "output=probabilities",
}
"""What `Accept` may ask for when `output` is not given, and the output that it stands for; the first is the default."""

_OUTPUTS: dict[str, Output] = {"image/png": "mask", "application/json": "json", "application/x-npy": "probabilities"}


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

    output: Output | None = Field(
        None,
        description="What to answer with. `mask`: PNG whose pixel values are class ids, with a palette. `overlay`: the "
        "picture, tinted. `cutout`: RGBA PNG of the foreground. `probabilities`: NumPy file, float16 (h, w, classes). "
        "`json`: every class with its share, box and COCO run lengths. Without it `Accept` decides.",
        examples=["overlay"],
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
    many: Many | None = Field(
        None,
        description="How to answer several `file` parts: `ndjson` (a line of JSON for each as soon as it is there, "
        "binary answers in base64; the default for more than one) or `zip` (a file for each). Each has its own result "
        "or problem; given, it holds for a single picture, too.",
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
            InvalidParameterError: an empty class name, or `size` without probabilities.
            NotAcceptableError: nothing that is accepted can be made.
        """
        output = self.output or _OUTPUTS[negotiate(accept, MEDIA_TYPES)]
        if self.size is not None and output != "probabilities":
            raise InvalidParameterError("size", "goes with output=probabilities only")
        return SegmentOptions(output, self._classes(labels), self.threshold, self.size or "model", self.tile, self.flip)

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
