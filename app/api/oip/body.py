"""The body of a request for inference: how much of it is JSON, and what it was before it was compressed."""

import zlib
from typing import Final

from starlette.datastructures import Headers

from app.core.errors import ImageTooLargeError, InvalidParameterError, MalformedRequestError

JSON_LENGTH: Final = "Inference-Header-Content-Length"
ENCODING: Final = "Content-Encoding"
_WINDOW_BITS = {"gzip": 31, "deflate": 15}
"""What zlib calls these encodings; `deflate` is zlib's own format, as RFC 9110 has it."""


def json_length(headers: Headers) -> int | None:
    """Bytes of the body that are JSON; None: all, where the header is not there.

    Raises:
        MalformedRequestError: it is no number, or there are several.
    """
    given = headers.getlist(JSON_LENGTH)
    if not given:
        return None
    text = given[0].strip()
    if len(given) > 1 or not (text.isascii() and text.isdecimal()):
        raise MalformedRequestError(f"{JSON_LENGTH} is one number of bytes")
    return int(text[:20])


def decompressed(body: bytes, headers: Headers, limit: int) -> bytes:
    """The body as it was before it was compressed; blocks.

    Raises:
        InvalidParameterError: an encoding that is not known here.
        ImageTooLargeError: it is larger than `limit` bytes.
        MalformedRequestError: it is not compressed as it says.
    """
    encoding = headers.get(ENCODING, "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding not in _WINDOW_BITS:
        raise InvalidParameterError(ENCODING, f"{' or '.join(_WINDOW_BITS)}, or none")
    reader = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        content = reader.decompress(body, limit + 1)
    except zlib.error as error:
        raise MalformedRequestError(f"the body is not {encoding}") from error
    if len(content) > limit:
        raise ImageTooLargeError(f"the request has more than {limit} bytes when decompressed, which is the limit")
    if not reader.eof or reader.unused_data:
        raise MalformedRequestError(f"the body ends before its {encoding} does, or goes on behind it")
    return content
