import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import pytest

from app.core.errors import ConfigurationError
from app.inference import tensorflow_engine
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
    assert (engine.streams, engine.calls, engine.batch_sizes) == (2, 2, (1,))
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


def test_facts_on_a_gpu(tiny_store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow_engine, "set_up_tensorflow", lambda *_: 2)
    engine = TensorFlowEngine(tiny_store.resolve("pets").path / KERAS_FILE, TINY_CONFIG, "gpu", threads=2)
    assert (engine.streams, engine.calls, engine.batch_sizes) == (1, 1, (1, 2, 4, 8, 16))
    engine.close()


@pytest.mark.parametrize("number", range(1, 10))
def test_batches_give_what_single_pictures_give(batching_engine: TensorFlowEngine, number: int) -> None:
    pictures = np.stack([picture[:32, :32] for picture in different(number)])
    alone = np.concatenate([batching_engine.infer(picture[None]) for picture in pictures])
    together = batching_engine.infer(pictures)
    assert together.shape == (number, 32, 32, 3)
    assert together.dtype == np.float32
    assert np.abs(together - alone).max() < 1e-5
    differences = [np.abs(alone[one] - alone[other]).max() for one in range(number) for other in range(one)]
    assert min(differences, default=1.0) > 0.01  # no two are alike: the order shows


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, [1]), (2, [2]), (3, [4]), (4, [4]), (5, [4, 1]), (6, [4, 2]), (7, [4, 4]), (9, [4, 4, 1])],
)
def test_smallest_batch_that_holds_them(
    batching_engine: TensorFlowEngine, number: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def noting(traced: Callable[[Pixels], object]) -> Callable[[Pixels], object]:
        def note(filled: Pixels) -> object:
            seen.append(len(filled))
            return traced(filled)

        return note

    noted = {size: noting(traced) for size, traced in batching_engine._traced.items()}
    monkeypatch.setattr(batching_engine, "_traced", noted)
    batching_engine.infer(np.zeros((number, 32, 32, 3), np.uint8))
    assert seen == expected


def test_no_number_of_pictures_makes_it_trace_again(batching_engine: TensorFlowEngine) -> None:
    for number in range(1, 10):
        batching_engine.infer(np.zeros((number, 32, 32, 3), np.uint8))
        batching_engine.infer(np.zeros((number, 32, 32, 3), np.float32))
    assert batching_engine._function.experimental_get_tracing_count() == len(batching_engine.batch_sizes)


@pytest.mark.parametrize("shape", [(3, 1, 32, 3), (3, 32, 1, 3), (3, 32, 32, 1), (3, 48, 32, 3)])
def test_pictures_of_another_size_are_refused(batching_engine: TensorFlowEngine, shape: tuple[int, ...]) -> None:
    with pytest.raises(TypeError):
        batching_engine.infer(np.zeros(shape, np.uint8))
    assert batching_engine._function.experimental_get_tracing_count() == len(batching_engine.batch_sizes)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_picture_that_is_not_finite_spoils_no_other(batching_engine: TensorFlowEngine, value: float) -> None:
    good = images()[:3].astype(np.float32)
    bad = good.copy()
    bad[1] = value
    together = batching_engine.infer(bad)
    assert not np.isfinite(together[1]).all()
    assert np.abs(together[[0, 2]] - batching_engine.infer(good)[[0, 2]]).max() < 1e-5


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


def test_closed_it_leaves_no_network_behind(tiny_store: ModelStore) -> None:
    gc.collect()
    gc.disable()  # else it might do by chance what is asked of `close`
    try:
        before = {id(network) for network in networks()}
        engine = TensorFlowEngine(tiny_store.resolve("pets").path / KERAS_FILE, TINY_CONFIG, "cpu", threads=1)
        engine.infer(images())
        own = [weakref.ref(network) for network in networks() if id(network) not in before]
        engine.close()
        assert own
        assert not [reference() for reference in own if reference() is not None]
    finally:
        gc.enable()


def networks() -> list[Any]:
    """All of Keras' that are in memory."""
    return [thing for thing in gc.get_objects() if issubclass(type(thing), keras.Model)]
