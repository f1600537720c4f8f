"""The web page, and the files that it and the reference use: from `app/web`, nothing from another host."""

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.conditional import conditional_response
from app.api.errors import NOT_FOUND
from app.core.errors import NotFoundError

WEB = Path(__file__).parents[2] / "web"
INDEX = "index.html"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of pages: scripts and styles from files of ours only, none inline."""
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
def index(request: Request) -> Response:
    """The page."""
    return file_response(request, WEB, INDEX)


@router.get("/static/{path:path}")
def static(request: Request, path: str) -> Response:
    """A file of the page."""
    return file_response(request, WEB, path)


def file_response(request: Request, folder: Path, path: str) -> Response:
    """A file of a folder, by comparison with what lies there: no path of a client reaches the file system.

    Args:
        request: its `If-None-Match` is compared.
        folder: where the files lie; other kinds than `MEDIA_TYPES` are not served.
        path: relative, `/` between its parts.

    Raises:
        NotFoundError: there is no such file.
    """
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.suffix in MEDIA_TYPES}
    if path not in files:
        raise NotFoundError(NOT_FOUND)
    file = files[path]
    headers = {"Content-Security-Policy": PAGE_POLICY}
    return conditional_response(request, file.read_bytes(), MEDIA_TYPES[file.suffix], headers)
