import pytest

from app.api.oip.described import REQUEST_BODY
from tests.api.oip.wire import INFER
from tests.api.running import Service

pytestmark = pytest.mark.anyio


async def test_the_example_works(service: Service) -> None:
    content = service.app.openapi()["paths"]["/v2/models/{name}/infer"]["post"]["requestBody"]["content"]
    assert content.keys() == {"application/json", "application/octet-stream"}
    assert content == REQUEST_BODY["requestBody"]["content"]
    for example in content["application/json"]["examples"].values():
        response = await service.http.post(INFER, json=example["value"])
        assert response.status_code == 200
        assert response.json()["id"] == example["value"]["id"]
        assert [each["name"] for each in response.json()["outputs"]] == ["mask"]


async def test_the_header_is_described_beside_the_path(service: Service) -> None:
    for path in ("/v2/models/{name}/infer", "/v2/models/{name}/versions/{version}/infer"):
        parameters = service.app.openapi()["paths"][path]["post"]["parameters"]
        places = {(each["in"], each["name"]) for each in parameters}
        assert places >= {("header", "Inference-Header-Content-Length"), ("path", "name")}
