"""The kinds of answers: one table of what each is called, how it is sent, and which options it alone knows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.core.errors import InvalidParameterError
from app.core.labels import LabelMap

Output = Literal[
    "mask",
    "overlay",
    "cutout",
    "probabilities",
    "json",
    "polygons",
    "coco",
    "label-studio",
    "cvat",
    "huggingface",
    "yolo",
    "zip",
]


@dataclass(frozen=True)
class OutputKind:
    """How one kind of answer is sent.

    Args:
        media_type: of its body.
        filename: what it is called as a file.
        bytes_per_pixel: of the largest array that it is made from.
        options: those that not every kind knows.
    """

    media_type: str
    filename: str
    bytes_per_pixel: int = 1
    options: frozenset[str] = frozenset()

    @property
    def extension(self) -> str:
        """How names of files with such an answer end, without the dot."""
        return self.filename.rpartition(".")[2]


_OUTLINED = frozenset({"components", "tolerance"})
_FLOAT = 4

OUTPUTS: dict[Output, OutputKind] = {
    "mask": OutputKind("image/png", "mask.png"),
    "overlay": OutputKind("image/png", "overlay.png", 3),
    "cutout": OutputKind("image/png", "cutout.png", 4),
    "probabilities": OutputKind("application/x-npy", "probabilities.npy", _FLOAT, frozenset({"size"})),
    "json": OutputKind("application/json", "segmentation.json", 1, frozenset({"components"})),
    "polygons": OutputKind("application/geo+json", "polygons.geojson", 1, _OUTLINED),
    "coco": OutputKind("application/json", "coco.json", 1, _OUTLINED | {"segmentation"}),
    "label-studio": OutputKind(
        "application/json", "label-studio.json", 1, frozenset({"components", "from_name", "to_name"})
    ),
    "cvat": OutputKind("application/json", "cvat.json", 2, _OUTLINED),
    "huggingface": OutputKind("application/json", "huggingface.json"),
    "yolo": OutputKind("text/plain", "yolo.txt", 1, _OUTLINED),
    "zip": OutputKind("application/zip", "segmentation.zip"),
}
"""`probabilities` are so many bytes for each class."""


def passes(outputs: Iterable[Output]) -> int:
    """How often the probabilities of the whole picture are gone through to make these kinds."""
    by_themselves = {"cutout", "probabilities"}
    return len({output if output in by_themselves else "mask" for output in outputs})


def possible_outputs(labels: LabelMap) -> tuple[Output, ...]:
    """What a model with these classes can give, `zip` apart."""
    without = () if labels.ids("foreground") else ("cutout",)
    return tuple(output for output in OUTPUTS if output != "zip" and output not in without)


def parsed_outputs(text: str) -> tuple[Output, tuple[Output, ...] | None]:
    """One kind, or several whose names commas separate.

    Returns:
        The kind; if there are several, `zip` and what it is to hold.

    Raises:
        InvalidParameterError: a name that none has, one given twice, or `zip` among others.
    """
    named = [_named(part.strip()) for part in text.split(",")]
    if len(named) == 1:
        return named[0], None
    if len(set(named)) < len(named):
        raise InvalidParameterError("output", "names one kind twice")
    if "zip" in named:
        raise InvalidParameterError("output", "zip holds all that the model can give: name it alone, or leave it out")
    return "zip", tuple(named)


def _named(name: str) -> Output:
    for output in OUTPUTS:
        if output == name:
            return output
    raise InvalidParameterError("output", f"{name[:40]!r} is none of {', '.join(OUTPUTS)}")


def require_known(option: str, outputs: Iterable[Output]) -> None:
    """Passes an option that one of the kinds knows.

    Raises:
        InvalidParameterError: it would be ignored; it says which kinds know it.
    """
    knowing = [output for output, kind in OUTPUTS.items() if option in kind.options]
    if not any(output in knowing for output in outputs):
        raise InvalidParameterError(option, f"goes with output={', '.join(knowing)} only")
