"""The reference of the API, for people and for programs."""

import json

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from app.api.conditional import conditional_response
from app.api.errors import NOT_FOUND
from app.api.reference import reference_page
from app.api.routes.page import PAGE_POLICY, WEB, file_response
from app.core.errors import NotFoundError

FILES = ("icon.svg", "reference.css")

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs(request: Request) -> Response:
    """The reference as a page."""
    page = reference_page(_application(request).openapi())
    return conditional_response(
        request, page.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": PAGE_POLICY}
    )


@router.get("/docs/{name}")
def file(request: Request, name: str) -> Response:
    """A file of that page, which has them also where the web page is switched off."""
    if name not in FILES:
        raise NotFoundError(NOT_FOUND)
    return file_response(request, WEB, name)


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """The reference as OpenAPI."""
    description = json.dumps(_application(request).openapi(), ensure_ascii=False)
    return conditional_response(request, description.encode(), "application/json")


def _application(request: Request) -> FastAPI:
    application = request.app
    assert isinstance(application, FastAPI)
    return application
