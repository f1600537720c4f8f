import json
from dataclasses import replace

import numpy as np
import pytest

from app.api.oip.answers import encode_answers, require_affordable
from app.api.oip.requests import InferenceRequest, Wanted
from app.core.errors import AnswerTooLargeError
from app.imaging.observation import Observation
from app.inference.loaded import ModelIdentity
from app.inference.segmenter import SegmentAnswer, Timings
from tests.api.oip.wire import outputs

IDENTITY = ModelIdentity("pets", 3, "0" * 64, "openvino", "f32")
VALUES = np.random.default_rng(1).random((2, 30, 50, 3), np.float32)
ANSWERS = [
    SegmentAnswer(
        mask, "mask", IDENTITY, (30, 50), Observation(0.5, 0.5, (1.0,)), Timings(1, 1, 1, 1), probabilities=values
    )
    for mask, values in zip((b"one", b""), VALUES, strict=True)
]
ASKED = InferenceRequest([b"1", b"2"], (Wanted("probabilities", binary=True), Wanted("mask", binary=True)))


@pytest.mark.parametrize("binary", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("names", [("probabilities", "mask"), ("mask", "probabilities")])
def test_outputs_come_as_they_are_asked_for(binary: tuple[bool, bool], names: tuple[str, str]) -> None:
    wanted = tuple(Wanted(name, each) for name, each in zip(names, binary, strict=True))  # type: ignore[arg-type]
    body = encode_answers(IDENTITY, replace(ASKED, outputs=wanted), ANSWERS)
    assert (body.json_length is None) == (not any(binary))
    found = outputs(body.content, None if body.json_length is None else str(body.json_length))
    assert list(found) == list(names)
    np.testing.assert_array_equal(found["probabilities"], VALUES)  # also as text: nine digits are enough
    assert found["mask"] == [b"one", b""]


def test_the_head_of_an_answer() -> None:
    body = encode_answers(IDENTITY, replace(ASKED, outputs=(Wanted("mask", binary=False),)), ANSWERS)
    assert json.loads(body.content) == {
        "model_name": "pets",
        "model_version": "3",
        "outputs": [{"name": "mask", "shape": [2], "datatype": "BYTES", "data": ["b25l", ""]}],
    }
    body = encode_answers(IDENTITY, replace(ASKED, id='"é\n'), ANSWERS)
    head = json.loads(body.content[: body.json_length])
    assert head["id"] == '"é\n'
    assert head["outputs"][0] == {
        "name": "probabilities",
        "shape": [2, 30, 50, 3],
        "datatype": "FP32",
        "parameters": {"binary_data_size": VALUES.nbytes},
    }


def test_what_is_too_large_is_known_before() -> None:
    require_affordable(ASKED, (30, 50, 3), 36_000)
    with pytest.raises(AnswerTooLargeError, match="36,000 bytes"):
        require_affordable(ASKED, (30, 50, 3), 35_999)
    text = replace(ASKED, outputs=(Wanted("probabilities", binary=False),))
    with pytest.raises(AnswerTooLargeError, match="126,000 bytes"):
        require_affordable(text, (30, 50, 3), 36_000)
    body = encode_answers(IDENTITY, replace(text, id=None), ANSWERS)
    assert len(body.content) < 126_000
    require_affordable(replace(ASKED, outputs=(Wanted("mask", binary=True),)), (10**5, 10**5, 255), 1)
