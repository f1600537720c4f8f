"""The service as a Ray Serve deployment whose number of replicas follows its load."""

from typing import Any

from ray import serve
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.settings import load_settings
from app.main import create_app

CPUS = 1
"""Of a replica: it computes with so many threads."""


class WithState:
    """An application whose requests see its lifespan's state, as ASGI has it and Ray Serve has not.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._state: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        state = self._state if scope["type"] == "lifespan" else self._state.copy()
        await self._app({**scope, "state": state}, receive, send)


@serve.deployment(
    ray_actor_options={"num_cpus": CPUS},
    max_ongoing_requests=16,
    autoscaling_config={
        "min_replicas": 1,
        "max_replicas": 8,
        "target_ongoing_requests": 4,
        "upscale_delay_s": 5,
        "downscale_delay_s": 120,
    },
    graceful_shutdown_timeout_s=30,
)
@serve.ingress(lambda: WithState(create_app(load_settings(threads=CPUS, streams=CPUS))))
class Segserve:
    """A replica: all routes of the service."""


app = Segserve.bind()
