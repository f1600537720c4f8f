"""A client of the service, sync and async, in one file that may be copied: httpx, numpy and the standard library.

    from app.client import Client

    with Client("http://localhost:8000") as client:
        result = client.segment("cat.jpg")
        print(result.mask.shape, result.named("pet").share)

`AsyncClient` has the same methods, to be awaited. What cannot be answered raises a `SegserveError`.
"""

import asyncio
import io
import json
import math
import os
import random
import struct
import sys
import time
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Generic, Self, TypedDict, TypeVar, Unpack

import httpx
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Picture = bytes | bytearray | memoryview | str | os.PathLike[str] | IO[bytes] | NDArray[np.uint8]
"""An encoded picture, the path of one, an open file, or pixels: (H, W, 3) RGB or (H, W) grey, uint8."""

UNDECIDED = 255
"""In masks: of no class, or of one that was not asked for."""
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif")
"""How the names of pictures end."""
CONNECT_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
LONGEST_TIMEOUT = 3600.0
"""Seconds, as the service takes them."""
PASSING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
"""Statuses of what may be gone when asked again."""
BROKEN = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)
"""Of a connection: another one may hold."""


class SegserveError(Exception):
    """There is no answer, and why.

    Attributes:
        code: the service's own code, stable; without its word `unreachable`, `deadline_exceeded`, `unexpected_answer`
            or the status in words, such as `bad_gateway`.
        status: of HTTP; 0 where nothing was answered.
        detail: what happened and what to do about it.
        request_id: stands in the service's log; empty where nothing was answered.
        parameter: the option that is wrong, or None.
        retry_after: seconds after which to come again, where the service says so.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        status: int = 0,
        request_id: str = "",
        parameter: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, detail, status, request_id, parameter, retry_after)  # all of it: so it can be pickled
        self.code, self.detail, self.status, self.request_id = code, detail, status, request_id
        self.parameter, self.retry_after = parameter, retry_after

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class RefusedError(SegserveError):
    """The request is at fault (status 4xx): sent again it will be refused again."""


class UnavailableError(SegserveError):
    """The service is not reached, has too much to do or fails; it was asked again as often as that may help."""


class DeadlineExceededError(SegserveError):
    """The answer was not there in time."""


class Options(TypedDict, total=False):
    """How to segment; the service's documentation has the details. None: as if not given."""

    model: str | None  # NAME[:VERSION|ALIAS]
    classes: Sequence[str] | str | None  # to keep; pixels of others become UNDECIDED
    threshold: float | None  # pixels of a lower winning probability become UNDECIDED
    tile: int | None  # side of windows in pixels, for large pictures
    flip: bool | None  # mean with the mirror image
    timeout: float | None  # seconds for this call, in place of the client's


@dataclass(frozen=True)
class Model:
    """Which model answered."""

    name: str
    version: int
    sha256: str
    engine: str
    precision: str


