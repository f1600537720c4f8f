"""Which routes there are."""

from fastapi import FastAPI

from app.api.routes import health, metrics, model, models, page, reference, segment
from app.api.routes.admin import admin_router
from app.core.settings import Settings

ROUTERS = (segment.router, model.router, models.router, health.router, metrics.router)
"""Those that are always there."""


def include_routes(app: FastAPI, settings: Settings) -> None:
    """Adds the routes.

    Args:
        app: the application.
        settings: whether there is a page, a reference, an admin API.
    """
    for router in ROUTERS:
        app.include_router(router)
    if settings.docs:
        app.include_router(reference.router)
    if settings.page:
        app.include_router(page.router)
    if settings.admin_key is not None:
        app.include_router(admin_router(settings.admin_key))
