"""From the bytes of a picture to the bytes of an answer."""

import asyncio
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from app.core.errors import InferenceError, OverloadedError
from app.core.settings import Settings
from app.imaging.decode import DecodeLimits, Picture, decode
from app.imaging.geometry import Geometry, mirrored, resize_image
from app.imaging.observation import Observation, mean_observation, observe
from app.imaging.probabilities import ProbabilityMap, ResizedProbabilities, mirror_mean
from app.inference.answers import SegmentOptions
from app.inference.budget import Claim, PixelBudget
from app.inference.caller import NOBODY, Caller
from app.inference.encoding import Encoded, encode_answer
from app.inference.engine import Images, Probabilities
from app.inference.loaded import LoadedModel, ModelIdentity
from app.inference.outputs import OUTPUTS, Output
from app.inference.scheduler import Inference, Scheduler
from app.inference.stages import Report, reported
from app.inference.workers import PixelWorkers

DETAIL = 2
"""A JPEG is decoded at the smallest scale with at least so many pixels along a side for each of the network's.

At 1 the reduced decoding alone would change the network's input by 1.3 grey values on average, at 2 by half a one.
"""


@dataclass(frozen=True)
class Timings:
    """How long each stage took, in milliseconds; waiting for a pixel worker counts to its stage."""

    decode: float
    queue: float
    inference: float
    encode: float


@dataclass(frozen=True)
class SegmentAnswer:
    """A finished answer.

    Args:
        content: the body.
        output: what it is.
        model: which model made it.
        size: (H, W) of the picture as people see it.
        observation: what the network saw and made of it.
        timings: how long it took.
        lossy: what the body does not hold of the mask (see `Encoded`).
        probabilities: (h, w, C) float32, of the network's own size; None where it saw windows of the picture.
    """

    content: bytes
    output: Output
    model: ModelIdentity
    size: tuple[int, int]
    observation: Observation
    timings: Timings
    lossy: str = ""
    probabilities: Probabilities | None = None

    @property
    def media_type(self) -> str:
        """Type of the body."""
        return OUTPUTS[self.output].media_type


@dataclass(frozen=True)
class _Prepared:
    """A picture before inference.

    Args:
        image: (h, w, 3) for the network, uint8 or float32; None where it sees windows of the pixels.
        geometry: of the picture.
        pixels: all of the picture's, only where they are needed.
        filename: what it is called.
    """

    image: Images | None
    geometry: Geometry
    pixels: NDArray[np.uint8] | None
    filename: str | None


@dataclass(frozen=True)
class Resources:
    """What all segmenters of a process share.

    Args:
        workers: threads for decoding and encoding.
        windows: threads for pictures in windows: they wait for the engine as they go, and would keep others waiting.
        budget: bound on the pixels in work.
    """

    workers: PixelWorkers
    windows: PixelWorkers
    budget: PixelBudget

    @classmethod
    def of(cls, settings: Settings, threads: int = 0) -> "Resources":
        """With so many threads of each kind; 0: as wide as there are CPUs."""
        workers = PixelWorkers(threads, settings.decode_timeout_seconds)
        return cls(workers, PixelWorkers(threads), PixelBudget(settings.max_queue_pixels))

    def close(self) -> None:
        """Finishes what was accepted, then ends the threads; blocks."""
        self.workers.close()
        self.windows.close()


