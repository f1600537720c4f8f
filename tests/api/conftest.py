import io
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.settings import Settings
from tests.api.running import Service, running


@pytest.fixture(scope="session")
def settings(tiny_store_path: Path) -> Settings:
    """Default settings, tiny model."""
    return Settings(model_store=tiny_store_path)


@pytest.fixture(scope="session")
async def service(settings: Settings, anyio_backend: str) -> AsyncIterator[Service]:
    """A service that is ready; tests leave it as they found it."""
    async with running(settings) as running_service:
        yield running_service


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A JPEG of 60×40 pixels, drawn."""
    rows, columns = np.mgrid[0:40, 0:60]
    pixels = np.stack([rows * 6, columns * 4, 255 - rows * 3], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()