@dataclass(frozen=True)
class ClassResult:
    """A class in a picture.

    Args:
        share: of the picture's pixels, 0–1.
        mean_confidence: mean winning probability of its pixels; None without pixels, as `bbox`.
        bbox: x, y, width, height in pixels.
    """

    id: int
    name: str
    pixels: int
    share: float
    mean_confidence: float | None
    bbox: tuple[float, float, float, float] | None


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A segmented picture.

    Args:
        mask: (H, W) uint8, class ids or `UNDECIDED`, of the size that the picture has as people see it.
        classes: every class of the model, found or not.
        undecided: number of such pixels.
        model: which answered.
        request_id: as in the service's log.
    """

    mask: NDArray[np.uint8]
    classes: tuple[ClassResult, ...]
    undecided: int
    model: Model
    request_id: str

    def named(self, name: str) -> ClassResult:
        """The class of that name; KeyError if the model has none."""
        for entry in self.classes:
            if entry.name == name:
                return entry
        raise KeyError(name)


@dataclass(frozen=True)
class Answer:
    """An answer as it came.

    Args:
        content: the file.
        media_type: its kind.
        model: which answered.
        timings: milliseconds by stage of the service.
        request_id: as in the service's log.
    """

    content: bytes
    media_type: str
    model: Model
    timings: dict[str, float]
    request_id: str


@dataclass(frozen=True)
class Label:
    """A class that a model knows; the colour is `#rrggbb`."""

    id: int
    name: str
    colour: str
    role: str | None


@dataclass(frozen=True)
class ModelCard:
    """What a model knows and how good it is; `details` is the whole card as the service has it."""

    model: Model
    labels: tuple[Label, ...]
    metrics: dict[str, Any]
    details: dict[str, Any]


@dataclass(frozen=True, eq=False)
class FileResult:
    """What came of a file: one of the three, `answer` in place of `segmentation` where an `output` was asked for."""

    path: Path
    segmentation: Segmentation | None = None
    answer: Answer | None = None
    error: SegserveError | OSError | None = None


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG of such pixels, for example to keep a mask: (H, W, 3) RGB or (H, W) grey, uint8."""
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)) or not pixels.size:
        raise ValueError(f"pixels are (H, W, 3) or (H, W) uint8, not {pixels.shape} {pixels.dtype}")
    height, width = pixels.shape[:2]
    rows = np.pad(pixels.reshape(height, -1), ((0, 0), (1, 0)))  # each row begins with its filter: 0, none
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 1)), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# What is sent, and what is made of the answer; nothing here waits or connects ----------------------


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def request_id(self) -> str:
        return self.headers.get("x-request-id", "")

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class _Call(Generic[T]):
    """A request, and how its answer is read."""

    parse: Callable[[_Reply], T]
    path: str
    params: Mapping[str, str]
    content: bytes | None = None
    files: Sequence[tuple[str, tuple[str, bytes]]] | None = None
    timeout: float | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        given = self.content is not None or self.files is not None
        return {
            "method": "POST" if given else "GET",
            "url": self.path,
            "params": self.params,
            "content": self.content,
            "files": self.files,
        }

    def result(self, reply: _Reply) -> T:
        try:
            return self.parse(reply)
        except (LookupError, TypeError, ValueError, AttributeError, EOFError) as error:
            detail = f"this is not what the service answers; is it one? ({type(error).__name__}: {error})"
            raise SegserveError("unexpected_answer", detail, reply.status, reply.request_id) from error


def _segment(parse: Callable[[_Reply], T], picture: Picture, options: Options, **more: str | None) -> _Call[T]:
    params = _params(options, more)
    return _Call(parse, "segment", params, content=_content(picture)[1], timeout=options.get("timeout"))


def _segment_many(pictures: Iterable[Picture], options: Options) -> "_Call[list[Segmentation | SegserveError]]":
    files = [("file", _content(picture)) for picture in pictures]
    params = _params(options, {"output": "json", "many": "ndjson"})
    return _Call(
        lambda reply: _lines(reply, len(files)), "segment", params, files=files, timeout=options.get("timeout")
    )


def _get(parse: Callable[[_Reply], T], path: str, **params: str | None) -> _Call[T]:
    return _Call(parse, path, _params({}, params))


def _params(options: Options, more: Mapping[str, str | None]) -> dict[str, str]:
    params = {name: _parameter(value) for name, value in options.items() if value is not None and name != "timeout"}
    return params | {name: value for name, value in more.items() if value is not None}


