"""Requests of the protocol as clients write them."""

import base64
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

JSON_LENGTH = "Inference-Header-Content-Length"
INFER = "/v2/models/pets/infer"


def element(data: bytes) -> bytes:
    """An element of a BYTES tensor."""
    return len(data).to_bytes(4, "little") + data


def elements(tensor: bytes) -> list[bytes]:
    """The elements of a BYTES tensor."""
    found = []
    while tensor:
        length = int.from_bytes(tensor[:4], "little")
        found.append(tensor[4 : 4 + length])
        tensor = tensor[4 + length :]
    return found


def described(name: str, datatype: str, shape: list[int], **members: object) -> dict[str, Any]:
    """A tensor."""
    return {"name": name, "datatype": datatype, "shape": shape, **members}


def in_json(*pictures: bytes) -> dict[str, Any]:
    """Encoded pictures in JSON."""
    data = [base64.b64encode(picture).decode() for picture in pictures]
    return described("encoded_image", "BYTES", [len(pictures)], data=data)


def binary(tensor: bytes, request: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """A body and its headers: the tensor lies behind the request's JSON, whose one input says how long it is."""
    (described_input,) = request["inputs"]
    described_input.setdefault("parameters", {})["binary_data_size"] = len(tensor)
    text = json.dumps(request).encode()
    return text + tensor, {JSON_LENGTH: str(len(text))}


def outputs(content: bytes, json_length: str | None) -> dict[str, Any]:
    """Output tensors by name: arrays, or lists of pictures."""
    length = len(content) if json_length is None else int(json_length)
    found: dict[str, Any] = {}
    behind = content[length:]
    for output in json.loads(content[:length])["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        raw, behind = (behind[:size], behind[size:]) if size is not None else (None, behind)
        if output["datatype"] == "BYTES":
            found[output["name"]] = (
                [base64.b64decode(each) for each in output["data"]] if raw is None else elements(raw)
            )
        else:
            values: NDArray[np.float32] = (
                np.array(output["data"], np.float32) if raw is None else np.frombuffer(raw, "<f4")
            )
            found[output["name"]] = values.reshape(output["shape"])
    assert behind == b""
    return found
