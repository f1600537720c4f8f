"""Weights that a run begins with: those of a published version, or of another run."""

from dataclasses import dataclass
from pathlib import Path

import keras

from app.core.errors import TrainingError
from app.core.labels import LabelMap
from app.inference.engine import KERAS_FILE
from app.nn.config import UNetXceptionConfig
from app.store.repository import ModelStore
from app.training.config import TrainingConfig
from app.training.export import load_network
from app.training.run import Run


@dataclass(frozen=True)
class Initial:
    """A trained network to begin with.

    Args:
        network: of the run's configuration, but for its input size and its head.
        head: whether its head is of the same classes and is kept, too.
    """

    network: keras.Model
    head: bool


def canonical(reference: str, store: ModelStore) -> str:
    """What the configuration keeps: the folder of a run as it is, a model as NAME:VERSION.

    Raises:
        ModelNotFoundError: no such version.
    """
    if Path(reference).is_dir():
        return reference
    version = store.resolve(reference)
    return f"{version.name}:{version.version}"


def load_initial(config: TrainingConfig, labels: LabelMap, store: ModelStore) -> Initial:
    """Reads the network that `config.init` names.

    Raises:
        ModelNotFoundError, CorruptVersionError: no such version, or a damaged one.
        TrainingError: it is another network than the configuration's; the message says in what, and the remedy.
    """
    reference = str(config.init)
    if Path(reference).is_dir():
        run = Run(Path(reference))
        names = run.data().classes
        architecture = run.config().architecture(len(names))
        file = run.best_network
    else:
        version = store.resolve(reference)
        manifest = store.verify(version)
        names = tuple(label.name for label in manifest.label_map)
        architecture = UNetXceptionConfig.from_dict(manifest.architecture)
        file = version.path / KERAS_FILE
    _require_same_network(reference, architecture, config)
    return Initial(load_network(file, architecture), head=names == tuple(label.name for label in labels))


def _require_same_network(reference: str, theirs: UNetXceptionConfig, config: TrainingConfig) -> None:
    different = [
        f"network.{name} is {getattr(theirs, name)} there and {value} here"
        for name, value in config.network.model_dump().items()
        if getattr(theirs, name) != value
    ]
    if different:
        raise TrainingError(f"init {reference}: {'; '.join(different)}. Make the configuration's network the same")
