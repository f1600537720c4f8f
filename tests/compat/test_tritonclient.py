"""Triton's HTTP client, unmodified, as its own examples use it."""

import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from PIL import Image
from tritonclient.utils import InferenceServerException

from tests.compat.served import ROOT, Served

SIZE = (192, 192)
"""Of `pets/3`."""
Tensor = np.ndarray[Any, np.dtype[Any]]


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[Any]:
    with triton.InferenceServerClient(served.host) as made:
        yield made


@pytest.fixture(scope="module")
def pixels(jpeg: bytes) -> Tensor:
    """(1, 192, 192, 3) uint8, as a client brings a picture to the model's size."""
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB").resize(SIZE[::-1], Image.Resampling.BILINEAR)
    return np.asarray(picture)[np.newaxis]


def tensor(name: str, values: Tensor, datatype: str, *, binary: bool = True) -> Any:
    made = triton.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def files(*pictures: bytes) -> Tensor:
    return np.array([*pictures, None], dtype=np.object_)[:-1]


def test_health_and_metadata(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("pets")
    assert client.is_model_ready("pets", "3")
    assert not client.is_model_ready("pets", "2")
    assert not client.is_model_ready("nothing")
    server = client.get_server_metadata()
    assert server["name"] == "segserve"
    assert server["extensions"] == ["binary_tensor_data", "model_repository"]
    metadata = client.get_model_metadata("pets", "3")
    assert metadata == client.get_model_metadata("pets")
    assert (metadata["name"], metadata["versions"]) == ("pets", ["3"])
    shapes = {each["name"]: (each["datatype"], each["shape"]) for each in metadata["inputs"] + metadata["outputs"]}
    assert shapes == {
        "image": ("UINT8", [-1, *SIZE, 3]),
        "encoded_image": ("BYTES", [-1]),
        "probabilities": ("FP32", [-1, *SIZE, 3]),
        "mask": ("BYTES", [-1]),
    }


@pytest.mark.parametrize("answered_binary", [True, False])
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(("datatype", "dtype"), [("UINT8", np.uint8), ("FP32", np.float32)])
def test_pixels(client: Any, pixels: Tensor, datatype: str, dtype: type, binary: bool, answered_binary: bool) -> None:
    wanted = triton.InferRequestedOutput("probabilities", binary_data=answered_binary)
    asked = tensor("image", pixels.astype(dtype), datatype, binary=binary)
    result = client.infer("pets", [asked], outputs=[wanted], request_id="7")
    probabilities = result.as_numpy("probabilities")
    assert (probabilities.shape, probabilities.dtype) == ((1, *SIZE, 3), np.float32)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)
    assert result.get_response()["id"] == "7"
    assert result.get_response()["model_version"] == "3"
    assert result.as_numpy("mask") is None  # it was not asked for
    everything = client.infer("pets", [tensor("image", pixels, "UINT8")])
    np.testing.assert_array_equal(everything.as_numpy("probabilities"), probabilities)
    mask = np.asarray(Image.open(io.BytesIO(everything.as_numpy("mask")[0])))
    np.testing.assert_array_equal(mask, probabilities[0].argmax(axis=-1))


def test_a_batch_is_answered_in_its_order(client: Any, pixels: Tensor) -> None:
    batch = np.concatenate([pixels, pixels[:, :, ::-1], np.zeros_like(pixels)])
    found = client.infer("pets", [tensor("image", batch, "UINT8")]).as_numpy("probabilities")
    for one, expected in zip(batch, found, strict=True):
        alone = client.infer("pets", [tensor("image", one[np.newaxis], "UINT8")]).as_numpy("probabilities")
        np.testing.assert_allclose(alone[0], expected, atol=1e-6)


