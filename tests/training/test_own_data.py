"""Own data from the commands to a loaded model: names, colours and roles arrive as the data set says them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from app.core.command_line import FAILED
from app.core.labels import Label
from app.core.settings import load_settings
from app.inference.loaded import LoadedModel, load_model
from app.store.repository import ModelStore
from tests.fixtures.drawn_shapes import draw_scenes, write_coco, write_folder, write_voc
from tests.training.conftest import Segserve

TINY = (
    "size=32 stored_size=48 batch_size=4 network.filters=[8] batchnorm_batches=1 warmup=0 "
    "learning_rate=0.01 validation_pictures=3 validate_every=6 checkpoint_every=6"
)


def trained(segserve: Segserve, data: Sequence[Path], folder: Path, steps: int = 6, settings: str = TINY) -> Result:
    overrides = [option for override in [*settings.split(), f"steps={steps}"] for option in ("--set", override)]
    folders = [option for root in data for option in ("--data", root)]
    result = segserve("train", *folders, "--run", folder, *overrides)
    assert result.exit_code == 0, result.output
    return result


def published(segserve: Segserve, data: Sequence[Path], run: Path, store: Path) -> LoadedModel:
    folders = [option for root in data for option in ("--data", root)]
    result = segserve("publish", run, *folders, "--name", "shapes", "--model-store", store)
    assert result.exit_code == 0, result.output
    return load_model(ModelStore(store), "shapes", load_settings(model_store=store))


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO export made with pycocotools: three classes and the background."""
    return write_coco(
        tmp_path_factory.mktemp("own") / "shapes", draw_scenes(16), draw_scenes(4, 1, "test"), "characters"
    )


def test_a_coco_export_trained_evaluated_published_and_loaded(segserve: Segserve, coco: Path, tmp_path: Path) -> None:
    run, store = tmp_path / "run", tmp_path / "store"
    assert "13 pictures to train on, 3 to validate on" in trained(segserve, [coco], run).stderr
    loaded = published(segserve, [coco], run, store)
    assert list(loaded.labels) == [
        Label(0, "background", (63, 81, 120), "background"),
        Label(1, "circle", (230, 159, 0), "foreground"),
        Label(2, "square", (86, 180, 233), "foreground"),
        Label(3, "triangle", (0, 158, 115), "foreground"),
    ]
    scores = segserve("evaluate", "shapes", "--data", coco, "--layout", "coco", "--model-store", store, "--json")
    assert scores.exit_code == 0, scores.output
    measured = json.loads(scores.stdout)["metrics"]["test"]
    assert list(measured["iou"]) == ["background", "circle", "square", "triangle"]
    assert measured["pictures"] == 4
    assert measured["mean_iou"] == pytest.approx(loaded.manifest.metrics["test"].mean_iou, abs=1e-4)
    of_run = segserve("evaluate", run, "--data", coco, "--split", "validation")
    assert of_run.exit_code == 0, of_run.output
    probabilities = loaded.engine.infer(np.zeros((1, 32, 32, 3), np.float32))
    assert probabilities.shape == (1, 32, 32, 4)


def test_a_list_to_validate_on_and_data_sets_that_are_joined(segserve: Segserve, tmp_path: Path) -> None:
    scenes = draw_scenes(14)
    voc = write_voc(tmp_path / "voc", scenes[:8], scenes[8:11], scenes[11:])
    more = write_folder(tmp_path / "more", draw_scenes(4, 5, "more"))
    run = tmp_path / "run"
    settings = TINY.replace("validation_pictures=3 ", "")
    assert "12 pictures to train on, 3 to validate on" in trained(segserve, [voc, more], run, 2, settings).stderr
    assert (run / "validation.txt").read_text() == "scene008\nscene009\nscene010\n"
    loaded = published(segserve, [voc, more], run, tmp_path / "store")
    assert [label.colour for label in loaded.labels] == [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
    assert loaded.manifest.data.pictures == {"training": 12, "validation": 3, "test": 3}


def test_names_of_any_kind_arrive(segserve: Segserve, tmp_path: Path) -> None:
    names = ["back, ground", '<script>alert("x")</script>', "고양이 'Katze' | §", "#=+-@*_`$\\"]
    root = write_folder(tmp_path / "shapes", draw_scenes(8), draw_scenes(2, 1, "test"))
    entries = [f"[[classes]]\nname = {json.dumps(name, ensure_ascii=False)}\n" for name in names]
    (root / "classes.toml").write_text("".join(entries), "utf-8")
    trained(segserve, [root], tmp_path / "run", 2)
    loaded = published(segserve, [root], tmp_path / "run", tmp_path / "store")
    assert [label.name for label in loaded.labels] == names


def test_a_folder_that_is_no_data_set(segserve: Segserve, tmp_path: Path) -> None:
    result = segserve("train", "--data", tmp_path / "nowhere", "--run", tmp_path / "run", "--set", "steps=1")
    assert result.exit_code == FAILED
    assert "nowhere: missing; it should hold one of\n  oxford: " in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "run").exists()
