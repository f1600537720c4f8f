"""The inference graph: the function of a trained network, computed with less work."""

from typing import Any

import keras
import numpy as np
from keras import layers

from app.nn.blocks import ENCODER_CONVOLUTION, HEAD, encoder_convolution, pixel_scaling
from app.nn.config import UNetXceptionConfig
from app.nn.folding import Array, after_upsampling, as_convolution, batch_normalization, folded

Tensor = Any  # keras ships no types
Weights = dict[str, list[Array]]

_BRANCHES = ("1x1", "3x3", "5x5", "pool_1x1")  # in the order of their concatenation


def inference_graph(model: keras.Model, config: UNetXceptionConfig) -> keras.Model:
    """Builds the same function as `model` for inference alone: 621 million MACs for the article's 997 million.

    Four identities, all exact (see `app.nn.folding`); the rounding of float32 is all that differs:

    - a batch normalisation goes into the convolution before it (after a concatenation: into the last one of each
      branch);
    - nearest upsampling commutes with 1×1 convolution, addition and ReLU, which all work on each position alone: the
      shortcut and the sum of an up block are computed before its upsampling, the next block's ReLU and shortcut too;
    - a 3×3 convolution of an upsampled picture is one stride-2 transposed convolution with a 4×4 kernel: the first of
      each up block but the first, and the head;
    - a stride-1 transposed convolution is a convolution with the kernel turned by half.

    The pixel scaling stays: its offset, merged into the stem, would be missing where the stem sees zero padding.

    Args:
        model: from `unet_xception(config)`, in either order of computation; it is left as it is.
        config: what it was built from.

    Returns:
        Model: `image` (B, h, w, 3) float32, RGB 0–255 → probabilities (B, h, w, classes) float32.

    Raises:
        ValueError: the model's layers, or their shapes, are not those of the configuration.
    """
    weights = _rewritten_weights(model, config)
    graph = _rewritten_graph(config)
    expected = {layer.name for layer in graph.layers if layer.weights}
    if different := sorted(expected ^ weights.keys()):
        raise ValueError(f"the model is not of the configuration given; layers that differ: {', '.join(different)}")
    for name in expected:
        graph.get_layer(name).set_weights(weights[name])
    return graph


def _rewritten_graph(config: UNetXceptionConfig) -> keras.Model:
    image = keras.Input((*config.input_size, 3), dtype="float32", name="image")
    x = pixel_scaling(image)
    x = layers.Conv2D(config.stem_filters, 3, strides=2, padding="same", name="stem_conv")(x)  # (B, H/2, W/2, 32)
    x = layers.ReLU(name="stem_relu")(x)
    for number, filters in enumerate(config.filters, start=1):
        x = _down_block(x, filters, f"down{number}", config)
    for number, filters in enumerate(config.decoder_filters, start=1):
        x = _up_block(x, filters, f"up{number}", config.residual, upsampled=number > 1)
    head = layers.Conv2DTranspose(config.classes, 4, strides=2, padding="same", name=f"{HEAD}_upsampled")
    return keras.Model(image, layers.Softmax(name="head_softmax")(head(x)), name="unet_xception_inference")


def _down_block(x: Tensor, filters: int, name: str, config: UNetXceptionConfig) -> Tensor:
    """(B, H, W, C) → (B, H/2, W/2, filters)."""
    previous = x
    for step in (1, 2):
        x = layers.ReLU(name=f"{name}_relu{step}")(x)
        convolution = f"{name}_{ENCODER_CONVOLUTION[config.block]}{step}"
        x = encoder_convolution(x, filters, convolution, config.block, config.intermediate_activation)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    if not config.residual:
        return x
    shortcut = layers.Conv2D(filters, 1, strides=2, padding="same", name=f"{name}_shortcut")(previous)
    return layers.Add(name=f"{name}_add")([x, shortcut])


def _up_block(x: Tensor, filters: int, name: str, residual: bool, upsampled: bool) -> Tensor:
    """(B, H, W, C) → (B, H, W, filters), its own upsampling left to the next block.

    With `upsampled`, x is the previous block's result before its upsampling: (B, H/2, W/2, C).
    """
    previous = x
    x = layers.ReLU(name=f"{name}_relu1")(x)
    if upsampled:
        x = layers.Conv2DTranspose(filters, 4, strides=2, padding="same", name=f"{name}_conv1_upsampled")(x)
    else:
        x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv1")(x)
    x = layers.ReLU(name=f"{name}_relu2")(x)
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv2")(x)
    if not residual:
        return x
    shortcut = layers.Conv2D(filters, 1, padding="same", name=f"{name}_shortcut")(previous)
    if upsampled:
        shortcut = layers.UpSampling2D(2, name=f"{name}_shortcut_upsample")(shortcut)
    return layers.Add(name=f"{name}_add")([x, shortcut])


def _rewritten_weights(model: keras.Model, config: UNetXceptionConfig) -> Weights:
    """Weights of the inference graph by layer name, float64."""
    weights = {
        layer.name: [np.asarray(weight, np.float64) for weight in layer.get_weights()]
        for layer in model.layers
        if layer.weights
    }
    for name in [name for name in weights if "_convtranspose" in name]:
        kernel, bias = weights.pop(name)
        weights[name.replace("convtranspose", "conv")] = [as_convolution(kernel), bias]
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            _fold_normalization(weights, layer.name, layer.epsilon, config)
    for name in [HEAD, *(f"up{number}_conv1" for number in range(2, config.depth + 2))]:
        if name in weights:
            kernel, bias = weights.pop(name)
            weights[f"{name}_upsampled"] = [after_upsampling(kernel), bias]
    return weights


def _fold_normalization(weights: Weights, name: str, epsilon: float, config: UNetXceptionConfig) -> None:
    """Takes a batch normalisation out, into the convolutions before it."""
    gamma, beta, mean, variance = weights.pop(name)
    affine = batch_normalization(gamma, beta, mean, variance, epsilon)
    start = 0
    for convolution in _convolutions_before(name, config):
        if convolution not in weights:
            raise ValueError(f"the model is not of the configuration given: it has no layer {convolution}")
        *depthwise, kernel, bias = weights[convolution]
        stop = start + len(bias)
        weights[convolution] = [*depthwise, *folded(kernel, bias, affine.part(start, stop))]
        start = stop


def _convolutions_before(normalization: str, config: UNetXceptionConfig) -> tuple[str, ...]:
    """Layers whose (concatenated) output a batch normalisation gets."""
    block, step = normalization.split("_batchnorm")
    if block == "stem":
        return ("stem_conv",)
    if block.startswith("up"):
        return (f"{block}_conv{step}",)
    convolution = f"{block}_{ENCODER_CONVOLUTION[config.block]}{step}"
    if config.block == "inception":
        return tuple(f"{convolution}_{branch}" for branch in _BRANCHES)
    return (convolution if config.intermediate_activation is None else f"{convolution}_pointwise",)
