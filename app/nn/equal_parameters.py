"""Widths at which a plain convolution has as many parameters as the separable one in its place."""

from collections.abc import Callable, Sequence
from itertools import pairwise, product

NORMALIZATION = 4
"""Numbers of a batch normalisation for each channel: scale, offset, moving mean and variance."""

Count = Callable[[int, int], int]
"""Parameters of a convolution from so many channels to so many."""


def plain_filters(filters: Sequence[int]) -> tuple[int, ...]:
    """Output channels of each down block of plain 3×3 convolutions whose encoder is as large as the separable one.

    A plain convolution mixes space and channels at once and pays 9 numbers for each pair of channels, so that as many
    parameters make fewer channels. All blocks are narrowed by about the same factor, to multiples of 4.

    Args:
        filters: output channels of each down block of the separable encoder.
    """
    wanted = encoder_parameters(filters, separable_parameters)
    candidates = {
        widths for scale in range(10, 100) for widths in product(*(_multiples_around(f * scale / 100) for f in filters))
    }
    return min(sorted(candidates), key=lambda widths: abs(encoder_parameters(widths, plain_parameters) - wanted))


def encoder_parameters(filters: Sequence[int], convolution: Count) -> int:
    """All numbers that stem and down blocks hold, with shortcuts, moving statistics included."""
    stem = filters[0] // 2
    total = plain_parameters(3, stem) + NORMALIZATION * stem
    for channels, width in pairwise((stem, *filters)):
        total += convolution(channels, width) + convolution(width, width) + 2 * NORMALIZATION * width
        total += channels * width + width  # the shortcut
    return total


def separable_parameters(channels: int, filters: int) -> int:
    """Of a separable 3×3 convolution with bias."""
    return 9 * channels + channels * filters + filters


def plain_parameters(channels: int, filters: int) -> int:
    """Of a 3×3 convolution with bias."""
    return 9 * channels * filters + filters


def _multiples_around(width: float) -> tuple[int, int]:
    """The multiples of 4 below and above."""
    below = max(4, int(width) // 4 * 4)
    return below, below + 4
