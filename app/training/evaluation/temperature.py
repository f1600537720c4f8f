"""Temperature scaling: one number that makes a network's probabilities honest, and leaves every winning class as it is.

Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.2.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import exp, log, sqrt

import numpy as np

from app.imaging.restore import restore_bands
from app.imaging.windows import View
from app.training.evaluation.pictures import Array, SegmentedPicture, segment_pictures, summed_cross_entropy
from app.training.evaluation.prediction import Predict
from app.training.sources.samples import DataSource, Sample

LOWEST, HIGHEST = 0.25, 4.0
PRECISION = 0.005
"""Relative, of the search; a temperature is rounded to hundredths: more is noise of the sample."""
MOST_PICTURES = 200
"""Plenty for one number; they are held in memory."""


def fit_temperature(predict: Predict, source: DataSource, samples: Sequence[Sample], view: View) -> float:
    """The T for which softmax(logits / T) has the least cross-entropy, at the masks' own size.

    Args:
        predict: the network, as trained.
        source: reads the masks.
        samples: pictures that it was not trained on; of more than `MOST_PICTURES`, as many, evenly spread.
        view: how the network is shown them.

    Returns:
        T, from 0.25 to 4; above 1 the network was too sure of itself.
    """
    chosen = samples[:: -(-len(samples) // MOST_PICTURES)]
    pictures = [picture for batch in segment_pictures(predict, source, chosen, view) for picture in batch]
    with ThreadPoolExecutor() as pool:

        def cross_entropy(logarithm: float) -> float:
            """Sum over all pixels, nats: the pixels are the same for every temperature."""
            return sum(pool.map(lambda picture: _cross_entropy(picture, exp(logarithm)), pictures))

        best = golden_section(cross_entropy, log(LOWEST), log(HIGHEST), PRECISION)
    return round(exp(best), 2)


def tempered(probabilities: Array, temperature: float) -> Array:
    """Softmax of logits / T from the softmax of the logits: (…, C) float32 → (…, C) float32."""
    powers = np.power(probabilities, np.float32(1 / temperature))
    scaled: Array = powers / powers.sum(axis=-1, keepdims=True)
    return scaled


def golden_section(function: Callable[[float], float], low: float, high: float, precision: float) -> float:
    """Where a function with one valley is least.

    Args:
        function: of one number.
        low: lower end of the search.
        high: upper end.
        precision: largest distance from the minimum.
    """
    shrink = (sqrt(5) - 1) / 2
    left, right = high - shrink * (high - low), low + shrink * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > precision:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - shrink * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + shrink * (high - low)
            at_right = function(right)
    return (low + high) / 2


def _cross_entropy(picture: SegmentedPicture, temperature: float) -> float:
    """Sum over the picture's counted pixels, nats: resampled after the softmax, as in serving."""
    bands = restore_bands(tempered(picture.probabilities, temperature), picture.geometry)
    return sum(summed_cross_entropy(band, picture.mask[top : top + len(band)]) for top, band in bands)
