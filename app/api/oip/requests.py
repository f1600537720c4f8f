"""A request for inference: its JSON, and what lies behind it in the body."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import get_args

import numpy as np

from app.api.oip.json_text import read_json
from app.api.oip.schemas import (
    BINARY_SIZE,
    MASK,
    PROBABILITIES,
    InferBody,
    InputBody,
    OutputName,
    Parameters,
    validated,
)
from app.api.oip.tensors import TensorLimits, read_tensor
from app.api.waiting import LONGEST_TIMEOUT
from app.core.errors import ImageError, InvalidParameterError, MalformedRequestError
from app.imaging.signatures import recognise
from app.inference.engine import Images

# `priority` changes nothing: first come, first served; nor does `content_type`, by which others tell text from files.
REQUEST_PARAMETERS = frozenset({"binary_data_output", "content_type", "priority", "timeout"})
INPUT_PARAMETERS = frozenset({BINARY_SIZE, "content_type"})
OUTPUT_PARAMETERS = frozenset({"binary_data", "content_type"})


@dataclass(frozen=True)
class Wanted:
    """An output that is asked for.

    Args:
        name: which one.
        binary: whether it goes behind the JSON.
    """

    name: OutputName
    binary: bool


@dataclass(frozen=True)
class InferenceRequest:
    """What a request asks for.

    Args:
        pictures: encoded ones, or (h, w, 3) each, uint8 or float32, RGB, 0–255; at least one.
        outputs: in the order of the answer, at least one.
        id: to be echoed; None: it has none.
        timeout: seconds that it gives us; None: as long as it takes.
    """

    pictures: Sequence[bytes] | Sequence[Images]
    outputs: tuple[Wanted, ...]
    id: str | None = None
    timeout: float | None = None

    def wants(self, name: OutputName) -> bool:
        """Whether that output is among them."""
        return any(output.name == name for output in self.outputs)


def read_request(body: bytes, json_length: int | None, limits: TensorLimits) -> InferenceRequest:
    """Reads a body; blocks, for up to a second or two.

    Args:
        body: all of it.
        json_length: bytes of it that are JSON; None: all; 0: it is one picture, and there is no JSON.
        limits: what a tensor may be.

    Raises:
        MalformedRequestError: it is not what it says.
        InvalidParameterError: it asks for what there is not.
        TooManyPartsError: it has too many pictures.
    """
    if json_length == 0:
        picture = _bare(body, limits)
        return InferenceRequest([picture], _everything(picture, limits, binary=True))  # type: ignore[arg-type]
    length = len(body) if json_length is None else json_length
    if length > len(body):
        raise MalformedRequestError(f"the body has {len(body):,} bytes, fewer than the {length:,} that are to be JSON")
    asked = validated(InferBody, read_json(body[:length]))
    _require_known("parameters", asked.parameters, REQUEST_PARAMETERS)
    binary = _flag(asked.parameters, "binary_data_output", otherwise=False)
    outputs, timeout = _outputs(asked, binary), _timeout(asked.parameters)
    tensor = _one_input(asked)
    pictures = read_tensor(tensor, _binary(tensor, memoryview(body)[length:], json_length is not None), limits)
    everything = _everything(pictures[0], limits, binary)
    if len(everything) == 1 and any(output.name == PROBABILITIES for output in outputs):
        raise InvalidParameterError(
            "outputs", f"of encoded pictures this model, which sees windows, gives {MASK} alone"
        )
    return InferenceRequest(pictures, outputs or everything, asked.id, timeout)


def _bare(body: bytes, limits: TensorLimits) -> bytes | Images:
    """A body without JSON: an encoded picture, or the pixels of one."""
    shape = (*limits.size, 3)
    if len(body) != prod(shape):
        return body
    try:
        kind = recognise(body)
    except ImageError:
        return np.frombuffer(body, np.uint8).reshape(shape)
    raise InvalidParameterError("body", f"{len(body):,} bytes of pixels that begin as a {kind} does: say which in JSON")


def _everything(picture: bytes | Images, limits: TensorLimits, binary: bool) -> tuple[Wanted, ...]:
    """All outputs there are: of pictures that the network sees in windows it has no probabilities of one size."""
    in_windows = limits.windows and isinstance(picture, bytes)
    return tuple(Wanted(name, binary) for name in get_args(OutputName) if name != PROBABILITIES or not in_windows)


def _require_known(where: str, parameters: Parameters, known: frozenset[str]) -> None:
    for name in parameters:
        if name not in known:
            raise InvalidParameterError(
                where, f"there is no parameter {name[:80]!a} here; there are {', '.join(sorted(known))}"
            )


def _require_single(where: str, names: list[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise InvalidParameterError(where, f"{name[:80]!a} stands there {count} times")


def _one_input(asked: InferBody) -> InputBody:
    _require_single("inputs", [each.name for each in asked.inputs])
    if len(asked.inputs) > 1:
        raise InvalidParameterError("inputs", "one of the two, not both")
    (tensor,) = asked.inputs
    _require_known("inputs.parameters", tensor.parameters, INPUT_PARAMETERS)
    return tensor


def _binary(tensor: InputBody, rest: memoryview, announced: bool) -> memoryview | None:
    """What lies behind the JSON, which is that tensor's or nothing."""
    declared = tensor.parameters.get(BINARY_SIZE)
    if declared is None:
        if len(rest):
            raise MalformedRequestError(f"{len(rest):,} bytes behind the JSON belong to no tensor")
        return None
    if isinstance(declared, bool) or not isinstance(declared, int) or declared < 0:
        raise InvalidParameterError(BINARY_SIZE, "a number of bytes")
    if not announced:
        raise MalformedRequestError(f"{BINARY_SIZE} goes with the header Inference-Header-Content-Length")
    if declared != len(rest):
        raise MalformedRequestError(f"{BINARY_SIZE} is {declared:,}, and behind the JSON are {len(rest):,} bytes")
    return rest


def _outputs(asked: InferBody, binary: bool) -> tuple[Wanted, ...]:
    """Those that it names; none where it wants all."""
    _require_single("outputs", [each.name for each in asked.outputs])
    wanted: list[Wanted] = []
    for output in asked.outputs:
        name = next((name for name in get_args(OutputName) if name == output.name), None)
        if name is None:
            known = ", ".join(get_args(OutputName))
            raise InvalidParameterError("outputs", f"there is no {output.name[:80]!a}; there are {known}")
        _require_known("outputs.parameters", output.parameters, OUTPUT_PARAMETERS)
        wanted.append(Wanted(name, _flag(output.parameters, "binary_data", otherwise=binary)))
    return tuple(wanted)


def _flag(parameters: Parameters, name: str, *, otherwise: bool) -> bool:
    value = parameters.get(name, otherwise)
    if not isinstance(value, bool):
        raise InvalidParameterError(name, "true or false")
    return value


def _timeout(parameters: Parameters) -> float | None:
    """Seconds; the parameter has microseconds, as Triton's, and 0 is none."""
    value = parameters.get("timeout", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_TIMEOUT * 1e6:
        raise InvalidParameterError("timeout", f"microseconds, whole, up to {LONGEST_TIMEOUT * 1e6:.0f}")
    return value / 1e6 or None
