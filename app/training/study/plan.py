"""What a study is made of: in each block every network once, with the block's seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from app.core.errors import TrainingError
from app.training.config import TrainingConfig
from app.training.study.configurations import Configuration
from app.training.study.outcome import StudyRun


@dataclass(frozen=True)
class Study:
    """All runs of a study.

    Args:
        config: of every run, but for network and seed.
        folder: of the study.
        networks: what is compared, the base first.
        runs: in the order they are made: block by block, so that every finished block stands alone.
    """

    config: TrainingConfig
    folder: Path
    networks: tuple[Configuration, ...]
    runs: tuple[StudyRun, ...]

    def block(self, number: int) -> tuple[StudyRun, ...]:
        """The runs of one block."""
        return tuple(run for run in self.runs if run.block == number)


def plan(config: TrainingConfig, networks: Sequence[Configuration], folder: Path, blocks: int) -> Study:
    """Lays out the runs.

    Within a block all runs see the same pictures in the same order, for these are functions of the seed. The pictures
    that are validated on are the same in all blocks, for they hang on `split_seed`.

    Args:
        config: of every run, but for its network; its seed is that of the first block.
        networks: what is compared, the base first.
        folder: of the study.
        blocks: how many.

    Raises:
        TrainingError: the length is given in epochs, or a network does not fit the size.
    """
    if config.steps is None:
        raise TrainingError("epochs: the study compares by gradient step; give `steps`, for example --set steps=1250")
    for network in networks:
        _require_fit(network, config)
    runs = [
        StudyRun(
            folder / f"block-{block}" / network.name,
            config.model_copy(update={"seed": config.seed + block, "network": network.network}),
            network.name,
            block,
        )
        for block in range(blocks)
        for network in networks
    ]
    return Study(config, folder, tuple(networks), tuple(runs))


def _require_fit(network: Configuration, config: TrainingConfig) -> None:
    try:
        TrainingConfig.model_validate(config.model_dump() | {"network": network.network.model_dump()})
    except ValidationError as error:
        raise TrainingError(f"{network.title}: {'; '.join(item['msg'] for item in error.errors())}") from error
