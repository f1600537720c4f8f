from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.core.errors import ConfigurationError
from app.inference import openvino_engine
from app.inference.engine import OPENVINO_FILE
from app.inference.loaded import LoadedModel
from app.inference.openvino_engine import OpenVinoEngine
from app.inference.openvino_runtime import import_openvino, openvino_core
from app.inference.selection import is_installed
from app.store.repository import ModelStore
from tests.inference.pictures import chelsea

pytestmark = pytest.mark.skipif(not is_installed("openvino"), reason="OpenVINO is an extra")


@pytest.fixture(scope="module")
def file(tiny_store: ModelStore) -> Path:
    """The tiny network's `model.xml`."""
    return tiny_store.resolve("pets").path / OPENVINO_FILE


def abilities() -> list[str]:
    found: list[str] = openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return found


def test_facts(openvino_model: LoadedModel) -> None:
    engine = openvino_model.engine
    assert (engine.name, engine.device, engine.precision) == ("openvino", "cpu", "float32")
    assert (engine.threads, engine.streams, engine.calls, engine.batch_sizes) == (2, 2, 4, (1,))


def test_streams_can_be_set(file: Path) -> None:
    engine = OpenVinoEngine(file, (32, 32), "float32", threads=2, streams=1)
    assert (engine.threads, engine.streams, engine.calls) == (2, 1, 2)
    engine.close()


def test_bytes_and_floats_alike_any_number_of_pictures(openvino_model: LoadedModel) -> None:
    images = np.stack([chelsea(32, 32), chelsea(32, 32)[::-1], 255 - chelsea(32, 32)])
    together = openvino_model.engine.infer(images)
    assert together.shape == (3, 32, 32, 3)
    assert together.dtype == np.float32
    assert np.array_equal(together, openvino_model.engine.infer(images.astype(np.float32)))
    one_by_one = [openvino_model.engine.infer(image[None])[0] for image in images]
    assert np.array_equal(together, np.stack(one_by_one))


def test_memory_layout_of_the_picture_does_not_matter(openvino_model: LoadedModel) -> None:
    turned = np.rot90(chelsea(32, 32))[None]
    assert not turned.flags.c_contiguous
    infer = openvino_model.engine.infer
    assert np.array_equal(infer(turned), infer(np.ascontiguousarray(turned)))
    floats = turned.astype(np.float32)
    assert np.array_equal(infer(floats), infer(turned))


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (1, 32, 1, 3), (1, 32, 32, 1), (1, 48, 32, 3)])
def test_a_picture_of_another_size_is_refused(openvino_model: LoadedModel, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a picture of"):
        openvino_model.engine.infer(np.zeros(shape, np.uint8))
    assert openvino_model.engine.infer(chelsea(32, 32)[None]).shape == (1, 32, 32, 3)


def test_answer_is_the_callers_own(openvino_model: LoadedModel) -> None:
    image = chelsea(32, 32)[None]
    first = openvino_model.engine.infer(image)
    kept = first.copy()
    for _ in range(openvino_model.engine.calls + 1):
        openvino_model.engine.infer(255 - image)
    assert np.array_equal(first, kept)


def test_more_threads_than_streams_wait_for_their_turn(openvino_model: LoadedModel) -> None:
    images = [np.roll(chelsea(32, 32), shift, axis=1)[None] for shift in range(16)]
    alone = [openvino_model.engine.infer(image) for image in images]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(openvino_model.engine.infer, images))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_float32_is_float32_and_bfloat16_shows(file: Path, openvino_model: LoadedModel) -> None:
    if "BF16" not in abilities():
        pytest.skip("this CPU computes no bfloat16, so nothing could be told apart")
    image = chelsea(32, 32)[None]
    exact = openvino_model.engine.infer(image)
    coarse_engine = OpenVinoEngine(file, (32, 32), "bfloat16", threads=1)
    assert coarse_engine.precision == "bfloat16"
    difference = np.abs(coarse_engine.infer(image) - exact).max()
    coarse_engine.close()
    assert 1e-4 < difference < 0.2


def test_another_precision_than_asked_ends_the_load(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rounding = SimpleNamespace(get_property=lambda name: import_openvino().Type.bf16)
    core = SimpleNamespace(
        read_model=openvino_core().read_model,
        get_property=openvino_core().get_property,
        compile_model=lambda *_: rounding,
    )
    monkeypatch.setattr(openvino_engine, "openvino_core", lambda: core)  # as a later release might round for itself
    with pytest.raises(ConfigurationError, match="but OpenVINO computes with"):
        OpenVinoEngine(file, (32, 32), "float32", threads=1)


def test_threads_are_not_pinned(file: Path) -> None:
    assert openvino_engine._configuration(None, 1, 1)["ENABLE_CPU_PINNING"] is False


def test_without_a_thread_there_is_no_engine(file: Path) -> None:
    with pytest.raises(ValueError, match="threads 0"):
        OpenVinoEngine(file, (32, 32), "float32", threads=0)
