"""Makes the runs of a study, one after the other; what is finished is left as it is."""

import gc
from collections.abc import Callable

import keras
import numpy as np

from app.core.errors import TrainingError
from app.imaging.windows import View
from app.nn.metrics import mean_iou
from app.training.dataset import Packed
from app.training.evaluation.pictures import PictureResult, evaluate_pictures
from app.training.export import load_network
from app.training.fit import Fit, nothing
from app.training.sources.samples import DataSource, Sample
from app.training.split import stratified_order
from app.training.study.outcome import StudyRun
from app.training.study.plan import Study
from app.training.study.progress import StudyProgress
from app.training.training_set import read_all


def conduct(
    study: Study,
    source: DataSource,
    progress: StudyProgress,
    stop: Callable[[], bool] = lambda: False,
    finished: Callable[[StudyRun], None] = nothing,
) -> bool:
    """Makes the runs that are not finished; the pictures are read once.

    Args:
        study: all runs.
        source: the labelled pictures.
        progress: told of every step.
        stop: asked after each step; once it says so, a checkpoint is kept and nothing more is begun.
        finished: told of every run that was finished.

    Returns:
        Whether all are finished now.

    Raises:
        DataError: pictures or masks that cannot be used.
        TrainingError: a run cannot be made, or a finished one was made with another configuration or on other data.
    """
    done = [run for run in study.runs if run.outcome() is not None]
    if len(done) == len(study.runs):
        return True
    packed = read_all(source, study.config)
    for run in done:
        if run.run.data().fingerprint != packed.fingerprint:
            raise TrainingError(f"{run.run.folder} was made on other data; choose another folder, or restore the data")
    progress.start(len(study.runs), len(study.runs) - len(done))
    for number, run in enumerate(study.runs, start=1):
        if run in done:
            continue
        progress.begin(number, f"block {run.block}, {run.configuration}")
        if not _make(run, source, packed, progress, stop):
            return False
        keras.backend.clear_session()
        gc.collect()  # a network and its functions hold each other
        finished(run)
    return True


def _make(run: StudyRun, source: DataSource, packed: Packed, progress: StudyProgress, stop: Callable[[], bool]) -> bool:
    """Makes or goes on with one run; whether it was finished."""
    fit = Fit(source, run.config, run.run, packed)
    sample = training_sample(fit)

    def validated(step: int, results: list[PictureResult]) -> None:
        run.keep_validation(step, results)
        progress.validated(step, mean_iou(np.sum([result.matrix for result in results], axis=0)))

    progress.go_on(fit.state.step)
    fit.go(progress, stop=stop, scored=validated)
    if fit.state.step < fit.steps:
        return False
    architecture = run.config.architecture(len(source.labels))
    network = load_network(run.run.last_network, architecture)
    size, rule = architecture.input_size, run.config.resize
    results = evaluate_pictures(network.predict_on_batch, source, sample, View(size, rule))
    run.finish(fit.state.history, results, source.labels)
    return True


def training_sample(fit: Fit) -> list[Sample]:
    """Training pictures to compare the validation pictures with: about as many, of the same kind and composition.

    Raises:
        TrainingError: fewer than two pictures to validate on, or none to compare them with.
    """
    kind = fit.config.validation_masks
    alike = [sample for sample in fit.training if kind in (None, sample.mask_kind)]
    if len(fit.validation) < 2 or not alike:
        raise TrainingError(
            "the study needs two pictures to validate on, and training pictures with masks of that kind"
        )
    order = stratified_order([sample.stratum for sample in alike], fit.config.split_seed)
    return [alike[position] for position in sorted(order[: len(fit.validation)])]
