"""The body of an answer: JSON, and behind it what is wanted as bytes."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.api.oip.requests import InferenceRequest, Wanted
from app.api.oip.schemas import BINARY_SIZE, MASK, PROBABILITIES
from app.api.oip.tensors import LENGTH_BYTES
from app.core.errors import AnswerTooLargeError
from app.inference.loaded import ModelIdentity
from app.inference.segmenter import SegmentAnswer

BYTES_OF_A_NUMBER = 14
"""In JSON: nine digits, which give back every float32, and what is around them."""
STEP = 4096
"""Numbers that are written without giving other threads a turn: a millisecond or two."""


@dataclass(frozen=True)
class Body:
    """A finished body.

    Args:
        content: all of it.
        json_length: bytes of it that are JSON; None: all.
    """

    content: bytes
    json_length: int | None


def require_affordable(asked: InferenceRequest, probabilities: tuple[int, int, int], limit: int) -> None:
    """Passes answers that are no larger than the limit, as far as can be told before.

    Args:
        asked: what is asked for.
        probabilities: (h, w, C) of one picture.
        limit: bytes.

    Raises:
        AnswerTooLargeError: it says how many bytes it would be.
    """
    numbers = len(asked.pictures) * probabilities[0] * probabilities[1] * probabilities[2]
    for output in asked.outputs:
        size = numbers * (4 if output.binary else BYTES_OF_A_NUMBER)
        if output.name == PROBABILITIES and size > limit:
            raise AnswerTooLargeError(
                f"{PROBABILITIES} of {len(asked.pictures)} picture(s) take {size:,} bytes, more than the limit of "
                f"{limit:,}: send fewer, ask for {MASK} alone, or for binary data"
            )


def encode_answers(identity: ModelIdentity, asked: InferenceRequest, answers: Sequence[SegmentAnswer]) -> Body:
    """The body that tells of answers; blocks.

    Args:
        identity: of the model that made them.
        asked: what was asked for.
        answers: one for each picture, with masks as content where these are wanted.
    """
    behind: list[bytes | memoryview] = []
    outputs = [b"".join(_output(output, answers, behind)) for output in asked.outputs]
    head = {"model_name": identity.name, "model_version": str(identity.version)}
    if asked.id is not None:
        head["id"] = asked.id
    text = json.dumps(head).encode()[:-1] + b', "outputs": [' + b", ".join(outputs) + b"]}"
    if not any(output.binary for output in asked.outputs):
        return Body(text, None)
    return Body(b"".join((text, *behind)), len(text))


def _output(output: Wanted, answers: Sequence[SegmentAnswer], behind: list[bytes | memoryview]) -> Iterator[bytes]:
    """Its JSON; its bytes are added to what lies behind."""
    shape, datatype = [len(answers)], "BYTES"
    if output.name == PROBABILITIES:
        shape, datatype = [len(answers), *_probabilities(answers[0]).shape], "FP32"
    fields: dict[str, object] = {"name": output.name, "shape": shape, "datatype": datatype}
    if output.binary:
        parts = list(_bytes(output, answers))
        behind += parts
        yield json.dumps({**fields, "parameters": {BINARY_SIZE: sum(map(len, parts))}}).encode()
        return
    yield json.dumps(fields).encode()[:-1] + b', "data": ['
    for index, answer in enumerate(answers):
        yield b", " if index else b""
        yield from _numbers(_probabilities(answer)) if output.name == PROBABILITIES else _text(answer.content)
    yield b"]}"


def _bytes(output: Wanted, answers: Sequence[SegmentAnswer]) -> Iterator[bytes | memoryview]:
    for answer in answers:
        if output.name == PROBABILITIES:
            yield np.ascontiguousarray(_probabilities(answer), "<f4").data.cast("B")
        else:
            yield len(answer.content).to_bytes(LENGTH_BYTES, "little")
            yield answer.content


def _text(content: bytes) -> Iterator[bytes]:
    yield b'"' + base64.b64encode(content) + b'"'


def _numbers(values: NDArray[np.float32]) -> Iterator[bytes]:
    flat = values.ravel()
    for begin in range(0, len(flat), STEP):
        part = flat[begin : begin + STEP].tolist()
        yield (b", " if begin else b"") + b", ".join([b"%.9g"] * len(part)) % tuple(part)


def _probabilities(answer: SegmentAnswer) -> NDArray[np.float32]:
    assert answer.probabilities is not None  # `read_request` has refused what has none
    return answer.probabilities
