"""Which routes there are, and which keys open them."""

from fastapi import APIRouter, FastAPI

from app.api.key_entries import Scope
from app.api.keyring import Keyring
from app.api.keys import REFUSALS, key_needed
from app.api.routes import admin, health, metrics, model, models, page, reference, segment
from app.core.settings import Settings

SCOPES: tuple[tuple[APIRouter, tuple[Scope, ...]], ...] = (
    (segment.router, ("segment",)),
    (model.router, ("segment", "admin")),
    (models.router, ("segment", "admin")),
    (metrics.router, ("metrics",)),
    (admin.router, ("admin",)),
)
"""Routers, and the scopes that open each where there are keys; all others are open to everyone."""


def include_routes(app: FastAPI, settings: Settings, keyring: Keyring | None) -> None:
    """Adds the routes.

    Args:
        app: the application.
        settings: whether there is a page and a reference.
        keyring: None: whoever reaches the service may use it, and there is no admin API.
    """
    for router, scopes in SCOPES:
        if keyring is not None:
            app.include_router(router, dependencies=key_needed(keyring, *scopes), responses=REFUSALS)
        elif router is not admin.router:
            app.include_router(router)
    app.include_router(health.router)
    if settings.docs:
        app.include_router(reference.router)
    if settings.page:
        app.include_router(page.router)
