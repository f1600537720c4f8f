"""The training graph: the function of the network while it learns, computed with less work from the same weights."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from app.nn.blocks import HEAD, down_block, pixel_scaling
from app.nn.config import UNetXceptionConfig

Tensor = Any  # keras ships no types

REACH = np.array([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]], np.float32)
"""Which of the 3 taps of a convolution reach which of the 4 places around an upsampled pixel, along one axis."""


class UpsampledConvolution(layers.Layer):  # type: ignore[misc]  # keras ships no types
    """3×3 convolution of a picture upsampled twofold, computed without upsampling it: (B, H, W, C) → (B, 2H, 2W, F).

    One stride-2 transposed convolution whose 4×4 kernel is made of the 3×3 kernel in every step: 4 multiplications in
    place of 9 (`app.nn.folding.after_upsampling` has the algebra). It learns the 3×3 kernel.

    Args:
        filters: F.
        transposed: the weights are those of a `Conv2DTranspose` (3, 3, F, C), not of a `Conv2D` (3, 3, C, F).
    """

    def __init__(self, filters: int, transposed: bool, **options: Any) -> None:
        super().__init__(**options)
        self.filters = filters
        self.transposed = transposed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes kernel and bias, as the layer that it stands for has them."""
        channels = (self.filters, input_shape[-1]) if self.transposed else (input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=(3, 3, *channels), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, 2H, 2W, F)."""
        batch, height, width, _ = input_shape
        return batch, height and 2 * height, width and 2 * width, self.filters

    def call(self, x: Tensor) -> Tensor:
        """(B, H, W, C) → (B, 2H, 2W, F)."""
        reach = ops.cast(REACH[:, ::-1] if self.transposed else REACH, self.kernel.dtype)
        order = "su,tv,uvfc->stfc" if self.transposed else "su,tv,uvcf->stfc"
        kernel = ops.cast(ops.einsum(order, reach, reach, self.kernel), x.dtype)  # (4, 4, F, C)
        return ops.conv_transpose(x, kernel, strides=2, padding="same") + ops.cast(self.bias, x.dtype)


class FusedBatchNormalization(layers.BatchNormalization):  # type: ignore[misc]  # keras ships no types
    """Batch normalisation that TensorFlow computes in one pass forwards and one back; else just Keras' own."""

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """Normalises (B, H, W, C), in training by the statistics of the batch."""
        if not training or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow

        scale, offset = ops.convert_to_tensor(self.gamma), ops.convert_to_tensor(self.beta)
        normalised, mean, variance, *_ = tensorflow.raw_ops.FusedBatchNormV3(
            x=inputs, scale=scale, offset=offset, mean=[], variance=[], epsilon=self.epsilon, is_training=True
        )
        count = ops.cast(ops.size(inputs[..., 0]), variance.dtype)
        biased = variance * ((count - 1) / count)  # TensorFlow's is the unbiased estimate, Keras keeps the biased one
        for kept, seen in ((self.moving_mean, mean), (self.moving_variance, biased)):
            kept.assign(kept * self.momentum + seen * (1 - self.momentum))
        return normalised


def training_graph(config: UNetXceptionConfig) -> keras.Model:
    """Builds the function of `unet_xception(config)`, with weights of the same names and shapes, for training.

    Upsampling commutes with ReLU, 1×1 convolution and addition, so that every block but the first takes its input
    before it is upsampled; and the convolution after an upsampling works on the small picture.

    Args:
        config: the network.

    Returns:
        Model: `image` (B, H, W, 3) float32 or uint8, RGB 0–255 → logits (B, H, W, classes) float32.
    """
    image = keras.Input((*config.input_size, 3), name="image")
    x = layers.Conv2D(config.stem_filters, 3, strides=2, padding="same", name="stem_conv")(pixel_scaling(image))
    x = layers.ReLU(name="stem_relu")(FusedBatchNormalization(name="stem_batchnorm")(x))  # (B, H/2, W/2, 32)
    for number, filters in enumerate(config.filters, start=1):
        block, residual, middle = config.block, config.residual, config.intermediate_activation
        x = down_block(x, filters, f"down{number}", block, residual, middle, FusedBatchNormalization)
    for number, filters in enumerate(config.decoder_filters, start=1):
        x = _up_block(x, filters, f"up{number}", config.residual, upsampled=number > 1)
    logits = UpsampledConvolution(config.classes, transposed=False, name=HEAD)(x)
    return keras.Model(image, layers.Activation("linear", dtype="float32", name="logits")(logits), name="training")


def _up_block(x: Tensor, filters: int, name: str, residual: bool, upsampled: bool) -> Tensor:
    """(B, H, W, C) → (B, H, W, filters), its own upsampling left to the next block.

    With `upsampled`, x is the previous block's result before its upsampling: (B, H/2, W/2, C).
    """
    previous = x
    for step in (1, 2):
        x = layers.ReLU(name=f"{name}_relu{step}")(x)
        convolution = f"{name}_convtranspose{step}"
        if upsampled and step == 1:
            x = UpsampledConvolution(filters, transposed=True, name=convolution)(x)
        else:
            x = layers.Conv2DTranspose(filters, 3, padding="same", name=convolution)(x)
        x = FusedBatchNormalization(name=f"{name}_batchnorm{step}")(x)
    if not residual:
        return x
    shortcut = layers.Conv2D(filters, 1, padding="same", name=f"{name}_shortcut")(previous)
    if upsampled:
        shortcut = layers.UpSampling2D(2, name=f"{name}_shortcut_upsample")(shortcut)
    return layers.Add(name=f"{name}_add")([x, shortcut])
