from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from app.core.errors import ConfigurationError
from app.inference.engine import KERAS_FILE
from app.inference.loaded import LoadedModel
from app.inference.tensorflow_engine import TensorFlowEngine
from app.store.repository import ModelStore
from tests.fixtures.tiny_model import TINY_CONFIG, tiny_network
from tests.inference.pictures import Pixels, chelsea, different


def images() -> Pixels:
    """(8, 32, 32, 3): photographs, drawn ones, and the extremes."""
    photographs = [picture[:32, :32] for picture in different(6)]
    return np.stack([*photographs, np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)])


def test_facts(tensorflow_model: LoadedModel) -> None:
    engine = tensorflow_model.engine
    assert (engine.name, engine.device, engine.precision) == ("tensorflow", "cpu", "float32")
    assert (engine.streams, engine.batch_sizes) == (2, (1,))
    assert engine.threads >= 1


def test_same_function_as_the_network_that_was_trained(tensorflow_model: LoadedModel) -> None:
    original = np.asarray(tiny_network()(images().astype(np.float32), training=False))
    assert np.abs(tensorflow_model.engine.infer(images()) - original).max() < 1e-5
    assert original.std() > 0.1  # they vary: equality says something


def test_both_engines_agree(tensorflow_model: LoadedModel, openvino_model: LoadedModel) -> None:
    ours, theirs = tensorflow_model.engine.infer(images()), openvino_model.engine.infer(images())
    assert np.abs(ours - theirs).max() < 1e-5
    assert np.array_equal(ours.argmax(axis=-1), theirs.argmax(axis=-1))


def test_bytes_and_floats_alike(tensorflow_model: LoadedModel) -> None:
    infer = tensorflow_model.engine.infer
    assert np.array_equal(infer(images()), infer(images().astype(np.float32)))


def test_no_number_of_pictures_makes_it_trace_again(tensorflow_model: LoadedModel) -> None:
    engine = tensorflow_model.engine
    assert isinstance(engine, TensorFlowEngine)
    for number in (1, 2, 5, 8):
        assert engine.infer(images()[:number]).shape == (number, 32, 32, 3)
    assert engine._infer.experimental_get_tracing_count() == 1


def test_calls_side_by_side_do_not_mix(tensorflow_model: LoadedModel) -> None:
    pictures = [np.roll(chelsea(32, 32), shift, axis=1)[None] for shift in range(16)]
    alone = [tensorflow_model.engine.infer(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(tensorflow_model.engine.infer, pictures))
    assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(alone, together, strict=True))


def test_another_backend_of_keras_is_refused(tiny_store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(ConfigurationError, match="unset KERAS_BACKEND"):
        TensorFlowEngine(tiny_store.resolve("pets").path / KERAS_FILE, TINY_CONFIG, "cpu", threads=1)
