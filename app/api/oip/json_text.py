"""JSON of requests: tensors stay text until their shape is known.

`json` makes an object of each number, and keeps all other threads waiting until it has read the last one: 0.1 s for a
picture of 192×192 in nested lists. So arrays of nothing but numbers are cut out before, for `app.api.oip.pixels`.
"""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from app.core.errors import MalformedRequestError

MOST_STRINGS = 10_000
MOST_OTHER = 65_536
"""Characters beside strings and arrays of numbers: what is left has a bound, whatever is made of it."""
LONGEST_LIST = 1000
"""Characters of an array of numbers that is no tensor: a shape."""
MOST_DEPTH = 16
"""Arrays in arrays; a picture's tensor has four."""
STEP: Final = 2**18
"""Bytes that are looked at without giving other threads a turn."""

_NEXT = re.compile(rb'["\[]')
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NUMERIC = re.compile(rb"[\[\]0-9.,eE+\- \t\r\n]*+")
_MARK = secrets.token_hex()  # no client can know it
_TENSOR = "data"


@dataclass(frozen=True)
class NumberText:
    """An array of numbers as it stands in JSON, flat or nested; it may be wrong.

    Args:
        text: from its first bracket to its last.
    """

    text: bytes


def read_json(data: bytes) -> dict[str, Any]:
    """The object that is written there; every `data` of numbers in it is a `NumberText`.

    Raises:
        MalformedRequestError: no JSON, no object, or one of a size or depth that no request has.
    """
    skeleton, arrays = _cut(data)

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise MalformedRequestError("a name stands twice in one object of the JSON")
        return {name: _restored(name, value, arrays) for name, value in pairs}

    try:
        read = json.loads(skeleton.decode(), object_pairs_hook=members, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise MalformedRequestError("the JSON is not in UTF-8") from error
    except RecursionError as error:
        raise MalformedRequestError("the JSON is nested too deeply") from error
    except ValueError as error:
        raise MalformedRequestError("the body, or as much of it as is said to be JSON, is no JSON") from error
    if not isinstance(read, dict):
        raise MalformedRequestError("the JSON is no object")
    return read


def _cut(data: bytes) -> tuple[bytes, list[bytes]]:
    """The JSON with a mark in place of each array of numbers, and those arrays."""
    kept: list[bytes] = []
    arrays: list[bytes] = []
    position = taken = strings = other = 0
    while (found := _NEXT.search(data, position, position + MOST_OTHER + 1)) is not None:
        begin = found.start()
        other += begin + 1 - position
        if data[begin] == ord('"'):
            string = _STRING.match(data, begin)
            strings += 1
            if string is None or strings > MOST_STRINGS:
                raise MalformedRequestError("the JSON has a string without end, or too many of them")
            position = string.end()
        elif end := _array_end(data, begin):
            kept += (data[taken:begin], f'"{_MARK}{len(arrays)}"'.encode())
            arrays.append(data[begin:end])
            position = taken = end
        else:
            position = begin + 1
        if other > MOST_OTHER:
            break
    if other + len(data) - position > MOST_OTHER:
        raise MalformedRequestError(f"the JSON has over {MOST_OTHER} characters beside strings and numbers of tensors")
    return b"".join((*kept, data[taken:])), arrays


def _array_end(data: bytes, begin: int) -> int:
    """Where the array that begins there ends, if it is one of numbers alone; 0: it is not."""
    stop = _numeric_end(data, begin)
    end = data.rfind(b"]", begin, stop) + 1
    beyond = data.count(b"]", begin, end) - data.count(b"[", begin, end)
    for _ in range(min(beyond, MOST_DEPTH)):  # they end what it stands in
        end = data.rfind(b"]", begin, end - 1) + 1
    if end and 0 <= beyond <= MOST_DEPTH:
        return end
    if stop - begin > LONGEST_LIST:  # or each of its brackets could have us look at all of it
        raise MalformedRequestError("the JSON has a long array of numbers that has no end, or holds other things")
    return 0


def _numeric_end(data: bytes, begin: int) -> int:
    """Where the first byte is that stands in no array of numbers."""
    end = begin
    while end < len(data):
        step = _NUMERIC.match(data, end, end + STEP)
        if step is None or step.end() < end + STEP:
            return end if step is None else step.end()
        end = step.end()
    return end


def _restored(name: str, value: Any, arrays: list[bytes]) -> Any:
    if not isinstance(value, str) or not value.startswith(_MARK):
        return value
    text = arrays[int(value.removeprefix(_MARK))]
    if name == _TENSOR:
        return NumberText(text)
    if len(text) > LONGEST_LIST:
        raise MalformedRequestError("the JSON has a long array of numbers that is no tensor's `data`")
    return json.loads(text)


def _no_constant(name: str) -> NoReturn:
    raise MalformedRequestError(f"{name} is no number of JSON")
