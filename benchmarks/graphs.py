"""The network as it is against its rewritten graph, in both engines, one 160×160 picture at a time."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.inference.cpus import available_cpus
from app.inference.openvino_engine import OpenVinoEngine
from app.inference.openvino_ir import write_openvino_ir
from app.inference.tensorflow_runtime import import_tensorflow
from app.nn.config import UNetXceptionConfig
from app.nn.rewrite import inference_graph
from app.nn.unet_xception import unet_xception
from app.training.timing import alternate
from benchmarks.rounds import ratio_table

Infer = Callable[[NDArray[np.float32]], object]


def graphs_table(rounds: int) -> str:
    """Markdown table of the four combinations; weights are random, which costs what trained ones cost."""
    config = UNetXceptionConfig()
    network = unet_xception(config)
    graphs = {"Keras graph": network, "rewritten graph": inference_graph(network, config)}
    picture = np.random.default_rng(0).uniform(0, 255, (1, *config.input_size, 3)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        functions: dict[str, Infer] = {f"{name}, TensorFlow": _traced(graph) for name, graph in graphs.items()}
        for number, (name, graph) in enumerate(graphs.items()):
            functions[f"{name}, OpenVINO"] = _openvino(graph, config.input_size, Path(folder, str(number)))
        calls = {name: partial(function, picture) for name, function in functions.items()}
        return ratio_table(alternate(calls, rounds))


def _traced(model: Any) -> Infer:
    function = import_tensorflow().function(model, jit_compile=False, reduce_retracing=True)

    def infer(pictures: NDArray[np.float32]) -> object:
        return function(pictures, training=False).numpy()

    return infer


def _openvino(model: Any, size: tuple[int, int], folder: Path) -> Infer:
    write_openvino_ir(model, folder)
    return OpenVinoEngine(folder / "model.xml", size, "float32", threads=available_cpus(), streams=1).infer
