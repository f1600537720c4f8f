import pytest

from app.api.inline import inline_picture, parsed_object
from app.core.errors import InvalidParameterError, MalformedRequestError


def test_a_json_object() -> None:
    assert parsed_object(b'{"inputs": "x"}') == {"inputs": "x"}


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'{"a": "\xff"}', b"[" * 200_000, b"9" * 9999])
def test_what_is_none(body: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        parsed_object(body)


def test_no_more_values_than_there_is_memory_for() -> None:
    assert len(parsed_object(b'{"a":[' + b"{}," * 600_000 + b"0]}")["a"]) == 600_001
    with pytest.raises(MalformedRequestError, match="more than 2,000,000 values"):
        parsed_object(b'{"a":[' + b"{}," * 1_000_000 + b"0]}")


@pytest.mark.parametrize("text", ["cGljdHVyZQ==", "cGlj\ndHVy\r\nZQ==", "data:image/jpeg;base64,cGljdHVyZQ=="])
def test_a_picture_in_base64(text: str) -> None:
    assert inline_picture(text, "inputs") == b"picture"


@pytest.mark.parametrize("text", ["cGljdHVyZQ", "p%", "ü", "data:image/svg+xml,<svg/>", "data:;base64", "http://a/"])
def test_what_is_no_base64(text: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        inline_picture(text, "inputs")
    assert caught.value.parameter == "inputs"
