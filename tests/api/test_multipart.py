import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.multipart import FormReader, Part
from app.core.errors import MalformedRequestError, TooManyPartsError

TYPE = "multipart/form-data; boundary=cut"
FORM = (
    b'--cut\r\nContent-Disposition: form-data; name="file"; filename="cat.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    b"\xff\xd8 \r\n--cu \r\n--"
    b'\r\n--cut\r\ncontent-disposition: form-data; name="note"\r\n\r\nhello\r\n--cut--\r\n'
)
PARTS = [Part("file", "cat.jpg", bytearray(b"\xff\xd8 \r\n--cu \r\n--")), Part("note", None, bytearray(b"hello"))]


def read(form: bytes, step: int = 1 << 20, max_parts: int = 4, content_type: str = TYPE) -> list[Part]:
    reader = FormReader(content_type, max_parts)
    for start in range(0, len(form), step):
        reader.feed(form[start : start + step])
    return reader.finish()


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 11, 1000])
def test_parts_are_the_same_however_the_form_is_cut_on_its_way(step: int) -> None:
    assert read(FORM, step) == PARTS


@settings(deadline=None)
@given(st.binary(max_size=300).filter(lambda data: b"--cut" not in data), st.integers(1, 50))
def test_any_bytes_arrive_unchanged(data: bytes, step: int) -> None:
    form = b'--cut\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + data + b"\r\n--cut--\r\n"
    assert [bytes(part.data) for part in read(form, step)] == [data]


def test_a_quoted_boundary_and_what_follows_the_form_are_no_trouble() -> None:
    assert read(FORM + b"epilogue", content_type='multipart/form-data; charset=utf-8; boundary="cut"') == PARTS


def test_names_that_are_not_utf8_do_not_break_the_form() -> None:
    form = b'--cut\r\nContent-Disposition: form-data; name="\xff"; filename="\xe9"\r\n\r\nx\r\n--cut--\r\n'
    assert read(form) == [Part("\ufffd", "\ufffd", bytearray(b"x"))]


def test_a_form_without_parts_has_none() -> None:
    assert read(b"--cut--\r\n") == []


@pytest.mark.parametrize("end", [1, 20, 80, 130, len(FORM) - 4])
def test_a_truncated_form_is_malformed(end: int) -> None:
    with pytest.raises(MalformedRequestError, match="closing boundary"):
        read(FORM[:end])


@pytest.mark.parametrize(
    "form",
    [
        b"no form at all",
        b"--other\r\n",
        b"--cut\r\n\r\nwithout headers\r\n--cut--\r\n",
        b"--cut\r\nContent-Type: image/png\r\n\r\nx\r\n--cut--\r\n",
        b"--cut\r\nContent-Disposition: form-data\r\n\r\nx\r\n--cut--\r\n",
        b"--cut\r\nbad header\r\n\r\nx\r\n--cut--\r\n",
        b"--cut\r\n" + b"X-Many: 1\r\n" * 5000 + b"\r\nx\r\n--cut--\r\n",
        b"--cut\r\nX-Long: " + b"1" * 1_000_000 + b"\r\n\r\nx\r\n--cut--\r\n",
    ],
    ids=[
        "text",
        "other boundary",
        "no headers",
        "no disposition",
        "no name",
        "bad header",
        "many headers",
        "long header",
    ],
)
def test_a_broken_form_is_malformed(form: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        read(form)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", f"{TYPE}{'x' * 9000}"]
)
def test_a_form_needs_a_usable_boundary(content_type: str) -> None:
    with pytest.raises(MalformedRequestError):
        read(FORM, content_type=content_type)


def test_too_many_parts_end_the_reading_at_once() -> None:
    reader = FormReader(TYPE, max_parts=2)
    part = b'--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
    reader.feed(part * 2)
    with pytest.raises(TooManyPartsError, match="at most 2 parts"):
        reader.feed(part)
