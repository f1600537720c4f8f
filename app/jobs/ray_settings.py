"""Settings of a job on Ray: every worker computes like every other, with one thread."""

import importlib.util
import socket

from app.core.errors import ConfigurationError
from app.core.settings import Settings
from app.jobs.folder import Folder

REACH_SECONDS = 10.0
"""Longest wait for a cluster's head to take a connection."""
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


def require_somebody_at(address: str) -> None:
    """Passes where something listens; Ray itself would try for minutes. Addresses without a port are Ray's to find.

    Raises:
        OSError: nothing does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        if int(port) > 65535:
            raise OSError(f"there is no port {port}")
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
