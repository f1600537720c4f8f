"""Requests as no honest client sends them: mutated pictures in forms and bodies, with options drawn from everything."""

import random
from dataclasses import dataclass

from tests.fuzz.cases import drawn, file

Draw = random.Random

NUMBERS = (
    "0",
    "1",
    "0.5",
    "-1",
    "32",
    "64",
    "100000",
    "1e308",
    "1e-308",
    "9" * 400,
    "nan",
    "inf",
    "0x10",
    "٣",
    "",
    " 1",
)
WORDS = (
    "",
    "pet",
    "pet,border",
    "background,,",
    "\0",
    "../../etc/passwd",
    "%00",
    "x" * 5000,
    "'\"<>&",
    "ünï",
    "{}",
    "\r\n",
)
OPTIONS: dict[str, tuple[str, ...]] = {
    "output": ("mask", "mask", "overlay", "cutout", "json", "probabilities", *WORDS),
    "classes": ("pet", "border,pet", *WORDS),
    "threshold": ("0.3", "1", *NUMBERS),
    "model": ("pets", "pets:1", "pets:production", "pets:9", *WORDS),
    "size": ("model", "original", *WORDS),
    "tile": ("32", "48", "1000", *NUMBERS),
    "flip": ("true", "false", "1", *WORDS),
    "many": ("ndjson", "zip", *WORDS),
    "timeout": ("10", "0.001", *NUMBERS),
    "unknown": WORDS,
}
"""Values by parameter; the first ones are meant."""
NAMES = (
    "cat.jpg",
    "../../etc/passwd",
    "C:\\\\cat",
    "a" * 3000,
    "",
    "\xff\xfe",
    "cat\0.png",
    '\\"; name=\\"file',
    "..",
    "con",
    "~",
)
TYPES = (
    "image/jpeg",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "text/html; charset=\xff",
    "",
    "a" * 900,
)
ACCEPTS = (
    "*/*",
    "image/png",
    "application/json",
    "application/x-npy",
    "text/html",
    "image/*;q=0",
    ",;q=,=",
    "\xff",
    "*/*;q=nan",
)


@dataclass(frozen=True)
class Sent:
    """A request.

    Args:
        number: in its campaign.
        kind: of the picture, or "several".
        query: pairs, as they are sent.
        headers: pairs.
        body: its bytes.
        pictures: what stands in it, in order; none if the form was broken on purpose.
        chunked: whether it comes without its length.
    """

    number: int
    kind: str
    query: tuple[tuple[str, str], ...]
    headers: list[tuple[bytes, bytes]]
    body: bytes
    pictures: list[bytes]
    chunked: bool


def drawn_request(seed: int, number: int) -> Sent:
    """A request of a campaign."""
    case, draw = drawn(seed, number)
    pictures, kind = [case.data], case.kind
    if draw.random() < 0.15:
        pictures, kind = [case.data, *(file(draw)[1] for _ in range(draw.randint(1, 5)))], "several"
    body, content_type = case.data, draw.choice(TYPES)
    if kind == "several" or draw.random() < 0.4:
        body, content_type = _form(pictures, draw)
        if draw.random() < 0.1:
            body, pictures = _broken(body, draw), []
    accept = "*/*" if draw.random() < 0.7 else draw.choice(ACCEPTS)
    headers = [(b"Content-Type", content_type.encode("latin-1")), (b"Accept", accept.encode("latin-1"))]
    if draw.random() < 0.05:
        headers.append((b"X-Request-Timeout", draw.choice(NUMBERS).encode()))
    if draw.random() < 0.05:
        headers.append((b"X-Request-ID", draw.choice(WORDS).replace("\r\n", "").replace("\0", "").encode()))
    headers = [(name, value.strip()) for name, value in headers]
    return Sent(number, kind, _query(draw), headers, body, pictures, draw.random() < 0.2)


def _query(draw: Draw) -> tuple[tuple[str, str], ...]:
    """Mostly what may be, sometimes one thing that may not, sometimes anything."""
    chosen = draw.sample(list(OPTIONS), draw.choice((0, 0, 1, 1, 2, 3, 5)))
    meant = draw.random() < 0.7
    names = [name for name in chosen if not (meant and name == "unknown")]
    return tuple((name, OPTIONS[name][0] if meant else draw.choice(OPTIONS[name])) for name in names)


def _form(pictures: list[bytes], draw: Draw) -> tuple[bytes, str]:
    """A form of them, sometimes a broken one."""
    boundary = draw.choice((b"cut", b"x" * 70, b"'()+_,-./:=?"))
    body = b""
    for picture in pictures:
        name = draw.choice(NAMES).encode("latin-1")
        body += b'--%b\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n' % (boundary, name)
        body += b"Content-Type: %b\r\n\r\n%b\r\n" % (draw.choice((b"image/png", b"", b"\xff")), picture)
    if draw.random() < 0.1:
        body += b'--%b\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n' % boundary * draw.choice((1, 200))
    return body + b"--%b--\r\n" % boundary, f'multipart/form-data; boundary="{boundary.decode()}"'


def _broken(form: bytes, draw: Draw) -> bytes:
    """It ends too early, or some bytes of it are others."""
    cut = draw.randrange(len(form))
    return form[:cut] + draw.choice((b"", draw.randbytes(draw.randrange(4)) + form[cut + draw.randrange(4) :]))
