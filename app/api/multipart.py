"""Multipart forms, parsed in memory as they arrive; nothing is ever spooled to disk."""

from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.core.errors import MalformedRequestError, TooManyPartsError


@dataclass
class Part:
    """One part of a form.

    Args:
        name: from its Content-Disposition.
        filename: from there too; None for a plain field.
        data: its bytes.
    """

    name: str = ""
    filename: str | None = None
    data: bytearray = field(default_factory=bytearray)


class FormReader:
    """Takes the bytes of a form and gives its parts; holds no more than it was fed, so bound what you feed.

    Args:
        content_type: value of the request's Content-Type header.
        max_parts: most parts.

    Raises:
        MalformedRequestError: a Content-Type without a usable boundary.
    """

    def __init__(self, content_type: str, max_parts: int) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not boundary:
            raise MalformedRequestError("multipart/form-data without a boundary in its Content-Type")
        self._max_parts = max_parts
        self._parts: list[Part] = []
        self._header = bytearray()
        self._value = bytearray()
        self._named = False
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header,
                    "on_header_value": self._add_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise MalformedRequestError(str(error)) from error

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes.

        Raises:
            MalformedRequestError: they are no form of that boundary.
            TooManyPartsError: more parts than allowed.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MalformedRequestError(f"broken multipart form: {error}") from error

    def finish(self) -> list[Part]:
        """The parts, in order.

        Raises:
            MalformedRequestError: the form ends before its closing boundary.
        """
        if not self._ended:
            raise MalformedRequestError("the multipart form ends before its closing boundary")
        return self._parts

    def _begin_part(self) -> None:
        if len(self._parts) >= self._max_parts:
            raise TooManyPartsError(f"a form has at most {self._max_parts} parts here")
        self._parts.append(Part())
        self._named = False

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            options = parse_options_header(bytes(self._value))[1]
            part = self._parts[-1]
            self._named = b"name" in options
            part.name = options.get(b"name", b"").decode(errors="replace")
            part.filename = options[b"filename"].decode(errors="replace") if b"filename" in options else None
        self._header.clear()
        self._value.clear()

    def _end_headers(self) -> None:
        if not self._named:
            raise MalformedRequestError("a part of the multipart form has no name in its Content-Disposition")

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._parts[-1].data += data[start:end]

    def _end(self) -> None:
        self._ended = True
