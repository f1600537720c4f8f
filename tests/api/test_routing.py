import pytest

from app.core.settings import Settings
from tests.api.running import running

pytestmark = pytest.mark.anyio

OPEN = ("/", "/static/main.js", "/docs", "/docs/reference.css", "/openapi.json", "/health/live", "/health/ready")


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
