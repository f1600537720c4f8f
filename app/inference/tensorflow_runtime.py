"""TensorFlow, imported when it is needed and set up before it initialises."""

import logging
import os
from typing import Any

from app.inference.engine import DeviceName

logger = logging.getLogger(__name__)


def import_tensorflow() -> Any:
    """The `tensorflow` package; its C++ side logs errors only, unless `TF_CPP_MIN_LOG_LEVEL` says otherwise."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow

    # This pass of TensorFlow fails on sums with two readers, as our blocks have: an alarming line, no gain.
    tensorflow.config.optimizer.set_experimental_options({"remapping": False})
    return tensorflow


def tensorflow_gpus() -> int:
    """Number of GPUs that TensorFlow can use; imports it."""
    return len(import_tensorflow().config.list_physical_devices("GPU"))


def set_up_tensorflow(device: DeviceName, threads: int, streams: int) -> int:
    """Sets device, memory and threads; the first call in a process decides, for TensorFlow takes them only once.

    GPU memory is taken as needed instead of all at once. TF32 is switched off: it rounds the factors of convolutions to
    10 bits, and the same picture would get another mask on another machine.

    Args:
        device: on `cpu` GPUs are hidden, so that no memory is taken on them.
        threads: CPUs to use, all streams together.
        streams: calls side by side; each gets its share of the threads.

    Returns:
        the threads that TensorFlow really uses.
    """
    config = import_tensorflow().config
    try:
        if device == "cpu":
            config.set_visible_devices([], "GPU")
        else:
            for gpu in config.list_physical_devices("GPU"):
                config.experimental.set_memory_growth(gpu, True)
            config.experimental.enable_tensor_float_32_execution(False)
        config.threading.set_intra_op_parallelism_threads(max(1, threads // streams))
        config.threading.set_inter_op_parallelism_threads(streams)
    except RuntimeError:
        logger.info("TensorFlow already runs in this process and keeps its devices and threads")
    within = config.threading.get_intra_op_parallelism_threads()
    between = config.threading.get_inter_op_parallelism_threads()
    return within * between or os.cpu_count() or 1
