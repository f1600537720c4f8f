import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.core.settings import Settings
from tests.api.running import Service, running
from tests.fixtures.picture_host import answer, picture_host

pytestmark = pytest.mark.anyio


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


async def removed(service: Service, picture: bytes, query: str = "", **fields: str) -> Image.Image:
    response = await service.http.post(f"/api/remove{query}", files={"file": ("cat.jpg", picture)}, data=fields)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png"), response.text
    return opened(response.content)


async def test_the_background_is_transparent(service: Service, picture: bytes) -> None:
    cutout = await removed(service, picture)
    assert (cutout.mode, cutout.size) == ("RGBA", (60, 40))
    same = await service.http.post("/segment?output=cutout", content=picture)
    np.testing.assert_array_equal(np.asarray(cutout), np.asarray(opened(same.content)))
    bare = await service.http.post("/api/remove", content=picture)
    assert bare.content == same.content
    assert bare.headers["segserve-model"].startswith("pets/1;")


async def test_only_the_mask(service: Service, picture: bytes) -> None:
    alpha = np.asarray(await removed(service, picture))[..., 3]
    assert len(np.unique(alpha)) > 10  # it is soft
    for query, fields in (("?om=true", {}), ("", {"om": "1"}), ("?bgc=1,2,3,4", {"om": "True"})):
        mask = await removed(service, picture, query, **fields)
        assert mask.mode == "L"
        np.testing.assert_array_equal(np.asarray(mask), alpha)


async def test_a_background_colour(service: Service, picture: bytes) -> None:
    cutout = await removed(service, picture)
    for colour, query, fields in (
        ((255, 0, 0, 255), "?bgc=255,0,0,255", {}),
        ((0, 10, 20, 255), "", {"bgc": "0, 10, 20"}),
        ((9, 8, 7, 100), "", {"bgc": "9,8,7,100"}),
    ):
        expected = Image.alpha_composite(Image.new("RGBA", cutout.size, colour), cutout)
        found = await removed(service, picture, query, **fields)
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


async def test_parameters_that_change_nothing(service: Service, picture: bytes) -> None:
    plain = np.asarray(await removed(service, picture))
    defaults = {"a": "false", "af": "240", "ab": "10", "ae": "10", "om": "false", "ppm": "false", "model": "pets:1"}
    np.testing.assert_array_equal(np.asarray(await removed(service, picture, **defaults)), plain)


@pytest.mark.parametrize(
    ("query", "fields", "parameter"),
    [
        ("", {"a": "true"}, "a"),
        ("?a=1", {}, "a"),
        ("", {"ppm": "true"}, "ppm"),
        ("?extras={%22x%22:1}", {}, "extras"),
        ("", {"bgc": "1,2"}, "bgc"),
        ("", {"bgc": "1,2,3,256"}, "bgc"),
        ("", {"bgc": "1,2,3,-4"}, "bgc"),
        ("", {"bgc": "red"}, "bgc"),
        ("", {"bgc": "²,1,1,1"}, "bgc"),
        ("", {"om": "maybe"}, "om"),
        ("", {"af": "256"}, "af"),
        ("", {"alpha": "1"}, "alpha"),
        ("?om=1", {"om": "1"}, "om"),
        ("?url=http://example.org/", {}, "url"),
    ],
)
async def test_what_cannot_be_honoured_is_refused(
    service: Service, picture: bytes, query: str, fields: dict[str, str], parameter: str
) -> None:
    response = await service.http.post(f"/api/remove{query}", files={"file": picture}, data=fields)
    assert service.problem(response, 422, "invalid_parameter")["parameter"] == parameter


async def test_forms_that_are_wrong(service: Service, picture: bytes) -> None:
    two: Any = [("file", picture), ("file", picture)]
    service.problem(await service.http.post("/api/remove", files=two), 422, "invalid_parameter")
    service.problem(await service.http.post("/api/remove", files={"image": picture}), 422, "missing_file")
    response = await service.http.post("/api/remove", files={"file": picture}, data={"model": "u2net"})
    service.problem(response, 404, "model_not_found")
    service.problem(await service.http.post("/api/remove", files={"file": b"text"}), 400, "invalid_image")
    await service.http.post("/api/remove", files={"file": picture}, data={"om": "x"})
    assert service.state.admission.admitted == 0


async def test_a_picture_by_reference(service: Service, settings: Settings, picture: bytes) -> None:
    service.problem(await service.http.get("/api/remove?url=http://example.org/a"), 422, "url_not_allowed")
    service.problem(await service.http.get("/api/remove"), 422, "invalid_parameter")
    async with picture_host(cat=answer(picture)) as host:
        given = {"url_hosts": host.netloc, "url_networks": "127.0.0.0/8"}
        async with running(settings.model_copy(update=given)) as fetching:
            response = await fetching.http.get("/api/remove", params={"url": host.url("/cat"), "om": "true"})
            expected = await removed(fetching, picture, om="true")
            np.testing.assert_array_equal(np.asarray(opened(response.content)), np.asarray(expected))
