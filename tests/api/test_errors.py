import logging

import pytest
from fastapi import FastAPI
from starlette.requests import ClientDisconnect

from app.api.errors import STATUS, status_of
from app.core.errors import ImageError, InvalidParameterError, SegserveError, StoreError
from app.core.settings import Settings
from app.main import create_app
from tests.api.running import Service, running
from tests.fixtures.api_keys import written

NOT_OVER_HTTP = {
    *("configuration_error", "publish_failed", "invalid_data", "training_failed"),
    *("job_failed", "file_unreadable", "answer_unwritable"),
}
"""What only commands raise."""


def subclasses(base: type[SegserveError]) -> list[type[SegserveError]]:
    return [base, *(found for child in base.__subclasses__() for found in subclasses(child))]


ALL = [error for error in subclasses(SegserveError) if error.__module__ == SegserveError.__module__]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_has_its_row(error: type[SegserveError]) -> None:
    assert error in STATUS
    assert 400 <= STATUS[error] <= 599


def test_an_error_without_a_row_gets_that_of_its_nearest_base() -> None:
    class SmudgedImageError(ImageError):
        pass

    class TornImageError(SmudgedImageError):
        pass

    assert status_of(TornImageError) == STATUS[ImageError] == 400
    assert status_of(type("LostStoreError", (StoreError,), {})) == 500


@pytest.mark.anyio
async def test_every_code_that_a_client_can_meet_stands_in_the_reference(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"api_keys": written("segment")}))
    told = {
        code
        for path in app.openapi()["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for content in answer["content"].values()
        for code in content["examples"]
    }
    codes = {error.code for error in ALL if "code" in vars(error)}
    assert told == codes - NOT_OVER_HTTP - {"not_found"}  # which is of paths that are not there


@pytest.mark.anyio
async def test_an_unknown_path_is_a_problem(service: Service) -> None:
    body = service.problem(await service.http.get("/nothing/here"), 404, "not_found")
    assert body["title"] == "Not Found"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        *(("GET", "/segment", "POST"), ("POST", "/model", "GET"), ("DELETE", "/health/ready", "GET")),
        *(("BREW", "/", "GET"), ("POST", "/static/main.js", "GET"), ("OPTIONS", "/api/remove", "GET, POST")),
        ("GET", "/label-studio/predict", "POST"),
    ],
)
async def test_a_wrong_method_is_a_problem_that_says_the_right_one(
    service: Service, method: str, path: str, allowed: str
) -> None:
    response = await service.http.request(method, path)
    service.problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allowed


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/segment/", "/model/", "/health", "/%00", "/segment%2f"])
async def test_no_path_redirects_or_is_guessed(service: Service, path: str) -> None:
    service.problem(await service.http.get(path), 404, "not_found")


def add_failing_routes(app: FastAPI) -> None:
    async def unforeseen() -> None:
        raise RuntimeError("password=hunter2")

    async def internal() -> None:
        raise StoreError("the disk with the models is gone")

    async def parameter() -> None:
        raise InvalidParameterError("tile", "must be positive")

    async def disconnected() -> None:
        raise ClientDisconnect

    for function in (unforeseen, internal, parameter, disconnected):
        app.add_api_route(f"/{function.__name__}", function, include_in_schema=False)


@pytest.mark.anyio
async def test_errors_of_routes(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    async with running(settings, loaded=False) as service:
        add_failing_routes(service.app)
        body = service.problem(await service.http.get("/unforeseen"), 500, "internal_error")
        assert "hunter2" not in str(body)
        assert "RuntimeError: password=hunter2" in caplog.text  # the log of the operator has it all
        caplog.clear()
        body = service.problem(await service.http.get("/internal"), 500, "internal_error")
        assert body["detail"] == "the disk with the models is gone"
        assert "Traceback" in caplog.text
        caplog.clear()
        body = service.problem(await service.http.get("/parameter"), 422, "invalid_parameter")
        assert body["parameter"] == "tile"
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
        response = await service.http.get("/disconnected")
        assert (response.status_code, response.content) == (499, b"")
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