def _parameter(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ",".join(value)


def _content(picture: Picture) -> tuple[str, bytes]:
    """Name and bytes of a picture."""
    if isinstance(picture, str | os.PathLike):
        name = Path(picture).name.encode("utf-8", "replace").decode()  # Linux has names that are no text
        return name, Path(picture).read_bytes()
    if isinstance(picture, np.ndarray):
        return "picture.png", png(picture)
    if isinstance(picture, bytes | bytearray | memoryview):
        return "picture", bytes(picture)
    content = picture.read()
    if not isinstance(content, bytes):
        raise TypeError("open the file for reading bytes: mode 'rb'")
    return "picture", content


def _segmentation(reply: _Reply) -> Segmentation:
    return _segmentation_of(reply.json(), reply.request_id)


def _segmentation_of(body: Any, request_id: str) -> Segmentation:
    height, width = body["size"]
    columns = np.full(height * width, UNDECIDED, np.uint8)  # column by column, as COCO's run lengths
    for entry in body["classes"]:
        if entry["rle"] is not None:
            columns[decode_rle(entry["rle"]["counts"], columns.size)] = entry["id"]
    names = ("id", "name", "pixels", "share", "mean_confidence")
    classes = tuple(
        ClassResult(**{name: entry[name] for name in names}, bbox=entry["bbox"] and tuple(entry["bbox"]))
        for entry in body["classes"]
    )
    mask = np.ascontiguousarray(columns.reshape(width, height).T)
    return Segmentation(mask, classes, body["undecided"]["pixels"], _model_of(body["model"]), request_id)


def decode_rle(counts: str, pixels: int) -> NDArray[np.bool_]:
    """COCO's compressed run lengths, zeros first, as (pixels,) bool, column by column; ValueError if they don't fit.

    Each character holds five bits of a number, lowest first; from the fourth number on it is the difference from the
    one two before.
    """
    codes = np.frombuffer(counts.encode("ascii"), np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero(codes & 0x20 == 0)
    if not codes.size or codes.min() < 0 or codes.max() > 0x3F or not ends.size or ends[-1] != codes.size - 1:
        raise ValueError("no run lengths")
    starts = np.concatenate(([0], ends[:-1] + 1))
    digit = np.arange(codes.size) - np.repeat(starts, ends - starts + 1)
    if digit.max() > 7:
        raise ValueError("run lengths of more than 40 bits")
    runs = np.add.reduceat((codes & 0x1F) << 5 * digit, starts)
    runs -= np.where(codes[ends] & 0x10, 1 << 5 * (digit[ends] + 1), 0)
    for first in (1, 2):
        runs[first::2] = np.cumsum(runs[first::2])
    if runs.min() < 0 or runs.sum() != pixels:
        raise ValueError(f"run lengths of {runs.sum()} pixels, not {pixels}")
    return np.repeat(np.arange(runs.size) % 2 == 1, runs)


def _lines(reply: _Reply, count: int) -> "list[Segmentation | SegserveError]":
    """Results in the order of the pictures; they come in the order in which they were ready."""
    found: dict[int, Segmentation | SegserveError] = {}
    for line in map(json.loads, reply.content.splitlines()):
        if "problem" in line:
            found[line["index"]] = _error(line["problem"], line["status"], reply.request_id, None)
        else:
            found[line["index"]] = _segmentation_of(line["result"], reply.request_id)
    return [found[index] for index in range(count)]


def _answer(reply: _Reply) -> Answer:
    timings = {}
    for stage in filter(None, reply.headers.get("server-timing", "").split(", ")):
        name, _, milliseconds = stage.partition(";dur=")
        timings[name] = float(milliseconds)
    media_type = reply.headers["content-type"].partition(";")[0]
    return Answer(reply.content, media_type, _model_from(reply.headers["segserve-model"]), timings, reply.request_id)


def _png(reply: _Reply) -> bytes:
    return _answer(reply).content


def _array(reply: _Reply) -> NDArray[np.float16]:
    array: NDArray[np.float16] = np.load(io.BytesIO(_answer(reply).content), allow_pickle=False)
    return array


def _card(reply: _Reply) -> ModelCard:
    body = reply.json()
    labels = tuple(Label(label["id"], label["name"], label["colour"], label["role"]) for label in body["labels"])
    return ModelCard(_model_of(body["model"]), labels, body["metrics"], body)


def _document(reply: _Reply) -> dict[str, Any]:
    body = reply.json()
    if not isinstance(body, dict):
        raise ValueError("no JSON object")
    return body


def _listed(reply: _Reply) -> list[dict[str, Any]]:
    return list(_document(reply)["models"])


def _model_of(body: Any) -> Model:
    return Model(body["name"], int(body["version"]), body["sha256"], body["engine"], body["precision"])


def _model_from(header: str) -> Model:
    """`pets/3; sha256=…; engine=openvino; precision=f32`."""
    reference, *pairs = header.split("; ")
    name, version = reference.split("/")
    return _model_of({"name": name, "version": version, **dict(pair.split("=", 1) for pair in pairs)})


# When an answer is an error, and when it is worth asking again -------------------------------------


def _failure(reply: _Reply) -> SegserveError | None:
    """What the answer complains of, or None."""
    if HTTPStatus(200) <= reply.status < HTTPStatus(300):
        return None
    try:
        body = _document(reply)
    except ValueError:
        body = {}
    return _error(body, reply.status, reply.request_id, _retry_after(reply.headers))


def _error(body: Mapping[str, Any], status: int, request_id: str, retry_after: float | None) -> SegserveError:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = f"status {status}"
    code = str(body.get("code") or phrase.lower().replace(" ", "_").replace("-", "_"))
    detail = str(body.get("detail") or f"answered with {status} {phrase}, not by the service itself")
    kind: type[SegserveError] = UnavailableError
    if status == HTTPStatus.GATEWAY_TIMEOUT:
        kind = DeadlineExceededError
    elif status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
        kind = RefusedError
    return kind(code, detail, status, request_id or str(body.get("request_id", "")), body.get("parameter"), retry_after)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the header asks for, as a number or as a date; None if it says nothing of use."""
    text = headers.get("retry-after", "").strip()
    try:
        if text.replace(".", "", 1).isdecimal():
            return float(text)
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None


class _Attempts:
    """The attempts at one call: how long each may take, and when the next one is due."""

    def __init__(self, timeout: float, retries: int, clock: Callable[[], float]) -> None:
        self._timeout, self._retries, self._clock = _checked(timeout), retries, clock
        self._until = clock() + timeout
        self._made = 0

    @property
    def left(self) -> float:
        """Seconds until the deadline; never quite none."""
        return max(0.001, self._until - self._clock())

    @property
    def arguments(self) -> dict[str, Any]:
        """Of the next attempt."""
        left = self.left
        headers = {"X-Request-Timeout": f"{min(left, LONGEST_TIMEOUT):.3f}"}
        return {"headers": headers, "timeout": httpx.Timeout(left, connect=min(left, CONNECT_SECONDS))}

    def in_time(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks, until the deadline: a connection may give a byte now and then for ever."""
        for chunk in chunks:
            yield chunk
            if self._clock() >= self._until:
                raise TimeoutError

    def no_answer(self, error: Exception) -> SegserveError:
        """The error that tells of it."""
        found: SegserveError = UnavailableError("unreachable", f"{type(error).__name__}: {error}")
        if self._clock() >= self._until or isinstance(error, TimeoutError):
            found = DeadlineExceededError("deadline_exceeded", f"no answer within {self._timeout:g} seconds")
        found.__cause__ = error
        return found

    def pause(self, error: SegserveError) -> float:
        """Seconds to wait before the next attempt; raises the error if there is to be none.

        Never less than the service asks for, and up to twice as long after each attempt, by chance, so that clients
        which were refused together do not come again together.
        """
        passing = error.status in PASSING or isinstance(error.__cause__, BROKEN)
        pause = (error.retry_after or 0.0) + random.random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**self._made)
        if isinstance(error, DeadlineExceededError) or not passing or self._made >= self._retries or pause >= self.left:
            raise error
        self._made += 1
        return pause


def _checked(timeout: float) -> float:
    if not (math.isfinite(timeout) and timeout > 0):
        raise ValueError(f"timeout: seconds above 0, not {timeout}")
    return timeout


def _address(url: str) -> httpx.URL:
    address = httpx.URL(url)
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError(f"{url!r} is no address of a service: http://HOST:PORT")
    return address


def _headers(api_key: str | None) -> dict[str, str]:
    return {"User-Agent": "segserve-client"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})


