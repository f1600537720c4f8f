"""Fixtures of more than one folder."""

import os
from pathlib import Path

import pytest

from app.store.repository import ModelStore
from tests.fixtures.tiny_model import publish_tiny

# As `segserve train` does for networks as narrow as most of these: oneDNN's gradients of theirs differ from run to run.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """A store that holds `pets/1`, a tiny real network (32x32, 3 classes with roles), as `production`; read only."""
    store = ModelStore(tmp_path_factory.mktemp("store"))
    version = publish_tiny(store, tmp_path_factory.mktemp("tiny"))
    store.set_alias("pets", "production", version.version)
    return store


@pytest.fixture(scope="session")
def tiny_store_path(tiny_store: ModelStore) -> Path:
    """Folder of `tiny_store`, for `Settings(model_store=…)`."""
    return tiny_store.root


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop that serves: asyncio."""
    return "asyncio"
