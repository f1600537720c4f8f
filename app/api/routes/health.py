"""Is it alive, is it ready: questions of the orchestrator and the gateway."""

from fastapi import APIRouter

from app.api.problems import problem_answers
from app.api.schemas import Health, model_body
from app.api.state import StateDependency
from app.core.errors import DecodersStalledError, EngineStalledError, ModelNotReadyError

router = APIRouter(prefix="/health", tags=["operation"])


@router.get(
    "/live", response_model_exclude_none=True, responses=problem_answers(EngineStalledError, DecodersStalledError)
)
async def live(service: StateDependency) -> Health:
    """503 means that only a restart helps. While the model loads, the service is alive but not ready."""
    service.require_alive()
    return Health(status="live")


@router.get("/ready", responses=problem_answers(ModelNotReadyError))
async def ready(service: StateDependency) -> Health:
    """503 means that no pictures should be sent here: the model loads, or the service is going down; it says which."""
    return Health(status="ready", model=model_body(service.require_ready().model.identity))
