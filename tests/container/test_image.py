"""The image: what is in it, and that it serves as nobody in particular behind the real gateway."""

import io
import random
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from PIL import Image as Pictures

from tests.container.conftest import ROOT, Image
from tests.fixtures.gateway import running_gateway

LARGEST_BYTES = 450_000_000
PICTURE_SIZE = (90, 60)


def photograph() -> bytes:
    file = io.BytesIO()
    Pictures.linear_gradient("L").resize(PICTURE_SIZE).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def test_image_is_small_and_holds_no_tools(image: Image) -> None:
    total = int(image.run_inside("du", "-sbx", "/").split()[0])
    print(f"\nimage: {total / 1e6:.0f} MB unpacked")  # noqa: T201  # a number to report
    assert total <= LARGEST_BYTES
    script = "command -v gcc cc make pip pip3 || true; ls -A /var/cache/apt /var/lib/apt/lists | grep -v : || true"
    assert image.run_inside("sh", "-c", script).strip() == ""
    modules = "import importlib.util as find; print([m for m in ('tensorflow', 'keras', 'pip') if find.find_spec(m)])"
    assert image.run_inside("/opt/venv/bin/python", "-c", modules).strip() == "[]"


def test_image_configuration(image: Image) -> None:
    config = image.inspect()
    assert config["User"].partition(":")[0] not in ("", "0", "root")
    assert config["Entrypoint"] + config["Cmd"] == ["python", "-m", "app.cli", "serve"]
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert {"PORT=8000", "PYTHONDONTWRITEBYTECODE=1"} <= set(config["Env"])


def test_any_user_serves_behind_the_gateway(image: Image, tmp_path: Path) -> None:
    uid = random.SystemRandom().randint(20_000, 60_000)
    with image.running(user=str(uid)) as (port, process), running_gateway(tmp_path, [port]) as gateway:
        for output, mode in (("mask", "P"), ("overlay", "RGB"), ("cutout", "RGBA")):
            url = f"{gateway.url}/segment?output={output}"
            answer = httpx.post(url, content=photograph(), headers={"X-Request-ID": output})
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-request-id"] == output
            assert "engine=openvino" in answer.headers["segserve-model"]
            with Pictures.open(io.BytesIO(answer.content)) as picture:
                assert (picture.size, picture.mode) == (PICTURE_SIZE, mode)
        check = image.inspect()["Healthcheck"]["Test"][1:]
        image.run_inside("env", f"PORT={port}", *check)
        process.terminate()
        assert process.wait(timeout=60) == 0
        gone = httpx.post(f"{gateway.url}/segment", content=photograph())
    assert (gone.status_code, gone.json()["code"]) == (502, "bad_gateway")
    with pytest.raises(subprocess.CalledProcessError):
        image.run_inside("env", f"PORT={port}", *check)


@pytest.mark.parametrize(("profile", "tls"), [("cpu", False), ("gpu", False), ("cpu", True)])
def test_compose_file_is_valid(profile: str, tls: bool) -> None:
    compose = shutil.which("docker-compose")
    if compose is None:
        pytest.skip("there is no docker-compose on this machine (Debian: apt-get install docker-compose)")
    files = ["--file", "docker-compose.yml", "--file", "deploy/tls/docker-compose.yml"] if tls else []
    command = [compose, *files, "--profile", profile, "config"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"image: segserve:{profile}" in result.stdout
    assert ("target: /etc/nginx/certificate" in result.stdout or "/etc/nginx/certificate:ro" in result.stdout) == tls
