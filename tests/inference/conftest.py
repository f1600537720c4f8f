from collections.abc import Iterator

import pytest

from app.core.settings import Settings
from app.inference.loaded import LoadedModel, load_model
from app.inference.segmenter import Resources
from app.inference.selection import is_installed
from app.inference.tensorflow_engine import BATCH_SIZES, TensorFlowEngine
from app.store.repository import ModelStore


@pytest.fixture(scope="session")
def openvino_model(tiny_store: ModelStore) -> Iterator[LoadedModel]:
    """The tiny network in the OpenVINO engine, two streams."""
    if not is_installed("openvino"):
        pytest.skip("OpenVINO is an extra")
    model = load_model(tiny_store, "pets", Settings(engine="openvino", device="cpu", threads=2))
    yield model
    model.close()


@pytest.fixture(scope="session")
def tensorflow_model(tiny_store: ModelStore) -> Iterator[LoadedModel]:
    """The tiny network in the TensorFlow engine, two streams."""
    model = load_model(tiny_store, "pets", Settings(engine="tensorflow", device="cpu", threads=2))
    yield model
    model.close()


@pytest.fixture(scope="session")
def batching_engine(tiny_store: ModelStore) -> Iterator[TensorFlowEngine]:
    """The tiny network in a TensorFlow engine with one stream that takes batches, as on a GPU; warmed up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BATCH_SIZES, "cpu", (1, 2, 4))
        engine = load_model(tiny_store, "pets", Settings(engine="tensorflow", device="cpu", threads=1)).engine
    assert isinstance(engine, TensorFlowEngine)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest) -> LoadedModel:
    """The tiny network in whichever engine `auto` would choose."""
    loaded = request.getfixturevalue("openvino_model" if is_installed("openvino") else "tensorflow_model")
    assert isinstance(loaded, LoadedModel)
    return loaded


@pytest.fixture(scope="session")
def resources() -> Iterator[Resources]:
    """Threads and budget that the segmenters of tests share."""
    shared = Resources.of(Settings())
    yield shared
    shared.close()
