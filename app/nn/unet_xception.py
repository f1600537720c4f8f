"""The U-Net Xception network."""

import keras
from keras import layers

from app.nn.blocks import HEAD, down_block, pixel_scaling, up_block
from app.nn.config import UNetXceptionConfig


def unet_xception(config: UNetXceptionConfig | None = None) -> keras.Model:
    """Builds the network with freshly initialised weights.

    Stem (3×3/2 convolution), one down block for each entry of `config.filters`, as many up blocks and one more, and a
    3×3 convolution with softmax. Everything between encoder and decoder passes the deepest feature map: there are no
    skips across, only the shortcut of each block. It is made of Keras' own layers, so that plain Keras loads it.

    Sources: F. Chollet, "Image segmentation with a U-Net-like architecture" (Keras example); "Xception", CVPR 2017.

    Args:
        config: the network; None: the article's (160×160×3 → 3 classes, 2,058,979 parameters).

    Returns:
        Model: `image` (B, H, W, 3) float32 or uint8, RGB 0–255 → probabilities (B, H, W, classes) float32.

    Example:
        >>> unet_xception().count_params()
        2058979
    """
    config = config or UNetXceptionConfig()
    image = keras.Input((*config.input_size, 3), name="image")
    x = pixel_scaling(image)
    x = layers.Conv2D(config.stem_filters, 3, strides=2, padding="same", name="stem_conv")(x)  # (B, H/2, W/2, 32)
    x = layers.BatchNormalization(name="stem_batchnorm")(x)
    x = layers.ReLU(name="stem_relu")(x)
    for number, filters in enumerate(config.filters, start=1):
        x = down_block(x, filters, f"down{number}", config.block, config.residual, config.intermediate_activation)
    for number, filters in enumerate(config.decoder_filters, start=1):
        x = up_block(x, filters, f"up{number}", config.residual)
    logits = layers.Conv2D(config.classes, 3, padding="same", dtype="float32", name=HEAD)(x)
    probabilities = layers.Softmax(dtype="float32", name="head_softmax")(logits)
    return keras.Model(image, probabilities, name="unet_xception")


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies all weights by layer name, between two networks of one configuration in any order of computation.

    Raises:
        ValueError: a layer of `target` is missing in `source`, or differs in shape.
    """
    for layer in target.layers:
        if layer.weights:
            layer.set_weights(source.get_layer(layer.name).get_weights())
