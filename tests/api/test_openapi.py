import pytest

from app.api.errors import PROBLEM_TYPE
from tests.api.running import Service

pytestmark = pytest.mark.anyio


async def test_errors_have_the_media_type_that_they_really_have(service: Service) -> None:
    for path in service.app.openapi()["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == [PROBLEM_TYPE]
                    assert answer["content"][PROBLEM_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}


async def test_no_trace_of_errors_that_are_never_sent(service: Service) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & service.app.openapi()["components"]["schemas"].keys()


async def test_the_picture_is_described_as_part_and_as_body(service: Service) -> None:
    content = service.app.openapi()["paths"]["/segment"]["post"]["requestBody"]["content"]
    assert content["multipart/form-data"]["schema"]["properties"]["file"] == {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
    }
    assert {"image/jpeg", "image/png", "application/octet-stream"} < content.keys()


async def test_answers_have_their_media_types_and_headers(service: Service) -> None:
    answer = service.app.openapi()["paths"]["/segment"]["post"]["responses"]["200"]
    assert answer["content"].keys() == {
        *("image/png", "application/x-npy", "application/json"),
        *("application/x-ndjson", "application/zip"),
    }
    assert answer["headers"].keys() == {"Segserve-Model", "Server-Timing"}


async def test_every_parameter_has_a_meaning_and_an_example(service: Service) -> None:
    parameters = service.app.openapi()["paths"]["/segment"]["post"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == [
        "output",
        "classes",
        "threshold",
        "model",
        "size",
        "tile",
        "flip",
        "many",
        "timeout",
    ]
    assert all(parameter["description"] and parameter["schema"]["examples"] for parameter in parameters)


async def test_it_is_made_once(service: Service) -> None:
    assert service.app.openapi() is service.app.openapi()
    assert (await service.http.get("/openapi.json")).json() == service.app.openapi()
