import ast
import inspect
import io
import pickle
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import get_type_hints

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from app import client as client_module
from app.api.parameters import SEGMENT_OPTIONS
from app.client import (
    UNDECIDED,
    AsyncClient,
    Client,
    Options,
    Picture,
    RefusedError,
    Segmentation,
    SegserveError,
    decode_rle,
    png,
)
from app.core.settings import Settings
from app.imaging.rle import coco_rle
from tests.api.running import Service, running
from tests.e2e.process import ServerProcess

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def service(tiny_store_path: Path, anyio_backend: str) -> AsyncIterator[Service]:
    """The application in this process."""
    async with running(Settings(model_store=tiny_store_path)) as service:
        yield service


@pytest.fixture(scope="module")
def address(tiny_store_path: Path) -> Iterator[str]:
    """Of the application behind a real socket."""
    with ServerProcess("--model-store", str(tiny_store_path)) as server:
        server.wait_for("model loaded")
        yield server.url


@pytest.fixture
async def asyncs(service: Service) -> AsyncIterator[AsyncClient]:
    async with AsyncClient("http://segserve.test", transport=service.transport) as client:
        yield client


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address) as client:
        yield client


def drawn(width: int = 60, height: int = 40) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 6 % 256, columns * 4 % 256, 255 - rows * 3 % 256], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    return drawn()


@pytest.fixture(scope="module")
def picture(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, picture: bytes) -> Path:
    """Seven pictures, one of them broken, and other files."""
    root = tmp_path_factory.mktemp("pictures")
    (root / "more").mkdir()
    for number in range(6):
        (root / "more" / f"{number}.PNG").write_bytes(picture)
    (root / "broken.jpg").write_bytes(picture[:60])
    (root / "notes.txt").write_bytes(picture)
    return root


def opened(content: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image, np.uint8)


def same(one: Segmentation, other: Segmentation) -> bool:
    return np.array_equal(one.mask, other.mask) and (one.classes, one.model) == (other.classes, other.model)


# Against the service --------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"classes": ["pet", "border"], "threshold": 0.4}, {"flip": True}])
def test_the_mask_is_the_service_s_own(client: Client, picture: bytes, options: Options) -> None:
    result = client.segment(picture, **options)
    mask = opened(client.answer(picture, "mask", **options).content)
    assert result.mask.dtype == np.uint8
    assert result.mask.shape == (40, 60)
    np.testing.assert_array_equal(result.mask, mask)
    assert result.undecided == (mask == UNDECIDED).sum()
    assert (result.undecided > 0) == ("threshold" in options)
    for entry in result.classes:
        assert entry.pixels == (mask == entry.id).sum()
        assert entry.share == pytest.approx(entry.pixels / mask.size)
    assert result.named("pet").id == 0
    assert result.mask.flags.c_contiguous
    assert (result.model.name, result.model.version, len(result.model.sha256)) == ("pets", 1, 64)
    assert result.request_id
    with pytest.raises(KeyError):
        result.named("horse")


async def test_both_clients_give_the_same(client: Client, asyncs: AsyncClient, picture: bytes) -> None:
    assert same(client.segment(picture), await asyncs.segment(picture))
    assert client.overlay(picture) == await asyncs.overlay(picture)
    assert client.cutout(picture) == await asyncs.cutout(picture)
    answer = await asyncs.answer(picture, "probabilities", size="original", flip=True)
    assert answer.content == client.answer(picture, "probabilities", size="original", flip=True).content
    one, other = client.probabilities(picture), await asyncs.probabilities(picture)
    np.testing.assert_array_equal(one, other)
    assert (client.model(), client.models()[0]["name"]) == (await asyncs.model(), (await asyncs.models())[0]["name"])
    assert client.architecture() == await asyncs.architecture("pets:1")


def test_the_two_have_the_same_arguments() -> None:
    for name, method in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_") and name != "close":
            assert inspect.signature(method).parameters == inspect.signature(getattr(AsyncClient, name)).parameters
    ours = {name for name in vars(AsyncClient) if not name.startswith("_")}
    assert ours - {"aclose"} == {name for name in vars(Client) if not name.startswith("_")} - {"close"}


def test_pictures_of_other_kinds(client: Client, picture: bytes) -> None:
    assert opened(client.overlay(picture)).shape == (40, 60, 3)
    assert opened(client.cutout(picture)).shape == (40, 60, 4)
    answer = client.answer(picture, "overlay")
    assert (answer.content, answer.media_type) == (client.overlay(picture), "image/png")
    assert answer.timings.keys() == {"decode", "queue", "inference", "encode"}
    small, large = client.probabilities(picture), client.probabilities(picture, size="original")
    assert (small.shape, large.shape) == ((32, 32, 3), (40, 60, 3))
    assert large.dtype == np.float16
    np.testing.assert_allclose(small.sum(axis=2, dtype=np.float32), 1, atol=2e-3)


