"""A training run from beginning to end; started again on the same folder, it goes on where it was."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from app.core.errors import TrainingError
from app.imaging.windows import View
from app.inference.tensorflow_runtime import import_tensorflow
from app.store.repository import ModelStore
from app.training.augment import Augmenter
from app.training.checkpoint import Checkpoints, TrainingState
from app.training.code_version import code_version
from app.training.config import TrainingConfig
from app.training.dataset import Packed
from app.training.draw import Sampler
from app.training.evaluation.pictures import PictureResult, evaluate_pictures, total_scores
from app.training.files import write_file
from app.training.initial import load_initial
from app.training.learner import Learner
from app.training.lock import training_lock
from app.training.machine import training_machine
from app.training.plots import can_plot, learning_curves
from app.training.run import Run
from app.training.sheets import augmented_sheet, examples_sheet
from app.training.sources.samples import DataSource, Sample
from app.training.training_set import make_training_set, read_all, sampling_groups

Array = np.ndarray[Any, np.dtype[Any]]
Report = Callable[[int, int, float], None]
"""Called after each step with steps done, steps in all, mean loss."""
Say = Callable[[str], None]
"""Called with what is worth a line: what takes a while, the scores of a validation."""
Scored = Callable[[int, list[PictureResult]], None]
"""Called at each validation with the step and what came out for each picture, before its checkpoint is kept."""


def nothing(*news: object) -> None:
    """Takes news and does nothing."""


EXAMPLES = 8
"""Most pictures on the sheet of examples."""


class Fit:
    """One run: data on the device, network, checkpoints.

    Args:
        source: the labelled pictures.
        config: of the run.
        run: its folder.
        packed: all pictures, where they are in memory already.
        store: where the model is that the configuration begins with.

    Raises:
        DataError: pictures or masks that cannot be used, all of them listed.
        TrainingError: the folder holds another run, a damaged checkpoint, or the split cannot be made.
    """

    def __init__(
        self,
        source: DataSource,
        config: TrainingConfig,
        run: Run,
        packed: Packed | None = None,
        store: ModelStore | None = None,
    ) -> None:
        run.open(config)
        run.write_machine(training_machine())
        run.write_code(code_version(datetime.now(UTC)))
        set_up_backend(config)
        self.config = config
        self.run = run
        self._source = source
        data = make_training_set(source, config, run, packed or read_all(source, config))
        self.training, self.validation, self.missing_classes = data.training, data.validation, data.missing_classes
        self.steps = config.total_steps(len(data.shown))
        self._sampler = self._make_sampler(data.shown)
        self._augmenter = Augmenter(data.pictures, data.masks, config.size)
        self._learner = Learner(config, source.labels, self.steps)
        self._checkpoints = Checkpoints(run.checkpoints)
        self.state = self._restored(store)

    def go(
        self, report: Report, stop: Callable[[], bool] = lambda: False, say: Say = nothing, scored: Scored = nothing
    ) -> None:
        """Trains to the end, or until `stop` says so after a step: then a checkpoint is kept.

        Raises:
            TrainingError: another process trains in the folder, the loss is not finite, or a file cannot be written;
                checkpoints are intact.
        """
        with training_lock(self.run.lock):
            self._show_augmented()
            while self.state.step < self.steps:
                loss = self._step(report)
                self._after_step(loss, say, scored)
                if stop():
                    self._save()
                    return

    def try_out(self, report: Report, steps: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Takes so many steps, fewer where the run ends or `stop` says so, and keeps nothing of them.

        Raises:
            TrainingError: as `go`.
        """
        with training_lock(self.run.lock):
            self._show_augmented()
            for _ in range(min(steps, self.steps - self.state.step)):
                self._step(report)
                if stop():
                    return

    def _show_augmented(self) -> None:
        """A sheet of what the network sees first."""
        if self.state.step == 0:
            pictures, masks = self._augmenter.batch(self._sampler.draw(0))
            sheet = augmented_sheet(np.array(pictures), np.array(masks), self._source.labels)
            self.run.write_picture("augmented.png", sheet)

    def _step(self, report: Report) -> float:
        """One gradient step; returns the mean loss since the last validation."""
        loss = self._learner.step(*self._augmenter.batch(self._sampler.draw(self.state.step)))
        if not np.isfinite(loss):
            raise TrainingError(f"the loss is {loss} at step {self.state.step}; lower the learning rate")
        self.state.step += 1
        report(self.state.step, self.steps, loss)
        return loss

    def _after_step(self, loss: float, say: Say, scored: Scored) -> None:
        config, step = self.config, self.state.step
        if step % config.validate_every == 0 or step == self.steps:
            self._validate(loss, say, scored)
            self._save()
        elif step % config.checkpoint_every == 0:
            self._save()

    def _save(self) -> None:
        self.state.arrays = self._learner.state()
        self._checkpoints.save(self.state)

    def _validate(self, loss: float, say: Say, scored: Scored) -> None:
        """Scores the averaged network, keeps it if it is the best so far, and writes history and pictures.

        Without validation pictures the newest network counts as the best.
        """
        say(f"step {self.state.step}: averaging the weights, then validating")
        network = self._learner.average(self._fresh_batches())
        row = {
            "step": float(self.state.step),
            "pictures": float(self.state.step * self.config.batch_size),
            "learning_rate": float(self._learner.schedule(self.state.step)),
            "training_loss": loss,
        }
        if self.validation:
            row |= self._scores(network, scored)
        self.state.history.append(row)
        self._learner.forget_loss()
        score = row.get("validation_mean_iou")
        if score is None or self.state.best is None or score > self.state.best:
            self.state.best = score
            self.run.write_network(self.run.best_network, network)
            self._show_examples(network)
        if score is not None:
            say(f"step {self.state.step}: validation mean IoU {score:.4f}, best {self.state.best:.4f}")
        if self.state.step == self.steps:
            self.run.write_network(self.run.last_network, network)
        self.run.write_history(self.state.history)
        if can_plot():
            write_file(self.run.folder / "curves.png", learning_curves(self.state.history))

    def _scores(self, network: Any, scored: Scored) -> dict[str, float]:
        """Columns of the history."""
        size, predict = (self.config.size, self.config.size), network.predict_on_batch
        results = evaluate_pictures(predict, self._source, self.validation, View(size, self.config.resize))
        scored(self.state.step, results)
        scores = total_scores(results, self._source.labels)
        by_class = {f"validation_iou_{name}": float("nan") if v is None else v for name, v in scores.iou.items()}
        return {
            "validation_cross_entropy": scores.cross_entropy or 0.0,
            "validation_mean_iou": scores.mean_iou,
            **by_class,
        }

    def _show_examples(self, network: Any) -> None:
        """A sheet of validation pictures, or of training pictures where there are none."""
        samples = self.validation or self.training
        chosen = samples[:: -(-len(samples) // EXAMPLES)]
        sheet = examples_sheet(network.predict_on_batch, self._source, chosen, self.config)
        self.run.write_picture("examples.png", sheet)

    def _fresh_batches(self) -> Iterator[Any]:
        """Augmented training pictures that no step of the run draws."""
        for index in range(self.config.batchnorm_batches):
            yield self._augmenter.batch(self._sampler.draw(self.steps + index))[0]

    def _make_sampler(self, shown: list[Sample]) -> Sampler:
        c, groups = self.config, sampling_groups(shown, self.config)
        try:
            return Sampler(groups, c.sampling, c.batch_size, c.seed, c.augmentation, c.view)
        except ValueError as error:
            raise TrainingError(str(error)) from error

    def _restored(self, store: ModelStore | None) -> TrainingState:
        state = self._checkpoints.load()
        if state is None:
            if self.config.init:
                self._learner.begin_with(load_initial(self.config, self._source.labels, store or ModelStore(Path())))
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
