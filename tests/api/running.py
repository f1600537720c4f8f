"""An application as its clients see it, without a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.api.errors import PROBLEM_TYPE, problem_type
from app.api.loading import LOADING
from app.api.middleware import route_template
from app.api.state import State
from app.core.settings import Settings
from app.main import create_app


@dataclass
class Service:
    """A running application.

    Args:
        app: the application.
        state: its state.
        http: a client of it.
        transport: for clients of other kinds.
        last_scope: of the last request.
    """

    app: FastAPI
    state: State
    http: httpx.AsyncClient
    transport: httpx.ASGITransport
    last_scope: Scope = field(default_factory=dict)

    def problem(self, response: httpx.Response, status: int, code: str) -> dict[str, Any]:
        """Checks everything that all errors have in common, and that OpenAPI tells of this one."""
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == PROBLEM_TYPE
        body: dict[str, Any] = response.json()
        assert body.keys() - {"parameter"} == {"type", "title", "status", "detail", "code", "request_id"}
        assert (body["type"], body["status"], body["code"]) == (problem_type(code), status, code)
        assert body["request_id"] == response.headers["x-request-id"]
        assert body["title"]
        assert body["detail"]
        assert ("parameter" in body) == (code == "invalid_parameter")
        template = route_template(self.last_scope)
        operation = self.app.openapi()["paths"].get(template, {}).get(response.request.method.lower())
        if operation is not None:
            assert code in operation["responses"][str(status)]["content"][PROBLEM_TYPE]["examples"]
        return body


@asynccontextmanager
async def running(settings: Settings, *, loaded: bool = True) -> AsyncIterator[Service]:
    """The application with its lifespan, as a server runs it.

    Args:
        settings: of the service.
        loaded: whether to wait until the model is ready, or cannot be.
    """
    app = create_app(settings)
    async with app.router.lifespan_context(app) as state:
        assert state is not None

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            service.last_scope = scope
            scope["state"] = dict(state)
            await app(scope, receive, send)

        if loaded:
            await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == LOADING))
        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://segserve.test") as http:
            service = Service(app, state["service"], http, transport)
            yield service
