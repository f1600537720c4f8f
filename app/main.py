"""The application: `create_app` puts its parts together."""

from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from app import __version__
from app.api.admission import Admission
from app.api.collector import tracing_from_environment
from app.api.cors import CrossOriginMiddleware
from app.api.errors import install_error_handlers
from app.api.keyring import open_keyring
from app.api.lingering import LingeringMiddleware
from app.api.loading import LifespanState, running
from app.api.middleware import RequestMiddleware, UnforeseenErrorMiddleware
from app.api.oip.errors import ErrorBodyMiddleware
from app.api.openapi import DESCRIPTION, install_openapi
from app.api.refusal import RefusalMiddleware
from app.api.routing import include_routes, segmenting_routes
from app.api.state import State
from app.core.settings import Settings, load_settings
from app.inference.configuration import check_configuration
from app.inference.pool import ModelPool
from app.store.repository import ModelStore


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application, its model not yet loaded.

    Args:
        settings: None: read from the environment.

    Raises:
        ConfigurationError: no such model, device or engine, no readable keys, or a setting out of range.
    """
    settings = load_settings() if settings is None else settings
    check_configuration(settings)
    keyring = open_keyring(settings)
    pool = ModelPool(ModelStore(settings.model_store), settings)
    state = State(settings, pool, Admission(settings.max_queue), tracing=tracing_from_environment())

    def lifespan(app: FastAPI) -> AbstractAsyncContextManager[LifespanState]:
        return running(state)

    app = FastAPI(
        title="segserve",
        version=__version__,
        description=DESCRIPTION,
        servers=[{"url": settings.root_path or "/"}],
        lifespan=lifespan,
        openapi_url=None,
        # FastAPI's own is off, whatever the environment says: its spans carry paths and queries as clients sent them.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    include_routes(app, settings, keyring)
    install_error_handlers(app)
    install_openapi(app)
    app.add_middleware(RefusalMiddleware, admission=state.admission, routes=segmenting_routes())
    app.add_middleware(UnforeseenErrorMiddleware)
    if settings.cors_origins:
        app.add_middleware(CrossOriginMiddleware, origins=settings.cors_origins.split(","))
    app.add_middleware(ErrorBodyMiddleware)
    app.add_middleware(RequestMiddleware, state=state)
    app.add_middleware(LingeringMiddleware, max_bytes=settings.max_bytes)
    return app
