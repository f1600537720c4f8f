"""What the model store holds."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.api.conditional import conditional_response
from app.api.problems import problem_answers
from app.api.schemas import ModelEntry, ModelList
from app.api.state import StateDependency
from app.core.errors import CorruptVersionError, InvalidParameterError, ModelNotFoundError, StoreUnavailableError
from app.inference.pool import ModelPool
from app.store.manifest import Manifest
from app.store.repository import ModelStore

router = APIRouter(tags=["model"])

ModelName = Annotated[str, Path(max_length=200, examples=["pets"])]
VersionNumber = Annotated[int, Path(ge=1, le=999_999_999, examples=[2])]


@router.get("/models", responses=problem_answers(CorruptVersionError, StoreUnavailableError))
async def models(service: StateDependency) -> ModelList:
    """Names, versions and aliases of all models, which versions answer now, and why others could not be loaded."""
    return await run_in_threadpool(_listed, service.store, service.pool)


@router.get(
    "/models/{name}/{version}",
    response_model=Manifest,
    responses=problem_answers(InvalidParameterError, ModelNotFoundError, CorruptVersionError, StoreUnavailableError),
)
async def manifest(request: Request, service: StateDependency, name: ModelName, version: VersionNumber) -> Response:
    """The manifest of a version, loaded or not: labels, quality, training data, checksum of every file."""
    found = await run_in_threadpool(_manifest, service.store, f"{name}:{version}")
    return conditional_response(request, found.model_dump_json().encode(), "application/json", {})


def _manifest(store: ModelStore, reference: str) -> Manifest:
    return store.manifest(store.resolve(reference))


def _listed(store: ModelStore, pool: ModelPool) -> ModelList:
    loaded = [served.model.version for served in pool.models]
    failures = {(version.name, version.version): reason for version, reason in list(pool.failures.items())}
    entries = []
    for name in store.names():
        versions = store.versions(name)
        entries.append(
            ModelEntry(
                name=name,
                versions=versions,
                aliases=store.aliases(name),
                loaded=sorted(version.version for version in loaded if version.name == name),
                failed={number: failures[name, number] for number in versions if (name, number) in failures},
            )
        )
    return ModelList(models=entries)
