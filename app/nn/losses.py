"""Training loss: cross-entropy plus Dice, on logits, with pixels that count for nothing."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from app.core.labels import UNDECIDED

Tensor = Any  # keras ships no types


class CrossEntropyDice(keras.losses.Loss):  # type: ignore[misc]  # keras ships no types
    """Mean cross-entropy of the counted pixels plus `dice_weight` times the soft Dice loss of the batch.

    Dice is taken over the batch as one picture and averaged over the classes that occur in its labels. Pixels labelled
    255 are left out of both terms. A batch without a counted pixel has loss 0. A class that is nowhere in the labels
    adds nothing to the Dice term; predicted all the same, it costs cross-entropy.

    Args:
        dice_weight: weight of the Dice term; 0: cross-entropy alone.
        class_weights: of each class's pixels in the mean of the cross-entropy, (C,); None: all alike. The Dice term
            takes the classes alike as it is.
    """

    def __init__(
        self, dice_weight: float = 1.0, class_weights: Sequence[float] | None = None, name: str = "cross_entropy_dice"
    ) -> None:
        super().__init__(name=name, reduction=None)
        self.dice_weight = dice_weight
        self.class_weights = None if class_weights is None else tuple(class_weights)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            y_true: (B, H, W) int, class ids or 255.
            y_pred: (B, H, W, C) float32 logits.

        Returns:
            Scalar float32.
        """
        counted = ops.cast(ops.not_equal(y_true, UNDECIDED), "float32")  # (B, H, W)
        safe = ops.where(ops.equal(y_true, UNDECIDED), ops.zeros_like(y_true), y_true)
        target = ops.one_hot(ops.cast(safe, "int32"), y_pred.shape[-1])  # (B, H, W, C)
        log_probabilities = ops.log_softmax(y_pred, axis=-1)
        pixelwise = -ops.sum(target * log_probabilities, axis=-1)
        weighted = counted
        if self.class_weights is not None:
            weighted = counted * ops.sum(target * np.array(self.class_weights, "float32"), axis=-1)
        loss = ops.sum(pixelwise * weighted) / ops.maximum(ops.sum(weighted), 1e-6)
        if not self.dice_weight:
            return loss
        weight = counted[..., None]
        probabilities = ops.exp(log_probabilities) * weight
        target = target * weight
        overlap = ops.sum(probabilities * target, axis=(0, 1, 2))  # (C,)
        labelled = ops.sum(target, axis=(0, 1, 2))
        total = ops.sum(probabilities, axis=(0, 1, 2)) + labelled
        present = ops.cast(labelled > 0, "float32")
        dice = 1.0 - 2.0 * overlap / ops.maximum(total, 1.0)
        return loss + self.dice_weight * ops.sum(dice * present) / ops.maximum(ops.sum(present), 1.0)

    def get_config(self) -> dict[str, Any]:
        """Configuration for `from_config`."""
        return {"dice_weight": self.dice_weight, "class_weights": self.class_weights, "name": self.name}
