"""Settings of a job on Ray: every worker computes like every other, with one thread."""

import importlib.util

from app.core.errors import ConfigurationError
from app.core.settings import Settings
from app.jobs.folder import Folder

GET_RAY = "install it with `pip install segserve[ray]`"


def ray_settings(settings: Settings, *folders: Folder) -> Settings:
    """The settings that a model is opened with, here and in each worker.

    One thread a worker, so that a picture has the same answer wherever it is computed.

    Raises:
        ConfigurationError: Ray is not installed, or workers could not see a folder.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigurationError(f"--ray needs Ray: {GET_RAY}")
    for folder in folders:
        if folder.url.startswith("memory://"):
            raise ConfigurationError(f"{folder.url} is of this process only: Ray's workers cannot see it")
    return settings.model_copy(update={"threads": 1, "streams": 1})
