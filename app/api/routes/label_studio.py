"""`/label-studio`: an ML backend of Label Studio, which it asks for predictions of its tasks."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, NoReturn

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from app.api.asking import BY_REFERENCE, ONE_PICTURE, AskingDependency
from app.api.errors import ProblemResponse
from app.api.inline import read_object, validated
from app.api.label_studio.labelling import labelling_of
from app.api.label_studio.predicting import Predicting, Unserved
from app.api.label_studio.schemas import ModelVersion, Predict, Predictions, Setup, Up, Versions
from app.api.parameters import GivenOnce
from app.api.problems import UNUSABLE_MODEL, problem_answers
from app.api.state import RecordDependency, StateDependency
from app.api.waiting import deadline_of, ended, timeout_of, while_wanted
from app.core import errors
from app.inference.workers import Tell

READY = problem_answers(errors.ModelNotReadyError)
BODY = (errors.MalformedRequestError, errors.ImageTooLargeError, errors.RequestTimeoutError)


def _described(model: type[BaseModel]) -> dict[str, Any]:
    """A body that is read by hand, within the limits of size and time."""
    schema = model.model_json_schema()
    if definitions := schema.pop("$defs", None):
        schema["properties"]["tasks"]["items"] = definitions["Task"]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


router = APIRouter(prefix="/label-studio", tags=["compatible"], dependencies=[GivenOnce])


@router.get("", responses=READY, name="label_studio")
@router.get("/", include_in_schema=False)
@router.get("/health", responses=READY, name="label_studio_health")
async def up(service: StateDependency) -> Up:
    """Says that it is up, as soon as the model is ready."""
    return Up(status="UP", model_class=str(service.require_ready().model.identity))


@router.get("/versions", responses=READY)
async def versions(service: StateDependency) -> Versions:
    """The one that predicts: the default model's."""
    return Versions(versions=[str(service.require_ready().model.identity)])


@router.post(
    "/setup",
    responses=problem_answers(errors.InvalidParameterError, *BODY, *UNUSABLE_MODEL),
    openapi_extra=_described(Setup),
)
async def setup(request: Request, service: StateDependency, record: RecordDependency) -> ModelVersion:
    """Takes note of where a project's Label Studio is, of its token and its labelling configuration.

    The configuration must have `BrushLabels` on an `Image`, with a label for a class of the model at least.
    """
    given = validated(Setup, await read_object(request, service.settings))
    async with service.using() as served:
        labelling_of(given.label_schema, served.model.labels, "schema")
        service.connections.remember(
            record.key, given.project or "", given.hostname or "", given.access_token or "", given.label_schema
        )
        return ModelVersion(model_version=str(served.model.identity))


@router.post(
    "/predict",
    response_class=Response,
    responses={
        200: {"description": "A result for each task, in order.", "model": Predictions},
        **problem_answers(*ONE_PICTURE, *BY_REFERENCE, errors.TooManyRequestsError, *BODY),
    },
    openapi_extra=_described(Predict),
)
async def predict(asking: AskingDependency) -> Response:
    """Predicts tasks: a brush mask for each class that the labelling configuration has a label for.

    A task that fails has an empty result with its `error`. Where it is the service that could not work on one
    (overloaded, too late, a limit of the key), the request fails as a whole, to be sent again.
    """
    request, service, record = asking.request, asking.service, asking.record
    timeout = timeout_of(request, None)
    deadline = deadline_of(timeout)
    body_read = asyncio.Event()

    async def work(tell: Tell) -> Response:
        async with AsyncExitStack() as held:
            served = await held.enter_async_context(service.using())
            held.enter_context(service.admission.slot())
            given = validated(Predict, await read_object(request, service.settings))
            body_read.set()
            connection = service.connections.of(record.key, given.project or "")
            config = given.label_config or connection.schema
            labelling = labelling_of(config, served.model.labels, "label_config")
            record.pictures = len(given.tasks)
            given_up: set[asyncio.Task[Any]] = set()
            held.push_async_callback(ended, given_up)
            predicting = Predicting(asking, served, labelling, connection, deadline, given_up)
            try:
                results = await predicting.predictions(given.tasks)
            except Unserved as unserved:
                return ProblemResponse(unserved.problem, {"Retry-After": str(service.admission.retry_after)})
            version = str(served.model.identity)
            content = b'{"results":[%s],"model_version":"%s"}' % (b",".join(results), version.encode())
            headers = {"Segserve-Model": served.model.identity.header, "Cache-Control": "no-store"}
            return Response(content, headers=headers, media_type="application/json")

    return await while_wanted(work, request, body_read, timeout)


@router.post("/train", response_model=None, responses=problem_answers(errors.NotSupportedError))
async def train() -> NoReturn:
    """Nothing is trained here: 404 `not_supported`."""
    raise errors.NotSupportedError("this backend predicts, it does not learn: train with `segserve train`")


@router.post("/webhook", response_model=None, responses=problem_answers(errors.NotSupportedError))
async def webhook() -> NoReturn:
    """Nothing is made of events: 404 `not_supported`."""
    raise errors.NotSupportedError("this backend predicts, it does not learn: nothing comes of events")
