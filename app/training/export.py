"""A trained network as the files of a version, each form of it checked against the others."""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from app.core.errors import PublishError, SegserveError, TrainingError
from app.inference.cpus import available_cpus
from app.inference.engine import KERAS_FILE, OPENVINO_FILE
from app.inference.openvino_runtime import import_openvino
from app.inference.tensorflow_runtime import import_tensorflow
from app.nn.blocks import HEAD
from app.nn.config import UNetXceptionConfig
from app.nn.rewrite import inference_graph
from app.nn.summary import summarise
from app.nn.unet_xception import copy_weights, unet_xception
from app.training.evaluation.prediction import Predict

Array = np.ndarray[Any, np.dtype[Any]]

WEIGHTS = "model.weights.h5"
"""Where a Keras file keeps the weights; unlike the whole file, the same weights give the same bytes."""
TOLERANCE = 1e-4
"""Largest difference in probability that another form of a float32 network may have from the Keras network."""


@dataclass(frozen=True)
class Exported:
    """The forms of a network.

    Args:
        files: path of each file by its place in a version.
        forms: ways to compute it, by name: `keras`, `rewritten` and, where OpenVINO is installed, `openvino`.
    """

    files: Mapping[str, Path]
    forms: Mapping[str, Predict]

    @property
    def serving(self) -> Predict:
        """The form that a CPU server would use."""
        return self.forms.get("openvino", self.forms["rewritten"])


def load_network(path: Path, config: UNetXceptionConfig) -> keras.Model:
    """The network of a run at another input size.

    Args:
        path: Keras file of the run.
        config: of the same network, at the wanted size.

    Raises:
        TrainingError: no such file, or another network.
    """
    if not path.is_file():
        raise TrainingError(f"{path}: missing; the run has no network yet")
    if keras.backend.backend() == "tensorflow":
        import_tensorflow()  # sets it up
    try:
        trained = keras.saving.load_model(path, compile=False, safe_mode=True)
        network = unet_xception(config)
        copy_weights(trained, network)
    except (ValueError, OSError) as error:
        raise TrainingError(f"{path}: not the network of this run ({error})") from error
    return network


def divide_logits(network: keras.Model, temperature: float) -> None:
    """Makes softmax(logits) into softmax(logits / temperature), in the weights themselves."""
    head = network.get_layer(HEAD)
    head.set_weights([weight / np.float32(temperature) for weight in head.get_weights()])


def weights_checksum(path: Path) -> str | None:
    """Sha256 of the weights in a Keras file, hexadecimal; None where the file is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return hashlib.sha256(archive.read(WEIGHTS)).hexdigest()
    except (OSError, KeyError, zipfile.BadZipFile):
        return None


def export_network(network: keras.Model, config: UNetXceptionConfig, folder: Path) -> Exported:
    """Writes every form of the network into a folder.

    Args:
        network: as `unet_xception(config)` gives.
        config: of the network.
        folder: where to; it exists.
    """
    rewritten = inference_graph(network, config)
    files = {KERAS_FILE: folder / KERAS_FILE, "architecture.json": folder / "architecture.json"}
    network.save(files[KERAS_FILE])
    files["architecture.json"].write_bytes(summarise(network, config).to_json().encode())
    forms: dict[str, Predict] = {"keras": network.predict_on_batch, "rewritten": rewritten.predict_on_batch}
    if has_openvino():
        from app.inference.openvino_engine import OpenVinoEngine
        from app.inference.openvino_ir import write_openvino_ir

        model = folder / OPENVINO_FILE
        write_openvino_ir(rewritten, model.parent)
        weights = str(Path(OPENVINO_FILE).with_suffix(".bin"))
        files |= {OPENVINO_FILE: model, weights: folder / weights}
        forms["openvino"] = OpenVinoEngine(model, config.input_size, "float32", available_cpus()).infer
    return Exported(files, forms)


def has_openvino() -> bool:
    """Whether the extra `cpu` or `train` is installed."""
    try:
        import_openvino()
    except SegserveError:
        return False
    return True


def require_parity(exported: Exported, pictures: Array) -> dict[str, float]:
    """Compares every form with the Keras network.

    Args:
        exported: the forms.
        pictures: (N, h, w, 3) float32, RGB 0–255: real ones.

    Returns:
        Largest difference in probability by form.

    Raises:
        PublishError: one of them is above `TOLERANCE`.
    """
    truth = exported.forms["keras"](pictures)
    differences = {
        name: float(np.abs(predict(pictures) - truth).max())
        for name, predict in exported.forms.items()
        if name != "keras"
    }
    for name, difference in differences.items():
        if not difference <= TOLERANCE:
            raise PublishError(
                f"the {name} graph differs from the Keras network by {difference:.2e} in probability "
                f"(allowed: {TOLERANCE:.0e}): nothing was published"
            )
    return differences
