"""What the networks of the study cost: parameters, multiply–accumulates, milliseconds."""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from app.nn.blocks import ENCODER_CONVOLUTION
from app.nn.rewrite import inference_graph
from app.nn.summary import summarise
from app.nn.unet_xception import unet_xception
from app.training.config import TrainingConfig
from app.training.export import export_network
from app.training.machine import processor
from app.training.study.configurations import BASE, Configuration
from app.training.study.record import Cost, Times
from app.training.timing import alternate, median_ratio

SEPARABLE = ENCODER_CONVOLUTION["separable"]
ENCODER = ("stem", "down")
"""How the names of the encoder's blocks begin."""


def cost(configuration: Configuration, config: TrainingConfig, classes: int) -> Cost:
    """Counts one network, at the training size."""
    architecture = config.model_copy(update={"network": configuration.network}).architecture(classes)
    network = unet_xception(architecture)
    summary = summarise(network, architecture)
    return Cost(
        name=configuration.name,
        title=configuration.title,
        question=configuration.question,
        measure=configuration.measure,
        claim=configuration.claim,
        parameters=summary.totals.parameters,
        encoder_parameters=sum(block.parameters for block in summary.blocks if block.name.startswith(ENCODER)),
        separable_parameters=sum(layer.parameters for layer in summary.layers if SEPARABLE in layer.name),
        macs=summarise(inference_graph(network, architecture), architecture).totals.macs,
    )


def measure_times(configurations: Sequence[Configuration], config: TrainingConfig, classes: int, rounds: int) -> Times:
    """Times one picture through the inference graph of each network, in turn, with fresh weights.

    Args:
        configurations: the networks, one of them the base.
        config: says the size of the picture.
        classes: number of classes.
        rounds: how often each is measured.
    """
    picture = np.random.default_rng(0).uniform(0, 255, (1, config.size, config.size, 3)).astype(np.float32)
    networks: dict[str, Callable[[], object]] = {}
    engine = ""
    with tempfile.TemporaryDirectory() as folder:
        for configuration in configurations:
            architecture = config.model_copy(update={"network": configuration.network}).architecture(classes)
            own = Path(folder) / configuration.name
            own.mkdir()
            exported = export_network(unet_xception(architecture), architecture, own)
            engine = "OpenVINO, float32, one core" if "openvino" in exported.forms else "TensorFlow, float32"
            networks[configuration.name] = partial(exported.serving, picture)
        times = alternate(networks, rounds)
    return Times(
        machine=processor(),
        engine=engine,
        rounds=rounds,
        milliseconds={name: statistics.median(taken) for name, taken in times.items()},
        ratio={name: median_ratio(taken, times[BASE]) for name, taken in times.items()},
    )
