"""Building blocks of the U-Net Xception: each takes and returns a symbolic tensor (B, H, W, C)."""

from typing import Any

import keras
from keras import layers

from app.nn.config import Block, IntermediateActivation
from app.nn.equal_parameters import separable_parameters

Tensor = Any  # keras ships no types

HEAD = "head_conv"
"""Name of the layer that gives the logits."""

ENCODER_CONVOLUTION: dict[Block, str] = {"separable": "sepconv", "inception": "inception", "conv": "conv"}
"""What the names of the encoder's convolutions say: `down1_sepconv1`."""


def separable_convolution(x: Tensor, filters: int, name: str, intermediate: IntermediateActivation | None) -> Tensor:
    """Depthwise 3×3, then pointwise 1×1 convolution: `filters` output channels, the same height and width.

    With an `intermediate` activation the two halves are layers of their own with that activation between them.

    Source: F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017, sections 3 and 4.7.
    """
    if intermediate is None:
        return layers.SeparableConv2D(filters, 3, padding="same", name=name)(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = layers.Activation(intermediate, name=f"{name}_{intermediate}")(x)
    return layers.Conv2D(filters, 1, name=f"{name}_pointwise")(x)


def inception_convolution(x: Tensor, filters: int, name: str) -> Tensor:
    """Inception-style block: `filters` output channels, the same height and width.

    Four branches of a quarter of the channels each, concatenated: 1×1; 1×1 → ReLU → 3×3; 1×1 → ReLU → 5×5;
    max-pooling 3×3 → 1×1. The 1×1 convolutions before 3×3 and 5×5 mix and narrow the channels; their widths are set
    so that the block has as many parameters as the separable convolution in its place.

    Source: C. Szegedy and others, "Going Deeper with Convolutions", CVPR 2015, section 4, figure 2(b).
    """
    quarter = filters // 4
    width = inception_width(x.shape[-1], filters)
    one = layers.Conv2D(quarter, 1, name=f"{name}_1x1")(x)
    three = layers.Conv2D(2 * width, 1, activation="relu", name=f"{name}_3x3_reduce")(x)
    three = layers.Conv2D(quarter, 3, padding="same", name=f"{name}_3x3")(three)
    five = layers.Conv2D(width, 1, activation="relu", name=f"{name}_5x5_reduce")(x)
    five = layers.Conv2D(quarter, 5, padding="same", name=f"{name}_5x5")(five)
    pool = layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    pool = layers.Conv2D(quarter, 1, name=f"{name}_pool_1x1")(pool)
    return layers.Concatenate(name=f"{name}_concat")([one, three, five, pool])


def inception_width(channels: int, filters: int) -> int:
    """Channels after the 1×1 before 5×5 (twice as many before 3×3) that match a separable convolution's parameters."""
    quarter = filters // 4
    separable = separable_parameters(channels, filters)
    fixed = 2 * (channels * quarter + quarter) + 2 * quarter
    each = 2 * (channels + 1 + 9 * quarter) + (channels + 1 + 25 * quarter)
    return max(1, round((separable - fixed) / each))


def encoder_convolution(
    x: Tensor, filters: int, name: str, block: Block, intermediate: IntermediateActivation | None
) -> Tensor:
    """The encoder's convolution of the asked kind: `filters` output channels, the same height and width."""
    if block == "separable":
        return separable_convolution(x, filters, name, intermediate)
    if block == "inception":
        return inception_convolution(x, filters, name)
    return layers.Conv2D(filters, 3, padding="same", name=name)(x)


def down_block(
    x: Tensor,
    filters: int,
    name: str,
    block: Block,
    residual: bool,
    intermediate: IntermediateActivation | None,
    normalization: type[layers.BatchNormalization] = layers.BatchNormalization,
) -> Tensor:
    """Twice ReLU–convolution–BatchNorm, then max-pooling, plus the shortcut: (B, H, W, C) → (B, H/2, W/2, filters)."""
    previous = x
    for step in (1, 2):
        x = layers.ReLU(name=f"{name}_relu{step}")(x)
        x = encoder_convolution(x, filters, f"{name}_{ENCODER_CONVOLUTION[block]}{step}", block, intermediate)
        x = normalization(name=f"{name}_batchnorm{step}")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)  # (B, H/2, W/2, filters)
    if not residual:
        return x
    shortcut = layers.Conv2D(filters, 1, strides=2, padding="same", name=f"{name}_shortcut")(previous)
    return layers.Add(name=f"{name}_add")([x, shortcut])


def up_block(x: Tensor, filters: int, name: str, residual: bool) -> Tensor:
    """Twice ReLU–transposed convolution–BatchNorm, upsampled, plus shortcut: (B, H, W, C) → (B, 2H, 2W, filters)."""
    previous = x
    for step in (1, 2):
        x = layers.ReLU(name=f"{name}_relu{step}")(x)
        x = layers.Conv2DTranspose(filters, 3, padding="same", name=f"{name}_convtranspose{step}")(x)
        x = layers.BatchNormalization(name=f"{name}_batchnorm{step}")(x)
    x = layers.UpSampling2D(2, name=f"{name}_upsample")(x)  # (B, 2H, 2W, filters)
    if not residual:
        return x
    upsampled = layers.UpSampling2D(2, name=f"{name}_shortcut_upsample")(previous)
    shortcut = layers.Conv2D(filters, 1, padding="same", name=f"{name}_shortcut")(upsampled)
    return layers.Add(name=f"{name}_add")([x, shortcut])


def pixel_scaling(x: Tensor) -> Tensor:
    """RGB 0–255 → −1 … 1: what zero padding adds at the rim is then mid-grey."""
    return keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="pixel_scaling")(x)
