import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.imaging.geometry import PAD, Geometry, ResizeRule, resize_picture
from app.imaging.windows import (
    OVERLAP,
    View,
    Window,
    blend,
    cut,
    infer_windows,
    middle_window,
    window_rows,
    window_starts,
)

Array = NDArray[np.float32]


def picture(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), np.uint8)


def shares(images: list[NDArray[np.uint8]]) -> list[Array]:
    """A network that gives back what it sees, 0–1."""
    return [image.astype(np.float32) / np.float32(255) for image in images]


def blended(
    pixels: NDArray[np.uint8], side: int, infer: Callable[..., list[Array]] = shares, band: int = 2**18
) -> Array:
    size = (pixels.shape[0], pixels.shape[1])
    bands = list(blend(infer_windows(pixels, View((side, side), "crop"), infer), size, band))
    assert [start for start, _ in bands] == np.cumsum([0, *(len(rows) for _, rows in bands[:-1])]).tolist()
    return np.concatenate([rows for _, rows in bands])


@given(length=st.integers(1, 3000), side=st.integers(1, 300), overlap=st.floats(0, 0.9))
def test_windows_cover_a_length_and_overlap(length: int, side: int, overlap: float) -> None:
    starts = window_starts(length, side, overlap)
    assert starts[0] == 0
    if length <= side:
        assert starts == [0]
        return
    assert starts[-1] == length - side
    steps = np.diff(starts)
    assert steps.min() >= 0
    assert steps.max() <= max(1, int(side * (1 - overlap)))
    assert steps.max() - steps.min() <= 1
    # With one window fewer there would be too little overlap.
    assert (length - side) / max(1, len(starts) - 2) > max(1, int(side * (1 - overlap))) or len(starts) == 2


def test_no_window_is_larger_than_the_picture() -> None:
    assert window_rows((30, 200), (64, 64)) == [[(0, left, 30, 64) for left in (0, 45, 91, 136)]]
    assert window_rows((64, 64), (64, 64)) == [[(0, 0, 64, 64)]]
    assert window_rows((128, 64), (64, 64), overlap=0.0) == [[(0, 0, 64, 64)], [(64, 0, 64, 64)]]
    assert OVERLAP == 0.25


@pytest.mark.parametrize("size", [(100, 230), (64, 64), (65, 64), (30, 200), (500, 7), (1, 1), (63, 300)])
@pytest.mark.parametrize("band", [2**18, 700, 1])
def test_what_every_window_says_comes_out(size: tuple[int, int], band: int) -> None:
    pixels = picture(*size)
    np.testing.assert_allclose(blended(pixels, 64, band=band), pixels / np.float32(255), atol=1e-6)


def test_a_window_counts_less_towards_its_edges() -> None:
    number = iter(range(100))

    def numbered(images: list[NDArray[np.uint8]]) -> list[Array]:
        return [np.full((64, 64, 1), next(number), np.float32) for _ in images]

    result = blended(picture(64, 160), 64, numbered)[0, :, 0]
    assert result[:48].tolist() == [0.0] * 48  # the second window begins there
    assert result[-48:].tolist() == [2.0] * 48
    assert np.diff(result).min() >= 0
    assert np.diff(result).max() <= 1 / 15


@pytest.mark.parametrize("size", [(300, 90), (90, 300), (257, 257)])
def test_no_seam_is_seen(size: tuple[int, int]) -> None:
    offsets = iter(np.random.default_rng(3).random(100).astype(np.float32))

    def disagreeing(images: list[NDArray[np.uint8]]) -> list[Array]:
        return [np.full((64, 64, 2), next(offsets), np.float32) for _ in images]

    result = blended(picture(*size), 64, disagreeing)
    assert max(np.abs(np.diff(result, axis=axis)).max() for axis in (0, 1)) < 0.1  # where windows differ by up to 1


def test_a_small_picture_lies_in_the_middle_of_its_window() -> None:
    seen: list[NDArray[np.uint8]] = []

    def noting(images: list[NDArray[np.uint8]]) -> list[Array]:
        seen.extend(images)
        return shares(images)

    pixels = picture(10, 20)
    blended(pixels, 32, noting)
    (window,) = seen
    assert np.array_equal(window, resize_picture(pixels, Geometry((10, 20), (32, 32), "crop")))
    assert np.array_equal(window[11:21, 6:26], pixels)
    assert (window[0] == PAD).all()


