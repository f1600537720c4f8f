import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from tests.e2e.process import ServerProcess


@pytest.fixture(scope="session")
def server(tiny_store_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that is ready, and that cannot write a single byte into any file."""
    missing = str(tmp_path_factory.mktemp("tmp") / "missing")
    environment = {"TMPDIR": missing, "SEGSERVE_DRAIN_SECONDS": "0"}
    store = str(tiny_store_path)
    with ServerProcess("--model-store", store, environment=environment, limits="ulimit -f 0", measured=True) as process:
        process.wait_for("model loaded")
        yield process
        process.terminate()
        assert process.exit_code() == 0


@pytest.fixture(scope="session")
def photograph() -> bytes:
    """Chelsea the cat as a JPEG, 451×300."""
    file = io.BytesIO()
    pixels = skimage.data.chelsea()  # type: ignore[no-untyped-call]  # skimage ships no types
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()
