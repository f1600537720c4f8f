"""What a job writes for a picture: a file for each kind of answer, all from one inference."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from io import BytesIO
from zipfile import ZipFile

from app.core.errors import AnswerTooLargeError
from app.inference.answers import SegmentOptions
from app.inference.outputs import OUTPUTS, Output
from app.inference.segmenter import SegmentAnswer

Ask = Callable[[SegmentOptions], Awaitable[SegmentAnswer]]
"""Has a picture segmented."""


@dataclass(frozen=True)
class Contents:
    """The files of a picture.

    Args:
        files: content of each by its kind.
        model: NAME/VERSION that answered.
        size: (H, W) of the picture as people see it.
        lossy: what they do not hold of the mask (see `Encoded`).
    """

    files: dict[Output, bytes]
    model: str
    size: tuple[int, int]
    lossy: str


async def contents(ask: Ask, options: SegmentOptions, packed: bool = False) -> Contents:
    """Several kinds come as the service's archive, and are taken out of it: the same bytes as one by one.

    Args:
        ask: answers.
        options: with `parts` a file for each of them, else one file.
        packed: whether they stay in the archive.

    Raises:
        SegserveError: as `ask` does; AnswerTooLargeError only where one kind alone is too large.
    """
    if options.parts is None or packed:
        return _contents(options, await ask(options))
    try:
        answer = await ask(options)
    except AnswerTooLargeError:  # all together; each may be small enough
        return await _one_by_one(ask, options, options.parts)
    with ZipFile(BytesIO(answer.content)) as archive:
        files = {kind: archive.read(OUTPUTS[kind].filename) for kind in options.parts}
    return replace(_contents(options, answer), files=files)


async def _one_by_one(ask: Ask, options: SegmentOptions, kinds: tuple[Output, ...]) -> Contents:
    found = []
    for kind in kinds:
        alone = replace(options, output=kind, parts=None)
        found.append(_contents(alone, await ask(alone)))
    files = {kind: content for each in found for kind, content in each.files.items()}
    return replace(found[0], files=files, lossy=", ".join(each.lossy for each in found if each.lossy))


def _contents(options: SegmentOptions, answer: SegmentAnswer) -> Contents:
    return Contents({options.output: answer.content}, str(answer.model), answer.size, answer.lossy)
