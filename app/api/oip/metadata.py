"""What there is, and whether it is ready: `GET /v2`, its health, and the tensors of a model."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app import __version__
from app.api.oip.addressing import ModelName, Version, reference_of
from app.api.oip.errors import error_answers, not_ready_response
from app.api.oip.schemas import (
    ENCODED,
    MASK,
    PIXELS,
    PROBABILITIES,
    LiveBody,
    ModelBody,
    ModelReadyBody,
    ReadyBody,
    ServerBody,
    TensorBody,
)
from app.api.problems import UNUSABLE_MODEL
from app.api.state import RecordDependency, State, StateDependency
from app.core.errors import (
    DecodersStalledError,
    EngineStalledError,
    InvalidParameterError,
    ModelNotLoadedError,
    ModelNotReadyError,
    SegserveError,
)
from app.inference.loaded import LoadedModel

EXTENSIONS = ["binary_tensor_data", "model_repository"]
MODEL_ERRORS = error_answers(InvalidParameterError, *UNUSABLE_MODEL)

open_router = APIRouter(prefix="/v2", tags=["open inference protocol"])
"""Needs no key, as health elsewhere."""
router = APIRouter(prefix="/v2/models/{name}", tags=["open inference protocol"])


@open_router.get("", responses=error_answers(SegserveError))
async def server_metadata() -> ServerBody:
    """Name, version, and what of the protocol's extensions is spoken here."""
    return ServerBody(name="segserve", version=__version__, extensions=EXTENSIONS)


@open_router.get(
    "/health/live", response_model=LiveBody, responses=error_answers(EngineStalledError, DecodersStalledError)
)
async def server_live(service: StateDependency, record: RecordDependency) -> LiveBody | Response:
    """503: only a restart helps."""
    try:
        service.require_alive()
    except (EngineStalledError, DecodersStalledError) as error:
        return not_ready_response(error, record, live=False)
    return LiveBody(live=True)


@open_router.get("/health/ready", response_model=ReadyBody, responses=error_answers(ModelNotReadyError))
async def server_ready(service: StateDependency, record: RecordDependency) -> ReadyBody | Response:
    """503: no pictures should be sent here; it says why."""
    try:
        service.require_ready()
    except ModelNotReadyError as error:
        return not_ready_response(error, record, ready=False)
    return ReadyBody(ready=True)


@router.get("/ready", response_model=ModelReadyBody, responses=MODEL_ERRORS)
async def model_ready(service: StateDependency, record: RecordDependency, name: ModelName) -> ModelReadyBody | Response:
    """Whether the model takes requests now; it is not loaded for this."""
    return await _ready(service, record, name, None)


@router.get("/versions/{version}/ready", response_model=ModelReadyBody, responses=MODEL_ERRORS)
async def version_ready(
    service: StateDependency, record: RecordDependency, name: ModelName, version: Version
) -> ModelReadyBody | Response:
    """Whether a version takes requests now."""
    return await _ready(service, record, name, version)


@router.get("", responses=MODEL_ERRORS)
async def model_metadata(service: StateDependency, name: ModelName) -> ModelBody:
    """The tensors that go in, of which one is given, and those that come out."""
    return await _metadata(service, name, None)


@router.get("/versions/{version}", responses=MODEL_ERRORS)
async def version_metadata(service: StateDependency, name: ModelName, version: Version) -> ModelBody:
    """The same of one version; where a version stands, an alias may."""
    return await _metadata(service, name, version)


async def _ready(service: State, record: RecordDependency, name: str, version: str | None) -> ModelReadyBody | Response:
    try:
        default, reference = service.require_ready().model.version, reference_of(service, name, version)
        if reference is not None:
            wanted = await run_in_threadpool(service.store.resolve, reference)
            if wanted not in [served.model.version for served in service.pool.models]:
                raise ModelNotLoadedError(f"{wanted} is in the store but not loaded; {default} is")
    except (ModelNotReadyError, ModelNotLoadedError) as error:
        return not_ready_response(error, record, name=name, ready=False)
    return ModelReadyBody(name=name, ready=True)


async def _metadata(service: State, name: str, version: str | None) -> ModelBody:
    async with service.using(reference_of(service, name, version)) as served:
        model = served.model
    name = model.version.name
    if service.settings.load_on_request:
        versions = await run_in_threadpool(service.store.versions, name)
    else:
        loaded = (each.model.version for each in service.pool.models)
        versions = sorted(each.version for each in loaded if each.name == name)
    return described(model, versions)


def described(model: LoadedModel, versions: list[int]) -> ModelBody:
    """The tensors of a model.

    Args:
        model: it.
        versions: that may be asked for.
    """
    height, width = model.manifest.preprocessing.size
    classes = [label.name for label in model.labels]
    pixels = {
        "content": f"RGB, 0 to 255 (not 0 to 1), pictures brought to {width}x{height}",
        "datatypes": "UINT8, FP32; BYTES of shape [-1] as encoded_image",
        "optional": f"give this or {ENCODED}",
    }
    encoded = {
        "content": "files: JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF of any size; in JSON, Base64",
        "optional": f"give this or {PIXELS}",
    }
    seen = "; none of encoded pictures" if model.view().in_windows else ""
    probabilities = {"content": f"of each class{seen}", "classes": ",".join(classes)}
    mask = {"content": f"PNG of class ids, as large as the picture ({width}x{height} for {PIXELS}); in JSON, Base64"}
    return ModelBody(
        name=model.version.name,
        versions=[str(version) for version in versions],
        platform=model.engine.name,
        inputs=[
            TensorBody(name=PIXELS, datatype="UINT8", shape=[-1, height, width, 3], parameters=pixels),
            TensorBody(name=ENCODED, datatype="BYTES", shape=[-1], parameters=encoded),
        ],
        outputs=[
            TensorBody(
                name=PROBABILITIES, datatype="FP32", shape=[-1, height, width, len(classes)], parameters=probabilities
            ),
            TensorBody(name=MASK, datatype="BYTES", shape=[-1], parameters=mask),
        ],
    )
