import asyncio
import io
import json
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from app.core.errors import (
    AnswerTooLargeError,
    ImageTooLargeError,
    InferenceError,
    InvalidImageError,
    InvalidParameterError,
    OverloadedError,
    TooManyRequestsError,
)
from app.core.settings import Settings
from app.imaging.decode import DecodeLimits, Picture, Plan, all_pixels, decode
from app.imaging.probabilities import mirror_mean, restored
from app.imaging.render import overlay_png
from app.inference.answers import SegmentOptions
from app.inference.caller import Caller
from app.inference.engine import Images, Probabilities
from app.inference.loaded import LoadedModel
from app.inference.outputs import Output
from app.inference.segmenter import Resources, SegmentAnswer, Segmenter
from app.inference.stages import Stage
from tests.inference.pictures import chelsea, different, encoded
from tests.inference.scripted import ScriptedEngine

pytestmark = pytest.mark.anyio
PATIENCE = 30  # seconds until a test that hangs fails


class Lent(ScriptedEngine):
    """The session's engine, which outlives the segmenters of the tests."""

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model.engine.infer, streams=model.engine.streams)
        self.name = model.engine.name


@pytest.fixture
async def segmenter(model: LoadedModel, resources: Resources) -> AsyncIterator[Segmenter]:
    """With default limits."""
    made = Segmenter(replace(model, engine=Lent(model)), Settings(), resources)
    yield made
    await made.close()


def opened(answer: SegmentAnswer) -> Image.Image:
    return Image.open(io.BytesIO(answer.content))


