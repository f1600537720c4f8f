"""Versions in and out of memory, and aliases, while requests are answered."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from app.api.parameters import GivenOnce
from app.api.problems import UNUSABLE_MODEL, problem_answers
from app.api.routes.models import ModelName, VersionNumber
from app.api.schemas import AliasBody, ModelBody, model_body
from app.api.state import State, StateDependency
from app.core.errors import AliasConflictError, InvalidParameterError, ModelInUseError, ModelNotLoadedError
from app.store.names import PRODUCTION
from app.store.repository import ModelVersion

router = APIRouter(prefix="/models/{name}/{version}", tags=["admin"], dependencies=[GivenOnce])


class ActivateQuery(BaseModel):
    """The query string; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alias: str = Field(PRODUCTION, max_length=200, description="The alias to point at the version.")
    expected: int | None = Field(
        None, ge=0, description="The version that it must point at now, else 409; 0: it must not exist yet."
    )


@router.post("/load", responses=problem_answers(InvalidParameterError, *UNUSABLE_MODEL))
async def load(service: StateDependency, name: ModelName, version: VersionNumber) -> ModelBody:
    """Brings a version into this replica's memory; it is verified and warm when this is answered.

    Requests reach it by `model=NAME:VERSION`. Beyond `max_models` the least recently used one gives way.
    """
    served = await service.pool.load(await _version(service, name, version))
    return model_body(served.model.identity)


@router.post(
    "/unload",
    status_code=204,
    responses=problem_answers(InvalidParameterError, ModelNotLoadedError, ModelInUseError),
)
async def unload(service: StateDependency, name: ModelName, version: VersionNumber) -> None:
    """Takes a version out of this replica's memory; requests that it has are answered first."""
    service.pool.unload(name, version)


@router.post("/activate", responses=problem_answers(InvalidParameterError, AliasConflictError, *UNUSABLE_MODEL))
async def activate(
    service: StateDependency, name: ModelName, version: VersionNumber, query: Annotated[ActivateQuery, Query()]
) -> AliasBody:
    """Points an alias at a version, in the store: all replicas follow.

    The version is verified first. Where the alias is the one of the default model, this replica has it warm and answers
    with it from now on, the others within `poll_seconds`.
    """
    served = await service.pool.activate(await _version(service, name, version), query.alias, query.expected)
    service.take(served)
    return AliasBody(name=name, alias=query.alias, version=version)


async def _version(service: State, name: str, number: int) -> ModelVersion:
    return await run_in_threadpool(service.store.resolve, f"{name}:{number}")
