"""What the model store holds."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from app.api.problems import problem_answers
from app.api.schemas import ModelEntry, ModelList
from app.api.state import StateDependency
from app.core.errors import CorruptVersionError, StoreUnavailableError
from app.store.repository import ModelStore, ModelVersion

router = APIRouter(tags=["model"])


@router.get("/models", responses=problem_answers(CorruptVersionError, StoreUnavailableError))
async def models(service: StateDependency) -> ModelList:
    """Names, versions and aliases of all models, and which versions answer now."""
    loaded = None if service.served is None else service.served.model.version
    return await run_in_threadpool(_listed, service.store, loaded)


def _listed(store: ModelStore, loaded: ModelVersion | None) -> ModelList:
    return ModelList(
        models=[
            ModelEntry(
                name=name,
                versions=store.versions(name),
                aliases=store.aliases(name),
                loaded=[loaded.version] if loaded is not None and loaded.name == name else [],
            )
            for name in store.names()
        ]
    )
