"""Architecture as data, taken from a built network."""

import math
import re

import keras
from keras import layers

from app.core.architecture import ArchitectureSummary
from app.core.layers import LayerSummary
from app.nn.config import UNetXceptionConfig
from app.nn.receptive_field import Seen, of_input, of_layer

_BLOCK = re.compile(r"(stem|down\d+|up\d+|head)_")
_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Conv2DTranspose)


def summarise(model: keras.Model, config: UNetXceptionConfig) -> ArchitectureSummary:
    """Describes a network layer by layer.

    Args:
        model: from `unet_xception` or `inference_graph`.
        config: what it was built from.

    Raises:
        ValueError: a kind of layer that neither of them builds.
    """
    producers = {id(layer.output): layer.name for layer in model.layers}
    seen: dict[str, tuple[Seen, Seen]] = {}
    summaries = []
    for layer in model.layers:
        names = tuple(producers[id(tensor)] for tensor in _inputs(layer))
        seen[layer.name] = _seen(layer, [seen[name] for name in names])
        summaries.append(_layer_summary(layer, names, seen[layer.name]))
    return ArchitectureSummary(
        name=model.name,
        config=config.to_dict(),  # type: ignore[arg-type]  # its values are JSON
        input_shape=tuple(model.input_shape[1:]),
        output_shape=tuple(model.output_shape[1:]),
        layers=tuple(summaries),
    )


def multiply_accumulates(layer: keras.layers.Layer) -> int:
    """Multiply–accumulates of a layer for one picture: the convolutions'; 0 for all other layers.

    Each tap of the kernel counts at each position, the ones over the padding too: those of the output, for a transposed
    convolution those of the input, which it spreads. Additions of a bias are not counted.
    """
    if not isinstance(layer, _CONVOLUTIONS):
        return 0
    shape = layer.input.shape if isinstance(layer, layers.Conv2DTranspose) else layer.output.shape
    taps = sum(math.prod(weight.shape) for weight in layer.weights if len(weight.shape) == 4)
    return int(math.prod(shape[1:3]) * taps)


def _inputs(layer: keras.layers.Layer) -> list[keras.KerasTensor]:
    if isinstance(layer, layers.InputLayer):
        return []
    return layer.input if isinstance(layer.input, list) else [layer.input]


def _seen(layer: keras.layers.Layer, inputs: list[tuple[Seen, Seen]]) -> tuple[Seen, Seen]:
    """What its output sees of the input, along height and width."""
    if not inputs:
        height, width = layer.output.shape[1:3]
        return of_input(height), of_input(width)
    heights, widths = zip(*inputs, strict=True)
    return of_layer(layer, list(heights), axis=0), of_layer(layer, list(widths), axis=1)


def _layer_summary(layer: keras.layers.Layer, inputs: tuple[str, ...], seen: tuple[Seen, Seen]) -> LayerSummary:
    block = _BLOCK.match(layer.name)
    return LayerSummary(
        name=layer.name,
        kind=type(layer).__name__,
        block=block[1] if block else "stem",
        input_shapes=tuple(tuple(tensor.shape[1:]) for tensor in _inputs(layer)),
        output_shape=tuple(layer.output.shape[1:]),
        parameters=layer.count_params(),
        trainable_parameters=sum(math.prod(weight.shape) for weight in layer.trainable_weights),
        macs=multiply_accumulates(layer),
        receptive_field=(seen[0].extent, seen[1].extent),
        inputs=inputs,
        shortcut="_shortcut" in layer.name,
    )
