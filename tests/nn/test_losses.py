from typing import Any

import keras
import numpy as np
import pytest

from app.nn.losses import CrossEntropyDice

Array = np.ndarray[Any, np.dtype[Any]]
LABELS = np.array([[[0, 0, 1], [0, 2, 1]]], np.uint8)  # (1, 2, 3)


def logits_of(labels: Array, confidence: float, classes: int = 3) -> Array:
    """`confidence` for the class of each pixel, 0 for the others."""
    return (confidence * np.eye(classes)[labels]).astype(np.float32)


def loss_of(labels: Array, logits: Array, dice_weight: float = 1.0) -> float:
    return float(CrossEntropyDice(dice_weight)(labels, logits))


def noise(labels: Array, classes: int = 3) -> Array:
    return np.random.default_rng(5).normal(0, 2, (*labels.shape, classes)).astype(np.float32)


def gradient(labels: Array, logits: Array) -> Array:
    import tensorflow as tf

    predicted = tf.Variable(logits)
    with tf.GradientTape() as tape:
        loss = CrossEntropyDice()(labels, predicted)
    return np.asarray(tape.gradient(loss, predicted))


@pytest.mark.parametrize("dice_weight", [0.0, 1.0, 3.0])
def test_a_better_prediction_loses_less(dice_weight: float) -> None:
    wrong = LABELS.copy()
    wrong[0, 0, 0] = 1
    losses = [
        loss_of(LABELS, logits_of(LABELS, 20.0), dice_weight),
        loss_of(LABELS, logits_of(LABELS, 4.0), dice_weight),
        loss_of(LABELS, logits_of(LABELS, 0.0), dice_weight),
        loss_of(LABELS, logits_of(wrong, 20.0), dice_weight),
        loss_of(LABELS, logits_of((LABELS + 1) % 3, 20.0), dice_weight),
    ]
    assert losses[0] == pytest.approx(0.0, abs=1e-6)
    assert losses == sorted(losses)
    assert len(set(losses)) == len(losses)


def test_cross_entropy_is_that_of_keras() -> None:
    labels = np.random.default_rng(1).integers(0, 3, (2, 4, 5))
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, noise(labels))
    assert loss_of(labels, noise(labels), dice_weight=0.0) == pytest.approx(float(theirs), rel=1e-5)


def test_class_weights_weigh_the_mean_of_the_cross_entropy() -> None:
    labels = np.random.default_rng(1).integers(0, 3, (2, 4, 5))
    loss = CrossEntropyDice(0.0, [1.0, 2.0, 0.5])
    weights = np.array([1.0, 2.0, 0.5])[labels]
    pixelwise = keras.losses.sparse_categorical_crossentropy(labels, noise(labels), from_logits=True)
    expected = float((np.asarray(pixelwise) * weights).sum() / weights.sum())
    assert float(loss(labels, noise(labels))) == pytest.approx(expected, rel=1e-5)
    assert CrossEntropyDice.from_config(loss.get_config()).class_weights == (1.0, 2.0, 0.5)
    undecided = np.full_like(labels, 255)
    assert float(loss(undecided, noise(labels))) == 0.0


def test_dice_by_hand() -> None:
    """Even probabilities of two classes, 4 pixels, 3 of class 0: losses 1 − 2·1.5/(2 + 3) and 1 − 2·0.5/(2 + 1)."""
    labels = np.array([[[0, 0], [0, 1]]], np.uint8)
    dice = loss_of(labels, np.zeros((1, 2, 2, 2), np.float32)) - np.log(2)
    assert dice == pytest.approx((0.4 + 2 / 3) / 2, abs=1e-6)


def test_dice_takes_the_batch_as_one_picture() -> None:
    labels = np.random.default_rng(1).integers(0, 3, (2, 4, 5))
    logits = noise(labels)
    wide = loss_of(labels.reshape(1, 8, 5), logits.reshape(1, 8, 5, 3))
    assert loss_of(labels, logits) == pytest.approx(wide, rel=1e-6)


def test_class_that_is_nowhere_adds_nothing_to_dice() -> None:
    labels = np.zeros((1, 2, 2), np.uint8)
    two = loss_of(labels, logits_of(labels, 3.0, classes=2))
    one_of_three = np.concatenate([logits_of(labels, 3.0, classes=2), np.full((1, 2, 2, 1), -50.0)], -1)
    assert loss_of(labels, one_of_three.astype(np.float32)) == pytest.approx(two, rel=1e-5)


def test_undecided_pixels_count_for_nothing() -> None:
    labels = LABELS.copy()
    labels[0, 1] = 255
    logits = noise(labels)
    assert loss_of(labels, logits) == pytest.approx(loss_of(labels[:, :1], logits[:, :1]), rel=1e-5)
    slope = gradient(labels, logits)
    assert not slope[0, 1].any()
    assert (np.abs(slope[0, 0]) > 1e-4).all()


def test_a_batch_without_a_counted_pixel_loses_nothing() -> None:
    labels = np.full((2, 3, 3), 255, np.uint8)
    assert loss_of(labels, noise(labels)) == 0.0
    assert not gradient(labels, noise(labels)).any()


def test_extreme_logits_stay_finite() -> None:
    wrong = logits_of((LABELS + 1) % 3, 1e4)
    assert np.isfinite(loss_of(LABELS, wrong))
    assert np.isfinite(gradient(LABELS, wrong)).all()


def test_round_trip_of_its_configuration() -> None:
    again = keras.losses.deserialize(
        keras.losses.serialize(CrossEntropyDice(0.25)), custom_objects={"CrossEntropyDice": CrossEntropyDice}
    )
    assert isinstance(again, CrossEntropyDice)
    assert again.dice_weight == 0.25