@pytest.mark.parametrize("name", ["encoded_image", "image"])
def test_encoded_pictures(client: Any, jpeg: bytes, name: str) -> None:
    png = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).convert("L").save(png, "PNG")
    result = client.infer("pets", [tensor(name, files(jpeg, png.getvalue()), "BYTES")], model_version="3")
    assert result.as_numpy("probabilities").shape == (2, *SIZE, 3)
    masks = [np.asarray(Image.open(io.BytesIO(each))) for each in result.as_numpy("mask")]
    assert [mask.shape for mask in masks] == [Image.open(io.BytesIO(jpeg)).size[::-1]] * 2
    assert (masks[0] == 0).mean() > 0.3  # a cat


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compressed_requests(client: Any, pixels: Tensor, algorithm: str) -> None:
    plain, asked = client.infer("pets", [tensor("image", pixels, "UINT8")]), tensor("image", pixels, "UINT8")
    options = {"request_compression_algorithm": algorithm, "response_compression_algorithm": algorithm}
    result = client.infer("pets", [asked], **options)
    np.testing.assert_array_equal(result.as_numpy("probabilities"), plain.as_numpy("probabilities"))


def test_at_the_same_time(served: Served, jpeg: bytes) -> None:
    with triton.InferenceServerClient(served.host, concurrency=4) as client:
        asked = [client.async_infer("pets", [tensor("encoded_image", files(jpeg), "BYTES")]) for _ in range(8)]
        masks = {each.get_result().as_numpy("mask")[0] for each in asked}
    assert len(masks) == 1


def test_errors_are_its_exceptions(client: Any, pixels: Tensor, jpeg: bytes) -> None:
    def refused(status: str, words: str, *inputs: Any, model: str = "pets", **options: Any) -> None:
        with pytest.raises(InferenceServerException, match=words) as caught:
            client.infer(model, list(inputs), **options)
        assert caught.value.status() == status

    image = tensor("image", pixels, "UINT8")
    refused("404", "nothing", image, model="nothing")
    refused("409", "not loaded", image, model_version="2")
    refused("422", r"shape is \[N, 192, 192, 3\]", tensor("image", pixels[:, :100], "UINT8"))
    refused("422", "UINT8, FP32", tensor("image", pixels.astype(np.int32), "INT32"))
    refused("422", "from 0 to 255", tensor("image", pixels.astype(np.float32) - 300, "FP32"))
    refused("422", "there is no 'other'", tensor("other", pixels, "UINT8"))
    refused("422", "there is no 'other'", image, outputs=[triton.InferRequestedOutput("other")])
    refused("422", "classification", image, outputs=[triton.InferRequestedOutput("mask", class_count=3)])
    refused("422", "sequence_id", image, sequence_id=1, sequence_start=True)
    refused("400", "picture 1: ", tensor("encoded_image", files(jpeg, jpeg[:1000]), "BYTES"))
    refused("504", "0.000001 seconds|1e-06 seconds", tensor("encoded_image", files(jpeg), "BYTES"), timeout=1)


def test_repository(locked: Served, jpeg: bytes) -> None:
    with triton.InferenceServerClient(locked.host) as client:
        assert client.is_server_ready()
        with pytest.raises(InferenceServerException, match="Authorization") as caught:
            client.infer("pets", [tensor("encoded_image", files(jpeg), "BYTES")])
        assert caught.value.status() == "401"
        states = {
            (each["name"], each["version"]): (each["state"], each["reason"])
            for each in client.get_model_repository_index(headers=locked.headers)
        }
        assert states == {("pets", "2"): ("UNAVAILABLE", "not loaded"), ("pets", "3"): ("READY", "")}
        client.load_model("pets:2", headers=locked.headers)
        assert client.is_model_ready("pets", "2", headers=locked.headers)
        asked = tensor("encoded_image", files(jpeg), "BYTES")
        result = client.infer("pets", [asked], model_version="2", headers=dict(locked.headers))
        assert result.get_response()["model_version"] == "2"
        client.unload_model("pets:2", headers=locked.headers)
        assert not client.is_model_ready("pets", "2", headers=locked.headers)
        with pytest.raises(InferenceServerException, match="default model") as caught:
            client.unload_model("pets", headers=locked.headers)
        assert caught.value.status() == "409"
        with pytest.raises(InferenceServerException, match="models come out of the store"):
            client.load_model("pets:2", headers=locked.headers, config="{}")


def test_the_example_of_the_readme(served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    blocks = re.findall(r"^```py\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (block,) = [each for each in blocks if "tritonclient" in each]
    monkeypatch.chdir(ROOT / "docs/images")
    exec(block.replace("localhost:8000", served.host), {})
    assert re.fullmatch(r"\(300, 451\) \[0 1 2\]\n", capsys.readouterr().out)
