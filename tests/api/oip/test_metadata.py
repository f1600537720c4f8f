from dataclasses import replace

import pytest

from app import __version__
from app.api.oip.metadata import described
from app.core.errors import EngineStalledError
from app.core.settings import Settings
from app.store.manifest import Preprocessing
from app.store.repository import ModelStore
from tests.api.running import Service, running

pytestmark = pytest.mark.anyio


async def test_the_server(service: Service) -> None:
    assert (await service.http.get("/v2")).json() == {
        "name": "segserve",
        "version": __version__,
        "extensions": ["binary_tensor_data", "model_repository"],
    }


async def test_health(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(settings) as service:
        assert (await service.http.get("/v2/health/live")).json() == {"live": True}
        assert (await service.http.get("/v2/health/ready")).json() == {"ready": True}
        assert (await service.http.get("/v2/models/pets/ready")).json() == {"name": "pets", "ready": True}
        service.state.drain()
        for path in ("/v2/health/ready", "/v2/models/pets/ready", "/v2/models/pets/versions/1/ready"):
            response = await service.http.get(path)
            assert service.refusal(response, 503, "model_not_ready") == "the service is going down"
            assert response.json()["ready"] is False
            assert response.headers["retry-after"] == "1"
        assert (await service.http.get("/v2/health/live")).status_code == 200

        def stalled() -> None:
            raise EngineStalledError("for a minute")

        monkeypatch.setattr(service.state, "require_alive", stalled)
        response = await service.http.get("/v2/health/live")
        assert service.refusal(response, 503, "engine_stalled") == "for a minute"
        assert response.json()["live"] is False


@pytest.mark.parametrize(
    "path", ["/v2/models/pets", "/v2/models/pets/versions/1", "/v2/models/pets/versions/production"]
)
async def test_the_tensors_of_a_model(service: Service, path: str) -> None:
    metadata = (await service.http.get(path)).json()
    assert (metadata["name"], metadata["versions"]) == ("pets", ["1"])
    assert metadata["platform"] in ("openvino", "tensorflow")
    tensors = {each["name"]: (each["datatype"], each["shape"]) for each in metadata["inputs"]}
    assert tensors == {"image": ("UINT8", [-1, 32, 32, 3]), "encoded_image": ("BYTES", [-1])}
    tensors = {each["name"]: (each["datatype"], each["shape"]) for each in metadata["outputs"]}
    assert tensors == {"probabilities": ("FP32", [-1, 32, 32, 3]), "mask": ("BYTES", [-1])}
    assert metadata["outputs"][0]["parameters"]["classes"] == "pet,background,border"


async def test_versions(three_versions: ModelStore) -> None:
    settings = Settings(model_store=three_versions.root, model="pets:2", poll_seconds=0)
    async with running(settings) as service:
        metadata = await service.http.get("/v2/models/pets")  # the default one, not what `production` points at
        assert metadata.json()["versions"] == ["2"]
        assert (await service.http.get("/v2/models/pets/ready")).status_code == 200
        assert (await service.http.get("/v2/models/pets:2/ready")).json() == {"name": "pets:2", "ready": True}
        response = await service.http.get("/v2/models/pets/versions/1/ready")
        assert "pets/2 is" in service.refusal(response, 409, "model_not_loaded")
        assert response.json()["ready"] is False
        service.refusal(await service.http.get("/v2/models/pets/versions/1"), 409, "model_not_loaded")
        service.refusal(await service.http.get("/v2/models/pets/versions/9/ready"), 404, "model_not_found")
        service.refusal(await service.http.get("/v2/models/other/ready"), 404, "model_not_found")
    async with running(settings.model_copy(update={"load_on_request": True})) as service:
        metadata = await service.http.get("/v2/models/pets/versions/1")
        assert metadata.json()["versions"] == ["1", "2", "3"]


async def test_a_model_that_sees_windows_says_what_it_has_not(service: Service) -> None:
    default = service.state.pool.default
    assert default is not None
    manifest = default.model.manifest.model_copy(update={"preprocessing": Preprocessing(size=(32, 32), resize="crop")})
    whole, windows = described(default.model, [1]), described(replace(default.model, manifest=manifest), [1])
    assert "none of encoded pictures" not in whole.outputs[0].parameters["content"]
    assert "none of encoded pictures" in windows.outputs[0].parameters["content"]
