"""What a run trains on and what it is validated on, out of all the labelled pictures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.errors import TrainingError
from app.core.labels import UNDECIDED, LabelMap
from app.training.config import TrainingConfig
from app.training.dataset import Packed, missing_classes, pack, require_apart
from app.training.run import Run, RunData
from app.training.sources.samples import TEST, TRAINVAL, VALIDATION, DataSource, Sample
from app.training.split import validation_names

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class TrainingSet:
    """Pictures to train on, and which to validate on.

    Args:
        training: samples.
        validation: none of them.
        shown: N samples: the training sample that each picture is, or is a window of.
        pictures: (N, S, S, 3) uint8, RGB.
        masks: (N, S, S) uint8, class ids or 255.
        missing_classes: names of the classes that no pixel has.
    """

    training: list[Sample]
    validation: list[Sample]
    shown: list[Sample]
    pictures: Array
    masks: Array
    missing_classes: list[str]


def read_all(source: DataSource, config: TrainingConfig) -> Packed:
    """All pictures that may be trained or validated on, however the lists are ordered.

    Raises:
        DataError: pictures or masks that cannot be used, or that are on two lists; all of them listed.
    """
    samples = source.samples(TRAINVAL)
    require_apart(source, samples, TEST)
    if VALIDATION in source.splits:
        require_apart(source, samples, VALIDATION)
        samples = samples + source.samples(VALIDATION)
        require_apart(source, samples, TEST)
    return pack(source, sorted(samples, key=lambda sample: sample.name), config.stored_size, config.resize)


def make_training_set(source: DataSource, config: TrainingConfig, run: Run, packed: Packed) -> TrainingSet:
    """Keeps pictures apart for validation, then chooses among the others as the configuration says.

    The list of a run that goes on is taken from its folder.

    Raises:
        TrainingError: the split or the choice cannot be made, or the run was begun on other data.
    """
    kept = _kept_apart(source, config, run, packed)
    validation = [packed.samples[index] for index in np.flatnonzero(kept)]
    training = trained_samples(packed.samples, config, [sample.name for sample in validation])
    classes = tuple(label.name for label in source.labels)
    run.write_data(
        RunData(fingerprint=packed.fingerprint, training=len(training), validation=len(validation), classes=classes)
    )
    names = {sample.name for sample in training}
    rows = np.flatnonzero([packed.samples[owner].name in names for owner in packed.owners])
    shown = [packed.samples[owner] for owner in packed.owners[rows]]
    masks = packed.masks[rows]
    _forget_ignored(masks, shown, config, source.labels)
    missing = missing_classes(masks, source.labels)
    return TrainingSet(training, validation, shown, packed.pictures[rows], masks, missing)


def trained_samples(samples: Iterable[Sample], config: TrainingConfig, validation: Iterable[str]) -> list[Sample]:
    """The pictures that a run trains on, by name.

    Args:
        samples: all that it may train or validate on.
        config: of the run.
        validation: names of those that it keeps apart.

    Raises:
        TrainingError: the configuration chooses none, or more than there are.
    """
    apart = set(validation)
    rest = sorted((sample for sample in samples if sample.name not in apart), key=lambda sample: sample.name)
    return [rest[index] for index in _chosen(rest, config)]


def sampling_groups(samples: Sequence[Sample], config: TrainingConfig) -> list[str]:
    """The first sampling pattern that fits each picture, or "" where none does."""
    return [next((pattern for pattern in config.sampling if sample.matches(pattern)), "") for sample in samples]


def _kept_apart(source: DataSource, config: TrainingConfig, run: Run, packed: Packed) -> Array:
    """Which of the pictures are validated on, (N,) bool."""
    names = run.validation()
    if names is None:
        names = _validation_names(source, config, packed)
        run.write_validation(names)
    kept: Array = np.isin([sample.name for sample in packed.samples], names)
    if kept.sum() != len(names):
        raise TrainingError(f"{run.folder}/validation.txt names pictures that the data does not have any more")
    return kept


def _validation_names(source: DataSource, config: TrainingConfig, packed: Packed) -> list[str]:
    """Those of the data set's own list, unless the configuration says how many to draw."""
    if config.validation_pictures is None and VALIDATION in source.splits:
        return sorted(sample.name for sample in source.samples(VALIDATION))
    count = config.validation_count(len(packed.samples))
    if not count:
        return []
    return validation_names(packed.samples, packed.thumbnails, count, config.validation_masks, config.split_seed)


def _chosen(samples: Sequence[Sample], config: TrainingConfig) -> Array:
    """Indices of the pictures to train on, ascending."""
    patterns = config.select or ("*",)
    indices = np.array([i for i, sample in enumerate(samples) if any(map(sample.matches, patterns))], int)
    if not len(indices):
        raise TrainingError(f"select: no training picture is of {', '.join(patterns)}")
    if config.pictures is None:
        return indices
    if config.pictures > len(indices):
        raise TrainingError(f"pictures {config.pictures}: there are {len(indices)} to choose from; ask for fewer")
    order = np.random.default_rng([config.seed, 3]).permutation(indices)
    return np.sort(order[: config.pictures])


def _forget_ignored(masks: Array, samples: Sequence[Sample], config: TrainingConfig, labels: LabelMap) -> None:
    """Makes the pixels undecided, in place, whose class counts for nothing in pictures of that kind."""
    known = {label.name: label.id for label in labels}
    for pattern, names in config.ignore.items():
        if unknown := sorted(set(names) - set(known)):
            raise TrainingError(f"ignore: no class {', '.join(unknown)}; there are {', '.join(known)}")
        ids = [known[name] for name in names]
        fitting = [index for index, sample in enumerate(samples) if sample.matches(pattern)]
        if not fitting:
            raise TrainingError(f"ignore: no training picture is of {pattern}")
        for index in fitting:
            masks[index][np.isin(masks[index], ids)] = UNDECIDED
