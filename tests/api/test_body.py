import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.settings import Settings
from tests.api.running import Service, running

pytestmark = pytest.mark.anyio
PNG_HEADER = bytes.fromhex("89504e470d0a1a0a00000000ffffffff")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.lingering.LINGER_SECONDS", 0.05)


def bounded(settings: Settings, **limits: float) -> Settings:
    return settings.model_copy(update=limits)


async def in_chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "image/png",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/json",
    ],
)
async def test_any_body_is_the_picture_whatever_its_declared_type(
    service: Service, picture: bytes, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = await service.http.post("/segment", content=picture, headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")


async def test_a_form_gives_the_same_as_the_bare_picture(service: Service, picture: bytes) -> None:
    bare = await service.http.post("/segment", content=in_chunks(picture, 100))
    for name in ("cat.jpg", "../../etc/passwd", "", "katze ü.jpg"):
        form = await service.http.post("/segment", files={"file": (name, picture)}, data={"note": "ignored"})
        assert form.status_code == 200
        assert form.content == bare.content


async def test_a_declared_length_over_the_limit_is_refused(settings: Settings) -> None:
    async with running(bounded(settings, max_bytes=2000)) as service:
        for length in ("2001", "9" * 400):
            response = await service.http.post("/segment", content=b"short", headers={"Content-Length": length})
            body = service.problem(response, 413, "image_too_large")
            assert "2000 bytes" in body["detail"]
            assert response.headers["connection"] == "close"


async def test_bytes_are_counted_while_they_arrive(settings: Settings) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield PNG_HEADER.ljust(1000)
            await asyncio.sleep(0)  # as a socket does: others get their turn

    async with running(bounded(settings, max_bytes=2500)) as service:
        response = await service.http.post("/segment", content=endless())
        service.problem(response, 413, "image_too_large")
        assert response.headers["connection"] == "close"


async def test_the_limit_itself_is_allowed(settings: Settings, picture: bytes) -> None:
    async with running(bounded(settings, max_bytes=max(1024, len(picture)))) as service:
        padded = picture.ljust(1024, b"\0")
        assert (await service.http.post("/segment", content=padded)).status_code == 200
        service.problem(await service.http.post("/segment", content=padded + b"\0"), 413, "image_too_large")


async def test_a_body_that_does_not_end_times_out(settings: Settings, picture: bytes) -> None:
    async def stalling() -> AsyncIterator[bytes]:
        yield picture[:100]
        await asyncio.Event().wait()

    async with running(bounded(settings, body_timeout_seconds=0.05)) as service:
        response = await service.http.post("/segment", content=stalling())
        body = service.problem(response, 408, "request_timeout")
        assert "0.05 seconds" in body["detail"]
        assert response.headers["connection"] == "close"
        assert service.state.admission.admitted == 0


async def test_a_body_that_comes_in_drops_has_no_more_time(settings: Settings, picture: bytes) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        for at in range(len(picture)):
            yield picture[at : at + 1]
            await asyncio.sleep(0.01)

    async with running(bounded(settings, body_timeout_seconds=0.05)) as service:
        service.problem(await service.http.post("/segment", content=dripping()), 408, "request_timeout")


async def test_a_form_without_a_picture_says_what_it_has(service: Service, picture: bytes) -> None:
    for files in ({"image": picture}, {"File": picture}):
        body = service.problem(await service.http.post("/segment", files=files), 422, "missing_file")
        assert f"parts found: '{next(iter(files))}'" in body["detail"]


@pytest.mark.parametrize("option", ["output", "threshold", "classes", "model", "size", "tile", "flip", "many"])
async def test_an_option_in_the_form_is_refused_instead_of_ignored(
    service: Service, picture: bytes, option: str
) -> None:
    response = await service.http.post("/segment", files={"file": picture}, data={option: "1"})
    body = service.problem(response, 422, "invalid_parameter")
    assert body["parameter"] == option
    assert "query string" in body["detail"]


async def test_too_many_parts(settings: Settings, picture: bytes) -> None:
    async with running(bounded(settings, max_parts=3)) as service:
        fields = {f"field{number}": "x" for number in range(3)}
        response = await service.http.post("/segment", files={"file": picture}, data=fields)
        service.problem(response, 413, "too_many_parts")
        fields.popitem()
        assert (await service.http.post("/segment", files={"file": picture}, data=fields)).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=cut", "Multipart/Form-Data"]
)
async def test_a_form_that_is_none_is_malformed(service: Service, picture: bytes, content_type: str) -> None:
    response = await service.http.post("/segment", content=picture, headers={"Content-Type": content_type})
    service.problem(response, 400, "malformed_request")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "empty_image"),
        (b"hello", 400, "invalid_image"),
        (b"GIF89a", 400, "invalid_image"),
        (PNG_HEADER, 400, "invalid_image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", 415, "unsupported_image"),
    ],
)
async def test_what_is_no_picture(service: Service, data: bytes, status: int, code: str) -> None:
    service.problem(await service.http.post("/segment", content=data), status, code)
    service.problem(await service.http.post("/segment", files={"file": ("x.jpg", data)}), status, code)


async def test_more_pixels_than_allowed(settings: Settings, picture: bytes) -> None:
    async with running(bounded(settings, max_pixels=2399)) as service:
        service.problem(await service.http.post("/segment", content=picture), 413, "image_too_large")
