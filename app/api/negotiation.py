"""Which representation a client accepts (RFC 9110, section 12.5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.errors import NotAcceptableError


@dataclass(frozen=True)
class _Range:
    """An entry of an Accept header.

    Args:
        kind, subtype: lower case; `*` is any.
        quality: 0–1.
    """

    kind: str
    subtype: str
    quality: float

    def match(self, media_type: str) -> int:
        """How exactly this range names a media type: 0 not at all, 1 as `*/*`, 2 as `kind/*`, 3 by name."""
        kind, _, subtype = media_type.partition("/")
        if (self.kind, self.subtype) == ("*", "*"):
            return 1
        if self.kind != kind:
            return 0
        return 2 if self.subtype == "*" else 3 * (self.subtype == subtype)


def negotiate(accept: str | None, offers: Mapping[str, str]) -> str:
    """The media type to answer with.

    Args:
        accept: the Accept header; None or blank: anything.
        offers: what there is: media type → what the message says it is got by; the first one is the default.

    Returns:
        the offer of highest quality; of equals the one named most exactly, then the one offered first.

    Raises:
        NotAcceptableError: none of the offers is accepted.
    """
    if accept is None or not accept.strip():
        return next(iter(offers))
    ranges = [parsed for item in accept.split(",") if (parsed := _parse(item)) is not None]
    ranked: list[tuple[float, int, str]] = []
    for offer in offers:
        exactness, quality = max(((found.match(offer), found.quality) for found in ranges), default=(0, 0.0))
        if exactness and quality > 0:
            ranked.append((quality, exactness, offer))
    if not ranked:
        known = ", ".join(f"{media_type} ({note})" for media_type, note in offers.items())
        raise NotAcceptableError(f"the Accept header admits none of {known}")
    return max(ranked, key=lambda candidate: candidate[:2])[2]


def _parse(item: str) -> _Range | None:
    """An entry of the header; None if it is malformed, which is ignored."""
    media_type, *parameters = (piece.strip().lower() for piece in item.split(";"))
    kind, slash, subtype = media_type.partition("/")
    if not slash or not kind or not subtype or (kind == "*" and subtype != "*"):
        return None
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return None
    return _Range(kind, subtype, quality) if 0 <= quality <= 1 else None