def test_a_picture_may_be_given_in_many_ways(
    client: Client, picture: bytes, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(picture)
    wanted = client.segment(picture)
    with path.open("rb") as file:
        given: list[Picture] = [path, str(path), file, bytearray(picture), pixels]
        for each in given:
            assert same(client.segment(each), wanted)
    assert client.segment(pixels[:, :, 0]).mask.shape == (40, 60)
    with path.open("r", encoding="latin-1") as text, pytest.raises(TypeError, match="'rb'"):
        client.segment(text)  # type: ignore[arg-type]  # as who does not look at types
    with pytest.raises(FileNotFoundError):
        client.segment("nowhere.png")
    with pytest.raises(ValueError, match="uint8"):
        client.segment(pixels.astype(np.float32))


async def test_many_in_one_request(client: Client, asyncs: AsyncClient, picture: bytes) -> None:
    pictures: list[Picture] = [drawn(30, 20), b"no picture", picture, drawn(50, 70)]
    for results in (client.segment_many(pictures, flip=True), await asyncs.segment_many(iter(pictures), flip=True)):
        shapes = [result.mask.shape if isinstance(result, Segmentation) else None for result in results]
        assert shapes == [(20, 30), None, (40, 60), (70, 50)]
        refused = results[1]
        assert isinstance(refused, RefusedError)
        assert (refused.code, refused.status) == ("invalid_image", 400)
        assert isinstance(results[2], Segmentation)
        assert same(results[2], client.segment(picture, flip=True))
    assert client.segment_many([]) == []
    assert await asyncs.segment_many([]) == []


def test_what_the_model_is(client: Client) -> None:
    card = client.model("pets:production")
    assert [(label.id, label.name, label.role) for label in card.labels] == [
        (0, "pet", "foreground"),
        (1, "background", "background"),
        (2, "border", "border"),
    ]
    assert card.labels[0].colour == "#e6503c"
    assert card.metrics["test"]["mean_iou"] == 0.5
    assert card.details["engine"]["name"] == card.model.engine
    assert client.models()[0]["aliases"] == {"production": 1}
    assert client.architecture()["totals"]["layers"] == len(client.architecture()["layers"])


@pytest.mark.parametrize(
    ("content", "options", "code", "status", "parameter"),
    [
        (b"", {}, "empty_image", 400, None),
        (b"no picture", {}, "invalid_image", 400, None),
        (None, {"threshold": 2}, "invalid_parameter", 422, "threshold"),
        (None, {"classes": "dog"}, "invalid_parameter", 422, None),
        (None, {"model": "cars"}, "model_not_found", 404, None),
        (None, {"colour": "red"}, "invalid_parameter", 422, "colour"),
    ],
)
async def test_what_is_refused(
    client: Client,
    asyncs: AsyncClient,
    picture: bytes,
    content: bytes | None,
    options: Options,
    code: str,
    status: int,
    parameter: str | None,
) -> None:
    with pytest.raises(RefusedError) as refused:
        client.segment(picture if content is None else content, **options)
    error = refused.value
    assert (error.code, error.status) == (code, status)
    assert error.parameter == (parameter or error.parameter)
    assert error.request_id
    assert str(error) == f"{code}: {error.detail}"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
    assert (type(again), str(again), again.request_id) == (RefusedError, str(error), error.request_id)
    with pytest.raises(RefusedError) as refused:
        await asyncs.segment(picture if content is None else content, **options)
    assert refused.value.code == code


def test_every_option_of_the_service_is_one_of_the_client() -> None:
    arguments = inspect.signature(Client.answer).parameters.keys() | get_type_hints(Options).keys()
    assert SEGMENT_OPTIONS - {"many", "url"} <= arguments  # it sends pictures, and chooses how many are answered


# Folders --------------------------------------------------------------------------------------------


async def test_a_folder(client: Client, asyncs: AsyncClient, folder: Path, picture: bytes) -> None:
    wanted = client.segment(picture)
    found = list(client.segment_folder(folder, concurrency=3))
    found_async = [result async for result in asyncs.segment_folder(folder, concurrency=3)]
    for results in (found, found_async):
        by_name = {result.path.relative_to(folder).as_posix(): result for result in results}
        assert sorted(by_name) == ["broken.jpg", *(f"more/{number}.PNG" for number in range(6))]
        broken = by_name.pop("broken.jpg")
        assert isinstance(broken.error, RefusedError)
        assert broken.segmentation is None
        for result in by_name.values():
            assert result.error is None
            assert result.segmentation is not None
            assert same(result.segmentation, wanted)


async def test_a_folder_of_another_output(client: Client, asyncs: AsyncClient, folder: Path, picture: bytes) -> None:
    wanted = client.cutout(picture)
    found = list(client.segment_folder(folder / "more", output="cutout"))
    found += [result async for result in asyncs.segment_folder(folder / "more", output="cutout")]
    assert [result.answer and result.answer.content for result in found] == [wanted] * 12


async def test_a_folder_may_be_left(client: Client, asyncs: AsyncClient, folder: Path) -> None:
    results = client.segment_folder(folder, concurrency=2)
    next(results)
    asynchronous = asyncs.segment_folder(folder, concurrency=2)
    await anext(asynchronous)
    await asynchronous.aclose()


async def test_no_folder(client: Client, asyncs: AsyncClient, tmp_path: Path) -> None:
    for each in (client, asyncs):
        with pytest.raises(NotADirectoryError):
            each.segment_folder(tmp_path / "nowhere")
        with pytest.raises(ValueError, match="concurrency"):
            each.segment_folder(tmp_path, concurrency=0)
    assert list(client.segment_folder(tmp_path)) == []


def test_a_file_that_cannot_be_read_is_a_result(client: Client, tmp_path: Path, picture: bytes) -> None:
    (tmp_path / "a.png").write_bytes(picture)
    (tmp_path / "b.png").write_bytes(picture)
    results = client.segment_folder(tmp_path, concurrency=1)
    first = next(results)
    (tmp_path / "c.png").write_bytes(picture)
    assert first.error is None
    (tmp_path / "b.png").unlink()
    assert [type(result.error) for result in results] in ([FileNotFoundError], [type(None)])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal_only(client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, progress, shown in ((Terminal(), True, True), (Terminal(), False, False), (io.StringIO(), True, False)):
        monkeypatch.setattr(sys, "stderr", stream)
        list(client.segment_folder(folder, progress=progress))
        assert stream.getvalue().endswith("[##############################] 7/7, 1 failed\n") == shown
        assert bool(stream.getvalue()) == shown


# Alone ----------------------------------------------------------------------------------------------


def test_the_file_may_be_copied() -> None:
    tree = ast.parse(inspect.getsource(client_module))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name) or "."
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == {"httpx", "numpy"}


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "", "http://"])
def test_no_address(url: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises((ValueError, httpx.InvalidURL)):
            kind(url)


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf")])
def test_no_timeout(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        Client(timeout=timeout)


@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.booleans()))
@hypothesis_settings(max_examples=200, deadline=None)
def test_run_lengths_are_read_as_the_service_writes_them(mask: NDArray[np.bool_]) -> None:
    height, width = mask.shape
    np.testing.assert_array_equal(decode_rle(coco_rle(mask)["counts"], mask.size).reshape(width, height).T, mask)