class Segmenter:
    """Segments pictures with one loaded model; nothing here blocks the event loop.

    A cancelled call gives up at its next stage, or at the next windows; it ends when the thread it has is free again.

    Args:
        model: the model; the segmenter owns it from now on.
        settings: limits.
        resources: shared with other segmenters.
    """

    def __init__(self, model: LoadedModel, settings: Settings, resources: Resources) -> None:
        self.model = model
        self.scheduler = Scheduler(model.engine)
        self._limits = DecodeLimits(settings.max_bytes, settings.max_pixels)
        self._max_answer_bytes = settings.max_answer_bytes
        self._resources = resources
        self.width = max(1, min(self.scheduler.width, settings.max_queue_pixels // settings.max_pixels))
        """Pictures of one request to work on at a time: as many as engine and budget take, were all of the largest."""

    async def segment(
        self, data: bytes, options: SegmentOptions, caller: Caller = NOBODY, filename: str | None = None
    ) -> SegmentAnswer:
        """Segments one picture.

        Args:
            data: the encoded picture.
            options: what to answer.
            caller: who asks.
            filename: what the picture is called, for answers that name it.

        Raises:
            InvalidParameterError: the model cannot answer that, or not of this picture.
            ImageError: the picture is not one, too large, or takes too long to decode.
            AnswerTooLargeError: the answer would be.
            OverloadedError: too many pixels are being worked on, or there is no memory left.
            DecodersStalledError: no thread is left to decode it.
            InferenceError: the engine failed on this picture.
        """
        options.require_possible(self.model.labels, self.model.view())
        workers, report, started = self._resources.workers, caller.report, time.perf_counter()
        with self._claims(caller) as claim:
            with reported(report, "decode"):
                prepared = await workers.run(partial(self._prepare, data, options, claim, filename), caller.tell)
            decoded = time.perf_counter() - started
            if prepared.image is None:
                return await self._in_windows(prepared, options, decoded, report)
            return await self._whole(prepared, prepared.image, options, decoded, report)

    async def segment_pixels(self, image: Images, options: SegmentOptions, caller: Caller = NOBODY) -> SegmentAnswer:
        """Segments pixels that are of the network's own size already.

        Args:
            image: (h, w, 3), uint8 or float32, RGB, 0–255.
            options: what to answer; no output that shows the picture's own pixels.
            caller: who asks.

        Raises:
            InvalidParameterError, OverloadedError, InferenceError: as `segment`.
        """
        options.require_possible(self.model.labels, self.model.view())
        height, width = image.shape[:2]
        with self._claims(caller) as claim:
            claim(height * width)
            prepared = _Prepared(image, Geometry((height, width), (height, width), "stretch"), None, None)
            return await self._whole(prepared, image, options, 0.0, caller.report)

    @contextmanager
    def _claims(self, caller: Caller) -> Iterator[Claim]:
        """Takes pixels for a caller until the block ends."""
        with self._resources.budget.ticket() as from_budget:

            def claim_all(pixels: int) -> None:
                from_budget(pixels)
                caller.claim(pixels)

            try:
                yield claim_all
            except MemoryError as error:
                traceback.clear_frames(error.__traceback__)  # what they hold is what there is too little of
                raise OverloadedError("there is no memory for this picture at the moment; try again") from error

    async def _whole(
        self, prepared: _Prepared, image: Images, options: SegmentOptions, decoded: float, report: Report
    ) -> SegmentAnswer:
        """Infers, then encodes."""
        workers = self._resources.workers
        inference = await self._infer(image, options.flip, report)
        inferred = time.perf_counter()
        probabilities = ResizedProbabilities(inference.probabilities, prepared.geometry)

        def encode() -> tuple[Observation, Encoded]:
            return observe(image, inference.probabilities), self._encode(options, probabilities, prepared)

        with reported(report, "encode"):
            observation, encoded = await workers.run(encode)
        timings = Timings(
            decode=decoded * 1e3,
            queue=inference.queue_ms,
            inference=inference.inference_ms,
            encode=(time.perf_counter() - inferred) * 1e3,
        )
        answer = self._answer(encoded, prepared, options, observation, timings)
        return replace(answer, probabilities=inference.probabilities)

    async def _infer(self, image: Images, flip: bool, report: Report) -> Inference:
        """The network's probabilities, or the mean with those of the mirror image."""
        plain = self.scheduler.run(image, report)
        if not flip:
            return await plain
        one, other = await asyncio.gather(plain, self.scheduler.run(image[:, ::-1], report))
        mean = mirror_mean(one.probabilities, other.probabilities)
        return Inference(mean, max(one.queue_ms, other.queue_ms), max(one.inference_ms, other.inference_ms))

    def _prepare(self, data: bytes, options: SegmentOptions, claim: Claim, filename: str | None) -> _Prepared:
        """Decodes and resizes; what the network sees does not depend on the output."""
        view = self.model.view(options.tile)

        def plan(size: tuple[int, int]) -> tuple[int, int] | None:
            claim(size[0] * size[1])
            options.require_few_windows(view, size)
            options.require_affordable(view.geometry(size), self.model.labels, self._max_answer_bytes)
            height, width = view.size
            return None if view.window(size) else (DETAIL * height, DETAIL * width)

        picture = decode(data, self._limits, plan)
        geometry = view.geometry(picture.size)
        if view.window(picture.size):
            return _Prepared(None, geometry, picture.pixels, filename)
        image = resize_image(picture.image, geometry)
        pixels = self._all_pixels(data, picture) if options.needs_picture else None
        return _Prepared(image, geometry, pixels, filename)

    async def _in_windows(
        self, prepared: _Prepared, options: SegmentOptions, decoded: float, report: Report
    ) -> SegmentAnswer:
        """Infers while it encodes, so that no more than some rows of windows are ever held; each row is reported."""
        waited: list[float] = []
        observations: list[Observation] = []
        task = asyncio.current_task()

        def infer(images: list[NDArray[np.uint8]]) -> list[Probabilities]:
            if task is not None and task.cancelling():
                raise InferenceError("nobody waits for this picture any more")
            begun = time.perf_counter()
            with reported(report, "inference"):
                found = [inference.probabilities for inference in self.scheduler.infer_all(images)]
                if options.flip:
                    others = self.scheduler.infer_all(map(mirrored, images))
                    found = [mirror_mean(one, other.probabilities) for one, other in zip(found, others, strict=True)]
            waited.append(time.perf_counter() - begun)
            observations.extend(map(observe, images, found))
            return found

        def work() -> Encoded:
            assert prepared.pixels is not None
            probabilities = self.model.in_windows(prepared.pixels, self.model.view(options.tile), infer)
            return self._encode(options, probabilities, prepared)

        begun = time.perf_counter()
        with reported(report, "encode"):
            encoded = await self._resources.windows.run(work)
        total, inference = time.perf_counter() - begun, sum(waited)
        timings = Timings(decode=decoded * 1e3, queue=0.0, inference=inference * 1e3, encode=(total - inference) * 1e3)
        return self._answer(encoded, prepared, options, mean_observation(observations), timings)

    def _encode(self, options: SegmentOptions, probabilities: ProbabilityMap, prepared: _Prepared) -> Encoded:
        labels, identity, pixels = self.model.labels, self.model.identity, prepared.pixels
        name, limit = prepared.filename, self._max_answer_bytes
        return encode_answer(options, probabilities, labels, identity, pixels, name, limit)

    def _answer(
        self, encoded: Encoded, prepared: _Prepared, options: SegmentOptions, seen: Observation, timings: Timings
    ) -> SegmentAnswer:
        size, identity = prepared.geometry.source, self.model.identity
        return SegmentAnswer(encoded.content, options.output, identity, size, seen, timings, encoded.lossy)

    def _all_pixels(self, data: bytes, picture: Picture) -> NDArray[np.uint8]:
        """The picture's pixels at its own size."""
        whole = (picture.image.height, picture.image.width) == picture.size
        return picture.pixels if whole else decode(data, self._limits).pixels

    async def close(self) -> None:
        """Finishes what is running, then frees the model."""
        await self.scheduler.close()
        await asyncio.to_thread(self.model.close)
