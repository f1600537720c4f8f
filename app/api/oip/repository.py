"""The protocol's model repository: what the store holds; versions in and out of this replica's memory."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from app.api.body import read_body
from app.api.oip.addressing import ModelName
from app.api.oip.errors import error_answers
from app.api.oip.json_text import read_json
from app.api.oip.schemas import Body, IndexBody, ParametersBody, RepositoryEntry, validated
from app.api.problems import UNUSABLE_MODEL
from app.api.state import State, StateDependency
from app.core import errors
from app.inference.pool import ModelPool
from app.store.names import parse_reference
from app.store.repository import ModelStore

BODY_ERRORS = (
    errors.MalformedRequestError,
    errors.ImageTooLargeError,
    errors.RequestTimeoutError,
    errors.InvalidParameterError,
)
LOAD_PARAMETERS: frozenset[str] = frozenset()
UNLOAD_PARAMETERS = frozenset({"unload_dependents"})
"""Nothing here depends on another model: it changes nothing."""

index_router = APIRouter(prefix="/v2/repository", tags=["open inference protocol"])
router = APIRouter(prefix="/v2/repository/models/{name}", tags=["open inference protocol"])


def _body(kind: type[BaseModel]) -> dict[str, Any]:
    schema = kind.model_json_schema()
    return {"requestBody": {"required": False, "content": {"application/json": {"schema": schema}}}}


@index_router.post(
    "/index",
    responses=error_answers(*BODY_ERRORS, errors.CorruptVersionError, errors.StoreUnavailableError),
    openapi_extra=_body(IndexBody),
)
async def repository_index(request: Request, service: StateDependency) -> list[RepositoryEntry]:
    """Every version of every model in the store, or with `ready` those that take requests."""
    asked = await _read(request, service, IndexBody)
    entries = await run_in_threadpool(_listed, service.store, service.pool)
    return [entry for entry in entries if entry.state == "READY" or not asked.ready]


@router.post("/load", responses=error_answers(*BODY_ERRORS, *UNUSABLE_MODEL), openapi_extra=_body(ParametersBody))
async def repository_load(request: Request, service: StateDependency, name: ModelName) -> RepositoryEntry:
    """Brings a model into this replica's memory; it is verified and warm when this is answered.

    The version is the one that `production` points at, else the newest; NAME:VERSION in the path says another one.
    """
    _require_known(await _read(request, service, ParametersBody), LOAD_PARAMETERS)
    version = await run_in_threadpool(service.store.resolve, name)
    identity = (await service.pool.load(version)).model.identity
    return RepositoryEntry(name=identity.name, version=str(identity.version), state="READY", reason="")


@router.post(
    "/unload",
    responses=error_answers(*BODY_ERRORS, *UNUSABLE_MODEL, errors.ModelInUseError),
    openapi_extra=_body(ParametersBody),
)
async def repository_unload(request: Request, service: StateDependency, name: ModelName) -> list[RepositoryEntry]:
    """Takes all versions of a model out of this replica's memory, or the one of NAME:VERSION.

    Requests that they have are answered first. The default model stays: as long as it is among them, none goes.
    """
    _require_known(await _read(request, service, ParametersBody), UNLOAD_PARAMETERS)
    versions = await _loaded(service, name)
    model = parse_reference(name).name
    default = None if service.pool.default is None else service.pool.default.model.version
    if default is not None and default.name == model and default.version in versions:
        raise errors.ModelInUseError(f"{default} is the default model; unload another version as {model}:VERSION")
    for version in versions:
        service.pool.unload(model, version)
    return [RepositoryEntry(name=model, version=str(each), state="UNAVAILABLE", reason="unloaded") for each in versions]


async def _loaded(service: State, name: str) -> list[int]:
    """The versions in memory that a name means.

    Raises:
        ModelNotLoadedError: none.
    """
    reference = parse_reference(name)
    wanted = None
    if reference.selector is not None:
        wanted = (await run_in_threadpool(service.store.resolve, name)).version
    there = [served.model.version for served in service.pool.models if served.model.version.name == reference.name]
    versions = [each.version for each in there if wanted in (None, each.version)]
    if not versions:
        await run_in_threadpool(service.store.resolve, name)
        raise errors.ModelNotLoadedError(f"{name} is not loaded")
    return versions


async def _read(request: Request, service: State, kind: type[Body]) -> Body:
    """The body; an empty one says nothing."""
    body = await read_body(request, service.settings)
    return validated(kind, read_json(body) if body.strip() else {})


def _require_known(body: ParametersBody, known: frozenset[str]) -> None:
    for name in body.parameters:
        if name not in known:
            raise errors.InvalidParameterError(
                "parameters",
                f"{name[:80]!a}: models come out of the store as they are, and nothing is given to them",
            )


def _listed(store: ModelStore, pool: ModelPool) -> list[RepositoryEntry]:
    loaded = {(served.model.version.name, served.model.version.version) for served in pool.models}
    failures = {(version.name, version.version): reason for version, reason in list(pool.failures.items())}
    entries = []
    for name in store.names():
        for number in store.versions(name):
            ready, version = (name, number) in loaded, str(number)
            reason = "" if ready else failures.get((name, number), "not loaded")
            entries.append(
                RepositoryEntry(name=name, version=version, state="READY" if ready else "UNAVAILABLE", reason=reason)
            )
    return entries