def expected_mask(model: LoadedModel, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> list[list[int]]:
    """Straight through the parts, one after the other."""
    mask: list[list[int]] = restored(model.predict(pixels)).argmax(axis=-1).tolist()
    return mask


async def test_mask_is_of_the_pictures_size_and_of_its_network(segmenter: Segmenter, model: LoadedModel) -> None:
    pixels = chelsea(75, 120)
    answer = await segmenter.segment(encoded(pixels), SegmentOptions())
    assert np.asarray(opened(answer)).tolist() == expected_mask(model, pixels)
    assert (answer.media_type, answer.size, answer.model) == ("image/png", (75, 120), model.identity)
    timings = answer.timings
    assert timings.decode > 0
    assert timings.queue >= 0
    assert timings.inference > 0
    assert timings.encode > 0


@pytest.mark.parametrize("output", ["overlay", "cutout", "json", "probabilities"])
async def test_other_outputs(segmenter: Segmenter, output: Output) -> None:
    answer = await segmenter.segment(encoded(chelsea(75, 120)), SegmentOptions(output))
    if output == "json":
        body = json.loads(answer.content)
        assert (answer.media_type, body["size"]) == ("application/json", [75, 120])
        assert sum(entry["pixels"] for entry in body["classes"]) == 75 * 120
    elif output == "probabilities":
        assert answer.media_type == "application/x-npy"
        assert np.load(io.BytesIO(answer.content)).shape == (32, 32, 3)
    else:
        assert answer.media_type == "image/png"
        assert opened(answer).size == (120, 75)
        assert opened(answer).mode == {"overlay": "RGB", "cutout": "RGBA"}[output]


async def test_a_jpeg_is_decoded_small_unless_its_pixels_are_shown(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: dict[str, list[tuple[int, ...]]] = {"mask": [], "overlay": []}

    def noting(data: bytes, limits: DecodeLimits, plan: Plan = all_pixels) -> Picture:
        picture = decode(data, limits, plan)
        shapes[output].append(picture.pixels.shape)
        return picture

    monkeypatch.setattr("app.inference.segmenter.decode", noting)
    data = encoded(chelsea(300, 400), "JPEG")
    output: Output
    for output in ("mask", "overlay"):
        assert (await segmenter.segment(data, SegmentOptions(output))).size == (300, 400)
    assert shapes == {"mask": [(75, 100, 3)], "overlay": [(75, 100, 3), (300, 400, 3)]}


async def test_the_claim_is_told_the_pixels_of_each_picture_before_they_are_decoded(segmenter: Segmenter) -> None:
    claimed: list[int] = []
    mask, overlay = SegmentOptions(), SegmentOptions("overlay")
    for kind, options in (("JPEG", mask), ("PNG", mask), ("JPEG", overlay)):
        await segmenter.segment(encoded(chelsea(30, 40), kind), options, Caller(claimed.append))
    assert claimed == [1200, 1200, 1200]

    def refusing(pixels: int) -> None:
        raise TooManyRequestsError("enough")

    with pytest.raises(TooManyRequestsError, match="enough"):
        await segmenter.segment(encoded(chelsea(30, 40)), SegmentOptions(), Caller(refusing))
    assert segmenter._resources.budget.taken == 0


async def test_every_output_shows_the_same_mask(segmenter: Segmenter, model: LoadedModel) -> None:
    data = encoded(chelsea(300, 400), "JPEG")
    mask = np.asarray(opened(await segmenter.segment(data, SegmentOptions("mask"))))
    pixels = decode(data, DecodeLimits(max_bytes=len(data), max_pixels=300 * 400)).pixels
    overlay = await segmenter.segment(data, SegmentOptions("overlay"))
    assert overlay.content == overlay_png(pixels, mask, model.labels)
    body = json.loads((await segmenter.segment(data, SegmentOptions("json"))).content)
    assert [entry["pixels"] for entry in body["classes"]] == np.bincount(mask.ravel(), minlength=3).tolist()


async def test_orientation_of_the_picture_as_people_see_it(segmenter: Segmenter, model: LoadedModel) -> None:
    pixels = chelsea(60, 100)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    answer = await segmenter.segment(file.getvalue(), SegmentOptions())
    assert answer.size == (100, 60)
    turned = np.ascontiguousarray(np.rot90(pixels, -1))
    assert np.asarray(opened(answer)).tolist() == expected_mask(model, turned)


async def test_many_at_once_get_each_its_own_answer(segmenter: Segmenter) -> None:
    pictures = [encoded(pixels) for pixels in different(16)]
    alone = [await segmenter.segment(data, SegmentOptions("probabilities")) for data in pictures]
    together = await asyncio.gather(*(segmenter.segment(data, SegmentOptions("probabilities")) for data in pictures))
    for one, other in zip(alone, together, strict=True):
        assert one.size == other.size
        assert np.load(io.BytesIO(one.content)) == pytest.approx(np.load(io.BytesIO(other.content)), abs=2e-3)
    assert len({answer.content for answer in alone}) == 16


async def test_a_bad_picture_between_good_ones_fails_alone(segmenter: Segmenter) -> None:
    pictures = [encoded(pixels) for pixels in different(4)]
    pictures.insert(2, b"\x89PNG\r\n\x1a\nbroken")
    calls = (segmenter.segment(data, SegmentOptions()) for data in pictures)
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results.pop(2), InvalidImageError)
    assert all(isinstance(result, SegmentAnswer) for result in results)


async def test_impossible_options_cost_nothing(segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inference.segmenter.decode", lambda *_, **__: pytest.fail("it was decoded"))
    with pytest.raises(InvalidParameterError, match="dog"):
        await segmenter.segment(encoded(chelsea(40, 40)), SegmentOptions(classes=("dog",)))


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (Settings(max_pixels=3599), ImageTooLargeError),
        (Settings(max_answer_bytes=3599), AnswerTooLargeError),
        (Settings(max_bytes=1024), ImageTooLargeError),
    ],
)
async def test_limits(model: LoadedModel, resources: Resources, settings: Settings, error: type[Exception]) -> None:
    segmenter = Segmenter(replace(model, engine=Lent(model)), settings, resources)
    with pytest.raises(error):
        await segmenter.segment(encoded(chelsea(60, 60)), SegmentOptions())
    await segmenter.close()


async def test_an_engine_that_fails_is_an_inference_error(model: LoadedModel, resources: Resources) -> None:
    def fail(images: Images) -> Probabilities:
        raise RuntimeError("primitive failed")

    segmenter = Segmenter(replace(model, engine=ScriptedEngine(fail)), Settings(), resources)
    with pytest.raises(InferenceError):
        await segmenter.segment(encoded(chelsea(40, 40)), SegmentOptions())
    await segmenter.close()


async def test_closing_frees_the_engine(model: LoadedModel, resources: Resources) -> None:
    engine = Lent(model)
    segmenter = Segmenter(replace(model, engine=engine), Settings(), resources)
    await segmenter.close()
    assert engine.closed


async def test_loop_is_free_while_the_engine_works(model: LoadedModel, resources: Resources) -> None:
    entered, let_go = threading.Event(), threading.Event()

    def wait(images: Images) -> Probabilities:
        entered.set()
        assert let_go.wait(PATIENCE)
        return model.engine.infer(images)

    segmenter = Segmenter(replace(model, engine=ScriptedEngine(wait)), Settings(), resources)
    task = asyncio.create_task(segmenter.segment(encoded(chelsea(40, 40)), SegmentOptions()))
    assert await asyncio.to_thread(entered.wait, PATIENCE)
    assert segmenter.scheduler.in_flight == 1  # a loop that the engine held would never get here
    let_go.set()
    assert (await task).size == (40, 40)
    await segmenter.close()


