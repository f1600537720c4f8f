"""Refusing at once: while all places are taken, what it costs to say no is taken from those who were let in."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.admission import Admission
from app.api.errors import error_response


class RefusalMiddleware:
    """Answers requests for some routes with `overloaded` before anything of them is looked at, where no place is free.

    Args:
        app: the application.
        admission: its places.
        routes: the routes that take them.
    """

    def __init__(self, app: ASGIApp, admission: Admission, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._admission = admission
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        app = self._app
        if scope["type"] == "http" and self._admission.full:
            route = next((each for each in self._routes if each.matches(scope)[0] is Match.FULL), None)
            if route is not None:
                scope["route"] = route  # for log and metrics, as the router has it
                app = error_response(self._admission.refusal())
        await app(scope, receive, send)