@pytest.mark.parametrize(
    ("tile", "picture", "window", "count"),
    [
        (None, (300, 200), None, 1),
        (300, (300, 200), None, 1),
        (299, (300, 200), (299, 299), 2),
        (100, (300, 200), (100, 100), 4 * 3),
    ],
)
def test_what_a_network_is_shown(
    tile: int | None, picture: tuple[int, int], window: tuple[int, int] | None, count: int
) -> None:
    view = View((64, 64), "letterbox", tile)
    assert view.in_windows == (tile is not None)
    assert (view.window(picture), view.count(picture)) == (window, count)
    put_together = Geometry(picture, picture, "stretch")
    assert view.geometry(picture) == (put_together if window else Geometry(picture, (64, 64), "letterbox"))


def test_a_network_with_crops_sees_windows_of_its_input() -> None:
    view = View((64, 64), "crop")
    assert view.in_windows
    assert (view.window((10, 10)), view.count((10, 10)), view.count((64, 160))) == ((64, 64), 1, 3)


@pytest.mark.parametrize("rule", ["stretch", "letterbox"])
@pytest.mark.parametrize("size", [(100, 230), (90, 300), (129, 128)])
def test_windows_are_brought_to_the_networks_input(size: tuple[int, int], rule: ResizeRule) -> None:
    """A picture of one colour stays one, whatever the windows are; the padding of a letterbox is cut off again."""
    pixels = np.full((*size, 3), (10, 100, 200), np.uint8)
    view = View((32, 32), rule, 128)
    result = np.concatenate([rows for _, rows in blend(infer_windows(pixels, view, shares), size)])
    np.testing.assert_allclose(result, pixels / np.float32(255), atol=1e-6)


def test_a_picture_that_is_seen_as_a_whole_has_no_windows() -> None:
    with pytest.raises(ValueError, match="as a whole"):
        next(infer_windows(picture(20, 20), View((64, 64), "stretch", 20), shares))


def test_the_middle_window() -> None:
    pixels = picture(200, 200)
    rows = window_rows((200, 200), (64, 64))
    assert np.array_equal(middle_window(pixels, (64, 64)), cut(pixels, rows[2][2]))
    assert middle_window(picture(3, 3), (64, 64)).shape == (64, 64, 3)


def test_windows_of_another_size_than_the_networks() -> None:
    pixels = picture(96, 96)
    parts = [[Window(box, np.ones((16, 16, 2), np.float32), Geometry((48, 48), (16, 16), "stretch")) for box in row]
             for row in window_rows((96, 96), (48, 48))]  # fmt: skip
    result = np.concatenate([rows for _, rows in blend(parts, (96, 96))])
    assert result.shape == (*pixels.shape[:2], 2)
    np.testing.assert_allclose(result, 1.0, atol=1e-6)


def test_only_the_windows_that_are_needed_are_held() -> None:
    taken: list[int] = []

    def rows() -> Iterator[list[Window]]:
        for number, boxes in enumerate(window_rows((4000, 64), (64, 64))):
            taken.append(number)
            geometry = Geometry((64, 64), (64, 64), "crop")
            yield [Window(box, np.zeros((64, 64, 3), np.float32), geometry) for box in boxes]

    tracemalloc.start()
    first = True
    for _ in blend(rows(), (4000, 64), 64 * 16):
        if first:
            assert taken == [0, 1]  # the second says where the first stands alone
        first = False
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(taken) > 80
    assert peak < 12 * 64 * 64 * 3 * 4


def test_how_a_picture_lies_in_what_a_network_gives() -> None:
    assert View((64, 64), "letterbox").geometry((300, 200)) == Geometry((300, 200), (64, 64), "letterbox")
    assert View((64, 64), "stretch").geometry((300, 200)) == Geometry((300, 200), (64, 64), "stretch")
    assert View((64, 64), "crop").geometry((300, 200)) == Geometry((300, 200), (300, 200), "stretch")
