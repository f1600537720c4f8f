"""Prints all tables as Markdown."""

import os
import platform
from pathlib import Path

import click


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

    click.echo(f"{os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}\n")
    click.echo("## One 160×160 picture\n")
    click.echo(graphs_table(rounds))
    click.echo("\n## A 500×375 JPEG to its mask over HTTP, one client\n")
    click.echo(request_table(model_store, model, rounds * 3))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    flags = next((line for line in lines if line.startswith("flags")), "")
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    wide = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16") if f" {flag}" in flags]
    return f"{name} ({', '.join(wide)})"


if __name__ == "__main__":
    main()
