"""What a trained network is worth to somebody with few pictures: cats teach dogs, against no teacher at all."""

import json
from pathlib import Path

import click
import numpy as np

DOGS = "oxford/*/2 *"
CATS = ("feral", "kitty", "oxford/*/1 *")


@click.command()
@click.option("--config", type=click.Path(path_type=Path, exists=True), default="configs/finetuning.toml")
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), default="runs/finetuning", show_default=True)
@click.option("--pictures", "counts", type=int, multiple=True, default=(50, 200), show_default=True)
@click.option("--draws", default=3, show_default=True)
@click.option("--steps", default=500, show_default=True, help="Of each run on dogs.")
@click.option("--cat-steps", default=2500, show_default=True, help="Of the run on cats.")
def main(config: Path, data: Path, out: Path, counts: tuple[int, ...], draws: int, steps: int, cat_steps: int) -> None:
    """Train on cats alone, then on few dogs, with and without what the cats taught; print scores on dogs.

    The runs lie in OUT; started again, finished ones are not made again and a stopped one goes on.
    """
    cats = out / "cats"
    _train(
        config, data, cats, [f"select={json.dumps(CATS)}", f"steps={cat_steps}", f"validate_every={cat_steps}"], None
    )
    click.echo("| dogs to train on | from scratch | from cats | gain | each draw |\n|---|---|---|---|---|")
    for count in counts:
        scores: dict[str, list[float]] = {"scratch": [], "cats": []}
        for draw in range(draws):
            chosen = [f"select={json.dumps([DOGS])}", f"pictures={count}", f"seed={draw}"]
            for way, init in (("scratch", None), ("cats", cats)):
                run = out / f"{way}-{count}-{draw}"
                rate = ["learning_rate=1e-3"] if init else []
                _train(config, data, run, [*chosen, f"steps={steps}", f"validate_every={steps}", *rate], init)
                scores[way].append(_score(data, run))
        gains = np.subtract(scores["cats"], scores["scratch"])
        each = ", ".join(f"{gain:+.3f}" for gain in gains)
        means = " | ".join(f"{np.mean(scores[way]):.3f}" for way in ("scratch", "cats"))
        click.echo(f"| {count} | {means} | {gains.mean():+.3f} | {each} |")
    click.echo(f"| 0, cats alone | | {_score(data, cats):.3f} | | |")


def _train(config: Path, data: Path, folder: Path, overrides: list[str], init: Path | None) -> None:
    """Makes a run, or goes on with it."""
    from app.store.repository import ModelStore
    from app.training.config import load_config
    from app.training.fit import Fit
    from app.training.run import Run
    from app.training.sources.opening import open_source

    run = Run(folder)
    if run.last_network.exists():
        return
    settings = load_config(config, overrides)
    if init is not None:
        settings = settings.model_copy(update={"init": str(init)})
    Fit(open_source(data), settings, run, store=ModelStore(Path())).go(lambda step, steps, loss: None)


def _score(data: Path, folder: Path) -> float:
    """Mean IoU of the run's last network on the dogs among the pictures that it kept apart."""
    from app.store.repository import ModelStore
    from app.training.evaluation.candidate import open_candidate, validation_samples
    from app.training.evaluation.pictures import evaluate_pictures, total_scores
    from app.training.run import Run
    from app.training.sources.opening import open_source

    source = open_source(data)
    network = open_candidate(str(folder), source.labels, ModelStore(Path()), size=160, last=True)
    dogs = [sample for sample in validation_samples(Run(folder), source) if sample.matches(DOGS)]
    return total_scores(evaluate_pictures(network.predict, source, dogs, network.view), source.labels).mean_iou


if __name__ == "__main__":
    main()
