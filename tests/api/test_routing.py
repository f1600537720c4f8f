import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.api.key_entries import Scope
from app.api.routing import segmenting_routes
from app.core.settings import Settings
from app.main import create_app
from tests.api.running import running
from tests.fixtures.api_keys import WITH_KEY, written

pytestmark = pytest.mark.anyio

SCOPES: dict[tuple[str, str], set[Scope]] = {
    ("POST", "/segment"): {"segment"},
    ("POST", "/api/remove"): {"segment"},
    ("GET", "/api/remove"): {"segment"},
    ("POST", "/huggingface"): {"segment"},
    ("GET", "/label-studio"): {"segment"},
    ("GET", "/label-studio/health"): {"segment"},
    ("GET", "/label-studio/versions"): {"segment"},
    ("POST", "/label-studio/setup"): {"segment"},
    ("POST", "/label-studio/predict"): {"segment"},
    ("POST", "/label-studio/train"): {"segment"},
    ("POST", "/label-studio/webhook"): {"segment"},
    ("GET", "/model"): {"segment", "admin"},
    ("GET", "/model/architecture"): {"segment", "admin"},
    ("GET", "/models"): {"segment", "admin"},
    ("GET", "/models/pets/1"): {"segment", "admin"},
    ("POST", "/models/pets/1/load"): {"admin"},
    ("POST", "/models/pets/1/unload"): {"admin"},
    ("POST", "/models/pets/1/activate"): {"admin"},
    ("GET", "/metrics"): {"metrics"},
    ("POST", "/v2/models/pets/infer"): {"segment"},
    ("POST", "/v2/models/pets/versions/1/infer"): {"segment"},
    ("GET", "/v2/models/pets"): {"segment", "admin"},
    ("GET", "/v2/models/pets/versions/1"): {"segment", "admin"},
    ("GET", "/v2/models/pets/ready"): {"segment", "admin"},
    ("GET", "/v2/models/pets/versions/1/ready"): {"segment", "admin"},
    ("POST", "/v2/repository/index"): {"segment", "admin"},
    ("POST", "/v2/repository/models/pets/load"): {"admin"},
    ("POST", "/v2/repository/models/pets/unload"): {"admin"},
}
OPEN_OPERATIONS = ("/health/live", "/health/ready", "/v2", "/v2/health/live", "/v2/health/ready")
OPEN = ("/", "/static/main.js", "/docs", "/docs/reference.css", "/openapi.json", *OPEN_OPERATIONS)


def operations(app: FastAPI) -> set[tuple[str, str]]:
    paths = app.openapi()["paths"].items()
    return {(method.upper(), path.format(name="pets", version=1)) for path, item in paths for method in item}


async def test_which_scope_opens_what(settings: Settings) -> None:
    scope: Scope
    for scope in ("segment", "admin", "metrics"):
        async with running(settings.model_copy(update={"api_keys": written(scope)})) as service:
            assert operations(service.app) == {*SCOPES, *(("GET", path) for path in OPEN_OPERATIONS)}
            for (method, path), scopes in SCOPES.items():
                response = await service.http.request(method, path, headers=WITH_KEY)
                assert (response.status_code != 403) == (scope in scopes), (method, path)
                assert (await service.http.request(method, path)).status_code == 401
            for path in OPEN:
                assert (await service.http.get(path)).status_code == 200


async def test_without_keys_all_but_the_admin_api_is_open(settings: Settings) -> None:
    assert operations(create_app(settings)) == {
        *(operation for operation, scopes in SCOPES.items() if scopes != {"admin"}),
        *(("GET", path) for path in OPEN_OPERATIONS),
    }


@pytest.mark.parametrize(
    ("setting", "gone"),
    [("docs", ["/docs", "/docs/reference.css", "/openapi.json"]), ("page", ["/", "/static/main.js"])],
)
async def test_page_and_reference_can_be_switched_off(settings: Settings, setting: str, gone: list[str]) -> None:
    async with running(settings.model_copy(update={setting: False})) as service:
        for path in OPEN:
            response = await service.http.get(path)
            if path in gone:
                service.problem(response, 404, "not_found")
            else:
                assert response.status_code == 200


def test_what_takes_places() -> None:
    assert [
        (sorted(route.methods or ()), route.path) for route in segmenting_routes() if isinstance(route, APIRoute)
    ] == [
        (["POST"], "/segment"),
        (["POST"], "/api/remove"),
        (["GET"], "/api/remove"),
        (["POST"], "/huggingface"),
        (["POST"], "/label-studio/predict"),
        (["POST"], "/v2/models/{name}/infer"),
        (["POST"], "/v2/models/{name}/versions/{version}/infer"),
    ]
