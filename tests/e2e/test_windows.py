"""Large pictures: trained on windows, published, evaluated and served in windows."""

import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from app.cli import main
from tests.e2e.process import ServerProcess

CONFIG = """
steps = 60
size = 32
stored_size = 64
resize = "crop"
batch_size = 8
learning_rate = 0.01
batchnorm_batches = 4
validation_pictures = 2
validate_every = 30

[network]
filters = [8]
"""
CLASSES = """
[[classes]]
name = "ground"
value = 0
role = "background"

[[classes]]
name = "pond"
value = 1
role = "foreground"
"""


def ponds(random: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """A picture of 130 to 260 pixels a side with small round ponds, and its mask."""
    height, width = (int(side) for side in random.integers(130, 260, 2))
    y, x = np.mgrid[:height, :width]
    water = np.zeros((height, width), bool)
    for _ in range(6):
        radius = random.uniform(8, 16)
        water |= np.hypot(y - random.uniform(0, height), x - random.uniform(0, width)) < radius
    picture = np.where(water[..., None], (40, 80, 200), (150, 130, 90)) + random.normal(0, 12, (height, width, 1))
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)), Image.fromarray(water.astype(np.uint8))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ponds")
    for folder in ("images", "masks"):
        (root / folder).mkdir()
    random = np.random.default_rng(0)
    for number in range(12):
        picture, mask = ponds(random)
        picture.save(root / "images" / f"{number:02}.png")
        mask.save(root / "masks" / f"{number:02}.png")
    (root / "classes.toml").write_text(CLASSES)
    (root / "test.txt").write_text("10\n11\n")
    return root


def segserve(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_from_a_folder_to_masks(data: Path, tmp_path: Path) -> None:
    config, run, store = tmp_path / "ponds.toml", tmp_path / "run", tmp_path / "store"
    config.write_text(CONFIG)
    store.mkdir()
    segserve("train", config, "--data", data, "--run", run)
    segserve("publish", run, "--data", data, "--name", "ponds", "--alias", "production", "--model-store", store)
    scores = json.loads(
        segserve("evaluate", "ponds", "--model-store", store, "--data", data, "--split", "test", "--json")
    )
    assert "ponds" in json.dumps(scores)
    manifest = json.loads((store / "ponds" / "1" / "manifest.json").read_text())
    assert manifest["preprocessing"] == {"size": [32, 32], "resize": "crop"}
    assert manifest["metrics"]["test"]["mean_iou"] > 0.8
    with ServerProcess("--model-store", str(store), "--model", "ponds") as server:
        server.wait_for("model loaded")
        counted = np.zeros(2)
        for name in ("10", "11"):
            answer = httpx.post(f"{server.url}/segment", content=(data / "images" / f"{name}.png").read_bytes())
            assert answer.status_code == 200, answer.text
            mask = np.asarray(Image.open(io.BytesIO(answer.content)))
            truth = np.asarray(Image.open(data / "masks" / f"{name}.png"))
            assert mask.shape == truth.shape
            counted += ((mask == 1) & (truth == 1)).sum(), ((mask == 1) | (truth == 1)).sum()
    # What is served is what was scored.
    assert counted[0] / counted[1] == pytest.approx(manifest["metrics"]["test"]["iou"]["pond"], abs=0.002)
