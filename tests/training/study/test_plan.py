from pathlib import Path

import pytest

from app.core.errors import TrainingError
from app.training.config import load_config
from app.training.study.configurations import configurations
from app.training.study.plan import plan
from tests.training.study.drawn_study import tiny_study


def test_block_by_block_each_network_once(tmp_path: Path) -> None:
    study = tiny_study(tmp_path, blocks=3)
    names = [network.name for network in study.networks]
    assert [(run.block, run.configuration) for run in study.runs] == [(b, name) for b in range(3) for name in names]
    assert [run.configuration for run in study.block(1)] == names
    assert {run.run.folder for run in study.block(2)} == {tmp_path / "block-2" / name for name in names}
    for run, network in zip(study.block(0), study.networks, strict=True):
        assert run.config.network == network.network


def test_runs_differ_in_network_and_seed_alone(tmp_path: Path) -> None:
    study = tiny_study(tmp_path, blocks=2)
    for run in study.runs:
        assert run.config.seed == run.block
        assert run.config.model_copy(update={"seed": 0, "network": study.config.network}) == study.config


def test_more_blocks_leave_the_first_ones_as_they_were(tmp_path: Path) -> None:
    few, more = tiny_study(tmp_path, blocks=2), tiny_study(tmp_path, blocks=3)
    assert [(run.run.folder, run.config) for run in more.runs[: len(few.runs)]] == [
        (run.run.folder, run.config) for run in few.runs
    ]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["epochs=2"], "compares by gradient step; give `steps`"),
        (["steps=2", "size=48"], r"depth 4: .*multiples of 32"),
        (["steps=2", "batch_size=3", "network.filters=[32, 64, 128]"], "plain convolution: .*batch_size must be even"),
    ],
)
def test_what_cannot_be_planned(tmp_path: Path, overrides: list[str], message: str) -> None:
    config = load_config(None, overrides)
    with pytest.raises(TrainingError, match=message):
        plan(config, configurations(config.network), tmp_path, 1)
    assert not list(tmp_path.iterdir())
