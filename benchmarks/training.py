"""A training step of this project against the plain `model.fit` of the Keras example, side by side.

The example: the article's graph, float32, sparse cross-entropy, Adam, pictures read from files and resized by
`tf.data`, not augmented. Ours: the training graph with augmentation, cross-entropy + Dice, averaged weights. The
network, its size and the batch are the same.
"""

import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from app.training.machine import processor
from app.training.timing import alternate
from benchmarks.rounds import ratio_table

PICTURES = 64


@click.command()
@click.option("--size", default=160, show_default=True, help="Side of the pictures, pixels.")
@click.option("--batch", default=16, show_default=True, help="Pictures a step.")
@click.option("--steps", default=4, show_default=True, help="Steps of each timed call.")
@click.option("--rounds", default=12, show_default=True, help="Counted rounds.")
def main(size: int, batch: int, steps: int, rounds: int) -> None:
    """Measure training steps against the Keras example's."""
    from app.inference.tensorflow_runtime import import_tensorflow

    import_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        draw_pictures(Path(folder))
        calls = {"the Keras example, model.fit": keras_example(Path(folder), size, batch, steps)}
        for precision in ("float32", "mixed_bfloat16"):
            calls[f"segserve train, {precision}"] = ours(Path(folder), size, batch, steps, precision)
        times = alternate(calls, rounds)
    click.echo(f"{processor()}, Python {platform.python_version()}; {steps} steps of {batch} pictures {size}×{size}\n")
    click.echo(ratio_table(times))
    click.echo()
    for name, milliseconds in times.items():
        click.echo(f"{name}: {1e3 * steps * batch / float(np.median(milliseconds)):.1f} images/s")


def draw_pictures(folder: Path) -> None:
    """JPEGs of 400×300 and masks of three classes."""
    random = np.random.default_rng(0)
    for number in range(PICTURES):
        blotches = Image.fromarray(random.integers(0, 256, (6, 8, 3), np.uint8))
        blotches.resize((400, 300), Image.Resampling.BICUBIC).save(folder / f"{number:03d}.jpg")
        classes = Image.fromarray(random.integers(0, 3, (6, 8), np.uint8))
        classes.resize((400, 300), Image.Resampling.NEAREST).save(folder / f"{number:03d}.png")


def keras_example(folder: Path, size: int, batch: int, steps: int) -> Callable[[], object]:
    """`model.fit` over so many steps, as F. Chollet's "Image segmentation with a U-Net-like architecture" has it."""
    import keras
    import tensorflow as tf

    from app.nn.config import UNetXceptionConfig
    from app.nn.unet_xception import unet_xception

    def read(picture: Any, mask: Any) -> tuple[Any, Any]:
        pixels = tf.io.decode_png(tf.io.read_file(picture), channels=3)
        classes = tf.io.decode_png(tf.io.read_file(mask), channels=1)
        resized = tf.image.convert_image_dtype(tf.image.resize(pixels, (size, size)), tf.float32)
        return resized, tf.image.resize(classes, (size, size), method="nearest")

    names = [sorted(str(path) for path in folder.glob(f"*.{suffix}")) for suffix in ("jpg", "png")]
    data = tf.data.Dataset.from_tensor_slices(tuple(names)).map(read, num_parallel_calls=tf.data.AUTOTUNE)
    batches = data.repeat().batch(batch).prefetch(tf.data.AUTOTUNE)
    network = unet_xception(UNetXceptionConfig(input_size=(size, size)))
    network.compile(optimizer=keras.optimizers.Adam(1e-4), loss="sparse_categorical_crossentropy")
    return lambda: network.fit(batches, epochs=1, steps_per_epoch=steps, shuffle=False, verbose=0)


def ours(folder: Path, size: int, batch: int, steps: int, precision: str) -> Callable[[], object]:
    """The same number of steps as `segserve train` makes them."""
    from app.core.labels import Label, LabelMap
    from app.training.augment import Augmenter
    from app.training.config import TrainingConfig
    from app.training.draw import Sampler
    from app.training.learner import Learner

    config = TrainingConfig.model_validate({"steps": 1000, "size": size, "batch_size": batch, "precision": precision})
    labels = LabelMap(tuple(Label(number, str(number), (number, 0, 0)) for number in range(3)))
    sides = (config.stored_size, config.stored_size)
    pictures = np.stack([np.asarray(Image.open(path).resize(sides)) for path in sorted(folder.glob("*.jpg"))])
    masks = np.stack([np.asarray(Image.open(path).resize(sides, 0)) for path in sorted(folder.glob("*.png"))])
    augmenter, learner = Augmenter(pictures, masks, size), Learner(config, labels, config.steps or 0)
    sampler = Sampler(["drawn"] * PICTURES, {}, batch, config.seed, config.augmentation)
    first = iter(range(0, 10**9, steps))

    def train() -> None:
        start = next(first)
        for step in range(start, start + steps):
            learner.step(*augmenter.batch(sampler.draw(step)))

    return train


if __name__ == "__main__":
    main()
