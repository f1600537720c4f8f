import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from app import __version__
from app.core.errors import ConfigurationError
from app.core.settings import Settings
from app.main import create_app
from tests.api.running import running


@pytest.fixture
def settings(tiny_store_path: Path) -> Settings:
    return Settings(model_store=tiny_store_path)


def test_what_cannot_be_served_is_told_before_anything_starts(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="there is no folder"):
        create_app(Settings(model_store=tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match="no version 7 of pets"):
        create_app(settings.model_copy(update={"model": "pets:7"}))
    with pytest.raises(ConfigurationError, match=r"api_keys_file .*: No such file"):
        create_app(settings.model_copy(update={"api_keys_file": tmp_path / "keys.toml"}))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense")
    with pytest.raises(ConfigurationError, match="no URL of a collector"):
        create_app(settings)


def test_settings_come_from_the_environment_if_none_are_given(
    tiny_store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGSERVE_MODEL_STORE", str(tiny_store_path))
    monkeypatch.setenv("SEGSERVE_ROOT_PATH", "/segmentation")
    app = create_app()
    assert (app.title, app.version, app.servers) == ("segserve", __version__, [{"url": "/segmentation"}])


@pytest.mark.anyio
async def test_behind_a_gateway_paths_work_with_and_without_its_prefix(settings: Settings) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (20, 10)).save(picture, "PNG")
    async with running(settings.model_copy(update={"root_path": "/segmentation"})) as service:
        for prefix in ("", "/segmentation"):
            assert (await service.http.post(f"{prefix}/segment", content=picture.getvalue())).status_code == 200
            description = (await service.http.get(f"{prefix}/openapi.json")).json()
            assert description["servers"] == [{"url": "/segmentation"}]
        text = (await service.http.get("/metrics")).text
        assert 'segserve_requests_total{method="POST",model="pets/1",route="/segment",status="200"} 2.0' in text


def test_the_application_imports_no_training_library_and_no_engine() -> None:
    script = "import json, sys, app.main; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "openvino", "matplotlib"} & set(json.loads(run.stdout))
