import gzip
import zlib

import pytest
from starlette.datastructures import Headers

from app.api.oip.body import JSON_LENGTH, decompressed, json_length
from app.core.errors import ImageTooLargeError, InvalidParameterError, MalformedRequestError

BODY = b'{"inputs": []}' * 100


def encoding(name: str) -> Headers:
    return Headers({"content-encoding": name})


@pytest.mark.parametrize(("text", "length"), [("0", 0), ("17", 17), (" 17 ", 17), ("9" * 30, int("9" * 20))])
def test_how_much_is_json(text: str, length: int) -> None:
    assert json_length(Headers({JSON_LENGTH: text})) == length
    assert json_length(Headers()) is None


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "0x10", "1e3", "ten", "1,2", "²"])
def test_what_is_no_length(text: str) -> None:
    with pytest.raises(MalformedRequestError, match="one number of bytes"):
        json_length(Headers(raw=[(JSON_LENGTH.lower().encode(), text.encode("latin-1"))]))


def test_two_lengths_are_none() -> None:
    name = JSON_LENGTH.lower().encode()
    with pytest.raises(MalformedRequestError, match="one number of bytes"):
        json_length(Headers(raw=[(name, b"1"), (name, b"1")]))


def test_compressed_bodies() -> None:
    assert decompressed(BODY, Headers(), 1) is BODY
    assert decompressed(BODY, encoding("identity"), 1) is BODY
    assert decompressed(gzip.compress(BODY, mtime=0), encoding("GZip"), len(BODY)) == BODY
    assert decompressed(zlib.compress(BODY), encoding("deflate"), len(BODY)) == BODY


@pytest.mark.parametrize(
    ("body", "name", "error"),
    [
        (BODY, "br", InvalidParameterError),
        (gzip.compress(BODY, mtime=0), "gzip, gzip", InvalidParameterError),
        (BODY, "gzip", MalformedRequestError),
        (b"", "gzip", MalformedRequestError),
        (gzip.compress(BODY, mtime=0)[:-1], "gzip", MalformedRequestError),
        (gzip.compress(BODY, mtime=0) + b"x", "gzip", MalformedRequestError),
        (gzip.compress(BODY, mtime=0) * 2, "gzip", MalformedRequestError),
        (zlib.compress(BODY), "gzip", MalformedRequestError),
        (gzip.compress(BODY, mtime=0), "deflate", MalformedRequestError),
        (gzip.compress(bytes(len(BODY) + 1), mtime=0), "gzip", ImageTooLargeError),
        (gzip.compress(bytes(100_000_000), mtime=0), "gzip", ImageTooLargeError),
    ],
)
def test_what_is_not_compressed_as_it_says(body: bytes, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        decompressed(body, encoding(name), len(BODY))
