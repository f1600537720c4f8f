"""Fixtures of more than one folder."""

import os
import shutil
from pathlib import Path

import pytest

from app.store.repository import ModelStore
from tests.fixtures.groups import deal_out
from tests.fixtures.tiny_model import publish_tiny

collect_ignore = ["compat"]  # it has an environment of its own: `make compat`

# As `segserve train` does for networks as narrow as most of these: oneDNN's gradients of theirs differ from run to run.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before xdist looks at the groups."""
    if config.getoption("loadgroup", False):
        deal_out(items)


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """A store that holds `pets/1`, a tiny real network (32x32, 3 classes with roles), as `production`; read only."""
    store = ModelStore(tmp_path_factory.mktemp("store"))
    version = publish_tiny(store, tmp_path_factory.mktemp("tiny"))
    store.set_alias("pets", "production", version.version)
    return store


@pytest.fixture(scope="session")
def _three_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = ModelStore(tmp_path_factory.mktemp("versions"))
    for seed in (6, 7, 8):
        publish_tiny(store, tmp_path_factory.mktemp("tiny"), seed=seed)
    store.set_alias("pets", "production", 1)
    return store.root


@pytest.fixture
def three_versions(_three_versions: Path, tmp_path: Path) -> ModelStore:
    """A store of one's own with `pets/1` as `production`, `pets/2` and `pets/3`: one network, three sets of weights."""
    return ModelStore(shutil.copytree(_three_versions, tmp_path / "versions"))


@pytest.fixture(scope="session")
def tiny_store_path(tiny_store: ModelStore) -> Path:
    """Folder of `tiny_store`, for `Settings(model_store=…)`."""
    return tiny_store.root


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop that serves: asyncio."""
    return "asyncio"
