import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.errors import ConfigurationError
from app.core.settings import Settings
from app.inference.configuration import check_configuration
from app.inference.selection import is_installed
from app.store.manifest import MANIFEST


def test_what_is_right_passes_and_names_the_engine(tiny_store_path: Path) -> None:
    engine = "openvino" if is_installed("openvino") else "tensorflow"
    selection = check_configuration(Settings(model_store=tiny_store_path, device="cpu"))
    assert (selection.engine, selection.device) == (engine, "cpu")


def test_a_missing_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no folder .*/none"):
        check_configuration(Settings(model_store=tmp_path / "none"))


@pytest.mark.parametrize("reference", ["cars", "pets:7", "pets:staging", "../etc"])
def test_an_unknown_model_names_those_there_are(tiny_store_path: Path, reference: str) -> None:
    with pytest.raises(ConfigurationError, match=r"holds pets$"):
        check_configuration(Settings(model_store=tiny_store_path, model=reference))


def test_an_empty_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds nothing"):
        check_configuration(Settings(model_store=tmp_path))


def test_a_broken_manifest(tiny_store_path: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_store_path, tmp_path / "store")
    (tmp_path / "store" / "pets" / "1" / MANIFEST).write_text("{}")
    with pytest.raises(ConfigurationError, match="pets/1"):
        check_configuration(Settings(model_store=tmp_path / "store"))


def test_a_device_that_is_not_there(tiny_store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(ConfigurationError, match="device=gpu"):
        check_configuration(Settings(model_store=tiny_store_path, device="gpu"))


@pytest.mark.skipif(not is_installed("openvino"), reason="OpenVINO is an extra")
def test_a_precision_that_the_cpu_does_not_have(tiny_store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(precision: str) -> None:
        raise ConfigurationError(f"precision={precision}: not here")

    monkeypatch.setattr("app.inference.configuration.require_precision", refuse)
    with pytest.raises(ConfigurationError, match="precision=bfloat16: not here"):
        check_configuration(Settings(model_store=tiny_store_path, device="cpu", precision="bfloat16"))


@pytest.mark.skipif(not is_installed("openvino"), reason="OpenVINO is an extra")
def test_a_cpu_server_checks_without_tensorflow(tiny_store_path: Path) -> None:
    code = (
        "import sys; from app.core.settings import load_settings; "
        "from app.inference.configuration import check_configuration; "
        f"check_configuration(load_settings(model_store={str(tiny_store_path)!r}, device='cpu')); "
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "set()"
