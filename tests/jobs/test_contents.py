import io
import zipfile
from typing import Any

import pytest

from app.core.errors import AnswerTooLargeError
from app.inference.answers import SegmentOptions
from app.inference.outputs import OUTPUTS
from app.jobs.contents import Contents, contents

pytestmark = pytest.mark.anyio
BOTH = SegmentOptions("zip", threshold=0.5, parts=("mask", "yolo"))


class Answer:
    """Of a service that answers with names of kinds."""

    model = "pets/1"
    size = (2, 3)

    def __init__(self, content: bytes, lossy: str) -> None:
        self.content = content
        self.lossy = lossy


class Service:
    """Refuses archives of more bytes than it may send."""

    def __init__(self, most: int = 1000) -> None:
        self.asked: list[SegmentOptions] = []
        self._most = most

    async def __call__(self, options: SegmentOptions) -> Any:
        self.asked.append(options)
        if options.parts is None:
            return Answer(options.output.encode(), "yolo;holes=1" if options.output == "yolo" else "")
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for kind in options.parts:
                archive.writestr(OUTPUTS[kind].filename, kind)
        if len(file.getvalue()) > self._most:
            raise AnswerTooLargeError("too large")
        return Answer(file.getvalue(), "yolo;holes=1")


async def test_one_kind_is_one_file() -> None:
    found = await contents(Service(), SegmentOptions("zip"))
    assert found == Contents({"zip": b"zip"}, "pets/1", (2, 3), "")


async def test_several_kinds_come_from_one_inference() -> None:
    service = Service()
    assert await contents(service, BOTH) == Contents(
        {"mask": b"mask", "yolo": b"yolo"}, "pets/1", (2, 3), "yolo;holes=1"
    )
    assert service.asked == [BOTH]


async def test_what_is_too_large_together_is_asked_for_one_by_one() -> None:
    service = Service(most=10)
    assert (await contents(service, BOTH)) == await contents(Service(), BOTH)
    assert service.asked[1:] == [SegmentOptions("mask", threshold=0.5), SegmentOptions("yolo", threshold=0.5)]


async def test_the_archive_of_the_service() -> None:
    (content,) = (await contents(Service(), BOTH, packed=True)).files.values()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["mask.png", "yolo.txt"]
