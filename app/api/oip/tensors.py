"""Pictures out of an input tensor: pixels as the network takes them, or encoded files."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from app.api.oip.json_text import NumberText
from app.api.oip.pixels import DTYPES, PixelType, read_pixels, require_pixels
from app.api.oip.schemas import ENCODED, PIXELS, InputBody
from app.core.errors import InvalidParameterError, MalformedRequestError, TooManyPartsError
from app.inference.engine import Images

LENGTH_BYTES = 4
"""Before each element of a BYTES tensor: its length, little-endian."""


@dataclass(frozen=True)
class TensorLimits:
    """What a tensor may be.

    Args:
        size: (h, w) of the network's input.
        most: pictures in one tensor.
        windows: whether the network sees encoded pictures in windows.
    """

    size: tuple[int, int]
    most: int
    windows: bool = False


def read_tensor(tensor: InputBody, raw: memoryview | None, limits: TensorLimits) -> Sequence[bytes] | Sequence[Images]:
    """The pictures of a tensor, at least one.

    Args:
        tensor: how it is described, with its data where they stand in the JSON.
        raw: its binary data; None: it has none.
        limits: what it may be.

    Returns:
        encoded pictures, or (h, w, 3) each, uint8 or float32, RGB, 0–255.

    Raises:
        InvalidParameterError: an unknown name, a datatype, shape or value that it cannot have.
        MalformedRequestError: binary data of another length than they say.
        TooManyPartsError: more pictures than are allowed.
    """
    if tensor.name not in (PIXELS, ENCODED):
        raise InvalidParameterError("inputs", f"there is no {tensor.name[:80]!a}; there are {PIXELS}, {ENCODED}")
    if (tensor.data is None) == (raw is None):
        raise InvalidParameterError(tensor.name, "it has either `data` or a `binary_data_size`")
    if tensor.datatype == "BYTES":
        return _encoded(tensor, raw, limits)
    if tensor.name == ENCODED:
        raise InvalidParameterError(ENCODED, "its datatype is BYTES")
    if tensor.datatype == "UINT8":
        return _pixels(tensor, "UINT8", raw, limits)
    if tensor.datatype == "FP32":
        return _pixels(tensor, "FP32", raw, limits)
    raise InvalidParameterError(PIXELS, "its datatype is UINT8, FP32 or, for encoded pictures, BYTES")


def _pixels(tensor: InputBody, datatype: PixelType, raw: memoryview | None, limits: TensorLimits) -> Sequence[Images]:
    wanted = [*limits.size, 3]
    if len(tensor.shape) != 4 or tensor.shape[1:] != wanted or tensor.shape[0] < 1:
        raise InvalidParameterError(
            tensor.name, f"its shape is [N, {', '.join(map(str, wanted))}], N at least 1, not {_shown(tensor.shape)}"
        )
    _require_few(tensor.shape[0], limits)
    shape = tuple(tensor.shape)
    if raw is None:
        if not isinstance(tensor.data, NumberText):
            raise InvalidParameterError(f"{tensor.name}.data", "an array of numbers")
        return list(read_pixels(tensor.data.text, shape, datatype, f"{tensor.name}.data"))
    expected = prod(shape) * np.dtype(DTYPES[datatype]).itemsize
    if len(raw) != expected:
        raise MalformedRequestError(
            f"{tensor.name} has {len(raw):,} bytes; {datatype} of shape {list(shape)} takes {expected:,}"
        )
    values = np.frombuffer(raw, DTYPES[datatype]).reshape(shape)
    require_pixels(values, tensor.name)
    return list(values)


def _encoded(tensor: InputBody, raw: memoryview | None, limits: TensorLimits) -> Sequence[bytes]:
    if len(tensor.shape) != 1 or tensor.shape[0] < 1:
        raise InvalidParameterError(
            tensor.name, f"the shape of encoded pictures is [N], N at least 1, not {_shown(tensor.shape)}"
        )
    count = tensor.shape[0]
    _require_few(count, limits)
    pictures = _from_base64(tensor) if raw is None else list(_elements(raw, count, tensor.name))
    if len(pictures) != count:
        raise InvalidParameterError(tensor.name, f"{len(pictures)} element(s), and its shape says {count}")
    return pictures


def _elements(raw: memoryview, count: int, name: str) -> Iterator[bytes]:
    """The elements of a BYTES tensor, which fill its binary data."""
    position = 0
    for index in range(count):
        begin = position + LENGTH_BYTES
        if begin > len(raw):
            raise MalformedRequestError(f"{name} ends before the length of element {index}")
        position = begin + int.from_bytes(raw[begin - LENGTH_BYTES : begin], "little")
        if position > len(raw):
            raise MalformedRequestError(f"element {index} of {name} says that it is longer than what is left")
        yield bytes(raw[begin:position])
    if position != len(raw):
        raise MalformedRequestError(f"{name} has {len(raw) - position} bytes after its last element")


def _from_base64(tensor: InputBody) -> Sequence[bytes]:
    """Pictures are no text: in JSON they stand in Base64."""
    where = f"{tensor.name}.data"
    if not isinstance(tensor.data, list) or not all(isinstance(each, str) for each in tensor.data):
        raise InvalidParameterError(where, "an array of strings, each a picture in Base64")
    try:
        return [base64.b64decode(each, validate=True) for each in tensor.data]
    except (binascii.Error, ValueError) as error:
        raise InvalidParameterError(where, "pictures stand in JSON in Base64, with nothing before it") from error


def _require_few(count: int, limits: TensorLimits) -> None:
    if count > limits.most:
        raise TooManyPartsError(f"over {limits.most} pictures in one request")


def _shown(shape: list[int]) -> str:
    return str(shape)[:80]
