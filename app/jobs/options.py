"""Options of the command as those of `POST /segment`: one that would be ignored is refused."""

from collections.abc import Mapping
from typing import Any

from app.core.errors import InvalidParameterError
from app.core.labels import LabelMap
from app.inference.answers import SegmentOptions
from app.inference.outputs import parsed_outputs, require_known

LIMITED = ("size", "components", "segmentation", "tolerance", "from_name", "to_name")
"""Options that not every kind of answer knows."""
ALWAYS = ("threshold", "tile", "flip")


def segment_options(given: Mapping[str, Any], labels: LabelMap) -> SegmentOptions:
    """How to segment.

    Args:
        given: values by the names that `SegmentOptions` has; None or False: not given. `classes` and `output` are
            texts with commas.
        labels: of the model that answers.

    Raises:
        InvalidParameterError: an unknown kind, an empty class name, or an option that none of the kinds knows.
    """
    output, parts = parsed_outputs(given["output"])
    present = {name: given[name] for name in (*LIMITED, *ALWAYS) if given[name] not in (None, False)}
    options = SegmentOptions(output, _classes(given["classes"], labels), parts=parts, **present)
    for name in LIMITED:
        if name in present:
            require_known(name, options.outputs(labels))
    if options.tolerance and options.outputs(labels) == ("coco",) and options.segmentation == "rle":
        raise InvalidParameterError("tolerance", "of coco: goes with segmentation=polygons only")
    return options


def _classes(text: str | None, labels: LabelMap) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = labels.listed(text)
    if not all(names):
        raise InvalidParameterError("classes", "names separated by commas, as in --classes pet,border")
    return names
