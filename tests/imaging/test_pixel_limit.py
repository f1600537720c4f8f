from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Barrier

import pytest
from PIL import Image

from app.core.errors import ImageTooLargeError
from app.imaging.pixel_limit import at_most, check_pixels

FILE = BytesIO()
Image.new("RGB", (20, 10)).save(FILE, "PNG")


def test_a_size_within_the_limit_and_one_beyond() -> None:
    check_pixels((20, 10), 200)
    with pytest.raises(ImageTooLargeError, match=r"20 × 10 = 200 pixels are more than the 199 allowed"):
        check_pixels((20, 10), 199)


def test_pillow_asks() -> None:
    with at_most(200):
        assert Image.open(FILE).size == (20, 10)
    with at_most(199), pytest.raises(ImageTooLargeError):
        Image.open(FILE)
    assert Image.open(FILE).size == (20, 10)  # outside of it there is no limit


def test_each_thread_has_its_own_limit() -> None:
    inside = Barrier(2, timeout=30)

    def opened(limit: int) -> bool:
        with at_most(limit):
            inside.wait()
            try:
                return Image.open(BytesIO(FILE.getvalue())).size == (20, 10)
            except ImageTooLargeError:
                return False

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(opened, (199, 200))) == [False, True]
