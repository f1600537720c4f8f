"""The network as OpenVINO's own files."""

from pathlib import Path
from typing import Any

from app.inference.openvino_runtime import import_openvino
from app.inference.tensorflow_runtime import import_tensorflow


def write_openvino_ir(model: Any, directory: Path) -> None:
    """Writes `model.xml` and `model.bin`: float32 weights, input `image`, output `probabilities`.

    Equal weights give equal values in the files. The number of pictures stays open; the engine fixes it on loading.

    Args:
        model: from `nn.rewrite.inference_graph`: (B, h, w, 3) float32, RGB 0–255 → (B, h, w, C) float32.
        directory: where to; it is made where it is missing.

    Raises:
        ConfigurationError: OpenVINO is not installed.
    """
    import_tensorflow()  # sets it up
    import tensorflow as tf

    openvino = import_openvino()

    class Network(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
        """Gives input and output their names; a bare Keras model's come out numbered."""

        @tf.function(input_signature=[tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="image")])  # type: ignore[untyped-decorator]
        def __call__(self, image: Any) -> dict[str, Any]:
            return {"probabilities": model(image, training=False)}

    converted = openvino.convert_model(Network())
    directory.mkdir(parents=True, exist_ok=True)
    openvino.save_model(converted, directory / "model.xml", compress_to_fp16=False)