def test_long_runs() -> None:
    mask = np.zeros((3000, 4000), np.bool_)
    mask[17:1800, 5:3100] = True
    assert np.array_equal(decode_rle(coco_rle(mask)["counts"], mask.size).reshape(4000, 3000).T, mask)


@pytest.mark.parametrize("counts", ["", "412", "4121100", "P", "o" * 9 + "0", "4\x7f", "Ä", "0O13", " "])
def test_run_lengths_that_are_none(counts: str) -> None:
    with pytest.raises(ValueError, match=r"run lengths|ascii"):
        decode_rle(counts, 12)


def test_the_conformance_vector() -> None:
    runs = decode_rle("41211", 12)
    assert runs.reshape(4, 3).T.astype(int).tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]]


@given(
    hnp.arrays(
        np.uint8, st.one_of(st.tuples(*[st.integers(1, 9)] * 2), st.tuples(*[st.integers(1, 9)] * 2, st.just(3)))
    )
)
@hypothesis_settings(max_examples=50, deadline=None)
def test_png(pixels: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(opened(png(pixels)), pixels)


@pytest.mark.parametrize("shape", [(0, 4), (4,), (3, 3, 4), (2, 2, 3, 1)])
def test_pixels_of_no_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        png(np.zeros(shape, np.uint8))


def test_errors_have_one_base() -> None:
    assert issubclass(RefusedError, SegserveError)
