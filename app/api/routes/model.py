"""The loaded model: its card, and its network explained."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from app.api.conditional import conditional_response
from app.api.negotiation import negotiate
from app.api.parameters import MODEL, GivenOnce
from app.api.problems import UNUSABLE_MODEL, problem_answers
from app.api.schemas import ModelCard
from app.api.state import StateDependency
from app.core.architecture import ArchitectureSummary
from app.core.errors import InvalidParameterError, NotAcceptableError

ArchitectureFormat = Literal["json", "text", "mermaid"]

FORMATS: dict[str, ArchitectureFormat] = {
    "application/json": "json",
    "text/plain": "text",
    "text/vnd.mermaid": "mermaid",
}
MEDIA_TYPES = {name: media_type for media_type, name in FORMATS.items()}
OFFERS = {media_type: f"format={name}" for media_type, name in FORMATS.items()}

ARCHITECTURE_ANSWER: dict[str, Any] = {
    "model": ArchitectureSummary,
    "content": {
        "text/plain": {"schema": {"type": "string"}},
        "text/vnd.mermaid": {"schema": {"type": "string"}, "example": "flowchart TD\n    input --> stem_conv\n"},
    },
}
NOT_MODIFIED_ANSWER: dict[int | str, dict[str, Any]] = {
    304: {"description": "You have it already: your `If-None-Match` names its `ETag`."}
}

router = APIRouter(tags=["model"])


class ModelQuery(BaseModel):
    """The query string; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = MODEL


class ArchitectureQuery(ModelQuery):
    """The query string; unknown names are refused."""

    format: ArchitectureFormat | None = Field(
        None,
        description="`json`: layers, shapes, parameters, MACs, receptive fields, edges, blocks. `text`: a table. "
        "`mermaid`: a flow chart. Without it `Accept` decides.",
        examples=["text"],
    )


@router.get(
    "/model",
    response_model=ModelCard,
    dependencies=[GivenOnce],
    responses={**NOT_MODIFIED_ANSWER, **problem_answers(InvalidParameterError, *UNUSABLE_MODEL)},
)
async def model(request: Request, service: StateDependency, query: Annotated[ModelQuery, Query()]) -> Response:
    """Labels, measured quality, training data, checksum, engine and why it was chosen, device, threads."""
    async with service.using(query.model) as served:
        loaded = served.model
    content = ModelCard.of(loaded).model_dump_json().encode()
    return conditional_response(request, content, "application/json", {"Segserve-Model": loaded.identity.header})


@router.get(
    "/model/architecture",
    response_class=Response,
    dependencies=[GivenOnce],
    responses={
        200: ARCHITECTURE_ANSWER,
        **NOT_MODIFIED_ANSWER,
        **problem_answers(InvalidParameterError, NotAcceptableError, *UNUSABLE_MODEL),
    },
)
async def architecture(
    request: Request, service: StateDependency, query: Annotated[ArchitectureQuery, Query()]
) -> Response:
    """The network as data, as a table or as a flow chart: made from the trained model, nothing typed by hand."""
    async with service.using(query.model) as served:
        summary, identity = served.architecture, served.model.identity
    wanted = query.format or FORMATS[negotiate(request.headers.get("accept"), OFFERS)]
    content = render(summary, wanted).encode()
    headers = {"Vary": "Accept", "Segserve-Model": identity.header}
    return conditional_response(request, content, MEDIA_TYPES[wanted], headers)


def render(summary: ArchitectureSummary, wanted: ArchitectureFormat) -> str:
    """The network in that format."""
    if wanted == "json":
        return summary.to_json()
    return summary.to_text() if wanted == "text" else summary.to_mermaid()