def _limits(connections: int) -> httpx.Limits:
    return httpx.Limits(max_connections=connections, max_keepalive_connections=connections)


# Folders -------------------------------------------------------------------------------------------


def _pictures_in(folder: str | os.PathLike[str], concurrency: int) -> list[Path]:
    """All pictures below the folder, by their names, sorted."""
    root = Path(folder)
    if concurrency < 1:
        raise ValueError(f"concurrency: 1 or more, not {concurrency}")
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no folder")
    return sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _file_result(path: Path, came: object) -> FileResult:
    if isinstance(came, Segmentation):
        return FileResult(path, segmentation=came)
    return FileResult(path, answer=came) if isinstance(came, Answer) else FileResult(path, error=came)  # type: ignore[arg-type]


class _Bar:
    """How far a folder is, on stderr; nothing where that is no terminal."""

    def __init__(self, total: int, shown: bool) -> None:
        self._total, self._shown = total, shown and total > 0 and sys.stderr.isatty()
        self._done = self._failed = 0

    def passed(self, result: FileResult) -> FileResult:
        self._done += 1
        self._failed += result.error is not None
        if self._shown:
            filled = "#" * (30 * self._done // self._total)
            failed = f", {self._failed} failed" if self._failed else ""
            sys.stderr.write(f"\r[{filled:30}] {self._done}/{self._total}{failed}")
            sys.stderr.flush()
        return result

    def close(self) -> None:
        if self._shown:
            sys.stderr.write("\n")


# The two clients -----------------------------------------------------------------------------------


class Client:
    """Asks a service; threads may share one, and so its connections.

    A call is tried again while the service is not reached, breaks off, or says that it has too much to do (429, 502,
    503: never before its `Retry-After`), for segmenting changes nothing. It ends within `timeout`, which the service is
    told, too. A file is read whole before it is sent.

    Args:
        url: of the service, with the path that a gateway may give it.
        api_key: where the service asks for one.
        timeout: seconds for a call, all its attempts and pauses together.
        retries: most further attempts.
        connections: most at a time; they are kept open.
        transport: of httpx, for proxies or certificates of one's own.
        sleep: how it waits.
        clock: seconds by which it measures time.
    """

    def __init__(
        self,
        url: str = "http://localhost:8000",
        *,
        api_key: str | None = None,
        timeout: float = 60.0,
        retries: int = 6,
        connections: int = 32,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout, self._retries = _checked(timeout), retries
        self._sleep, self._clock = sleep, clock
        headers, limits = _headers(api_key), _limits(connections)
        self._http = httpx.Client(base_url=_address(url), headers=headers, limits=limits, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def segment(self, picture: Picture, **options: Unpack[Options]) -> Segmentation:
        """Mask and numbers of a picture."""
        return self._ask(_segment(_segmentation, picture, options, output="json"))

    def segment_many(
        self, pictures: Iterable[Picture], **options: Unpack[Options]
    ) -> "list[Segmentation | SegserveError]":
        """Pictures in one request: of each its segmentation or what is wrong with it, in their order."""
        call = _segment_many(pictures, options)
        return self._ask(call) if call.files else []

    def answer(self, picture: Picture, output: str, *, size: str | None = None, **options: Unpack[Options]) -> Answer:
        """The file that the service makes for that `output`."""
        return self._ask(_segment(_answer, picture, options, output=output, size=size))

    def overlay(self, picture: Picture, **options: Unpack[Options]) -> bytes:
        """PNG of the picture, tinted."""
        return self._ask(_segment(_png, picture, options, output="overlay"))

    def cutout(self, picture: Picture, **options: Unpack[Options]) -> bytes:
        """PNG of the foreground on nothing."""
        return self._ask(_segment(_png, picture, options, output="cutout"))

    def probabilities(
        self, picture: Picture, *, size: str | None = None, **options: Unpack[Options]
    ) -> NDArray[np.float16]:
        """(h, w, classes) float16 at the network's size, with size="original" at the picture's."""
        return self._ask(_segment(_array, picture, options, output="probabilities", size=size))

    def segment_folder(
        self,
        folder: str | os.PathLike[str],
        *,
        output: str | None = None,
        concurrency: int = 4,
        progress: bool = True,
        **options: Unpack[Options],
    ) -> Iterator[FileResult]:
        """Every picture below the folder, as each is ready; a file that fails is a result, too.

        Args:
            folder: links to folders in it are not followed.
            output: give answers of that kind in place of segmentations.
            concurrency: so many at a time.
            progress: whether to show a bar, where stderr is a terminal.
            options: as of `segment`.
        """
        paths = _pictures_in(folder, concurrency)

        def one(path: Path) -> FileResult:
            try:
                came = self.answer(path, output, **options) if output else self.segment(path, **options)
                return _file_result(path, came)
            except (SegserveError, OSError) as error:
                return FileResult(path, error=error)

        def results() -> Iterator[FileResult]:
            bar, waiting = _Bar(len(paths), progress), iter(paths)
            try:
                with ThreadPoolExecutor(concurrency) as pool:
                    running = {pool.submit(one, path) for path in islice(waiting, concurrency)}
                    while running:
                        done, running = wait(running, return_when=FIRST_COMPLETED)
                        running |= {pool.submit(one, path) for path in islice(waiting, len(done))}
                        yield from (bar.passed(future.result()) for future in done)
            finally:
                bar.close()

        return results()

    def model(self, model: str | None = None) -> ModelCard:
        """Card of a model; of the default one if none is named."""
        return self._ask(_get(_card, "model", model=model))

    def models(self) -> list[dict[str, Any]]:
        """Names, versions and aliases of what the service has."""
        return self._ask(_get(_listed, "models"))

    def architecture(self, model: str | None = None) -> dict[str, Any]:
        """The network: layers, edges, blocks, totals."""
        return self._ask(_get(_document, "model/architecture", format="json", model=model))

    def _ask(self, call: _Call[T]) -> T:
        attempts = _Attempts(self._timeout if call.timeout is None else call.timeout, self._retries, self._clock)
        while True:
            try:
                with self._http.stream(**call.arguments, **attempts.arguments) as response:
                    content = b"".join(attempts.in_time(response.iter_bytes()))
                reply = _Reply(response.status_code, response.headers, content)
                error = _failure(reply)
                if error is None:
                    return call.result(reply)
            except (httpx.RequestError, TimeoutError) as failure:
                error = attempts.no_answer(failure)
            self._sleep(attempts.pause(error))


class AsyncClient:
    """`Client` for asyncio: the same arguments and methods, awaited; one event loop for all its calls."""

    def __init__(
        self,
        url: str = "http://localhost:8000",
        *,
        api_key: str | None = None,
        timeout: float = 60.0,
        retries: int = 6,
        connections: int = 32,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout, self._retries = _checked(timeout), retries
        self._sleep, self._clock = sleep, clock
        headers, limits = _headers(api_key), _limits(connections)
        self._http = httpx.AsyncClient(base_url=_address(url), headers=headers, limits=limits, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """As `Client.close`."""
        await self._http.aclose()

    async def segment(self, picture: Picture, **options: Unpack[Options]) -> Segmentation:
        """As `Client.segment`."""
        return await self._ask(await asyncio.to_thread(_segment, _segmentation, picture, options, output="json"))

    async def segment_many(
        self, pictures: Iterable[Picture], **options: Unpack[Options]
    ) -> "list[Segmentation | SegserveError]":
        """As `Client.segment_many`."""
        call = await asyncio.to_thread(_segment_many, pictures, options)
        return await self._ask(call) if call.files else []

    async def answer(
        self, picture: Picture, output: str, *, size: str | None = None, **options: Unpack[Options]
    ) -> Answer:
        """As `Client.answer`."""
        return await self._ask(await asyncio.to_thread(_segment, _answer, picture, options, output=output, size=size))

    async def overlay(self, picture: Picture, **options: Unpack[Options]) -> bytes:
        """As `Client.overlay`."""
        return await self._ask(await asyncio.to_thread(_segment, _png, picture, options, output="overlay"))

    async def cutout(self, picture: Picture, **options: Unpack[Options]) -> bytes:
        """As `Client.cutout`."""
        return await self._ask(await asyncio.to_thread(_segment, _png, picture, options, output="cutout"))

    async def probabilities(
        self, picture: Picture, *, size: str | None = None, **options: Unpack[Options]
    ) -> NDArray[np.float16]:
        """As `Client.probabilities`."""
        making = asyncio.to_thread(_segment, _array, picture, options, output="probabilities", size=size)
        return await self._ask(await making)

    def segment_folder(
        self,
        folder: str | os.PathLike[str],
        *,
        output: str | None = None,
        concurrency: int = 4,
        progress: bool = True,
        **options: Unpack[Options],
    ) -> AsyncGenerator[FileResult]:
        """As `Client.segment_folder`, with `async for`."""
        paths = _pictures_in(folder, concurrency)

        async def one(path: Path) -> FileResult:
            try:
                came = await (self.answer(path, output, **options) if output else self.segment(path, **options))
                return _file_result(path, came)
            except (SegserveError, OSError) as error:
                return FileResult(path, error=error)

        async def results() -> AsyncGenerator[FileResult]:
            bar, waiting = _Bar(len(paths), progress), iter(paths)
            running = {asyncio.create_task(one(path)) for path in islice(waiting, concurrency)}
            try:
                while running:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    running |= {asyncio.create_task(one(path)) for path in islice(waiting, len(done))}
                    for task in done:
                        yield bar.passed(task.result())
            finally:
                bar.close()
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

        return results()

    async def model(self, model: str | None = None) -> ModelCard:
        """As `Client.model`."""
        return await self._ask(_get(_card, "model", model=model))

    async def models(self) -> list[dict[str, Any]]:
        """As `Client.models`."""
        return await self._ask(_get(_listed, "models"))

    async def architecture(self, model: str | None = None) -> dict[str, Any]:
        """As `Client.architecture`."""
        return await self._ask(_get(_document, "model/architecture", format="json", model=model))

    async def _ask(self, call: _Call[T]) -> T:
        attempts = _Attempts(self._timeout if call.timeout is None else call.timeout, self._retries, self._clock)
        while True:
            try:
                async with asyncio.timeout(attempts.left):
                    response = await self._http.request(**call.arguments, **attempts.arguments)
                reply = _Reply(response.status_code, response.headers, response.content)
                error = _failure(reply)
                if error is None:
                    return call.result(reply)
            except (httpx.RequestError, TimeoutError) as failure:
                error = attempts.no_answer(failure)
            await self._sleep(attempts.pause(error))
