from typing import Any

import pytest

from app.api.oip.json_text import NumberText
from app.api.oip.schemas import IndexBody, InferBody, validated
from app.core.errors import InvalidParameterError

INPUT = {"name": "image", "shape": [1], "datatype": "UINT8", "data": NumberText(b"[1]")}


def test_the_least_and_the_most_of_a_request() -> None:
    assert validated(InferBody, {"inputs": [INPUT]}).outputs == []
    body = validated(
        InferBody,
        {
            "id": "7",
            "model_name": "pets",
            "model_version": "3",
            "parameters": {"a": True, "b": 1, "c": 0.5, "d": "text"},
            "inputs": [INPUT | {"parameters": {"binary_data_size": 1}}],
            "outputs": [{"name": "mask", "parameters": {"binary_data": False}}],
        },
    )
    assert body.inputs[0].data is INPUT["data"]
    assert body.parameters == {"a": True, "b": 1, "c": 0.5, "d": "text"}
    assert isinstance(body.parameters["a"], bool)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": {}}, "inputs"),
        ({"inputs": [INPUT] * 65}, "inputs"),
        ({"inputs": [1]}, "inputs.0"),
        ({"inputs": [{}]}, "inputs.0.name"),
        ({"inputs": [INPUT | {"name": 1}]}, "inputs.0.name"),
        ({"inputs": [INPUT | {"name": "x" * 201}]}, "inputs.0.name"),
        ({"inputs": [INPUT | {"shape": "1"}]}, "inputs.0.shape"),
        ({"inputs": [INPUT | {"shape": ["1"]}]}, "inputs.0.shape.0"),
        ({"inputs": [INPUT | {"shape": [1.0]}]}, "inputs.0.shape.0"),
        ({"inputs": [INPUT | {"shape": [True]}]}, "inputs.0.shape.0"),
        ({"inputs": [INPUT | {"shape": [1] * 9}]}, "inputs.0.shape"),
        ({"inputs": [INPUT | {"datatype": None}]}, "inputs.0.datatype"),
        ({"inputs": [INPUT | {"parameters": []}]}, "inputs.0.parameters"),
        ({"inputs": [INPUT | {"dtype": "UINT8"}]}, "inputs.0.dtype"),
        ({"inputs": [INPUT], "output": []}, "output"),
        ({"inputs": [INPUT], "outputs": None}, "outputs"),
        ({"inputs": [INPUT], "outputs": [{"name": "mask", "datatype": "BYTES"}]}, "outputs.0.datatype"),
        ({"inputs": [INPUT], "id": 7}, "id"),
        ({"inputs": [INPUT], "id": "\ud800"}, "id"),
        ({"inputs": [INPUT], "é": 1}, "\\xe9"),
        ({"inputs": [INPUT], "x" * 500: 1}, "x" * 80),
    ],
)
def test_what_is_no_request(body: dict[str, Any], parameter: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        validated(InferBody, body)
    assert caught.value.parameter == parameter


def test_a_parameter_is_text_a_number_or_a_truth() -> None:
    for value in (None, [1], {"a": 1}):
        with pytest.raises(InvalidParameterError, match=r"parameters\.a"):
            validated(InferBody, {"inputs": [INPUT], "parameters": {"a": value}})
    with pytest.raises(InvalidParameterError, match="ready"):
        validated(IndexBody, {"ready": 1})
