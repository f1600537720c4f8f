"""The command `segment`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.core.command_line import FAILED, INTERRUPTED, WRONG_USE, complain, json_option, progress, reports_errors
from app.store.commands.options import complete_model, store_option

if TYPE_CHECKING:
    from app.core.settings import Settings
    from app.jobs.summary import Summary

ARCHIVE = ".zip"
"""Several kinds of one picture go into a file whose name ends so, as the service sends them, else into a folder."""
BINARY = ("png", "npy", "zip")
"""Extensions of answers that no terminal should be sent."""


@click.command(epilog="Limits are those of the service: environment variables SEGSERVE_…, listed in the README.")
@click.argument("source", metavar="FILE|FOLDER|URL")
@click.option("--out", metavar="DIR|FILE|URL", help="Where answers go; of one picture without it: standard output.")
@click.option("--output", default="mask", show_default=True, metavar="KIND[,KIND…]", help="Kinds of answers.")
@click.option("--classes", metavar="NAME[,NAME…]", help="Classes to keep; pixels of others become 255.  [all]")
@click.option("--threshold", type=float, default=0.0, show_default=True, help="Less sure pixels become 255; 0 to 1.")
@click.option("--size", type=click.Choice(["model", "original"]), help="Of probabilities.  [model]")
@click.option("--tile", type=int, metavar="N", help="Show longer pictures in windows of N×N pixels.")
@click.option("--flip", is_flag=True, help="Mean with the mirror image: a little better, twice the work.")
@click.option("--components", is_flag=True, help="An entry for each connected component, not for each class.")
@click.option("--tolerance", type=float, metavar="PIXELS", help="By which outlines may be off.  [0]")
@click.option("--segmentation", type=click.Choice(["rle", "polygons"]), help="How coco writes regions.  [rle]")
@click.option("--from-name", metavar="NAME", help="Of label-studio: its BrushLabels control.  [tag]")
@click.option("--to-name", metavar="NAME", help="Of label-studio: its Image.  [image]")
@store_option
@click.option(
    "--model",
    metavar="NAME[:VERSION|ALIAS]",
    help="Model that answers.  [pets:production]",
    shell_complete=complete_model,
)
@click.option("--engine", metavar="auto|openvino|tensorflow", help="What computes the network.  [auto]")
@click.option("--device", metavar="auto|cpu|gpu", help="Where; gpu ends the job if there is none.  [auto]")
@click.option("--precision", metavar="float32|bfloat16", help="Arithmetic of the engine.  [float32]")
@click.option("--threads", type=int, help="Threads of inference.  [0: as many as there are CPUs]")
@click.option("--ray", is_flag=False, flag_value="", metavar="[ADDRESS]", help="On a Ray cluster; last, or --ray=….")
@click.option("--workers", type=click.IntRange(1), help="With --ray: most workers, of one CPU each.  [all CPUs]")
@click.option("--overwrite", is_flag=True, help="Begin anew in a folder that holds answers.")
@json_option
@reports_errors
def segment(source: str, **given: Any) -> None:
    """Segment a picture, or all pictures of a folder or bucket.

    The answer to a picture is what POST /segment answers to it, byte for byte. KIND is mask, overlay, cutout,
    probabilities, json, polygons, coco, label-studio, cvat, huggingface, yolo, or zip: all of them in an archive.

    In a folder each gets its files below DIR: a/cat.jpg becomes DIR/a/cat.jpg.mask.png; with coco there is one
    DIR/coco.json of all pictures, too. DIR/manifest.jsonl has a line for each picture, bad ones included. Stopped or
    killed at any moment, the same command goes on where it was.

    \b
    Examples:
      segserve segment cat.jpg > mask.png
      segserve segment cat.jpg --output overlay --out overlay.png
      segserve segment cat.jpg --output mask,coco --out both.zip
      segserve segment pictures --out masks
      segserve segment pictures --out answers --output mask,json --classes pet --threshold 0.6
      segserve segment pictures --out dataset --output coco --components
      segserve segment s3://bucket/pictures --out s3://bucket/masks --ray
      segserve segment pictures --out masks --ray=ray-head:6379 --workers 16

    \b
    Exit codes: 0 all pictures have their answers, 1 some have not or the job failed, 2 wrong use or
    configuration, 130 stopped by Ctrl-C or SIGTERM: what is done is kept.
    """
    from app.core.errors import ConfigurationError, InvalidParameterError, ModelNotFoundError

    try:
        code = _segment(source, given)
    except (ConfigurationError, InvalidParameterError, ModelNotFoundError) as error:
        complain(error.detail)
        raise SystemExit(WRONG_USE) from error
    if code:
        raise SystemExit(code)


def _segment(source: str, given: dict[str, Any]) -> int:
    from app.core.errors import ConfigurationError
    from app.core.settings import load_settings
    from app.core.telemetry import configure_logging

    names = ("model_store", "model", "engine", "device", "precision", "threads")
    settings = load_settings(**{name: given[name] for name in names})
    configure_logging(settings.log_format, "warning" if settings.log_level == "info" else settings.log_level)
    if given["workers"] is not None and given["ray"] is None:
        raise ConfigurationError("--workers goes with --ray")
    if _is_one_picture(source):
        _one(source, settings, given)
        return 0
    if given["out"] is None:
        raise ConfigurationError(f"{source}: for a folder --out says where its answers go")
    summary = _job(source, settings, given)
    click.echo(summary.to_json() if given["as_json"] else summary.text())
    if summary.stopped:
        return INTERRUPTED
    return FAILED if summary.failed else 0


def _is_one_picture(source: str) -> bool:
    """Whether it is a file.

    Raises:
        ConfigurationError: there is nothing of that name.
        FileUnreadableError: a bucket cannot be asked.
    """
    from app.core.errors import ConfigurationError, FileUnreadableError
    from app.jobs.folder import local_path
    from app.jobs.remote import RemoteFolder
    from app.jobs.single import is_web

    if source == "-" or is_web(source):
        return True
    path = local_path(source)
    if path is None:
        try:
            return RemoteFolder(source).is_file()
        except OSError as error:
            raise FileUnreadableError(f"{source}: {error}") from error
    if not path.exists():
        raise ConfigurationError(f"{source}: there is no such file or folder")
    return not path.is_dir()


def _one(source: str, settings: "Settings", given: dict[str, Any]) -> None:
    """Answers one picture."""
    from app.core.errors import ConfigurationError
    from app.inference.loaded import load_model
    from app.inference.outputs import OUTPUTS, parsed_outputs
    from app.jobs.options import segment_options
    from app.jobs.single import answered, name_of, write_answers
    from app.store.repository import ModelStore

    for name in ("ray", "as_json", "overwrite"):
        if given[name] not in (None, False):
            raise ConfigurationError(f"--{name.removeprefix('as_')} is for folders; {source} is one picture")
    output, _ = parsed_outputs(given["output"])
    out = None if given["out"] is None else Path(given["out"])
    if out is None and sys.stdout.isatty() and OUTPUTS[output].extension in BINARY:
        raise ConfigurationError("the answer is binary: redirect it to a file, or say --out FILE")
    data = _picture(source, settings)
    _require_store(settings)
    model = load_model(ModelStore(settings.model_store), settings.model, settings)
    options = segment_options(given, model.labels)
    packed = out is None or (out.suffix == ARCHIVE and not out.is_dir())
    found = answered(data, name_of(source), model, settings, options, packed)
    if found.lossy:
        complain(f"the answer does not hold all of the mask: {found.lossy}")
    if out is None:
        (content,) = found.files.values()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_answers(found, name_of(source), out)


def _picture(source: str, settings: "Settings") -> bytes:
    """Its bytes, from wherever it is."""
    from app.jobs.folder import open_folder
    from app.jobs.single import fetch, is_web, read_picture

    if source == "-":
        return sys.stdin.buffer.read(settings.max_bytes + 1)
    if is_web(source):
        return fetch(source, settings.max_bytes)
    return read_picture(open_folder(source), "", settings.max_bytes)


def _job(source: str, settings: "Settings", given: dict[str, Any]) -> "Summary":
    """Answers the pictures of a folder."""
    from app.inference.loaded import load_model
    from app.jobs.folder import open_folder
    from app.jobs.options import segment_options
    from app.jobs.plain import run_plain
    from app.jobs.task import Task
    from app.store.repository import ModelStore

    folders = open_folder(source), open_folder(given["out"])
    if given["ray"] is not None:
        from app.jobs.ray_settings import ray_settings

        settings = ray_settings(settings, *folders)
    _require_store(settings)
    model = load_model(ModelStore(settings.model_store), settings.model, settings)
    options = segment_options(given, model.labels)
    options.require_possible(model.labels, model.view())
    task = Task(folders[0].url, folders[1].url, options, model.identity)
    with progress("segmenting") as tell:
        if given["ray"] is None:
            return run_plain(task, model, settings, folders, given["overwrite"], tell)
        from app.jobs.ray_run import Cluster, run_on_ray

        cluster = Cluster(given["ray"] or None, given["workers"])
        return run_on_ray(task, model, settings, folders, given["overwrite"], tell, cluster)


def _require_store(settings: "Settings") -> None:
    """Says where a model is looked for in vain."""
    from app.core.errors import ConfigurationError

    if not settings.model_store.is_dir():
        raise ConfigurationError(f"model_store: there is no folder {settings.model_store}")
