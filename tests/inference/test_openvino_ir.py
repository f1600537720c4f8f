import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.inference.openvino_ir import write_openvino_ir
from app.inference.openvino_runtime import openvino_core
from app.inference.selection import is_installed
from tests.fixtures.tiny_model import TINY_CONFIG, tiny_network

pytestmark = pytest.mark.skipif(not is_installed("openvino"), reason="OpenVINO is an extra")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written from the tiny network."""
    from app.nn.rewrite import inference_graph

    path = tmp_path_factory.mktemp("ir") / "openvino"
    write_openvino_ir(inference_graph(tiny_network(), TINY_CONFIG), path)
    return path


def test_names_shapes_and_types(folder: Path) -> None:
    network = openvino_core().read_model(folder / "model.xml")
    (image,), (probabilities,) = network.inputs, network.outputs
    assert image.get_names() == {"image"}
    assert probabilities.get_names() == {"probabilities"}
    assert str(image.partial_shape) == "[?,32,32,3]"
    assert str(probabilities.partial_shape) == "[?,32,32,3]"
    assert image.element_type.get_type_name() == "f32"
    assert probabilities.element_type.get_type_name() == "f32"


def test_weights_keep_every_bit(folder: Path) -> None:
    from app.nn.rewrite import inference_graph

    kernel = inference_graph(tiny_network(), TINY_CONFIG).get_layer("stem_conv").get_weights()[0]  # (3, 3, 3, 4)
    network = openvino_core().read_model(folder / "model.xml")
    constants = [node.data for node in network.get_ops() if node.get_type_name() == "Constant"]
    as_stored = np.transpose(kernel, (3, 2, 0, 1))
    assert any(constant.shape == as_stored.shape and np.array_equal(constant, as_stored) for constant in constants)
    assert not [constant for constant in constants if constant.dtype == np.float16]


def test_equal_weights_give_equal_bytes_of_weights(folder: Path, tmp_path: Path) -> None:
    from app.nn.rewrite import inference_graph

    write_openvino_ir(inference_graph(tiny_network(), TINY_CONFIG), tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == (folder / "model.bin").read_bytes()


def test_engine_reads_it_without_tensorflow(folder: Path) -> None:
    code = (
        "import sys, numpy; from pathlib import Path; from app.inference.openvino_engine import OpenVinoEngine; "
        f"engine = OpenVinoEngine(Path({str(folder / 'model.xml')!r}), (32, 32), 'float32', 1); "
        "print(engine.infer(numpy.zeros((1, 32, 32, 3), 'uint8')).shape, {'tensorflow', 'keras'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "(1, 32, 32, 3) set()"
