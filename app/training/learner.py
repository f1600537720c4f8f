"""The network that learns: optimizer, loss, averaged weights, and its whole state as arrays."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from app.core.errors import TrainingError
from app.core.labels import LabelMap
from app.nn.blocks import HEAD
from app.nn.losses import CrossEntropyDice
from app.nn.unet_xception import copy_weights, unet_xception
from app.training.batchnorm import reestimate_batchnorm
from app.training.config import TrainingConfig
from app.training.graph import training_graph
from app.training.initial import Initial

Array = np.ndarray[Any, np.dtype[Any]]
Tensor = Any  # keras ships no types

LONGEST_AVERAGE = 0.05
"""The moving average of the weights reaches over at most this part of a run."""


class Learner:
    """A network in training.

    Args:
        config: of the run.
        labels: the classes.
        steps: gradient steps of the whole run.
    """

    def __init__(self, config: TrainingConfig, labels: LabelMap, steps: int) -> None:
        keras.utils.set_random_seed(config.seed % 2**32)
        architecture = config.architecture(len(labels))
        with dtype_policy(config.precision):
            self._network = training_graph(architecture)
        with dtype_policy("float32"):
            self._averaged = training_graph(architecture)
            self._exported = unet_xception(architecture)
        self.schedule = learning_rate(config, steps)
        self._optimizer = optimizer(config, self.schedule, steps)
        loss = CrossEntropyDice(config.dice_weight, class_weights(config, labels))
        self._network.compile(optimizer=self._optimizer, loss=loss)
        self._optimizer.build(self._network.trainable_variables)
        self._loss_sum = self._loss_count = 0.0

    def begin_with(self, initial: Initial) -> None:
        """Takes over trained weights before the first step; a head of other classes stays as it is."""
        for layer in self._network.layers:
            if layer.weights and (initial.head or layer.name != HEAD):
                layer.set_weights(initial.network.get_layer(layer.name).get_weights())

    def step(self, pictures: Tensor, masks: Tensor) -> float:
        """One gradient step.

        Args:
            pictures: (B, S, S, 3) float32, RGB 0–255.
            masks: (B, S, S) uint8, class ids or 255.

        Returns:
            Mean loss over the steps since the last `forget_loss`.
        """
        self._network.reset_metrics()  # what comes back is then the loss of this batch, whatever the release of Keras
        self._loss_sum += float(self._network.train_on_batch(pictures, masks, return_dict=True)["loss"])
        self._loss_count += 1
        return self._loss_sum / self._loss_count

    def forget_loss(self) -> None:
        """Starts a new mean of the loss."""
        self._loss_sum = self._loss_count = 0.0

    def average(self, batches: Iterable[Tensor]) -> keras.Model:
        """The network with averaged weights and BatchNorm statistics re-estimated on batches of training pictures.

        Returns:
            Float32 network in the published order of computation; overwritten by the next call.
        """
        copy_weights(self._network, self._averaged)
        self._optimizer.finalize_variable_values(self._averaged.trainable_variables)
        reestimate_batchnorm(self._averaged, batches)
        copy_weights(self._averaged, self._exported)
        return self._exported

    def state(self) -> list[Array]:
        """Everything that the next step depends on."""
        arrays = [np.array(variable) for variable in self._variables()]
        return [*arrays, np.array(self._loss_sum), np.array(self._loss_count)]

    def restore(self, arrays: list[Array]) -> None:
        """The inverse of `state`.

        Raises:
            ValueError: the state of another network.
        """
        variables = self._variables()
        if [*(tuple(variable.shape) for variable in variables), (), ()] != [array.shape for array in arrays]:
            raise ValueError("the arrays are not the state of this network")
        *values, loss_sum, loss_count = arrays
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self._loss_sum, self._loss_count = float(loss_sum), float(loss_count)

    def _variables(self) -> list[Any]:
        return [*self._network.variables, *self._optimizer.variables]


def class_weights(config: TrainingConfig, labels: LabelMap) -> list[float] | None:
    """Weight of each class in the loss, or None where all weigh alike.

    Raises:
        TrainingError: a weight for a class that there is not.
    """
    names = [label.name for label in labels]
    if unknown := sorted(set(config.class_weights) - set(names)):
        raise TrainingError(f"class_weights: no class {', '.join(unknown)}; there are {', '.join(names)}")
    return [config.class_weights.get(name, 1.0) for name in names] if config.class_weights else None


def learning_rate(config: TrainingConfig, steps: int) -> Any:
    """Linear warm-up to `config.learning_rate`, then half a cosine down to zero at the last step."""
    warmup = min(round(steps * config.warmup), steps - 1)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else config.learning_rate,
        decay_steps=steps - warmup,
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def optimizer(config: TrainingConfig, schedule: Any, steps: int) -> Any:
    """AdamW with a moving average of the weights; biases and BatchNorm do not decay.

    Source: I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """
    chosen = keras.optimizers.AdamW(
        learning_rate=schedule,
        weight_decay=config.weight_decay,
        global_clipnorm=config.clip_norm,
        use_ema=True,
        ema_momentum=min(config.ema_momentum, max(0.0, 1 - 1 / (LONGEST_AVERAGE * steps))),
    )
    chosen.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return chosen


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Layers made inside compute in that precision; weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
