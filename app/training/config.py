"""Configuration of a training run: typed, validated, read from TOML, every value overridable by name."""

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.core.errors import TrainingError
from app.imaging.geometry import ResizeRule
from app.nn.config import Block, IntermediateActivation, UNetXceptionConfig

Share = Annotated[float, Field(ge=0, le=1)]

CRASHING_CHANNELS = 8
"""With odd batches of so few channels TensorFlow 2.21 (oneDNN) writes past its memory in the gradient of a shortcut."""
ONEDNN_CHANNELS = 16
"""With shortcuts of fewer channels oneDNN (TensorFlow 2.21, AVX-512) has written past its memory."""


class StrictModel(BaseModel):
    """Frozen; unknown names, NaN and infinity are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NetworkConfig(StrictModel):
    """The network, but for its input size and number of classes."""

    filters: tuple[int, ...] = (64, 128, 256)
    block: Block = "separable"
    residual: bool = True
    intermediate_activation: IntermediateActivation | None = None
    decoder: tuple[int, ...] | None = None


class AugmentationConfig(StrictModel):
    """Ranges of the random changes to a training picture and its mask."""

    flip: Share = Field(0.5, description="Probability of a left-right flip.")
    scale_min: float = Field(0.55, gt=0, le=4, description="Smallest view, as a part of the picture's side.")
    scale_max: float = Field(1.15, gt=0, le=4, description="Largest view; above 1 the picture is surrounded by grey.")
    aspect: float = Field(1.35, ge=1, le=4, description="Largest ratio by which width to height is changed.")
    rotation: float = Field(15.0, ge=0, le=180, description="Largest rotation, degrees.")
    brightness: Share = Field(0.12, description="Largest offset, as a part of the full range.")
    contrast: Share = Field(0.3, description="Largest change of the contrast factor.")
    saturation: Share = Field(0.4, description="Largest change of the saturation factor.")
    white_balance: Share = Field(0.08, description="Largest change of the gain of each of red, green and blue.")
    cutmix: Share = Field(0.0, description="Probability that a rectangle shows another picture of the batch.")

    @model_validator(mode="after")
    def _ordered(self) -> "AugmentationConfig":
        if self.scale_min > self.scale_max:
            raise ValueError(f"scale_min {self.scale_min} is above scale_max {self.scale_max}")
        return self


class TrainingConfig(StrictModel):
    """A whole run. The defaults are a sound start for a few hundred pictures and more."""

    seed: int = Field(0, ge=0, lt=2**63, description="Determines every random number of the run.")
    size: int = Field(160, ge=8, le=2048, description="Side of the training pictures, pixels.")
    stored_size: int = Field(224, ge=8, le=2048, description="Side at which pictures are kept in memory.")
    resize: ResizeRule = Field(
        "stretch",
        description="How a picture becomes a square: `stretch`, `letterbox`, or `crop`: windows at its own scale.",
    )
    network: NetworkConfig = NetworkConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    sampling: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="Share of the pictures of each pattern in a batch, the first that fits; empty: all pictures alike.",
    )
    ignore: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Classes whose pixels count for nothing in training pictures of a pattern."
    )
    class_weights: dict[str, Annotated[float, Field(gt=0, le=1000)]] = Field(
        default_factory=dict, description="Weight of a class's pixels in the cross-entropy; 1 for those not named."
    )
    select: tuple[str, ...] = Field((), description="Patterns of the pictures to train on; empty: all.")
    pictures: int | None = Field(None, ge=1, description="Number of pictures to train on, drawn by the seed.")
    init: str | None = Field(None, description="Published version NAME:VERSION whose weights the run begins with.")

    steps: int | None = Field(None, ge=1, le=10**8, description="Gradient steps; or give `epochs`.")
    epochs: float | None = Field(None, gt=0, le=10**6, description="Passes over the pictures; or give `steps`.")
    batch_size: int = Field(16, ge=1, le=4096, description="Pictures a step.")
    learning_rate: float = Field(2e-3, gt=0, le=1, description="Highest learning rate, after the warm-up.")
    warmup: Share = Field(0.03, description="Part of the steps over which the learning rate rises.")
    weight_decay: float = Field(0.02, ge=0, le=1, description="Of AdamW; not on biases and BatchNorm.")
    clip_norm: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    dice_weight: float = Field(1.0, ge=0, le=100, description="Weight of the Dice term beside cross-entropy.")
    ema_momentum: float = Field(0.998, ge=0, lt=1, description="Of the weights' moving average; less in short runs.")
    batchnorm_batches: int = Field(60, ge=1, description="Batches on which BatchNorm statistics are re-estimated.")
    precision: Literal["float32", "mixed_bfloat16"] = Field("float32", description="Arithmetic of the training.")
    deterministic: bool = Field(False, description="Bit-equal repeats (TensorFlow; slower).")

    validation_pictures: int | None = Field(
        None,
        ge=0,
        description="Pictures kept apart for validation; left out: a tenth, at most 120; 0: none.",
    )
    split_seed: int = Field(0, ge=0, lt=2**63, description="Determines which pictures are kept apart.")
    validation_masks: str | None = Field(None, description="Only masks of this kind (third column of sources.txt).")
    validate_every: int = Field(1000, ge=1, description="Steps between validations.")
    checkpoint_every: int = Field(250, ge=1, description="Steps between checkpoints.")

    @model_validator(mode="after")
    def _consistent(self) -> "TrainingConfig":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either `steps` or `epochs`, for example --set epochs=20")
        if self.resize == "crop" and self.stored_size < self.size:
            raise ValueError(f"stored_size {self.stored_size} is less than size {self.size}, which is cut out of it")
        network = self.architecture(classes=2)
        narrowest = min(network.stem_filters, *network.filters, *network.decoder_filters)
        if network.residual and self.batch_size % 2 and narrowest <= CRASHING_CHANNELS:
            raise ValueError(f"batch_size must be even for a network as narrow as {narrowest} channels")
        return self

    @property
    def view(self) -> float:
        """Side of a training picture at zoom 1, as a part of the stored picture's side."""
        return self.size / self.stored_size if self.resize == "crop" else 1.0

    @property
    def too_narrow_for_onednn(self) -> bool:
        """Whether TensorFlow is to train without oneDNN."""
        network = self.architecture(classes=2)
        return network.residual and min(network.stem_filters, *network.filters) < ONEDNN_CHANNELS

    def architecture(self, classes: int, size: int | None = None) -> UNetXceptionConfig:
        """The network for that many classes, at `size` (default: the training size)."""
        side = size or self.size
        return UNetXceptionConfig(input_size=(side, side), classes=classes, **self.network.model_dump())

    def validation_count(self, pictures: int) -> int:
        """How many of all the pictures to keep apart for validation."""
        return min(120, max(1, pictures // 10)) if self.validation_pictures is None else self.validation_pictures

    def total_steps(self, pictures: int) -> int:
        """Gradient steps of the run on a training set of that many pictures."""
        if self.steps is not None:
            return self.steps
        return max(1, round((self.epochs or 0) * pictures / self.batch_size))


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> TrainingConfig:
    """Reads a TOML file and applies overrides of the form `name=value`, `section.name=value`.

    Raises:
        TrainingError: a file that cannot be read, or values that do not validate; it names each.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8")) if path else {}
        for override in overrides:
            _assign(values, override)
        return TrainingConfig.model_validate(values)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"{path or 'configuration'}: {error}") from error
    except ValidationError as error:
        raise TrainingError(
            "\n".join(_explained(item["loc"], item["msg"], item["type"]) for item in error.errors())
        ) from error


def _explained(place: tuple[int | str, ...], message: str, kind: str) -> str:
    """A line for one problem that pydantic found."""
    name = ".".join(map(str, place)) or "configuration"
    if kind != "extra_forbidden":
        return f"{name}: {message}"
    sections: dict[str, type[StrictModel]] = {"network": NetworkConfig, "augmentation": AugmentationConfig}
    model = sections.get(str(place[0]), TrainingConfig) if len(place) > 1 else TrainingConfig
    known = list(model.model_fields)
    similar = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"{name}: unknown name; " + (f"did you mean {similar[0]}?" if similar else f"known: {', '.join(known)}")


def _assign(values: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        raise TrainingError(f"{override!r}: an override is written name=value")
    *sections, last = name.strip().split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise TrainingError(f"{name}: {section} is not a section")
    try:
        values[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        values[last] = text  # a bare word: a string
    if last in ("steps", "epochs"):
        values.pop({"steps": "epochs", "epochs": "steps"}[last], None)