async def test_loop_ticks_while_a_large_picture_is_worked_on(segmenter: Segmenter) -> None:
    data = encoded(np.tile(chelsea(500, 500), (5, 6, 1)), "JPEG")  # 2,500 × 3,000
    started = time.perf_counter()
    task = asyncio.create_task(segmenter.segment(data, SegmentOptions("overlay")))
    ticks = [started]
    while not task.done():
        await asyncio.sleep(0.001)
        ticks.append(time.perf_counter())
    await task
    longest = max(np.diff(ticks))
    assert longest < 0.5 * (ticks[-1] - started)
    assert len(ticks) > 20


@pytest.fixture
async def windowed(model: LoadedModel, resources: Resources) -> AsyncIterator[Segmenter]:
    """The network sees windows of 32×32 at the picture's own scale."""
    preprocessing = model.manifest.preprocessing.model_copy(update={"resize": "crop"})
    manifest = model.manifest.model_copy(update={"preprocessing": preprocessing})
    made = Segmenter(replace(model, engine=Lent(model), manifest=manifest), Settings(), resources)
    yield made
    await made.close()


@pytest.mark.parametrize("size", [(75, 120), (20, 70), (20, 10)])
async def test_a_picture_in_windows(windowed: Segmenter, size: tuple[int, int]) -> None:
    pixels = chelsea(*size)
    probabilities = restored(windowed.model.predict(pixels))
    assert probabilities.shape == (*size, 3)
    answer = await windowed.segment(encoded(pixels), SegmentOptions())
    assert np.array_equal(np.asarray(opened(answer)), probabilities.argmax(axis=-1))
    assert np.array_equal(windowed.model.segment(pixels), probabilities.argmax(axis=-1))
    assert answer.timings.inference > 0
    assert answer.timings.encode > 0
    for probabilities_size in ("model", "original"):
        options = SegmentOptions("probabilities", size=probabilities_size)
        array = np.load(io.BytesIO((await windowed.segment(encoded(pixels), options)).content))
        np.testing.assert_allclose(array, probabilities, atol=1e-3)
    cutout = np.asarray(opened(await windowed.segment(encoded(pixels), SegmentOptions("cutout"))))
    alpha = 255 * (probabilities[..., 0] + probabilities[..., 2] / 2)
    np.testing.assert_allclose(cutout[..., 3], alpha, atol=0.51)


async def test_a_jpeg_is_decoded_whole_for_windows(windowed: Segmenter) -> None:
    data = encoded(chelsea(300, 400), "JPEG")
    pixels = decode(data, DecodeLimits(max_bytes=len(data), max_pixels=300 * 400)).pixels
    answer = await windowed.segment(data, SegmentOptions())
    assert np.array_equal(np.asarray(opened(answer)), windowed.model.segment(pixels))


@pytest.mark.parametrize("output", ["mask", "overlay", "json"])
async def test_tiles_as_long_as_the_picture_change_nothing(segmenter: Segmenter, output: Output) -> None:
    data = encoded(chelsea(300, 400), "JPEG")
    whole = await segmenter.segment(data, SegmentOptions(output))
    assert (await segmenter.segment(data, SegmentOptions(output, tile=400))).content == whole.content
    assert (await segmenter.segment(data, SegmentOptions(output, tile=399))).content != whole.content


@pytest.mark.parametrize("flip", [False, True])
async def test_tiles(segmenter: Segmenter, model: LoadedModel, flip: bool) -> None:
    pixels = chelsea(300, 400)
    probabilities = restored(model.predict(pixels, tile=128))
    if flip:
        probabilities = mirror_mean(probabilities, restored(model.predict(pixels[:, ::-1], tile=128)))
    answer = await segmenter.segment(encoded(pixels), SegmentOptions("probabilities", tile=128, flip=flip))
    found = np.load(io.BytesIO(answer.content))
    assert found.shape == (300, 400, 3)
    np.testing.assert_allclose(found, probabilities, atol=2e-2 if flip else 1e-3)  # mirrored windows begin elsewhere
    if not flip:
        mask = await segmenter.segment(encoded(pixels), SegmentOptions(tile=128))
        assert np.array_equal(np.asarray(opened(mask)), model.segment(pixels, tile=128))


