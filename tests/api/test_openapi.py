import re
from pathlib import Path

import pytest

from app.api.errors import PROBLEM_TYPE, status_of
from app.api.key_entries import KeyEntry, digest, entry_text
from app.core.errors import SegserveError
from app.core.settings import Settings
from app.main import create_app
from tests.api.running import Service

pytestmark = pytest.mark.anyio

API_KEYS = entry_text("all", KeyEntry(sha256=digest(b"k"), scopes=("segment", "admin", "metrics")))
RUN_BOOK = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


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
        "url",
        "timeout",
    ]
    assert all(parameter["description"] and parameter["schema"]["examples"] for parameter in parameters)


async def test_it_is_made_once(service: Service) -> None:
    assert service.app.openapi() is service.app.openapi()
    assert (await service.http.get("/openapi.json")).json() == service.app.openapi()


def run_book() -> dict[str, int]:
    """Status by code, as its table of errors has them."""
    return {code: int(status) for code, status in re.findall(r"^\| `(\w+)` \| (\d{3}) \|", RUN_BOOK, re.MULTILINE)}


def all_kinds(kind: type[SegserveError]) -> set[type[SegserveError]]:
    return {kind}.union(*(all_kinds(each) for each in kind.__subclasses__()))


async def test_code_openapi_and_run_book_know_the_same_errors(tiny_store_path: Path) -> None:
    settings = Settings(model_store=tiny_store_path, api_keys=API_KEYS)
    operations = [each for path in create_app(settings).openapi()["paths"].values() for each in path.values()]
    answers = [answer for operation in operations for answer in operation["responses"].values()]
    problems = [answer["content"][PROBLEM_TYPE] for answer in answers if PROBLEM_TYPE in answer.get("content", {})]
    documented = {code for problem in problems for code in problem["examples"]}
    off_the_routes = {"not_found", "method_not_allowed"}
    elsewhere = RUN_BOOK.partition("On the command line only:")[2].partition("\n\n")[0]
    on_the_command_line = set(re.findall(r"`(\w+)`", elsewhere))
    assert run_book().keys() == documented | off_the_routes
    assert {kind.code for kind in all_kinds(SegserveError)} <= run_book().keys() | on_the_command_line
    assert not run_book().keys() & on_the_command_line


def test_the_run_book_has_the_status_of_each_error() -> None:
    for kind in (kind for kind in all_kinds(SegserveError) if "code" in vars(kind)):
        assert run_book().get(kind.code, status_of(kind)) == status_of(kind)


async def test_every_metric_stands_in_the_run_book(service: Service) -> None:
    text = (await service.http.get("/metrics")).text
    names = re.findall(r"^# TYPE (segserve_\w+) ", text, re.MULTILINE)
    assert len(names) > 15
    assert [name for name in names if f"`{name}`" not in RUN_BOOK] == []
