"""A study whose outcomes are drawn, not trained: scores of every run, and folders that hold them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from app.training.config import TrainingConfig, load_config
from app.training.run import Run, RunData
from app.training.study.configurations import Configuration, configurations
from app.training.study.plan import Study, plan
from app.training.study.record import Cost, Outcome, SplitScores, StudyRecord

PICTURES = 30
STEPS = (10, 20, 30)
TINY_STUDY = [
    *("steps=2", "size=32", "stored_size=40", "batch_size=8", "learning_rate=0.01", "network.filters=[8, 8]"),
    *("batchnorm_batches=2", "validation_pictures=6", 'validation_masks="own"', "validate_every=1"),
    *("augmentation.scale_min=0.8", "split_seed=7"),
]
GAINS = {"no-shortcut": -0.1, "inception": -0.03}
"""How much better than the base each network is; those not named are about as good."""


def tiny_config() -> TrainingConfig:
    return load_config(None, TINY_STUDY)


def tiny_study(folder: Path, blocks: int, networks: int = 8) -> Study:
    config = tiny_config()
    return plan(config, configurations(config.network)[:networks], folder, blocks)


def drawn_outcome(name: str, block: int, gains: Mapping[str, float] = GAINS, noise: float = 0.004) -> Outcome:
    """Scores around .6 that rise over three validations; single pictures and seeds scatter them a little."""
    random = np.random.default_rng([block, *name.encode()])
    height = 0.6 + 0.02 * block + gains.get(name, 0.0) + noise * random.normal()
    curve = [round(height - fall, 6) for fall in (0.2, 0.05, 0.0)]
    left_out = height + random.normal(0, 1e-4, PICTURES)
    iou = {"pet": round(height, 6), "border": None}
    scores = SplitScores(mean_iou=curve[-1], iou=iou, cross_entropy=round(1 - height, 6))
    return Outcome(
        configuration=name,
        block=block,
        steps=STEPS,
        mean_iou=tuple(curve),
        cross_entropy=tuple(round(1 - score, 6) for score in curve),
        validation=scores,
        training=scores.model_copy(update={"mean_iou": round(height + 0.05, 6)}),
        left_out=tuple(left_out.tolist()),
        left_out_area=tuple((left_out - 0.075).tolist()),
    )


def drawn_cost(network: Configuration) -> Cost:
    return Cost(
        name=network.name,
        title=network.title,
        question=network.question,
        measure=network.measure,
        claim=network.claim,
        parameters=2_000_000,
        encoder_parameters=180_000,
        separable_parameters=130_000,
        macs=230_000_000,
    )


def drawn_record(blocks: int = 3, gains: Mapping[str, float] = GAINS) -> StudyRecord:
    config = tiny_config()
    networks = configurations(config.network)
    return StudyRecord(
        training=config.model_dump(mode="json"),
        fingerprint="0123456789abcdef",
        pictures={"training": 1500, "validation": PICTURES},
        machines=("a CPU",),
        costs=tuple(map(drawn_cost, networks)),
        outcomes=tuple(drawn_outcome(n.name, block, gains) for block in range(blocks) for n in networks),
    )


def write_outcomes(study: Study) -> None:
    """The folders of all runs, as if they had been made."""
    for run in study.runs:
        run.run.open(run.config)
        write_facts(run.run)
        (run.run.folder / "outcome.json").write_text(drawn_outcome(run.configuration, run.block).model_dump_json())


def write_facts(run: Run, fingerprint: str = "abc", names: tuple[str, ...] = ("a", "b")) -> None:
    """What a finished run keeps beside its outcome."""
    run.write_validation(list(names))
    run.write_machine("a CPU")
    run.write_data(
        RunData(fingerprint=fingerprint, training=22, validation=len(names), classes=("pet", "background", "border"))
    )
    run.write_history([{"step": 1.0}])
