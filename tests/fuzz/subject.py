"""The path of a picture in a process of its own, which may hang, die or grow without harm to the campaign."""

import asyncio
import logging
import multiprocessing
import os
import resource
import time
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from app.api.errors import status_of
from app.core.errors import SegserveError
from app.core.settings import Settings
from app.inference.answers import SegmentOptions
from app.inference.loaded import load_model
from app.inference.segmenter import Resources, Segmenter
from app.store.repository import ModelStore
from tests.fuzz.cases import Case, drawn
from tests.fuzz.memory import forget_peak, peak_mb
from tests.fuzz.seeds import seeds
from tests.fuzz.verdict import wrong_size

MAX_PIXELS = 1_000_000
MEMORY_MB = 256
"""Most that a campaign may add to what the warm process takes: 25 bytes a pixel, ten times over."""
ADDRESS_SPACE = 2**31
"""Bytes beyond those of the warm process, at which the system refuses: what is asked for, not only what is touched."""
SECONDS = 20.0
"""Longest time for an input, on a machine that does other things as well."""
START_SECONDS = 120.0


@dataclass(frozen=True)
class Result:
    """What came of a case.

    Args:
        outcome: "200", or a status and an error's code.
        seconds: how long it took.
        grown_mb: how much more memory than the warm process had there was at most meanwhile.
        fault: what should not have come; None: nothing.
    """

    outcome: str
    seconds: float
    grown_mb: float
    fault: str | None = None

    @property
    def wrong(self) -> str | None:
        """What should not have come, too much memory included."""
        return self.fault or (f"{self.grown_mb:.0f} MB" if self.grown_mb > MEMORY_MB else None)


class Subject:
    """Runs cases in a process of its own, and a new one where that is lost.

    Args:
        store: folder of a store with a tiny `pets`.
        seed: of the campaign.
    """

    def __init__(self, store: Path, seed: int) -> None:
        self._arguments = (store, seed)
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def run(self, number: int) -> Result:
        """Runs a case."""
        begun = time.monotonic()
        self._connection.send(number)
        try:
            if self._connection.poll(SECONDS):
                result = self._connection.recv()
                assert isinstance(result, Result)
                return result
            what = "hang"
        except (EOFError, ConnectionError):
            self._process.join(SECONDS)
            what = f"death, exit code {self._process.exitcode}"
        self._end()
        self._start()
        return Result(what.partition(",")[0], time.monotonic() - begun, 0.0, what)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._arguments), daemon=True)
        self._process.start()
        theirs.close()
        assert self._connection.poll(START_SECONDS), "the process did not start"
        self._connection.recv()

    def _end(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()


def _serve(connection: Connection, store: Path, seed: int) -> None:
    warnings.simplefilter("ignore")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)  # libtiff tells of each broken file
    with asyncio.Runner() as runner:
        segmenter = runner.run(_made(store))
        for kind in seeds():  # warm: every decoder was loaded
            for _ in range(2):
                runner.run(_run(segmenter, _real(kind), 0.0))
        warm = peak_mb(os.getpid())
        address_space = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (address_space + ADDRESS_SPACE,) * 2)
        connection.send("ready")
        while True:
            connection.send(runner.run(_run(segmenter, drawn(seed, connection.recv())[0], warm)))


async def _made(store: Path) -> Segmenter:
    settings = Settings(model_store=store, max_pixels=MAX_PIXELS, decode_timeout_seconds=SECONDS / 2, device="cpu")
    model = await asyncio.to_thread(load_model, ModelStore(store), "pets", settings)
    return Segmenter(model, settings, Resources.of(settings))


def _real(kind: str) -> Case:
    return Case(0, kind, seeds()[kind][0], SegmentOptions("overlay"), touched=False)


async def _run(segmenter: Segmenter, case: Case, warm_mb: float) -> Result:
    forget_peak(os.getpid())
    begun = time.monotonic()
    outcome, wrong = await _outcome(segmenter, case)
    return Result(outcome, time.monotonic() - begun, peak_mb(os.getpid()) - warm_mb, wrong)


async def _outcome(segmenter: Segmenter, case: Case) -> tuple[str, str | None]:
    try:
        answer = await segmenter.segment(case.data, case.options)
    except SegserveError as error:
        status = status_of(type(error))
        bad = status >= 500 or "memory" in error.detail or not case.touched
        return f"{status} {error.code}", repr(error) if bad else None
    except Exception as error:
        return "500", repr(error)
    try:
        return "200", wrong_size(case.data, answer.content, answer.media_type)
    except Exception as error:
        return "200", f"Pillow cannot decode it: {error!r}"
