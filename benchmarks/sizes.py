"""Which input size to serve a run at: quality on its validation pictures against work and time."""

import tempfile
from functools import partial
from pathlib import Path

import click
import numpy as np

from app.imaging.windows import View
from app.training.machine import processor
from app.training.timing import alternate


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True))
@click.option("--data", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
@click.option("--size", "sizes", type=int, multiple=True, default=(128, 160, 192, 224, 256), show_default=True)
@click.option("--rounds", default=60, show_default=True, help="Counted rounds of the timing.")
def main(run: Path, data: tuple[Path, ...], sizes: tuple[int, ...], rounds: int) -> None:
    """Print a table of input sizes for the network of RUN."""
    from app.inference.openvino_engine import OpenVinoEngine
    from app.inference.openvino_ir import write_openvino_ir
    from app.nn.rewrite import inference_graph
    from app.nn.summary import summarise
    from app.training.evaluation.candidate import validation_samples
    from app.training.evaluation.scoring import score_split
    from app.training.export import load_network
    from app.training.run import Run
    from app.training.sources.opening import open_sources

    folder, source = Run(run), open_sources(data)
    config = folder.config()
    samples = validation_samples(folder, source)
    scores, work, calls = {}, {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        for size in sizes:
            architecture = config.architecture(len(source.labels), size)
            graph = inference_graph(load_network(folder.best_network, architecture), architecture)
            results = score_split(graph.predict_on_batch, source, samples, View((size, size), config.resize))
            scores[size] = results.metrics(source.labels)
            work[size] = summarise(graph, architecture).totals.macs
            write_openvino_ir(graph, Path(temporary, str(size)))
            engine = OpenVinoEngine(Path(temporary, str(size), "model.xml"), (size, size), "float32", 1, 1)
            picture = np.random.default_rng(0).integers(0, 256, (1, size, size, 3)).astype(np.float32)
            calls[str(size)] = partial(engine.infer, picture)
        times = alternate(calls, rounds)
    click.echo(f"{run}, {len(samples)} validation pictures; {processor()}, OpenVINO float32, one thread\n")
    click.echo("| size | mean IoU | pet + border IoU | mean IoU with flip | million MACs | ms | times the first |")
    click.echo("|---|---|---|---|---|---|---|")
    first = float(np.median(times[str(sizes[0])]))
    for size, metrics in scores.items():
        flip = metrics.flip.mean_iou if metrics.flip else float("nan")
        milliseconds = float(np.median(times[str(size)]))
        click.echo(
            f"| {size} | {metrics.mean_iou:.4f} | {metrics.foreground_iou or float('nan'):.4f} | {flip:.4f} "
            f"| {work[size] / 1e6:.0f} | {milliseconds:.1f} | {milliseconds / first:.2f} |"
        )


if __name__ == "__main__":
    main()
