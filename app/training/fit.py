"""A training run from beginning to end; started again on the same folder, it goes on where it was."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from app.core.errors import TrainingError
from app.inference.tensorflow_runtime import import_tensorflow
from app.training.augment import Augmenter
from app.training.checkpoint import Checkpoints, TrainingState
from app.training.config import TrainingConfig
from app.training.dataset import Packed, missing_classes, pack, require_apart
from app.training.draw import Sampler
from app.training.evaluation.pictures import evaluate_pictures, total_scores
from app.training.files import write_file
from app.training.learner import Learner
from app.training.machine import training_machine
from app.training.plots import can_plot, learning_curves
from app.training.run import Run
from app.training.sheets import augmented_sheet, examples_sheet
from app.training.sources.samples import DataSource
from app.training.split import validation_names

Array = np.ndarray[Any, np.dtype[Any]]
Report = Callable[[int, int, float], None]
"""Called after each step with steps done, steps in all, mean loss."""


EXAMPLES = 8
"""Most validation pictures on the sheet of examples."""


class Fit:
    """One run: data on the device, network, checkpoints.

    Args:
        source: the labelled pictures.
        config: of the run.
        run: its folder.

    Raises:
        DataError: pictures or masks that cannot be used, all of them listed.
        TrainingError: the folder holds another run, a damaged checkpoint, or the split cannot be made.
    """

    def __init__(self, source: DataSource, config: TrainingConfig, run: Run) -> None:
        run.open(config)
        run.write_machine(training_machine())
        set_up_backend(config)
        self.config = config
        self.run = run
        self._source = source
        samples = sorted(source.samples("trainval"), key=lambda sample: sample.name)  # however the list is ordered
        require_apart(source, samples)
        packed = pack(source, samples, config.stored_size, config.resize)
        kept = self._validation(packed)
        self.training = [sample for sample, apart in zip(packed.samples, kept, strict=True) if not apart]
        self.validation = [sample for sample, apart in zip(packed.samples, kept, strict=True) if apart]
        self.steps = config.total_steps(len(self.training))
        self._sampler = self._make_sampler()
        self._augmenter = Augmenter(packed.pictures[~kept], packed.masks[~kept], config.size)
        self._learner = Learner(config, len(source.labels), self.steps)
        self._checkpoints = Checkpoints(run.checkpoints)
        self.missing_classes = missing_classes(packed, source.labels)
        self.state = self._restored()

    def go(self, report: Report, stop_at: int | None = None, stop: Callable[[], bool] = lambda: False) -> None:
        """Trains up to `stop_at` steps, or to the end, or until `stop` says so after a step: then a checkpoint is kept.

        Raises:
            TrainingError: the loss is not finite, or a file cannot be written; checkpoints are intact.
        """
        if self.state.step == 0:
            pictures, masks = self._augmenter.batch(self._sampler.draw(0))
            sheet = augmented_sheet(np.array(pictures), np.array(masks), self._source.labels)
            self.run.write_picture("augmented.png", sheet)
        while self.state.step < min(self.steps, stop_at or self.steps):
            loss = self._learner.step(*self._augmenter.batch(self._sampler.draw(self.state.step)))
            if not np.isfinite(loss):
                raise TrainingError(f"the loss is {loss} at step {self.state.step}; lower the learning rate")
            self.state.step += 1
            report(self.state.step, self.steps, loss)
            self._after_step(loss)
            if stop():
                self._save()
                return

    def _after_step(self, loss: float) -> None:
        config, step = self.config, self.state.step
        if step % config.validate_every == 0 or step == self.steps:
            self._validate(loss)
            self._save()
        elif step % config.checkpoint_every == 0:
            self._save()

    def _save(self) -> None:
        self.state.arrays = self._learner.state()
        self._checkpoints.save(self.state)

    def _validate(self, loss: float) -> None:
        """Scores the averaged network, keeps it if it is the best so far, and writes history and pictures."""
        network = self._learner.average(self._fresh_batches())
        size, predict = (self.config.size, self.config.size), network.predict_on_batch
        results = evaluate_pictures(predict, self._source, self.validation, size, self.config.resize)
        scores = total_scores(results, self._source.labels)
        row = {
            "step": float(self.state.step),
            "pictures": float(self.state.step * self.config.batch_size),
            "learning_rate": float(self._learner.schedule(self.state.step)),
            "training_loss": loss,
            "validation_cross_entropy": scores.cross_entropy or 0.0,
            "validation_mean_iou": scores.mean_iou,
        }
        row |= {f"validation_iou_{name}": float("nan") if v is None else v for name, v in scores.iou.items()}
        self.state.history.append(row)
        self._learner.forget_loss()
        if self.state.best is None or scores.mean_iou > self.state.best:
            self.state.best = scores.mean_iou
            self.run.write_network(self.run.best_network, network)
            chosen = self.validation[:: -(-len(self.validation) // EXAMPLES)]
            sheet = examples_sheet(network.predict_on_batch, self._source, chosen, self.config)
            self.run.write_picture("examples.png", sheet)
        if self.state.step == self.steps:
            self.run.write_network(self.run.last_network, network)
        self.run.write_history(self.state.history)
        if can_plot():
            write_file(self.run.folder / "curves.png", learning_curves(self.state.history))

    def _fresh_batches(self) -> Iterator[Any]:
        """Augmented training pictures that no step of the run draws."""
        for index in range(self.config.batchnorm_batches):
            yield self._augmenter.batch(self._sampler.draw(self.steps + index))[0]

    def _validation(self, packed: Packed) -> Array:
        """Which of the pictures are kept apart for validation, (N,) bool."""
        names = self.run.validation()
        if names is None:
            c, count = self.config, self.config.validation_count(len(packed.samples))
            names = validation_names(packed.samples, packed.pictures, count, c.validation_masks, c.seed)
            self.run.write_validation(names)
        self.run.write_data(packed.fingerprint, len(packed.samples) - len(names), len(names))
        kept: Array = np.isin([sample.name for sample in packed.samples], names)
        if kept.sum() != len(names):
            raise TrainingError(f"{self.run.folder}/validation.txt names pictures that the data does not have any more")
        return kept

    def _make_sampler(self) -> Sampler:
        c, groups = self.config, [sample.source for sample in self.training]
        try:
            return Sampler(groups, c.sampling, c.batch_size, c.seed, c.augmentation)
        except ValueError as error:
            raise TrainingError(str(error)) from error

    def _restored(self) -> TrainingState:
        state = self._checkpoints.load()
        if state is None:
            return TrainingState(0, [])
        try:
            self._learner.restore(state.arrays)
        except ValueError as error:
            raise TrainingError(f"{self.run.checkpoints}: {error}") from error
        return state


def set_up_backend(config: TrainingConfig) -> None:
    """Sets TensorFlow up, where it is Keras' backend: bit-equal from run to run if the configuration asks for it.

    Raises:
        TrainingError: asked for with another Keras backend.
    """
    if keras.backend.backend() != "tensorflow":
        if config.deterministic:
            raise TrainingError("deterministic: only with Keras' TensorFlow backend")
        return
    tensorflow = import_tensorflow()
    if config.deterministic:
        tensorflow.config.experimental.enable_op_determinism()
