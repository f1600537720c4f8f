"""Inference in OpenAPI: what a body may be, with an example of each kind."""

from typing import Any

from app.api.oip.body import JSON_LENGTH
from app.api.oip.schemas import ENCODED, MASK, AnswerBody

BINARY = {"schema": {"type": "string", "format": "binary"}}
_TENSOR = {
    "type": "object",
    "required": ["name", "shape", "datatype"],
    "properties": {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer"}},
        "datatype": {"type": "string"},
        "parameters": {"type": "object"},
        "data": {"type": "array", "items": {}},
    },
}
_REQUEST = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string"},
        "parameters": {"type": "object"},
        "inputs": {"type": "array", "items": _TENSOR},
        "outputs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "parameters": {"type": "object"}},
            },
        },
    },
}
SMALLEST_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGOor68HAAL+AX66JXAlAAAAAElFTkSuQmCC"
"""One grey pixel, in Base64."""

REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"The protocol's JSON; with the header `{JSON_LENGTH}`, so many bytes of it and the binary data "
        "of the tensor behind them; with that header at 0, nothing but one picture, encoded or as pixels. The body may "
        "be compressed (`Content-Encoding`: gzip, deflate).",
        "content": {
            "application/json": {
                "schema": _REQUEST,
                "examples": {
                    "encoded": {
                        "summary": "An encoded picture in Base64, its mask alone",
                        "value": {
                            "id": "7",
                            "inputs": [{"name": ENCODED, "shape": [1], "datatype": "BYTES", "data": [SMALLEST_PNG]}],
                            "outputs": [{"name": MASK}],
                        },
                    }
                },
            },
            "application/octet-stream": BINARY,
        },
    },
    "parameters": [
        {
            "name": JSON_LENGTH,
            "in": "header",
            "description": "Bytes of the body that are JSON; without it, all. 0: there is no JSON.",
            "schema": {"type": "integer", "minimum": 0},
        }
    ],
}
ANSWER: dict[str, Any] = {
    "model": AnswerBody,
    "description": "The outputs, in the order in which they were asked for.",
    "content": {"application/octet-stream": BINARY},
    "headers": {
        JSON_LENGTH: {
            "description": "Bytes of the body that are JSON, where tensors lie behind it.",
            "schema": {"type": "integer"},
        },
        "Segserve-Model": {
            "description": "Which model answered: name/version, checksum, engine, precision.",
            "schema": {"type": "string"},
            "example": "pets/1; sha256=8a5e0c…; engine=openvino; precision=f32",
        },
    },
}
