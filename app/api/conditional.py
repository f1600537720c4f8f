"""Answers that clients may keep: an `ETag`, and 304 to those that have it already (RFC 9110, section 13)."""

import hashlib
from collections.abc import Mapping

from fastapi import Request
from starlette.responses import Response

NOT_MODIFIED = 304


def conditional_response(
    request: Request, content: bytes, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The content, or 304 if the client has it.

    Args:
        request: its `If-None-Match` is compared.
        content: the body.
        media_type: its type.
        headers: more of them.
    """
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    all_headers = {"ETag": tag, "Cache-Control": "no-cache", **(headers or {})}
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=NOT_MODIFIED, headers=all_headers)
    return Response(content, headers=all_headers, media_type=media_type)


def _matches(if_none_match: str, tag: str) -> bool:
    """Whether a header names the tag; compared weakly, as GET does."""
    known = [entry.strip().removeprefix("W/") for entry in if_none_match.split(",")]
    return tag in known or "*" in known
