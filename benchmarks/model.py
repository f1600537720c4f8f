"""The network of the benchmarks: a published one at 160×160, whatever size it is served at; float32 and int8."""

import io
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from app.core.architecture import ARCHITECTURE
from app.inference.engine import KERAS_FILE, OPENVINO_FILE
from app.inference.openvino_ir import write_openvino_ir
from app.nn.config import UNetXceptionConfig
from app.nn.rewrite import inference_graph
from app.nn.summary import summarise
from app.store.manifest import ManifestDraft
from app.store.publish import publish_version
from app.store.repository import ModelStore
from app.training.export import load_network
from app.training.quantize import write_int8

SIDE = 160


def photograph() -> Image.Image:
    """scikit-image's cat."""
    return Image.fromarray(skimage.data.chelsea())  # type: ignore[no-untyped-call]  # skimage ships no types


def photograph_jpeg() -> bytes:
    """What clients send: the cat as a JPEG of 500×375."""
    file = io.BytesIO()
    photograph().resize((500, 375)).save(file, "JPEG", quality=90)
    return file.getvalue()


def publish_benchmark_models(root: Path, source: ModelStore, reference: str) -> ModelStore:
    """A store with `bench:1` (float32) and `bench:2` (int8).

    Args:
        root: its folder, new.
        source: where the published one is.
        reference: NAME[:VERSION|ALIAS]; with files for TensorFlow.
    """
    picture = np.asarray(photograph().resize((SIDE, SIDE)))  # it tells the ranges of activations
    version = source.resolve(reference)
    like = source.verify(version)
    store = ModelStore(root)
    config = replace(UNetXceptionConfig.from_dict(like.architecture), input_size=(SIDE, SIDE))
    network = load_network(version.path / KERAS_FILE, config)
    draft = {name: getattr(like, name) for name in ManifestDraft.model_fields}
    draft |= {"architecture": config.to_dict(), "metrics": {}}
    draft["preprocessing"] = like.preprocessing.model_copy(update={"size": (SIDE, SIDE)})
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        network.save(folder / KERAS_FILE)
        (folder / ARCHITECTURE).write_text(summarise(network, config).to_json(), encoding="utf-8")
        write_openvino_ir(inference_graph(network, config), folder / "openvino")
        files: dict[str, Path | bytes] = {
            path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
        }
        publish_version(store, "bench", ManifestDraft.model_validate(draft), files)
        write_int8(folder / OPENVINO_FILE, folder / "int8.xml", [picture, picture[:, ::-1].copy()])
        files |= {OPENVINO_FILE: folder / "int8.xml", "openvino/model.bin": folder / "int8.bin"}
        publish_version(store, "bench", ManifestDraft.model_validate(draft | {"precision": "int8"}), files)
    return store
