"""Bodies of the protocol, as it names their fields; what a request may hold, and what OpenAPI shows."""

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.errors import InvalidParameterError

Parameters = dict[str, bool | int | float | str]
OutputName = Literal["probabilities", "mask"]

PIXELS = "image"
ENCODED = "encoded_image"
PROBABILITIES: OutputName = "probabilities"
MASK: OutputName = "mask"
BINARY_SIZE = "binary_data_size"
"""Parameter of tensors whose data lie behind the JSON: how many bytes."""


class _Strict(BaseModel):
    """Nothing is converted, and nothing that is not known is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Body = TypeVar("Body", bound=_Strict)


def validated(kind: type[Body], read: dict[str, Any]) -> Body:
    """What was read, as a body of that kind.

    Raises:
        InvalidParameterError: it names the first field that is wrong.
    """
    try:
        return kind.model_validate(read)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:80]  # it may be a name of the client
        raise InvalidParameterError(ascii(where)[1:-1], first["msg"]) from None


class InputBody(_Strict):
    """An input tensor of a request."""

    name: str = Field(max_length=200)
    shape: list[int] = Field(max_length=8)
    datatype: str = Field(max_length=20)
    parameters: Parameters = {}
    data: Any = None


class OutputBody(_Strict):
    """An output tensor that a request asks for."""

    name: str = Field(max_length=200)
    parameters: Parameters = {}


class InferBody(_Strict):
    """A request; the model's name and version, which Triton's examples repeat here, are those of the path."""

    id: str | None = Field(None, max_length=1000)
    model_name: str | None = None
    model_version: str | None = None
    parameters: Parameters = {}
    inputs: list[InputBody] = Field(min_length=1, max_length=64)
    outputs: list[OutputBody] = Field([], max_length=64)


class IndexBody(_Strict):
    """Which models to list."""

    ready: bool = False


class ParametersBody(_Strict):
    """How to load or unload a model."""

    parameters: dict[str, Any] = {}


class ErrorBody(BaseModel):
    """What went wrong, in the one body that every error under /v2 has."""

    error: str


class ServerBody(BaseModel):
    """Which server this is."""

    name: str = Field(examples=["segserve"])
    version: str = Field(examples=["1.0.0"])
    extensions: list[str] = Field(examples=[["binary_tensor_data", "model_repository"]])


class LiveBody(BaseModel):
    """Whether it is alive."""

    live: bool


class ReadyBody(BaseModel):
    """Whether it takes requests."""

    ready: bool


class ModelReadyBody(BaseModel):
    """Whether a model takes requests."""

    name: str = Field(examples=["pets"])
    ready: bool


class TensorBody(BaseModel):
    """A tensor of a model; -1 is a side of any length."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, str] = Field(description="What the protocol has no field for.")


class ModelBody(BaseModel):
    """What goes into a model and what comes out; one of the inputs is given."""

    name: str = Field(examples=["pets"])
    versions: list[str] = Field(description="Those that may be asked for.", examples=[["2", "3"]])
    platform: str = Field(description="The engine.", examples=["openvino"])
    inputs: list[TensorBody]
    outputs: list[TensorBody]


class AnswerTensorBody(BaseModel):
    """An output tensor of an answer: `data`, or `binary_data_size` among its parameters."""

    name: OutputName
    shape: list[int]
    datatype: str
    parameters: dict[str, int] | None = None
    data: list[float] | list[str] | None = Field(None, description="Row-major, flat; pictures in Base64.")


class AnswerBody(BaseModel):
    """An answer."""

    model_name: str = Field(examples=["pets"])
    model_version: str = Field(examples=["3"])
    id: str | None = Field(None, description="That of the request.")
    outputs: list[AnswerTensorBody]


class RepositoryEntry(BaseModel):
    """A version of a model in the store."""

    name: str = Field(examples=["pets"])
    version: str = Field(examples=["3"])
    state: Literal["READY", "UNAVAILABLE"]
    reason: str = Field(description="Why it is not ready; empty when it is.", examples=[""])
