import importlib.util
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.core.errors import ConfigurationError
from app.core.settings import Settings
from app.jobs.local import LocalFolder
from app.jobs.ray_settings import ray_settings, require_somebody_at


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install segserve\[ray\]"):
        ray_settings(Settings())


def test_every_worker_computes_with_one_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    settings = ray_settings(Settings(threads=8, streams=2), LocalFolder(tmp_path))
    assert (settings.threads, settings.streams) == (1, 1)
    with pytest.raises(ConfigurationError, match="workers cannot see it"):
        ray_settings(Settings(), SimpleNamespace(url="memory://a"))


@pytest.mark.parametrize("address", ["local", "auto", "head", "{}", "ray://{}"])
def test_somebody_listens_or_ray_has_to_look(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        require_somebody_at(address.format(f"127.0.0.1:{server.getsockname()[1]}"))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "[::1]:9", "127.0.0.1:99999"])
def test_nobody_listens(address: str) -> None:
    with pytest.raises(OSError, match=r"refused|no port|Cannot assign"):
        require_somebody_at(address)