async def test_flip_is_the_mean_with_the_mirror_image(segmenter: Segmenter, model: LoadedModel) -> None:
    pixels = chelsea(64, 64)
    expected = mirror_mean(restored(model.predict(pixels)), restored(model.predict(pixels[:, ::-1])))
    answer = await segmenter.segment(encoded(pixels), SegmentOptions("probabilities", size="original", flip=True))
    np.testing.assert_allclose(np.load(io.BytesIO(answer.content)), expected, atol=1e-3)
    plain = await segmenter.segment(encoded(pixels), SegmentOptions("probabilities", size="original"))
    assert np.abs(np.load(io.BytesIO(plain.content)).astype(np.float32) - expected).max() > 1e-3
    assert answer.timings.inference > 0


async def test_tiles_that_cannot_be(segmenter: Segmenter, windowed: Segmenter) -> None:
    with pytest.raises(InvalidParameterError, match="tile: 1,156 windows of 32 pixels"):
        await segmenter.segment(encoded(chelsea(820, 820)), SegmentOptions(tile=32))
    with pytest.raises(InvalidParameterError, match="windows of its own"):
        await windowed.segment(encoded(chelsea(40, 40)), SegmentOptions(tile=32))


async def test_a_window_that_fails_fails_its_picture(windowed: Segmenter, model: LoadedModel) -> None:
    calls = []

    def third_fails(images: Images) -> Probabilities:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("no")
        return model.engine.infer(images)

    segmenter = Segmenter(replace(windowed.model, engine=ScriptedEngine(third_fails)), Settings(), windowed._resources)
    with pytest.raises(InferenceError):
        await segmenter.segment(encoded(chelsea(75, 120)), SegmentOptions())
    assert segmenter.scheduler.in_flight == 0
    await segmenter.segment(encoded(chelsea(75, 120)), SegmentOptions())
    await segmenter.close()


@pytest.mark.parametrize(("streams", "pixels", "width"), [(4, 100, 4), (4, 30, 3), (4, 10, 1)])
async def test_of_one_request_no_more_pictures_at_a_time_than_fit_into_the_budget(
    model: LoadedModel, resources: Resources, streams: int, pixels: int, width: int
) -> None:
    engine = ScriptedEngine(model.engine.infer, streams=streams)
    settings = Settings(max_pixels=10, max_queue_pixels=pixels)
    made = Segmenter(replace(model, engine=engine), settings, resources)
    assert made.width == width
    await made.close()


async def test_stages_are_reported_as_they_end(segmenter: Segmenter) -> None:
    found: list[Stage] = []
    answer = await segmenter.segment(encoded(chelsea(75, 120)), SegmentOptions(), Caller(report=found.append))
    assert [stage.name for stage in found] == ["decode", "queue", "inference", "encode"]
    for stage in found:
        milliseconds = (stage.ended - stage.begun) * 1e3
        assert milliseconds == pytest.approx(getattr(answer.timings, stage.name), abs=1)
    assert all(one.ended <= other.begun for one, other in pairwise(found))


async def test_a_stage_that_fails_is_the_last_one_reported(segmenter: Segmenter) -> None:
    found: list[Stage] = []
    with pytest.raises(InvalidImageError) as raised:
        await segmenter.segment(b"\x89PNG\r\n\x1a\nbroken", SegmentOptions(), Caller(report=found.append))
    assert [(stage.name, stage.error) for stage in found] == [("decode", raised.value)]


async def test_each_row_of_windows_is_reported(windowed: Segmenter) -> None:
    found: list[Stage] = []
    await windowed.segment(encoded(chelsea(75, 120)), SegmentOptions(), Caller(report=found.append))
    decode, *rows, encode = found
    assert (decode.name, {row.name for row in rows}, encode.name) == ("decode", {"inference"}, "encode")
    assert len(rows) > 1
    assert all(encode.begun <= row.begun <= row.ended <= encode.ended for row in rows)


@pytest.mark.parametrize("stage", ["decode", "encode_answer"])
async def test_without_memory_it_says_to_come_again(
    segmenter: Segmenter, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*arguments: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(f"app.inference.segmenter.{stage}", short)
        with pytest.raises(OverloadedError, match="no memory"):
            await segmenter.segment(encoded(chelsea(40, 40)), SegmentOptions())
    assert segmenter._resources.budget.taken == 0
    assert (await segmenter.segment(encoded(chelsea(40, 40)), SegmentOptions())).size == (40, 40)
