import base64

import pytest

from app.core.settings import Settings
from tests.api.running import Service, running
from tests.fixtures.api_keys import KEY, WITH_KEY, written

pytestmark = pytest.mark.anyio
CONFIG = """<View><Image name="image" value="$image"/>
<BrushLabels name="tag" toName="image"><Label value="pet"/></BrushLabels></View>"""
TASK = {"data": {"image": "/cat.jpg"}}


async def test_it_is_up_when_the_model_is(service: Service, settings: Settings) -> None:
    for path in ("/label-studio", "/label-studio/", "/label-studio/health"):
        response = await service.http.get(path)
        assert response.json() == {"status": "UP", "model_class": "pets/1"}
    assert (await service.http.get("/label-studio/versions")).json() == {"versions": ["pets/1"]}
    async with running(settings, loaded=False) as loading:
        loading.problem(await loading.http.get("/label-studio/health"), 503, "model_not_ready")


@pytest.mark.parametrize("path", ["train", "webhook"])
async def test_what_is_not_here(service: Service, path: str) -> None:
    service.problem(await service.http.post(f"/label-studio/{path}", json={}), 404, "not_supported")


async def test_a_setup_that_names_no_class(service: Service) -> None:
    for body in ({"schema": "<View></View>"}, {"schema": CONFIG.replace("pet", "car")}, {}, {"schema": 1}):
        found = service.problem(await service.http.post("/label-studio/setup", json=body), 422, "invalid_parameter")
        assert found["parameter"] == "schema"


@pytest.mark.parametrize("path", ["setup", "predict"])
async def test_what_is_no_json(service: Service, path: str) -> None:
    for body in (b"", b"[]", b"{", b"\xff"):
        response = await service.http.post(f"/label-studio/{path}", content=body)
        service.problem(response, 400, "malformed_request")


async def test_a_prediction_needs_a_configuration(service: Service) -> None:
    response = await service.http.post("/label-studio/predict", json={"tasks": [TASK], "project": "never set up"})
    assert service.problem(response, 422, "invalid_parameter")["parameter"] == "label_config"


async def test_a_key_may_be_a_password(settings: Settings) -> None:
    def basic(text: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    async with running(settings.model_copy(update={"api_keys": written("segment")})) as service:
        for headers in (WITH_KEY, basic(f"anyone:{KEY}")):
            assert (await service.http.get("/label-studio/health", headers=headers)).status_code == 200
        for wrong in ({}, basic("anyone:wrong"), basic(KEY), {"Authorization": "Basic %"}):
            service.problem(await service.http.get("/label-studio/health", headers=wrong), 401, "unauthorized")
        response = await service.http.post("/segment", headers=basic(f"anyone:{KEY}"))
        service.problem(response, 401, "unauthorized")  # nowhere else
        setup = await service.http.post("/label-studio/setup", json={"schema": CONFIG}, headers=WITH_KEY)
        assert setup.json() == {"model_version": "pets/1"}
        assert service.state.connections.of("tests", "").schema == CONFIG
