"""Which routes there are, and which keys open them."""

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from app.api.asking import segments
from app.api.key_entries import Scope
from app.api.keyring import Keyring
from app.api.keys import REFUSALS, key_needed
from app.api.oip import infer, metadata, repository
from app.api.oip.errors import error_answers
from app.api.routes import (
    admin,
    health,
    huggingface,
    label_studio,
    metrics,
    model,
    models,
    page,
    reference,
    remove,
    segment,
)
from app.core.errors import ForbiddenError, TooManyRequestsError, UnauthorizedError
from app.core.settings import Settings

SCOPES: tuple[tuple[APIRouter, tuple[Scope, ...]], ...] = (
    (segment.router, ("segment",)),
    (remove.router, ("segment",)),
    (huggingface.router, ("segment",)),
    (label_studio.router, ("segment",)),
    (model.router, ("segment", "admin")),
    (models.router, ("segment", "admin")),
    (metrics.router, ("metrics",)),
    (admin.router, ("admin",)),
)
"""Routers, and the scopes that open each where there are keys; all others are open to everyone."""
BASIC = (label_studio.router,)
"""Whose clients send a key as the password of Basic authentication, as they know no other way."""
PROTOCOL_SCOPES: tuple[tuple[APIRouter, tuple[Scope, ...]], ...] = (
    (infer.router, ("segment",)),
    (metadata.router, ("segment", "admin")),
    (repository.index_router, ("segment", "admin")),
    (repository.router, ("admin",)),
)
"""The same of the Open Inference Protocol, whose refusals have another body."""
ADMIN = (admin.router, repository.router)
"""Only where there are keys."""


def segmenting_routes() -> list[BaseRoute]:
    """Those that answer with masks, whichever protocol they speak."""
    return [route for router, _ in (*SCOPES, *PROTOCOL_SCOPES) for route in router.routes if segments(route)]


def include_routes(app: FastAPI, settings: Settings, keyring: Keyring | None) -> None:
    """Adds the routes.

    Args:
        app: the application.
        settings: whether there is a page and a reference.
        keyring: None: whoever reaches the service may use it, and there is no admin API.
    """
    protocol_refusals = error_answers(UnauthorizedError, ForbiddenError, TooManyRequestsError)
    for table, refusals in ((SCOPES, REFUSALS), (PROTOCOL_SCOPES, protocol_refusals)):
        for router, scopes in table:
            if keyring is not None:
                needed = key_needed(keyring, *scopes, basic=router in BASIC)
                app.include_router(router, dependencies=needed, responses=refusals)
            elif router not in ADMIN:
                app.include_router(router)
    app.include_router(health.router)
    app.include_router(metadata.open_router)
    if settings.docs:
        app.include_router(reference.router)
    if settings.page:
        app.include_router(page.router)
