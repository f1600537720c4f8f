"""What the README shows works as written."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.core.settings import PREFIX, Settings
from tests.e2e.process import COVERAGE, ServerProcess
from tests.fixtures.drawn_shapes import draw_scenes, write_coco

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""Blocks marked `console` are not run: they install."""
ADDRESS = "localhost:8000"
EPOCHS = "--set epochs=2"
QUICK = f"{EPOCHS} --set size=32 --set stored_size=48 --set batchnorm_batches=2 --set 'network.filters=[8, 16]'"
"""In place of a network of full size, which takes minutes on two cores."""


@pytest.fixture(scope="module")
def shipped() -> Iterator[str]:
    """Host and port of a server with the model that comes with the project."""
    with ServerProcess("--model-store", str(ROOT / "model_store")) as server:
        server.wait_for("model loaded")
        yield f"127.0.0.1:{server.port}"


@pytest.fixture
def folder(tmp_path: Path, photograph: bytes) -> Path:
    """Where a reader stands: with a photograph, and pictures of their own as a COCO export."""
    (tmp_path / "cat.jpg").write_bytes(photograph)
    write_coco(tmp_path / "my-pictures", draw_scenes(24), draw_scenes(6, 1, "test"))
    return tmp_path


def blocks(language: str, containing: str) -> list[str]:
    found = [text for kind, text in BLOCK.findall(README) if kind == language and containing in text]
    assert found, f"the README has no {language} block with {containing!r}"
    return found


def run(command: list[str], folder: Path) -> str:
    """What it prints; the coverage of these commands is that of their own tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop(COVERAGE, None)
    done = subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_examples(shipped: str, folder: Path) -> None:
    for block in blocks("sh", "curl"):
        if "$KEY" in block:
            continue
        strict = "-eu" if "| head" in block else "-euo pipefail"  # what `head` does not read, curl cannot write
        output = run(["bash", *strict.split(), "-c", block.replace(ADDRESS, shipped)], folder)
        if "Accept: application/json" in block:
            assert '"classes"' in output
        if "no picture" in block:
            assert '"code":"invalid_image"' in output.replace(" ", "")
    with Image.open(folder / "cat.jpg") as photograph:
        size = photograph.size
    for name, mode in {"mask": "P", "overlay": "RGB", "cutout": "RGBA"}.items():
        with Image.open(folder / f"{name}.png") as image:
            assert (image.size, image.mode) == (size, mode)


def test_keys_and_the_admin_api(folder: Path) -> None:
    (making,), using = blocks("sh", "keys new"), blocks("sh", "$KEY")
    key = run(["bash", "-euo", "pipefail", "-c", making + "echo $KEY"], folder).splitlines()[-1]
    shutil.copytree(ROOT / "model_store", folder / "model_store", dirs_exist_ok=True)
    environment = {"SEGSERVE_API_KEYS_FILE": str(folder / "keys.toml")}
    with ServerProcess("--model-store", str(folder / "model_store"), environment=environment) as server:
        server.wait_for("ready")
        address = server.url.removeprefix("http://")
        for block in using:
            output = run(["bash", "-euo", "pipefail", "-c", f"KEY={key}\n" + block.replace(ADDRESS, address)], folder)
            assert "urn:segserve:error" not in output
        models = httpx.get(f"{server.url}/models", headers={"X-API-Key": key}).json()["models"]
        assert httpx.get(f"{server.url}/models").status_code == 401
    (entry,) = models
    assert (entry["aliases"], entry["loaded"]) == ({"production": 3}, [3])
    with Image.open(folder / "mask.png") as mask:
        assert mask.mode == "P"


def test_python_example(shipped: str, folder: Path) -> None:
    for block in blocks("python", "httpx"):
        output = run([sys.executable, "-c", block.replace(ADDRESS, shipped)], folder)
        assert re.fullmatch(r"\d+% of the picture is pet, says pets/\d+; sha256=.*\n", output)


def test_models_examples(folder: Path) -> None:
    shutil.copytree(ROOT / "model_store", folder / "model_store", dirs_exist_ok=True)
    (block,) = blocks("sh", "segserve models list")
    output = run(["bash", "-euo", "pipefail", "-c", block], folder)
    assert "pets:3   production" in output
    assert "pets:2: sound\npets:3: sound\n" in output
    assert (folder / "pets.mmd").read_text().startswith("flowchart TD\n")


def test_client_examples(shipped: str, folder: Path) -> None:
    sync, asynchronous = (
        run([sys.executable, "-c", block.replace(ADDRESS, shipped)], folder)
        for name in ("import Client", "import AsyncClient")
        for block in blocks("python", name)
    )
    first, *files = sync.splitlines()
    assert re.fullmatch(r"\(300, 451\) \d+% pet pets", first)
    assert len(files) == 31
    assert any(re.fullmatch(r"cat.jpg \([\d., ]+\)", line) for line in files)
    assert re.fullmatch(r"[\d.]+ invalid_image\n\(300, 451, 3\)\n", asynchronous)


def test_training_on_own_pictures(folder: Path) -> None:
    (block,) = blocks("sh", "segserve train")
    *commands, serve = block.strip().splitlines()
    assert EPOCHS in block
    for command in commands:
        run(["bash", "-euo", "pipefail", "-c", command.replace(EPOCHS, QUICK)], folder)
    for made in ("runs/first/augmented.png", "reports/data/check.html", "reports/first/index.html"):
        assert (folder / made).is_file()
    reference = serve.removeprefix("segserve serve --model ")
    picture = next((folder / "my-pictures/images").iterdir())
    names = ["background", "circle", "square", "triangle"]
    with ServerProcess("--model-store", str(folder / "model_store"), "--model", reference) as server:
        server.wait_for("model loaded")
        answer = httpx.post(f"{server.url}/segment", content=picture.read_bytes())
        classes = httpx.post(f"{server.url}/segment?output=json", content=picture.read_bytes()).json()["classes"]
        labels = httpx.get(f"{server.url}/model").json()["labels"]
    assert answer.status_code == 200
    assert answer.headers["segserve-model"].startswith("mine/1; ")
    with Image.open(picture) as original, Image.open(BytesIO(answer.content)) as mask:
        assert mask.size == original.size
        palette = mask.getpalette() or []
    assert [label["name"] for label in labels] == names
    assert {found["name"] for found in classes} <= set(names)
    colours = [f"#{bytes(palette[3 * number : 3 * number + 3]).hex()}" for number in range(len(names))]
    assert [label["colour"] for label in labels] == colours


def test_notebook_example(photograph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = blocks("python", "open_model")
    pixels = np.asarray(Image.open(BytesIO(photograph)).convert("RGB"))
    names: dict[str, Any] = {"pixels": pixels}
    monkeypatch.chdir(ROOT)
    exec(block, names)
    assert names["mask"].shape == pixels.shape[:2]
    assert set(np.unique(names["mask"])) == {0, 1, 2}
    names["model"].close()


def test_every_setting_is_in_the_table() -> None:
    for name, field in Settings.model_fields.items():
        default = "" if field.default in ("", None) else f"`{field.default}`"
        assert f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |" in README
