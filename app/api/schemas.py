"""Bodies of answers, as OpenAPI shows them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from app.inference.loaded import LoadedModel, ModelIdentity
from app.store.manifest import DataSummary, LabelEntry, Preprocessing
from app.store.scores import SplitMetrics

SHA256 = "8a5e0c5d7fbd4e5c8f8b1a1f6f2d9e4c3b7a09182736455463728190aabbccdd"


class ModelBody(BaseModel):
    """Which model answered; the same as the `Segserve-Model` header."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["pets"])
    version: int = Field(examples=[1])
    sha256: str = Field(description="Checksum of the manifest; it pins every file of the version.", examples=[SHA256])
    engine: str = Field(examples=["openvino"])
    precision: str = Field(examples=["f32"])


class RunLengths(BaseModel):
    """COCO run-length encoding, column-major, compressed."""

    size: tuple[int, int] = Field(description="(H, W).", examples=[[375, 500]])
    counts: str = Field(examples=["Pj31l0"])


class ClassBody(BaseModel):
    """One class in the picture."""

    id: int = Field(examples=[0])
    name: str = Field(examples=["pet"])
    pixels: int = Field(examples=[56250])
    share: float = Field(description="Of the picture, 0–1.", examples=[0.3])
    mean_confidence: float | None = Field(description="Mean winning probability of its pixels.", examples=[0.93])
    bbox: tuple[float, float, float, float] | None = Field(
        description="x, y, width, height in pixels.", examples=[[96, 40, 250, 310]]
    )
    rle: RunLengths | None


class UndecidedBody(BaseModel):
    """Pixels of no class."""

    pixels: int = Field(examples=[0])
    share: float = Field(examples=[0.0])


class SegmentBody(BaseModel):
    """Answer of `output=json`: every class of the model, found or not."""

    model: ModelBody
    size: tuple[int, int] = Field(description="(H, W) of the picture, turned as people see it.", examples=[[375, 500]])
    classes: list[ClassBody]
    undecided: UndecidedBody


class EngineBody(BaseModel):
    """What the network runs on."""

    name: str = Field(examples=["openvino"])
    reason: str = Field(description="Why this engine.", examples=["no GPU is visible and OpenVINO is installed"])
    device: str = Field(examples=["cpu"])
    precision: str = Field(description="Read back from the engine.", examples=["float32"])
    threads: int = Field(description="Threads of inference, all streams together.", examples=[2])
    streams: int = Field(description="Calls of the engine side by side.", examples=[2])


class ModelCard(BaseModel):
    """The loaded model: what it knows, how good it is, what it was made from, what it runs on."""

    model: ModelBody
    created: datetime
    labels: tuple[LabelEntry, ...]
    preprocessing: Preprocessing
    stored_precision: str = Field(description="Arithmetic that the stored weights are meant for.", examples=["float32"])
    engine: EngineBody
    metrics: dict[str, SplitMetrics] = Field(description="Measured quality by split.")
    data: DataSummary
    training: dict[str, JsonValue] = Field(description="Configuration of the training run.")
    packages: dict[str, str] = Field(description="What it was trained with.")
    source: str | None = Field(description="Commit of the code that trained it.")
    temperature: float = Field(
        description="What its logits were divided by to calibrate the probabilities; the weights have it in them.",
        examples=[1.2],
    )

    @classmethod
    def of(cls, loaded: LoadedModel) -> Self:
        """The card of a loaded model."""
        manifest = loaded.manifest
        return cls(
            model=model_body(loaded.identity),
            created=manifest.created,
            labels=manifest.labels,
            preprocessing=manifest.preprocessing,
            stored_precision=manifest.precision,
            engine=EngineBody(
                name=loaded.engine.name,
                reason=loaded.selection.reason,
                device=loaded.engine.device,
                precision=loaded.engine.precision,
                threads=loaded.engine.threads,
                streams=loaded.engine.streams,
            ),
            metrics=manifest.metrics,
            data=manifest.data,
            training=manifest.training,
            packages=manifest.packages,
            source=manifest.source,
            temperature=manifest.temperature,
        )


class ModelEntry(BaseModel):
    """A model of the store."""

    name: str = Field(examples=["pets"])
    versions: list[int] = Field(examples=[[1, 2]])
    aliases: dict[str, int] = Field(examples=[{"production": 2}])
    loaded: list[int] = Field(description="Versions that answer now.", examples=[[2]])
    failed: dict[int, str] = Field(
        description="Why versions could not be loaded when that was tried last.",
        examples=[{"3": "pets/3: openvino/model.bin differs from the manifest"}],
    )


class ModelList(BaseModel):
    """The models of the store."""

    models: list[ModelEntry]


class AliasBody(BaseModel):
    """Where an alias points now."""

    name: str = Field(examples=["pets"])
    alias: str = Field(examples=["production"])
    version: int = Field(examples=[2])


class Health(BaseModel):
    """A good state; a bad one is a problem with status 503."""

    status: str = Field(examples=["ready"])
    model: ModelBody | None = None


def model_body(identity: ModelIdentity) -> ModelBody:
    """A model's identity as a body."""
    return ModelBody.model_validate(identity)
