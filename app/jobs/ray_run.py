"""A job on a Ray cluster: Ray Data hands files to workers, and again where a worker or a node is lost."""

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from types import FrameType
from typing import Any

from app.core.errors import JobError
from app.core.settings import Settings
from app.inference.cpus import available_cpus
from app.inference.loaded import LoadedModel
from app.jobs.folder import Folder
from app.jobs.plain import SIGNALS, Tell
from app.jobs.plan import Plan, finish, make_plan, writing
from app.jobs.ray_settings import require_somebody_at
from app.jobs.row import Row
from app.jobs.shipping import pack
from app.jobs.summary import Summary, summarise
from app.jobs.task import Task, shared_settings
from app.jobs.worker import Orders, Worker, file_line, row_of

BATCH = 64
"""Files that a worker is given at a time, and that are done again at most where it is lost with them."""
MOST_BLOCKS = 10_000
"""What Ray Data plans with; of more files there are more in a block."""
OBJECT_STORE_BYTES = 200_000_000
"""Of a Ray that is started for the job alone: it holds lines and the model, never a picture."""


@dataclass(frozen=True)
class Cluster:
    """Where a job runs.

    Args:
        address: of the cluster; None: the one that `RAY_ADDRESS` names, else one of this machine for this job.
        workers: most workers; None: one for each CPU.
    """

    address: str | None = None
    workers: int | None = None


def run_on_ray(
    task: Task,
    model: LoadedModel,
    settings: Settings,
    folders: tuple[Folder, Folder],
    overwrite: bool,
    tell: Tell,
    cluster: Cluster,
) -> Summary:
    """Does the whole job, or what is left of it, on a cluster.

    Args:
        task: what to do.
        model: the model as each worker will have it; closed before they begin.
        settings: those of `ray_settings`.
        folders: of pictures and of answers.
        overwrite: whether to begin anew in a folder that holds another job's answers.
        tell: is told how far it is.
        cluster: where.

    Raises:
        ConfigurationError, JobError: it cannot begin or go on; what is done is kept.
        KeyboardInterrupt: Ctrl-C or SIGTERM; what is done is kept.
    """
    started = time.monotonic()
    source, target = folders
    orders = Orders(
        task, model.version, shared_settings(settings, engine=model.identity.engine, device=model.selection.device)
    )
    package = pack(model)
    model.close()
    with writing(target):
        plan = make_plan(task, source, target, overwrite)
        rows: list[Row] = []
        if plan.entries:
            # Ray tells of lost workers on standard output, which is the summary's, and handles SIGTERM by itself.
            with redirect_stdout(sys.stderr), _connected(cluster), _interrupted_by_signals():
                for row in _rows(plan, orders, package, cluster.workers):
                    rows.append(row)
                    tell(len(rows), len(plan.entries))
        known = finish(plan, rows, target)
    return summarise(task, known, plan.resumed, plan.passed, time.monotonic() - started, stopped=False)


def _rows(plan: Plan, orders: Orders, package: dict[str, bytes], workers: int | None) -> Iterator[Row]:
    """What came of each file, as workers are ready with them.

    Raises:
        JobError: a worker cannot go on, or Ray cannot.
    """
    import ray

    gpus = 1 if orders.settings["device"] == "gpu" else 0
    blocks = min(MOST_BLOCKS, -(-len(plan.entries) // BATCH))
    shipped = ray.put(package)  # held here, for workers that are begun anew
    most = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    try:
        files = ray.data.from_items([{"file": file_line(each)} for each in plan.entries], override_num_blocks=blocks)
        found = files.map_batches(
            RayWorker,
            fn_constructor_args=(orders, shipped),
            batch_size=BATCH,
            batch_format="numpy",
            num_cpus=1,
            num_gpus=gpus,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most),
        )
        for each in found.iter_rows():
            yield row_of(each["row"])
    except (ray.exceptions.RayError, OSError) as error:
        raise JobError(f"Ray: {_last_line(error)}; what is done is kept, the same command goes on") from error


class RayWorker:
    """`Worker` as Ray Data calls it.

    Args:
        orders: what to do.
        package: the model in Ray's object store.
    """

    def __init__(self, orders: Orders, package: Any) -> None:
        import ray

        self._worker = Worker(orders, ray.get(package))

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Lines of files to lines of the manifest."""
        return {"row": self._worker.segment([str(line) for line in batch["file"]])}


@contextmanager
def _connected(cluster: Cluster) -> Iterator[None]:
    """Joins a cluster, or starts one of this machine that ends with the block.

    Raises:
        JobError: it cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    import ray.data

    begun = not ray.is_initialized()
    if begun:
        own: dict[str, Any] = {}
        if cluster.address is None and "RAY_ADDRESS" not in os.environ:
            own = {
                "address": "local",
                "num_cpus": available_cpus(),
                "object_store_memory": OBJECT_STORE_BYTES,
                "include_dashboard": False,
            }
        elif cluster.address is not None:
            own = {"address": cluster.address}
        where = cluster.address or os.environ.get("RAY_ADDRESS")
        try:
            require_somebody_at(where or "local")
            ray.init(log_to_driver=False, logging_level="ERROR", **own)
        except Exception as error:  # Ray raises it bare where a node does not start
            what = f"Ray at {where} cannot be reached" if where else "Ray cannot be started"
            raise JobError(f"{what}: {_last_line(error)}") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    try:
        yield
    finally:
        if begun:
            ray.shutdown()


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """SIGTERM as Ctrl-C: workers end with their driver. Ctrl-C counts, too, where it was ignored, as behind `&`."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
