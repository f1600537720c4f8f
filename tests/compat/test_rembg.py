"""Requests as clients of rembg's server send them, by curl."""

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.compat.served import ROOT, Served

CAT = f"file=@{ROOT / 'docs/images/cat.jpg'}"


def curl(*arguments: str) -> bytes:
    return subprocess.run(["curl", "-sS", "--fail", *arguments], capture_output=True, check=True).stdout


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    assert image.format == "PNG"
    return image


def test_a_cutout_its_mask_and_a_background(served: Served, jpeg: bytes) -> None:
    url = f"{served.url}/api/remove"
    cutout = opened(curl("-F", CAT, url))
    assert (cutout.mode, cutout.size) == ("RGBA", Image.open(io.BytesIO(jpeg)).size)
    mask = opened(curl("-F", CAT, "-F", "om=true", url))
    np.testing.assert_array_equal(np.asarray(mask), np.asarray(cutout)[..., 3])
    assert 0.5 < np.asarray(mask).mean() / 255 < 0.9
    white = opened(curl("-F", CAT, f"{url}?bgc=255,255,255,255"))
    assert (np.asarray(white)[np.asarray(mask) == 0] == 255).all()
    defaults = ["a=false", "af=240", "ab=10", "ae=10", "om=false", "ppm=false"]
    same = opened(curl("-F", CAT, *(part for field in defaults for part in ("-F", field)), url))
    np.testing.assert_array_equal(np.asarray(same), np.asarray(cutout))


def test_what_is_not_here(served: Served, tmp_path: Path) -> None:
    for field in ("a=true", "model=u2net", "ppm=true"):
        with pytest.raises(subprocess.CalledProcessError, match="22"):
            curl("-F", CAT, "-F", field, f"{served.url}/api/remove")
