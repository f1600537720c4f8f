"""Configuration of the U-Net Xception: everything that determines its graph."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

Block = Literal["separable", "inception", "conv"]
IntermediateActivation = Literal["relu", "elu"]


@dataclass(frozen=True)
class UNetXceptionConfig:
    """What `unet_xception` builds.

    The defaults give the article's network. The switches ask its questions: is a separable convolution better than an
    Inception block or a plain convolution (its Figure 6), does the shortcut help (Figure 9), does an activation
    between depthwise and pointwise convolution help (Figure 10), is deeper better.

    Args:
        input_size: (height, width) in pixels, each divisible by 2^(depth + 1) with depth = len(filters).
        classes: number of classes, 2–255.
        filters: output channels of each down block, each a multiple of 4. The stem has half of the first.
        block: convolutions of the encoder.
        residual: whether the shortcuts exist, those of the down and of the up blocks.
        intermediate_activation: between depthwise and pointwise convolution; separable blocks only.
        decoder: output channels of each up block, one more than down blocks; None: they mirror stem and down blocks.

    Raises:
        ValueError: a value outside these rules; the message names it.
    """

    input_size: tuple[int, int] = (160, 160)
    classes: int = 3
    filters: tuple[int, ...] = (64, 128, 256)
    block: Block = "separable"
    residual: bool = True
    intermediate_activation: IntermediateActivation | None = None
    decoder: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.input_size) != 2 or any(side < 1 or side % self.stride for side in self.input_size):
            raise ValueError(
                f"input_size {self.input_size}: height and width must be positive multiples of {self.stride} "
                f"(2^(depth + 1), depth {self.depth})"
            )
        if not 2 <= self.classes <= 255:
            raise ValueError(f"classes {self.classes}: must be 2 to 255")
        if not self.filters or any(width < 4 or width % 4 for width in self.filters):
            raise ValueError(f"filters {self.filters}: at least one, each a positive multiple of 4")
        if self.block not in get_args(Block):
            raise ValueError(f"block {self.block!r}: must be one of {', '.join(get_args(Block))}")
        if self.intermediate_activation is not None:
            if self.intermediate_activation not in get_args(IntermediateActivation):
                raise ValueError(f"intermediate_activation {self.intermediate_activation!r}: must be None, relu or elu")
            if self.block != "separable":
                raise ValueError("intermediate_activation: only separable blocks have a middle to put it in")
        if self.decoder is not None and (len(self.decoder) != self.depth + 1 or min(self.decoder) < 1):
            raise ValueError(f"decoder {self.decoder}: {self.depth + 1} positive numbers (depth {self.depth} + 1)")

    @property
    def depth(self) -> int:
        """Number of down blocks."""
        return len(self.filters)

    @property
    def stride(self) -> int:
        """Input pixels for each pixel of the deepest feature map, along one side."""
        return int(2 ** (self.depth + 1))

    @property
    def stem_filters(self) -> int:
        """Output channels of the stem."""
        return self.filters[0] // 2

    @property
    def decoder_filters(self) -> tuple[int, ...]:
        """Output channels of each up block."""
        return self.decoder or (*reversed(self.filters), self.stem_filters)

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> "UNetXceptionConfig":
        """The inverse of `to_dict`.

        Raises:
            ValueError: an unknown name, or a value outside the rules.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown architecture option(s): {', '.join(unknown)}")
        frozen = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return cls(**frozen)  # type: ignore[arg-type]  # __post_init__ checks the values
