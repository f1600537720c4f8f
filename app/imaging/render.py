"""What clients get to see of a mask: PNG of class ids, overlay, cutout; and probabilities as npy."""

import zlib
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.core.labels import UNDECIDED, LabelMap

_CONTOUR = 300
"""Short side of a picture, in pixels, for each pixel of a contour's width."""


def mask_png(mask: NDArray[np.uint8], labels: LabelMap) -> bytes:
    """PNG whose pixel values are the class ids, with the classes' colours as its palette; 255 is transparent.

    Args:
        mask: (H, W) uint8, class ids or 255.
        labels: the classes.
    """
    return _png(_with_palette(mask, labels), transparency=UNDECIDED)


def overlay_png(pixels: NDArray[np.uint8], mask: NDArray[np.uint8], labels: LabelMap, alpha: float = 0.5) -> bytes:
    """PNG of the picture with its classes tinted and outlined; background-role classes and 255 stay as they are.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8, class ids or 255.
        labels: the classes.
        alpha: strength of the tint, 0–1; outlines are opaque.

    Raises:
        ValueError: picture and mask differ in size.
    """
    _check_size(pixels, mask)
    background = labels.ids("background")
    strength = np.zeros(UNDECIDED + 1, np.uint8)
    strength[[label.id for label in labels if label.id not in background]] = round(alpha * 255)
    opacity = strength[mask]
    opacity[_contours(mask) & (opacity > 0)] = 255
    tint = _with_palette(mask, labels).convert("RGB")
    return _png(Image.composite(tint, Image.fromarray(pixels), Image.fromarray(opacity)))


def cutout_png(
    pixels: NDArray[np.uint8], alpha: NDArray[np.uint8], background: tuple[int, int, int, int] | None = None
) -> bytes:
    """RGBA PNG of the picture; where alpha is 0 the colour is black, so that nothing can be brought back.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        alpha: (H, W) uint8, 0–255.
        background: RGBA, 0–255, of what it is laid on; None: nothing.

    Raises:
        ValueError: picture and alpha differ in size.
    """
    _check_size(pixels, alpha)
    cutout = np.empty((*alpha.shape, 4), np.uint8)
    cutout[..., :3] = pixels
    cutout[..., 3] = alpha
    cutout[alpha == 0] = 0
    image = Image.fromarray(cutout)
    return _png(
        image if background is None else Image.alpha_composite(Image.new("RGBA", image.size, background), image)
    )


def alpha_png(alpha: NDArray[np.uint8]) -> bytes:
    """Grey PNG of an alpha.

    Args:
        alpha: (H, W) uint8, 0–255.
    """
    return _png(Image.fromarray(alpha))


def probabilities_npy(probabilities: NDArray[np.float32]) -> bytes:
    """NumPy's .npy of float16, in C order.

    Args:
        probabilities: (h, w, C) float32, 0–1.
    """
    buffer = BytesIO()
    np.save(buffer, np.ascontiguousarray(probabilities, np.float16), allow_pickle=False)
    return buffer.getvalue()


def _check_size(pixels: NDArray[np.uint8], mask: NDArray[np.uint8]) -> None:
    if pixels.shape[:2] != mask.shape:
        raise ValueError(f"a mask of {mask.shape} for a picture of {pixels.shape[:2]}")


def _with_palette(mask: NDArray[np.uint8], labels: LabelMap) -> Image.Image:
    palette = np.zeros((UNDECIDED + 1, 3), np.uint8)
    palette[: len(labels)] = [label.colour for label in labels]
    image = Image.fromarray(mask)
    image.putpalette(palette.tobytes())
    return image


def _contours(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(H, W) bool: pixels that have another class at a contour's width above, below, left or right."""
    width = max(1, round(min(mask.shape) / _CONTOUR))
    contours = np.zeros(mask.shape, np.bool_)
    for whole, edges in ((mask, contours), (mask.T, contours.T)):
        differs = whole[width:] != whole[:-width]
        edges[width:] |= differs
        edges[:-width] |= differs
    return contours


def _png(image: Image.Image, **options: int) -> bytes:
    """Encodes for speed: run-length matching, with Huffman codes. Masks are smaller than by zlib's default, too."""
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE, **options)
    return buffer.getvalue()
