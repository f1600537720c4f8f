"""The numbers of a tensor that is written in JSON, as an array: in steps, so that other threads have their turns."""

from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from app.core.errors import InvalidParameterError

PixelType = Literal["UINT8", "FP32"]
DTYPES: dict[str, str] = {"UINT8": "<u1", "FP32": "<f4"}
"""NumPy's names of the datatypes that pixels may have, as they lie in a body."""

STEP = 2**16
"""Bytes of text that are read at a time: a millisecond or two."""

_SPACE = b" \t\r\n"
_PUNCTUATION_AWAY = b"0123456789.eE+-"
_BRACKETS_TO_SPACE = bytes.maketrans(b"[]", b"  ")


def read_pixels(text: bytes, shape: tuple[int, ...], datatype: PixelType, where: str) -> NDArray[np.generic]:
    """The pixels that are written there.

    Args:
        text: an array of numbers in JSON: flat, or nested as the shape says.
        shape: of the tensor.
        datatype: of the tensor.
        where: what to call it in messages.

    Returns:
        an array of that shape, `<u1` or `<f4`, all of 0–255.

    Raises:
        InvalidParameterError: another number of numbers, another nesting, or a number that no pixel has.
    """
    _require_structure(text, shape, where)
    flat = np.empty(prod(shape), DTYPES[datatype])
    body = text.translate(_BRACKETS_TO_SPACE)
    begin = filled = 0
    while begin < len(body):
        end = body.find(b",", begin + STEP)
        end = len(body) if end < 0 else end
        part = _pixels(body[begin:end], datatype, where)
        flat[filled : filled + len(part)] = part
        filled += len(part)
        begin = end + 1
    return flat.reshape(shape)


def require_pixels(values: NDArray[np.generic], where: str) -> None:
    """Passes numbers of which each is from 0 to 255.

    Raises:
        InvalidParameterError: one is not, or is no number.
    """
    if not ((values >= 0) & (values <= 255)).all():  # type: ignore[operator]  # they are numbers
        raise InvalidParameterError(where, "pixels are numbers from 0 to 255")


def _require_structure(text: bytes, shape: tuple[int, ...], where: str) -> None:
    """Passes brackets and commas as a tensor of that shape has them."""
    count = prod(shape)
    if count < 1 or 2 * count - 1 > len(text):
        raise InvalidParameterError(where, f"there are not the {count:,} numbers that the shape says")
    compact = text.translate(None, _SPACE)
    structure = compact.translate(None, _PUNCTUATION_AWAY)
    if structure not in (_flat(count), _nested(shape)):
        raise InvalidParameterError(
            where, f"the numbers are neither {count:,} in one array nor nested as the shape {list(shape)} says"
        )
    beside = [pattern % digit for pattern in (b"%d[", b"]%d") for digit in range(10)]
    if b"]-" in compact or any(pair in compact for pair in beside):
        raise InvalidParameterError(where, "a number stands beside the brackets")


def _flat(count: int) -> bytes:
    return b"[" + b"," * (count - 1) + b"]"


def _nested(shape: tuple[int, ...]) -> bytes:
    text = b""
    for side in reversed(shape):
        text = b"[" + b",".join([text] * side) + b"]"
    return text


def _pixels(text: bytes, datatype: PixelType, where: str) -> NDArray[np.generic]:
    """The numbers between commas, at least one."""
    try:
        values = np.array(from_json(b"[" + text + b"]", allow_inf_nan=False))
    except ValueError as error:
        raise InvalidParameterError(where, "not all of it are numbers of JSON") from error
    if not len(values):
        raise InvalidParameterError(where, "a number is missing between commas")
    if datatype == "UINT8" and values.dtype.kind == "f":
        raise InvalidParameterError(where, "UINT8 takes whole numbers from 0 to 255; there is FP32 for others")
    if values.dtype.kind not in "iuf":  # so large that they are none of these
        raise InvalidParameterError(where, "pixels are numbers from 0 to 255")
    require_pixels(values, where)
    return values
