"""The eight networks that the study compares: each differs from the first in one thing."""

from dataclasses import dataclass
from typing import Any, Literal

from app.core.errors import TrainingError
from app.nn.config import UNetXceptionConfig
from app.nn.equal_parameters import plain_filters
from app.training.config import NetworkConfig

Measure = Literal["area", "final"]
"""What a verdict goes by: mean height of the validation curve (how fast it learns), or mean IoU at the end."""
Claim = Literal["worse", "not better"]
Question = Literal["figure-6", "figure-9", "figure-10", "depth"]
"""Figures of the article, and what it says of depth."""

BASE = "base"


@dataclass(frozen=True)
class Configuration:
    """One of the networks.

    Args:
        name: of its folder.
        title: in tables and pictures.
        network: of its runs.
        question: which one it answers; None: the base, with which the others are compared.
        measure: what the verdict on it goes by.
        claim: what the article says of it, compared with the base; None: nothing.
    """

    name: str
    title: str
    network: NetworkConfig
    question: Question | None = None
    measure: Measure = "final"
    claim: Claim | None = None


def configurations(base: NetworkConfig) -> tuple[Configuration, ...]:
    """The base and the seven that are compared with it.

    Args:
        base: the article's network, or one with other `filters`, at least two.

    Raises:
        TrainingError: the base sets a switch that the study sets itself, or has no shallower neighbour.
    """
    if base != NetworkConfig(filters=base.filters) or len(base.filters) < 2:
        raise TrainingError("network: the study sets the switches itself; only `filters` may be given, two or more")
    filters, decoder = base.filters, UNetXceptionConfig(filters=base.filters).decoder_filters

    def but(**changes: Any) -> NetworkConfig:
        return base.model_copy(update=changes)

    plain = but(block="conv", filters=plain_filters(filters), decoder=decoder)
    depth = len(filters)
    deeper = but(filters=(*filters, 2 * filters[-1]))
    return (
        Configuration(BASE, "separable convolution (base)", base),
        Configuration("inception", "Inception block", but(block="inception"), "figure-6", "area", "worse"),
        Configuration("convolution", "plain convolution", plain, "figure-6", "area"),
        Configuration("no-shortcut", "no shortcut", but(residual=False), "figure-9", claim="worse"),
        Configuration("relu", "ReLU in the middle", but(intermediate_activation="relu"), "figure-10", claim="worse"),
        Configuration("elu", "ELU in the middle", but(intermediate_activation="elu"), "figure-10", claim="worse"),
        Configuration(f"depth-{depth - 1}", f"depth {depth - 1}", but(filters=filters[:-1]), "depth"),
        Configuration(f"depth-{depth + 1}", f"depth {depth + 1}", deeper, "depth", claim="not better"),
    )
