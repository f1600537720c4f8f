"""For tests of other people's clients: `make compat`."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.compat.served import ROOT, SECONDS, Mask, Served, new_key, serving


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The shipped model, open to everyone."""
    with serving(tmp_path_factory.mktemp("server") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same, with a key; it has room for a second version."""
    key, entry = new_key()
    with serving(tmp_path_factory.mktemp("locked") / "log", key, SEGSERVE_API_KEYS=entry) as server:
        yield server


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """The README's cat."""
    return Path(ROOT / "docs/images/cat.jpg").read_bytes()


@pytest.fixture(scope="session")
def mask(served: Served, jpeg: bytes) -> Mask:
    """What the service says of it."""
    answer = httpx.post(f"{served.url}/segment", content=jpeg, timeout=SECONDS).raise_for_status()
    return np.asarray(Image.open(io.BytesIO(answer.content)))
