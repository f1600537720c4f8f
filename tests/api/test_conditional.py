import pytest

from tests.api.running import Service

pytestmark = pytest.mark.anyio
PATHS = ["/model", "/model/architecture", "/docs", "/openapi.json", "/static/reference.css"]


@pytest.mark.parametrize("path", PATHS)
async def test_what_a_client_has_is_not_sent_again(service: Service, path: str) -> None:
    first = await service.http.get(path)
    tag = first.headers["etag"]
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-cache"
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await service.http.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


@pytest.mark.parametrize("known", ['"other"', "", "rubbish", '"'])
async def test_what_a_client_has_not_is_sent(service: Service, known: str) -> None:
    response = await service.http.get("/model", headers={"If-None-Match": known})
    assert response.status_code == 200
    assert response.json()["model"]["name"] == "pets"


async def test_each_representation_has_a_tag_of_its_own(service: Service) -> None:
    tags = {
        (await service.http.get("/model/architecture", params={"format": form})).headers["etag"]
        for form in ("json", "text", "mermaid")
    }
    assert len(tags) == 3
