"""Prints all tables as Markdown."""

import platform
from pathlib import Path

import click

from app.training.machine import processor


@click.command()
@click.option("--rounds", default=60, show_default=True, help="Counted rounds of each table.")
@click.option("--model-store", type=click.Path(path_type=Path, exists=True), default="model_store", show_default=True)
@click.option("--model", default="pets:production", show_default=True)
def main(rounds: int, model_store: Path, model: str) -> None:
    """Measure the engines and a request end to end."""
    from app.inference.tensorflow_runtime import import_tensorflow

    import_tensorflow()  # before Keras does, so that its messages stay out of the tables
    from benchmarks.graphs import graphs_table
    from benchmarks.request import request_table

    click.echo(f"{processor()}, Python {platform.python_version()}\n")
    click.echo("## One 160×160 picture\n")
    click.echo(graphs_table(rounds))
    click.echo("\n## A 500×375 JPEG to its mask over HTTP, one client\n")
    click.echo(request_table(model_store, model, rounds * 3))


if __name__ == "__main__":
    main()
