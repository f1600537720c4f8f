"""The OpenAPI description, with errors under the media type that they really have."""

from typing import Any

from fastapi import FastAPI

from app.api.errors import PROBLEM_TYPE

DESCRIPTION = """\
Segments pictures with a U-Net Xception network, and explains that network.

Every error has the same body, `application/problem+json` (RFC 9457): its `code` is stable, its `type` is
`urn:segserve:error:` and the code, its `request_id` is the `X-Request-ID` header (yours, or a generated one) and stands
in the service's log. A path or method that is not listed here answers 404 `not_found` or 405 `method_not_allowed`.

Paths under `/v2` speak the Open Inference Protocol, as Triton's and KServe's clients do, and have its error body,
`{"error": "…"}`, with the same statuses.
"""


def install_openapi(app: FastAPI) -> None:
    """Makes the application describe its errors as problems."""
    generate = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            _move_problems(generate())
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way to extend the description


def _move_problems(schema: dict[str, Any]) -> None:
    """FastAPI writes every body down as JSON; a problem has a media type of its own."""
    for path in schema["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {})
                if int(status) >= 400 and {PROBLEM_TYPE, "application/json"} <= content.keys():
                    content[PROBLEM_TYPE] |= content.pop("application/json")
